//! A row that was mended between two passes, or before a pass was begun again: it may be about another mailbox now.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use mailvan::clock::Deadline;
use mailvan::domain::{CopyOptions, Pass};
use mailvan::sync::{Mailbox, Planning, Work};
use mailvan_engine::MemoryLedger;
use mailvan_local::dovecot::{Dovecot, Options};
use mailvan_local::proxy::{Network, Proxy};
use serde_json::Value;

use crate::servers::pass;
use crate::users::{Pair, User};

const FOLDERS: [&str; 2] = ["INBOX", "Projekte"];

/// The row's first mailbox, and the one that was meant: by their numbers nobody can tell them apart.
struct Mended {
    pair: Pair,
    meant: Dovecot,
}

impl Mended {
    fn start() -> Result<Self> {
        let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
        let login = pair.servers.account.login.clone();
        let meant = Dovecot::start(Options {
            users: vec![login.clone()],
            ..Options::new("meant")
        })?;
        let mut there = User::of(&meant, &login)?;
        for folder in FOLDERS {
            for number in 0..3 {
                pair.there.deliver(folder, &format!("wrong {folder} {number}"), &[])?;
                there.deliver(folder, &format!("meant {folder} {number}"), &["\\Seen"])?;
            }
            for server in [&pair.servers.source, &meant] {
                let mut update = server.doveadm()?;
                update.args(["mailbox", "update", "-u", &login.user, "--uid-validity", "1234", folder]);
                ensure!(update.status()?.success(), "{folder} keeps its UIDVALIDITY");
            }
        }
        pair.there.deliver("Nur hier", "wrong alone", &[])?;
        Ok(Self { pair, meant })
    }

    /// The mailbox as the row had it first, with nothing copied yet.
    fn wrong(&self) -> Result<Mailbox<MemoryLedger>> {
        self.pair.servers.mailbox()
    }

    /// The same job after it was mended.
    fn mended(&self, ledger: &MemoryLedger) -> Result<Mailbox<MemoryLedger>> {
        let servers = &self.pair.servers;
        Ok(Mailbox {
            ledger: ledger.clone(),
            options: CopyOptions {
                carry_deletions: true,
                ..CopyOptions::default()
            },
            ..servers.mailbox_between(self.meant.port(), servers.destination.port())?
        })
    }

    /// All mail that was meant is here once, nothing that was here has gone, and only what was meant is counted.
    fn ensure_all_here(&mut self, ledger: &MemoryLedger) -> Result<()> {
        for folder in FOLDERS {
            for whose in ["meant", "wrong"] {
                for number in 0..3 {
                    let subject = format!("{whose} {folder} {number}");
                    let found = self.pair.here.count(folder, &subject)?;
                    ensure!(found == 1, "{subject}: {found}");
                }
            }
        }
        ensure!(self.pair.here.count("Nur hier", "wrong alone")? == 1);
        let mut titles: Vec<String> = ledger.all_folders().into_iter().map(|folder| folder.title).collect();
        titles.sort();
        ensure!(titles.windows(2).all(|pair| pair[0] != pair[1]), "{titles:?}");
        ensure!(!titles.contains(&"Nur hier".to_owned()), "{titles:?}");
        let messages: i64 = ledger.all_chunks().iter().map(|chunk| chunk.messages).sum();
        ensure!(messages == 6, "{messages} counted");
        ensure!(ledger.troubles().is_empty(), "{:?}", ledger.troubles());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mended_before_the_first_pass_is_begun_again() -> Result<()> {
    let mut mended = Mended::start()?;
    let wrong = mended.wrong()?;
    pass(&wrong, Pass::First).await?;
    let mailbox = mended.mended(&wrong.ledger)?;
    pass(&mailbox, Pass::First).await?;
    mended.ensure_all_here(&mailbox.ledger)?;
    pass(&mailbox, Pass::Final).await?;
    mended.ensure_all_here(&mailbox.ledger)
}

#[tokio::test(flavor = "multi_thread")]
async fn mended_before_the_final_pass() -> Result<()> {
    let mut mended = Mended::start()?;
    let wrong = mended.wrong()?;
    pass(&wrong, Pass::First).await?;
    let mailbox = mended.mended(&wrong.ledger)?;
    pass(&mailbox, Pass::Final).await?;
    mended.ensure_all_here(&mailbox.ledger)
}

/// The folders of before are forgotten after the new ones are written down: whoever comes next finds both.
#[tokio::test(flavor = "multi_thread")]
async fn planning_that_dies_before_it_has_forgotten_is_made_up_for() -> Result<()> {
    let mut mended = Mended::start()?;
    let wrong = mended.wrong()?;
    pass(&wrong, Pass::First).await?;
    let planned_before = wrong.ledger.all_folders().len();
    let mut both: Value = serde_json::from_str(&wrong.ledger.to_json()?)?;
    let mailbox = mended.mended(&wrong.ledger)?;
    let deadline = Deadline::after(Duration::from_mins(1));
    let lease = mailbox.ledger.lease_plan(mailbox.job_id);
    ensure!(mailbox.plan(Pass::First, lease, deadline).await? == Planning::Whole);
    let new: Value = serde_json::from_str(&mailbox.ledger.to_json()?)?;
    for part in ["folders", "chunks"] {
        let new = new[part].as_object().context("a map")?.clone();
        both[part].as_object_mut().context("a map")?.extend(new);
    }
    let died = MemoryLedger::from_json(&both.to_string())?;
    let planned = planned_before + mailbox.ledger.all_folders().len();
    ensure!(
        died.all_folders().len() == planned,
        "the numbers of before are used again"
    );
    let mailbox = mended.mended(&died)?;
    // Whoever still has the row as it was touches nothing of the new plan.
    let late = Mailbox {
        ledger: died.clone(),
        ..mended.wrong()?
    };
    let before = died.to_json()?;
    let work = late.work(Pass::First, 0, deadline).await?;
    ensure!(matches!(work, Work::HeldUntil(_)), "{work:?}");
    ensure!(died.to_json()? == before);
    pass(&mailbox, Pass::First).await?;
    mended.ensure_all_here(&died)
}

/// What was copied by another name of the same mailbox is found.
#[tokio::test(flavor = "multi_thread")]
async fn same_mailbox_by_another_name_is_not_copied_twice() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    for number in 0..20 {
        pair.there.deliver("Projekte", &format!("plan {number}"), &[])?;
    }
    let other = Proxy::start(pair.servers.source.address(), Network::default())?;
    let mailbox = pair.servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    let mailbox = Mailbox {
        ledger: mailbox.ledger,
        ..pair
            .servers
            .mailbox_between(other.port(), pair.servers.destination.port())?
    };
    pass(&mailbox, Pass::First).await?;
    pass(&mailbox, Pass::Final).await?;
    ensure!(pair.here.all("Projekte")?.len() == 20);
    Ok(())
}
