//! Folders that are made anew between the passes, and choices of what is copied.

use anyhow::{Result, ensure};
use mailvan::domain::{CopyOptions, DateRange, Pass};
use mailvan::sync::Mailbox;
use mailvan_local::dovecot::Options;
use mailvan_local::proxy::{Cut, Direction, Ending, Network, Proxy};

use crate::servers::pass;
use crate::users::{Pair, User, hiding, message_of};

/// Makes a folder anew with the mail it has: under another UIDVALIDITY, with other UIDs.
pub fn make_anew(user: &mut User, folder: &str) -> Result<()> {
    user.command(&format!("CREATE {folder}-old"))?;
    user.command(&format!("SELECT {folder}"))?;
    user.command(&format!("UID MOVE 1:* {folder}-old"))?;
    user.command(&format!("SELECT {folder}-old"))?;
    user.command(&format!("DELETE {folder}"))?;
    user.command(&format!("CREATE {folder}"))?;
    user.command(&format!("UID MOVE 1:* {folder}"))?;
    user.command("UNSELECT")?;
    user.command(&format!("DELETE {folder}-old")).map(drop)
}

fn counts(user: &mut User, folder: &str, subjects: &[&str]) -> Result<Vec<usize>> {
    subjects.iter().map(|subject| user.count(folder, subject)).collect()
}

const SUBJECTS: [&str; 4] = ["still", "filed", "binned", "new"];

#[tokio::test(flavor = "multi_thread")]
async fn folder_made_anew_at_the_source_is_matched_and_brings_nothing_back() -> Result<()> {
    for hidden in [&[][..], &["ESEARCH", "CONDSTORE", "QRESYNC"]] {
        let mut pair = Pair::start(hiding("previous", hidden), hiding("provider", hidden))?;
        for subject in ["still", "filed", "binned"] {
            pair.there.deliver("Projekte", subject, &["\\Flagged"])?;
        }
        let mailbox = pair.servers.mailbox()?;
        pass(&mailbox, Pass::First).await?;
        make_anew(&mut pair.there, "Projekte")?;
        pair.there.deliver("Projekte", "new", &[])?;
        pair.here.relocate("Projekte", "filed", "Eigenes")?;
        pair.here.delete("Projekte", "binned")?;
        pass(&mailbox, Pass::Final).await?;
        let found = counts(&mut pair.here, "Projekte", &SUBJECTS)?;
        ensure!(found == [1, 0, 0, 1], "{hidden:?}: {found:?}");
        ensure!(pair.here.count("Eigenes", "filed")? == 1);
        ensure!(mailbox.ledger.troubles().is_empty());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_made_anew_at_the_destination_is_matched_and_what_is_lost_is_said() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    for subject in ["still", "filed", "binned"] {
        pair.there.deliver("Projekte", subject, &["\\Flagged"])?;
    }
    let mailbox = pair.servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    make_anew(&mut pair.here, "Projekte")?;
    pair.here.relocate("Projekte", "filed", "Eigenes")?;
    pair.here.delete("Projekte", "binned")?;
    pair.there.deliver("Projekte", "new", &[])?;
    pass(&mailbox, Pass::Final).await?;
    let found = counts(&mut pair.here, "Projekte", &SUBJECTS)?;
    ensure!(found == [1, 0, 0, 1], "{found:?}");
    let folders = mailbox.ledger.all_folders();
    let errors: Vec<_> = folders.iter().filter_map(|folder| folder.error.clone()).collect();
    ensure!(
        matches!(&errors[..], [error] if error.contains("2 messages that had been copied are not in it any more")),
        "{errors:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_made_anew_with_all_its_mail_is_no_trouble() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    for number in 0..30 {
        pair.there.deliver("Projekte", &format!("plan {number}"), &[])?;
    }
    let mailbox = pair.servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    make_anew(&mut pair.here, "Projekte")?;
    pass(&mailbox, Pass::Final).await?;
    ensure!(pair.here.all("Projekte")?.len() == 30);
    ensure!(mailbox.ledger.all_folders().iter().all(|folder| folder.error.is_none()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_days_and_folders_asked_for_are_copied_in_both_passes() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    let deliver = |user: &mut User, subject: &str, date: &str| user.append_message("INBOX", &message_of(subject, date));
    for (subject, date) in [
        ("before", "31-Jan-2020 23:59:59 +0000"),
        ("first", "01-Feb-2020 00:00:00 +0000"),
        ("zone", "01-Mar-2020 00:30:00 +0100"),
        ("after", "01-Mar-2020 00:00:00 +0000"),
    ] {
        deliver(&mut pair.there, subject, date)?;
    }
    pair.there.deliver("Privat", "secret", &[])?;
    pair.there.deliver("Alt", "old", &[])?;
    let mailbox = Mailbox {
        options: CopyOptions {
            exclude: vec!["Privat".parse()?],
            dates: DateRange {
                since: "2020-02-01".parse().ok(),
                before: "2020-03-01".parse().ok(),
            },
            ..CopyOptions::default()
        },
        ..pair.servers.mailbox()?
    };
    pass(&mailbox, Pass::First).await?;
    deliver(&mut pair.there, "late", "15-Feb-2020 12:00:00 +0000")?;
    deliver(&mut pair.there, "late and out", "15-Apr-2020 12:00:00 +0000")?;
    // What is out of the range stays out, though it has changed.
    pair.there.store("INBOX", "before", "+FLAGS (\\Seen)")?;
    pair.there.relocate("INBOX", "after", "Alt")?;
    pass(&mailbox, Pass::Final).await?;
    let found = counts(
        &mut pair.here,
        "INBOX",
        &["before", "first", "zone", "after", "late", "late and out"],
    )?;
    ensure!(found == [0, 1, 1, 0, 1, 0], "{found:?}");
    ensure!(pair.here.all("Alt")?.is_empty());
    ensure!(pair.here.all("Privat").is_err(), "an excluded folder was made");
    let messages: i64 = mailbox.ledger.all_chunks().iter().map(|chunk| chunk.messages).sum();
    ensure!(messages == 3, "{messages} counted");
    Ok(())
}

/// The line breaks anywhere while planning copies a little new mail; whoever comes next finds out what
/// had arrived.
#[tokio::test(flavor = "multi_thread")]
async fn final_pass_that_breaks_off_anywhere_loses_and_doubles_nothing() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    for number in 0..5 {
        for subject in ["a", "b"] {
            pair.there
                .deliver(&format!("Ordner{number}"), &format!("{subject}{number}"), &[])?;
        }
    }
    let destination = Proxy::start(pair.servers.destination.address(), Network::default())?;
    let mailbox = pair
        .servers
        .mailbox_between(pair.servers.source.port(), destination.port())?;
    pass(&mailbox, Pass::First).await?;
    for number in 0..5 {
        let folder = format!("Ordner{number}");
        pair.there.deliver(&folder, &format!("new{number}"), &[])?;
        pair.there.store(&folder, &format!("a{number}"), "+FLAGS (\\Seen)")?;
        pair.there.relocate(&folder, &format!("b{number}"), "Ablage")?;
    }
    let mut breaks = 0;
    for after_bytes in (0..).map(|step: u64| 150 + 173 * step) {
        let direction = if after_bytes.is_multiple_of(2) {
            Direction::ToServer
        } else {
            Direction::ToClient
        };
        let cut = Cut {
            after_bytes,
            direction,
            ending: Ending::Reset,
            each: true,
        };
        destination.set_network(Network {
            cut: Some(cut),
            ..Network::default()
        });
        let done = pass(&mailbox, Pass::Final).await;
        destination.set_network(Network::default());
        mailbox.ledger.end_leases();
        if done.is_ok() {
            break;
        }
        breaks += 1;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    ensure!(breaks > 3, "the line held: the test shows nothing");
    pass(&mailbox, Pass::Final).await?;
    for number in 0..5 {
        let folder = format!("Ordner{number}");
        let found = counts(
            &mut pair.here,
            &folder,
            &[&format!("new{number}"), &format!("a{number}"), &format!("b{number}")],
        )?;
        ensure!(found == [1, 1, 0], "{folder} after {breaks} breaks: {found:?}");
        ensure!(pair.here.count("Ablage", &format!("b{number}"))? == 1, "b{number}");
        ensure!(pair.here.flags(&folder, &format!("a{number}"))?.contains("\\Seen"));
    }
    Ok(())
}
