//! Copying, with servers that can do little and lines that break anywhere.

use std::time::Duration;

use anyhow::{Result, ensure};
use mailvan::clock::Deadline;
use mailvan::domain::Pass;
use mailvan::profile::Limits;
use mailvan::store::{Doing, Pace, Step};
use mailvan::sync::Mailbox;
use mailvan_engine::{MemoryLedger, run_pass};
use mailvan_local::dovecot::{Layout, Options};
use mailvan_local::proxy::{Cut, Direction, Ending, Network, Proxy};
use mailvan_local::samples::{office, small};

use crate::servers::{Servers, pass};

/// Small batches and chunks, so that little mail is much work.
fn in_small_steps(mailbox: Mailbox<MemoryLedger>) -> Mailbox<MemoryLedger> {
    let limits = Limits {
        batch_messages: 20,
        chunk_messages: 70,
        ..mailbox.limits
    };
    Mailbox { limits, ..mailbox }
}

fn hiding(name: &str, capabilities: &[&str]) -> Options {
    Options {
        hidden_capabilities: capabilities.iter().map(|&capability| capability.to_owned()).collect(),
        ..Options::new(name)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_appending_copies_the_same() -> Result<()> {
    for hidden in [
        &["UIDPLUS"][..],
        &["MULTIAPPEND"],
        &["LITERAL+"],
        &["LITERAL+", "MULTIAPPEND"],
        &["LITERAL+", "MULTIAPPEND", "UIDPLUS"],
    ] {
        let servers = Servers::with(Options::new("previous"), hiding("provider", hidden), office(150, 7))?;
        let mailbox = in_small_steps(servers.mailbox()?);
        pass(&mailbox, Pass::First).await?;
        let comparison = servers.compare()?;
        ensure!(comparison.is_identical(), "{hidden:?}: {comparison}");
    }
    Ok(())
}

/// The line breaks after other amounts of bytes each time, now at the source, now at the
/// destination; whoever comes next finds out what had arrived.
#[tokio::test(flavor = "multi_thread")]
async fn lines_that_break_anywhere_lose_and_double_nothing() -> Result<()> {
    for (hidden, seed) in [(&[][..], 1_u64), (&["UIDPLUS"], 2), (&["MULTIAPPEND", "LITERAL+"], 3)] {
        let servers = Servers::with(
            Options::new("previous"),
            hiding("provider", hidden),
            small("pier@harbour.example", "Dalben 4", 800, seed),
        )?;
        let source = Proxy::start(servers.source.address(), Network::default())?;
        let destination = Proxy::start(servers.destination.address(), Network::default())?;
        let mailbox = in_small_steps(servers.mailbox_between(source.port(), destination.port())?);
        let (mut random, mut breaks) = (seed * 7919 + 17, 0);
        while breaks < 60 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let roll = random >> 33;
            // Mail flows from the source and to the destination; little comes back.
            let (broken, direction, most) = match roll % 5 {
                0 | 1 => (&source, Direction::ToClient, 50_000),
                2 | 3 => (&destination, Direction::ToServer, 50_000),
                _ => (&destination, Direction::ToClient, 2_500),
            };
            let cut = Cut {
                after_bytes: (roll >> 8) % most,
                direction,
                ending: if roll.is_multiple_of(2) {
                    Ending::Close
                } else {
                    Ending::Reset
                },
                each: true,
            };
            broken.set_network(Network {
                cut: Some(cut),
                ..Network::default()
            });
            let done = pass(&mailbox, Pass::First).await;
            broken.set_network(Network::default());
            mailbox.ledger.end_leases();
            if done.is_ok() {
                break;
            }
            breaks += 1;
            // What the server had received it has stored by then.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        ensure!(breaks > 5, "the lines held: the test shows nothing");
        pass(&mailbox, Pass::First).await?;
        let chunks = mailbox.ledger.all_chunks();
        let left_out: Vec<_> = chunks.iter().flat_map(|chunk| &chunk.exceptions).collect();
        ensure!(left_out.is_empty(), "{hidden:?}, {breaks} breaks: {left_out:?}");
        let comparison = servers.compare()?;
        ensure!(comparison.is_identical(), "{hidden:?}, {breaks} breaks: {comparison}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_messages_are_named_and_all_others_are_copied() -> Result<()> {
    let destination = Options {
        layout: Layout::english().with_separator('.', "INBOX."),
        quota_kib: Some(1 << 20),
        largest_message_kib: Some(64),
        ..Options::new("provider")
    };
    let source = Options {
        layout: Layout::german(),
        ..Options::new("previous")
    };
    let servers = Servers::with(source, destination, office(200, 11))?;
    let mailbox = servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    let chunks = mailbox.ledger.all_chunks();
    let refused: usize = chunks.iter().map(|chunk| chunk.exceptions.len()).sum();
    let too_large = |message: &&mailvan_local::imap_client::Append| message.bytes.len() > 64 << 10;
    let messages = servers.account.folders.iter().flat_map(|folder| &folder.messages);
    let expected = messages.filter(too_large).count();
    ensure!(expected > 1, "no message is too large: the test shows nothing");
    ensure!(refused == expected, "{refused} refused, {expected} too large");
    let comparison = servers.compare()?;
    ensure!(comparison.differences.len() == expected, "{comparison}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn full_mailbox_stops_for_a_person() -> Result<()> {
    let destination = Options {
        quota_kib: Some(300),
        ..Options::new("provider")
    };
    let servers = Servers::with(Options::new("previous"), destination, office(200, 11))?;
    let mailbox = servers.mailbox()?;
    let error = pass(&mailbox, Pass::First).await.unwrap_err().to_string();
    ensure!(error.contains("full"), "{error}");
    Ok(())
}

/// Six megabytes need twenty seconds on this line, and a run has six.
#[tokio::test(flavor = "multi_thread")]
async fn message_too_large_for_a_slow_line_is_named_and_all_others_are_copied() -> Result<()> {
    let servers = Servers::start(office(60, 5))?;
    let slow = Network {
        bandwidth: Some(300_000),
        ..Network::default()
    };
    let source = Proxy::start(servers.source.address(), slow)?;
    let mailbox = servers.mailbox_between(source.port(), servers.destination.port())?;
    let run = async || run_pass(&mailbox, Pass::First, Deadline::after(Duration::from_secs(6))).await;
    let mut runs = 1;
    while run().await.is_err() {
        runs += 1;
        ensure!(runs < 20, "the pass does not end");
        mailbox.ledger.end_leases();
    }
    let chunks = mailbox.ledger.all_chunks();
    let exceptions: Vec<_> = chunks.iter().flat_map(|chunk| &chunk.exceptions).collect();
    ensure!(
        matches!(&exceptions[..], [only] if only.code == "TOOSLOW"),
        "{exceptions:?}"
    );
    let comparison = servers.compare()?;
    ensure!(comparison.differences.len() == 1, "{comparison}");
    Ok(())
}

/// Whoever watches a mailbox learns at which folder its lane is, and how fast, every few seconds.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_done_is_told_while_it_is_done() -> Result<()> {
    let servers = Servers::with(
        Options::new("previous"),
        Options::new("provider"),
        small("slip@harbour.example", "Helling-3", 300, 5),
    )?;
    let slow = Network {
        bandwidth: Some(150_000),
        ..Network::default()
    };
    let source = Proxy::start(servers.source.address(), slow)?;
    let mailbox = in_small_steps(servers.mailbox_between(source.port(), servers.destination.address().port())?);
    let limits = Limits {
        lanes: 1,
        ..mailbox.limits
    };
    let mailbox = Mailbox { limits, ..mailbox };
    pass(&mailbox, Pass::First).await?;
    let told = mailbox.ledger.doings();
    let titles: Vec<String> = mailbox
        .ledger
        .all_folders()
        .into_iter()
        .map(|folder| folder.title)
        .collect();
    ensure!(told.iter().all(|doing| titles.contains(&doing.folder)), "{told:?}");
    let is_copying = |doing: &Doing| (doing.pass, doing.step) == (Pass::First, Step::Copying);
    ensure!(told.iter().all(is_copying), "{told:?}");
    // The line's speed is the source's; what is on its way from there is not there yet.
    let paces: Vec<Pace> = told.iter().filter_map(|doing| doing.pace).collect();
    ensure!(!paces.is_empty(), "{told:?}");
    ensure!(
        paces
            .iter()
            .all(|pace| pace.messages > 0 && pace.bytes < 60 * 150_000 * 3 / 2),
        "{told:?}"
    );
    let spaced = told.windows(2).all(|two| two[1].at - two[0].at >= 1);
    ensure!(spaced, "{told:?}");
    Ok(())
}
