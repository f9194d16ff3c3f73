//! Passes after the final one, when the mailbox that is left behind has been tidied up.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use mailvan::clock::Deadline;
use mailvan::domain::{CopyOptions, Pass};
use mailvan::sync::Mailbox;
use mailvan_engine::{MemoryLedger, certify_after};
use mailvan_local::dovecot::Options;

use crate::servers::pass;
use crate::users::{Pair, hiding};

/// What servers hide: the source's and the destination's.
const SERVERS: [(&[&str], &[&str]); 3] = [
    (&[], &[]),
    (&["CONDSTORE", "QRESYNC", "ESEARCH", "MOVE"], &["MOVE", "UIDPLUS"]),
    (&["LIST-STATUS", "ESEARCH"], &["LITERAL+"]),
];

async fn copied(pair: &Pair, carry_deletions: bool) -> Result<Mailbox<MemoryLedger>> {
    let mailbox = Mailbox {
        options: CopyOptions {
            carry_deletions,
            ..CopyOptions::default()
        },
        ..pair.servers.mailbox()?
    };
    pass(&mailbox, Pass::First).await?;
    pass(&mailbox, Pass::Final).await?;
    certify_after(&mailbox, Pass::Final, true, Deadline::after(Duration::from_mins(1))).await?;
    Ok(mailbox)
}

/// How often each subject is in each folder of the destination.
fn ensure_here(pair: &mut Pair, expected: &[(&str, &str, usize)]) -> Result<()> {
    for (folder, subject, count) in expected {
        let found = pair.here.count(folder, subject)?;
        ensure!(found == *count, "{subject} in {folder}: {found}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tidied_up_at_the_source_stays_as_it_is_and_is_not_fetched_twice() -> Result<()> {
    for ((source, destination), deletes) in SERVERS.into_iter().zip([false, true, true]) {
        let mut pair = Pair::start(hiding("previous", source), hiding("provider", destination))?;
        for subject in ["one", "two", "read", "gone", "back", "filed", "binned", "twice"] {
            pair.there.deliver("INBOX", subject, &["\\Flagged"])?;
        }
        pair.there.deliver("Trash", "old", &[])?;
        let mailbox = copied(&pair, deletes).await?;
        // The customer moves in, and gives the old mailbox up.
        pair.here.relocate("INBOX", "filed", "Eigenes")?;
        pair.here.delete("INBOX", "binned")?;
        pair.here.relocate("INBOX", "twice", "Trash")?;
        for subject in ["one", "two", "filed", "binned", "twice", "back"] {
            pair.there.relocate("INBOX", subject, "Trash")?;
        }
        pair.there.relocate("Trash", "back", "INBOX")?;
        pair.there.store("INBOX", "read", "+FLAGS (\\Seen)")?;
        pair.there.delete("INBOX", "gone")?;
        pair.there.deliver("INBOX", "late", &[])?;
        pair.there.deliver("Trash", "late spam", &[])?;
        for number in [1, 2] {
            pass(&mailbox, Pass::Later(number)).await?;
            ensure_here(
                &mut pair,
                &[
                    ("INBOX", "one", 1),
                    ("INBOX", "two", 1),
                    ("INBOX", "read", 1),
                    ("INBOX", "gone", 1),
                    ("INBOX", "back", 1),
                    ("INBOX", "late", 1),
                    ("INBOX", "filed", 0),
                    ("INBOX", "binned", 0),
                    ("Eigenes", "filed", 1),
                    ("Trash", "twice", 1),
                    ("Trash", "old", 1),
                    ("Trash", "late spam", 1),
                ],
            )?;
            let found = pair.here.all("Trash")?.len();
            ensure!(found == 3, "{source:?}: {found} in the trash");
            let flags = pair.here.flags("INBOX", "read")?;
            ensure!(flags == BTreeSet::from(["\\Flagged".to_owned()]), "{flags:?}");
            let deadline = Deadline::after(Duration::from_mins(1));
            let made = certify_after(&mailbox, Pass::Later(number), true, deadline).await?;
            ensure!(made.agrees() && made.exceptions() == 0, "{made:?}");
        }
        ensure!(mailbox.ledger.troubles().is_empty());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_or_renamed_mailbox_deletes_and_moves_nothing() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    for number in 0..30 {
        pair.there.deliver("INBOX", &format!("letter {number}"), &[])?;
        pair.there.deliver("Projekte", &format!("plan {number}"), &[])?;
    }
    let mailbox = copied(&pair, true).await?;
    pair.there.command("SELECT INBOX")?;
    pair.there.command("STORE 1:* +FLAGS.SILENT (\\Deleted)")?;
    pair.there.command("EXPUNGE")?;
    pair.there.command("RENAME Projekte Alt")?;
    pass(&mailbox, Pass::Later(1)).await?;
    let found = [pair.here.all("INBOX")?.len(), pair.here.all("Projekte")?.len()];
    ensure!(found == [30, 30], "{found:?}");
    for number in 0..30 {
        ensure!(pair.here.count("Alt", &format!("plan {number}"))? == 0, "{number}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_moved_and_cannot_be_told_by_their_headers_are_known_by_their_bytes() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    for body in ["a", "b"] {
        let bytes = format!("Subject: x\r\n\r\n{body}\r\n").into_bytes();
        pair.there.append("INBOX", &bytes)?;
    }
    let mailbox = copied(&pair, false).await?;
    // One of the copies is not there any more, and nothing else is left of it.
    pair.here.command("SELECT INBOX")?;
    pair.here.command("UID STORE 2 +FLAGS.SILENT (\\Deleted)")?;
    pair.here.command("UID EXPUNGE 2")?;
    pair.there.command("CREATE Archiv")?;
    pair.there.command("SELECT INBOX")?;
    pair.there.command("UID MOVE 1:2 Archiv")?;
    pair.there.append("Archiv", b"Subject: x\r\n\r\nc\r\n")?;
    pass(&mailbox, Pass::Later(1)).await?;
    let found = [pair.here.all("INBOX")?.len(), pair.here.all("Archiv")?.len()];
    ensure!(found == [1, 1], "{found:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_its_user_made_anew_is_no_trouble() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    pair.there.deliver("Projekte", "plan", &[])?;
    pair.there.deliver("INBOX", "letter", &[])?;
    let mailbox = copied(&pair, false).await?;
    pair.here.command("SELECT INBOX")?;
    pair.here.command("DELETE Projekte")?;
    pair.here.command("CREATE Projekte")?;
    pair.there.deliver("INBOX", "late", &[])?;
    pass(&mailbox, Pass::Later(1)).await?;
    ensure_here(&mut pair, &[("INBOX", "late", 1), ("Projekte", "plan", 0)])?;
    let troubles = mailbox.ledger.troubles();
    ensure!(troubles.is_empty(), "{troubles:?}");
    Ok(())
}
