//! The final pass: what changed between the passes, on both sides.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use mailvan::domain::{CopyOptions, Pass};
use mailvan::sync::Mailbox;
use mailvan_engine::MemoryLedger;
use mailvan_local::dovecot::Options;

use crate::servers::pass;
use crate::users::{Pair, hiding};

fn set(flags: &[&str]) -> BTreeSet<String> {
    flags.iter().map(|&flag| flag.to_owned()).collect()
}

/// What a source hides, from one that has everything to one that has nothing.
const SOURCES: [&[&str]; 4] = [
    &[],
    &["LIST-STATUS", "LIST-EXTENDED", "QRESYNC"],
    &["CONDSTORE", "QRESYNC"],
    &[
        "CONDSTORE",
        "QRESYNC",
        "ESEARCH",
        "LIST-STATUS",
        "LIST-EXTENDED",
        "SPECIAL-USE",
    ],
];

#[tokio::test(flavor = "multi_thread")]
async fn flags_are_carried_over_unless_the_user_changed_them() -> Result<()> {
    for hidden in SOURCES {
        let mut pair = Pair::start(hiding("previous", hidden), Options::new("provider"))?;
        for subject in ["read", "unread", "both", "here", "kept", "label"] {
            let flags: &[&str] = if subject == "unread" {
                &["\\Seen"]
            } else {
                &["\\Flagged"]
            };
            pair.there.deliver("INBOX", subject, flags)?;
        }
        let mailbox = pair.servers.mailbox()?;
        pass(&mailbox, Pass::First).await?;
        pair.there.store("INBOX", "read", "+FLAGS (\\Seen)")?;
        pair.there.store("INBOX", "unread", "-FLAGS (\\Seen)")?;
        pair.there.store("INBOX", "both", "+FLAGS (\\Seen)")?;
        pair.here.store("INBOX", "both", "-FLAGS (\\Flagged)")?;
        pair.here.store("INBOX", "here", "+FLAGS (\\Answered)")?;
        pair.here.store("INBOX", "here", "-FLAGS (\\Flagged)")?;
        pair.there.store("INBOX", "label", "+FLAGS ($Label3)")?;
        pass(&mailbox, Pass::Final).await?;
        for (subject, flags) in [
            ("read", &["\\Flagged", "\\Seen"][..]),
            ("unread", &[]),
            ("both", &["\\Seen"]),
            ("here", &["\\Answered"]),
            ("kept", &["\\Flagged"]),
            ("label", &["$Label3", "\\Flagged"]),
        ] {
            let found = pair.here.flags("INBOX", subject)?;
            ensure!(found == set(flags), "{hidden:?} {subject}: {found:?}");
        }
        ensure!(mailbox.ledger.troubles().is_empty());
    }
    Ok(())
}

/// Three messages go from one folder to another at the source; at the destination nobody touched the
/// first, the user moved the second and deleted the third.
fn move_three(pair: &mut Pair) -> Result<()> {
    for subject in ["still", "filed", "binned"] {
        pair.there.relocate("INBOX", subject, "Archiv")?;
    }
    pair.here.relocate("INBOX", "filed", "Eigenes")?;
    pair.here.delete("INBOX", "binned")?;
    pair.there.store("Archiv", "still", "+FLAGS (\\Seen)")
}

fn ensure_moved(pair: &mut Pair) -> Result<()> {
    for (subject, inbox, archive, own) in [
        ("still", 0, 1, 0),
        ("filed", 0, 0, 1),
        ("binned", 0, 0, 0),
        ("other", 1, 0, 0),
    ] {
        let found = [
            pair.here.count("INBOX", subject)?,
            pair.here.count("Archiv", subject)?,
            pair.here.count("Eigenes", subject)?,
        ];
        ensure!(found == [inbox, archive, own], "{subject}: {found:?}");
    }
    ensure!(pair.here.flags("Archiv", "still")? == set(&["\\Flagged", "\\Seen"]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_within_the_source_are_moves_and_bring_nothing_back() -> Result<()> {
    for (source, destination) in [
        (&[][..], &[][..]),
        (&["CONDSTORE", "QRESYNC", "ESEARCH"], &["MOVE"]),
        (&["ESEARCH"], &["LITERAL+"]),
    ] {
        let mut pair = Pair::start(hiding("previous", source), hiding("provider", destination))?;
        for subject in ["still", "filed", "binned", "other"] {
            pair.there.deliver("INBOX", subject, &["\\Flagged"])?;
        }
        let mailbox = pair.servers.mailbox()?;
        pass(&mailbox, Pass::First).await?;
        move_three(&mut pair)?;
        pair.there.deliver("Archiv", "new there", &[])?;
        let before = mailbox.ledger.to_json()?;
        pass(&mailbox, Pass::Final).await?;
        ensure_moved(&mut pair)?;
        ensure!(pair.here.count("Archiv", "new there")? == 1);
        // A run that had died right after it, with nothing written down.
        let again = Mailbox {
            ledger: MemoryLedger::from_json(&before)?,
            ..mailbox
        };
        pass(&again, Pass::Final).await?;
        ensure_moved(&mut pair)?;
        ensure!(pair.here.count("Archiv", "new there")? == 1);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_renamed_at_the_source_takes_its_copies_along() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    for number in 0..20 {
        pair.there.deliver("Projekte", &format!("plan {number}"), &[])?;
    }
    let mailbox = pair.servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    pair.there.command("RENAME Projekte Werft")?;
    pass(&mailbox, Pass::Final).await?;
    for number in 0..20 {
        let subject = format!("plan {number}");
        let found = (
            pair.here.count("Projekte", &subject)?,
            pair.here.count("Werft", &subject)?,
        );
        ensure!(found == (0, 1), "{subject}: {found:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn message_without_an_id_that_moved_is_known_by_its_bytes() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    for body in ["a", "b", "b"] {
        let bytes = format!("Subject: x\r\n\r\n{body}\r\n").into_bytes();
        pair.there.append("INBOX", &bytes)?;
    }
    let mailbox = pair.servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    pair.there.command("CREATE Archiv")?;
    pair.there.command("SELECT INBOX")?;
    pair.there.command("UID MOVE 2 Archiv")?;
    pass(&mailbox, Pass::Final).await?;
    let found = (pair.here.all("INBOX")?.len(), pair.here.all("Archiv")?.len());
    ensure!(found == (2, 1), "{found:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_are_carried_over_only_where_that_is_asked_for() -> Result<()> {
    for (source, destination, carried) in [
        (&[][..], &[][..], false),
        (&[], &[], true),
        (&["CONDSTORE", "QRESYNC", "ESEARCH"], &["UIDPLUS"], true),
    ] {
        let mut pair = Pair::start(hiding("previous", source), hiding("provider", destination))?;
        for subject in ["kept", "gone", "gone but read here"] {
            pair.there.deliver("INBOX", subject, &["\\Flagged"])?;
        }
        pair.here.deliver("INBOX", "own", &[])?;
        let mailbox = Mailbox {
            options: CopyOptions {
                carry_deletions: carried,
                ..CopyOptions::default()
            },
            ..pair.servers.mailbox()?
        };
        pass(&mailbox, Pass::First).await?;
        for subject in ["gone", "gone but read here"] {
            pair.there.delete("INBOX", subject)?;
        }
        pair.here.store("INBOX", "gone but read here", "+FLAGS (\\Seen)")?;
        pass(&mailbox, Pass::Final).await?;
        for subject in ["kept", "gone but read here", "own"] {
            ensure!(pair.here.count("INBOX", subject)? == 1, "{subject}");
        }
        let deleted: u64 = mailbox.ledger.all_folders().iter().map(|folder| folder.deleted).sum();
        ensure!(deleted == u64::from(carried), "{deleted}");
        match (carried, destination.is_empty()) {
            (false, _) => ensure!(pair.here.count("INBOX", "gone")? == 1),
            (true, true) => ensure!(pair.here.count("INBOX", "gone")? == 0),
            // Nothing but this message could be removed: it is marked and left to the user.
            (true, false) => {
                let flags = pair.here.flags("INBOX", "gone")?;
                ensure!(flags == set(&["\\Deleted", "\\Flagged"]), "{flags:?}");
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_is_there_already_is_not_copied_again() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    pair.there.deliver("INBOX", "old", &[])?;
    let mailbox = pair.servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    // Both providers got it while the change of the DNS went round.
    for user in [&mut pair.there, &mut pair.here] {
        user.deliver("INBOX", "to both", &[])?;
    }
    pair.there.deliver("INBOX", "late", &[])?;
    pair.here.deliver("INBOX", "direct", &[])?;
    pass(&mailbox, Pass::Final).await?;
    for subject in ["old", "to both", "late", "direct"] {
        ensure!(pair.here.count("INBOX", subject)? == 1, "{subject}");
    }
    Ok(())
}
