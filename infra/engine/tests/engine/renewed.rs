//! Folders that a server numbers anew (another UIDVALIDITY) in the middle of a pass: nothing is skipped, doubled or lost.

use anyhow::{Result, ensure};
use mailvan::domain::Pass;
use mailvan::sync::Mailbox;
use mailvan_engine::MemoryLedger;
use mailvan_local::dovecot::Options;
use mailvan_local::proxy::{Cut, Direction, Ending, Network, Proxy};

use crate::odd_server::{Message, Odd, OddServer};
use crate::restarts::make_anew;
use crate::servers::{between, pass};
use crate::unreadable::{copied, letter};
use crate::users::Pair;

fn letters(count: u32) -> Vec<Message> {
    (1..=count).map(letter).collect()
}

/// Between two servers, in chunks of ten messages.
fn in_tens(source: &OddServer, destination: &OddServer) -> Result<Mailbox<MemoryLedger>> {
    let mut mailbox = between(source, destination)?;
    mailbox.limits.lanes = 1;
    mailbox.limits.chunk_messages = 10;
    mailbox.limits.batch_messages = 5;
    Ok(mailbox)
}

fn ensure_no_folder_is_skipped(mailbox: &Mailbox<MemoryLedger>) -> Result<()> {
    let folders = mailbox.ledger.all_folders();
    let errors: Vec<_> = folders.iter().filter_map(|folder| folder.error.clone()).collect();
    ensure!(errors.is_empty(), "{errors:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_numbered_anew_at_the_source_is_planned_anew_within_the_pass() -> Result<()> {
    for last in [1, 7, 10, 23, 40] {
        let odd = Odd {
            renumbered_after: Some(last),
            ..Odd::default()
        };
        let source = OddServer::start(odd, &[("INBOX", letters(40)), ("Other", letters(3))]).await?;
        let destination = OddServer::start(Odd::default(), &[]).await?;
        let mailbox = in_tens(&source, &destination)?;
        let broken = pass(&mailbox, Pass::First).await;
        ensure!(broken.is_err(), "{last}: the session should have ended");
        mailbox.ledger.end_leases();
        pass(&mailbox, Pass::First).await?;
        assert_eq!(copied(&destination, "INBOX"), (1..=40).collect::<Vec<_>>(), "{last}");
        assert_eq!(copied(&destination, "Other"), [1, 2, 3]);
        ensure_no_folder_is_skipped(&mailbox)?;
        let chunks = mailbox.ledger.all_chunks();
        let messages: i64 = chunks.iter().map(|chunk| chunk.messages).sum();
        let counted: i64 = chunks.iter().map(|chunk| chunk.counted.0).sum();
        assert_eq!((messages, counted), (43, 43), "{last}");
        pass(&mailbox, Pass::Final).await?;
        assert_eq!(copied(&destination, "INBOX"), (1..=40).collect::<Vec<_>>(), "{last}");
    }
    Ok(())
}

/// What the user has removed here meanwhile stays away.
#[tokio::test(flavor = "multi_thread")]
async fn folder_numbered_anew_brings_nothing_back() -> Result<()> {
    let odd = Odd {
        renumbered_after: Some(25),
        ..Odd::default()
    };
    let source = OddServer::start(odd, &[("INBOX", letters(40))]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let mailbox = in_tens(&source, &destination)?;
    ensure!(pass(&mailbox, Pass::First).await.is_err());
    destination.remove("INBOX", 3);
    mailbox.ledger.end_leases();
    pass(&mailbox, Pass::First).await?;
    let others: Vec<u32> = (1..=40).filter(|uid| *uid != 3).collect();
    assert_eq!(copied(&destination, "INBOX"), others);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_numbered_anew_at_the_destination_is_matched_within_the_pass() -> Result<()> {
    let odd = Odd {
        renumbered_after: Some(23),
        ..Odd::default()
    };
    let source = OddServer::start(odd, &[("INBOX", letters(40))]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let mailbox = in_tens(&source, &destination)?;
    ensure!(pass(&mailbox, Pass::First).await.is_err());
    // Both sides at once.
    destination.renumber();
    mailbox.ledger.end_leases();
    pass(&mailbox, Pass::First).await?;
    assert_eq!(copied(&destination, "INBOX"), (1..=40).collect::<Vec<_>>());
    ensure_no_folder_is_skipped(&mailbox)
}

/// A server that never keeps its UIDs is given up, in words, and the other folders are none the worse.
#[tokio::test(flavor = "multi_thread")]
async fn folder_that_is_another_one_each_time_ends_with_a_clear_fault() -> Result<()> {
    let source = OddServer::start(Odd::default(), &[("INBOX", letters(10))]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let mailbox = in_tens(&source, &destination)?;
    source.set(|odd| odd.is_unsteady = true);
    pass(&mailbox, Pass::First).await?;
    let folders = mailbox.ledger.all_folders();
    let error = folders[0].error.clone().unwrap_or_default();
    ensure!(error.contains("numbered the messages of INBOX anew"), "{error}");
    source.set(|odd| odd.is_unsteady = false);
    pass(&mailbox, Pass::Final).await?;
    assert_eq!(copied(&destination, "INBOX"), (1..=10).collect::<Vec<_>>());
    Ok(())
}

/// The line breaks in the middle of the folder, which is then made anew on either side of two Dovecots.
#[tokio::test(flavor = "multi_thread")]
async fn folder_made_anew_on_either_side_while_it_is_copied_is_there_once() -> Result<()> {
    for at_source in [true, false] {
        let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
        for number in 0..40 {
            pair.there.deliver("Projekte", &format!("plan {number}"), &[])?;
        }
        let destination = Proxy::start(pair.servers.destination.address(), Network::default())?;
        let mut mailbox = pair
            .servers
            .mailbox_between(pair.servers.source.port(), destination.port())?;
        (mailbox.limits.chunk_messages, mailbox.limits.batch_messages) = (10, 4);
        mailbox.limits.lanes = 1;
        let cut = Cut {
            after_bytes: 4_500,
            direction: Direction::ToServer,
            ending: Ending::Reset,
            each: true,
        };
        destination.set_network(Network {
            cut: Some(cut),
            ..Network::default()
        });
        ensure!(pass(&mailbox, Pass::First).await.is_err(), "the line held");
        destination.set_network(Network::default());
        mailbox.ledger.end_leases();
        let before = pair.here.all("Projekte")?.len();
        ensure!((1..40).contains(&before), "{before} were there: the test shows nothing");
        make_anew(if at_source { &mut pair.there } else { &mut pair.here }, "Projekte")?;
        pass(&mailbox, Pass::First).await?;
        ensure!(pair.here.all("Projekte")?.len() == 40, "at the source: {at_source}");
        for number in 0..40 {
            ensure!(
                pair.here.count("Projekte", &format!("plan {number}"))? == 1,
                "plan {number}"
            );
        }
        ensure_no_folder_is_skipped(&mailbox)?;
        pass(&mailbox, Pass::Final).await?;
        ensure!(pair.here.all("Projekte")?.len() == 40);
    }
    Ok(())
}
