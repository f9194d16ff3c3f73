//! Folders whose messages take longer to list than a run of planning lasts.

use std::time::Duration;

use anyhow::{Result, ensure};
use mailvan::clock::Deadline;
use mailvan::domain::Pass;
use mailvan::sync::{Mailbox, Planning};
use mailvan_engine::MemoryLedger;
use mailvan_local::proxy::{Network, Proxy};
use mailvan_local::samples::small;

use crate::odd_server::{Message, Odd, OddServer};
use crate::servers::{Servers, between, pass};
use crate::unreadable::{copied, letter};

/// A run that leaves a second for listing.
const RUN: Duration = Duration::from_secs(5);

/// A line on which a second is enough for some hundred messages of a list.
fn slow() -> Network {
    Network {
        bandwidth: Some(20_000),
        ..Network::default()
    }
}

async fn run(mailbox: &Mailbox<MemoryLedger>, this: Pass, time: Duration) -> Result<Planning> {
    let lease = mailbox.ledger.lease_plan(mailbox.job_id);
    Ok(mailbox.plan(this, lease, Deadline::after(time)).await?)
}

/// Plans run after run; gives how many did not come to the end.
async fn planned(mailbox: &Mailbox<MemoryLedger>, this: Pass, time: Duration) -> Result<usize> {
    for broken in 0..30 {
        match run(mailbox, this, time).await? {
            Planning::Whole => return Ok(broken),
            Planning::OutOfTime { progressed } => ensure!(progressed, "run {broken} brought nothing"),
        }
    }
    anyhow::bail!("planning does not end")
}

#[tokio::test(flavor = "multi_thread")]
async fn long_list_is_gone_on_with_by_the_next_run() -> Result<()> {
    let servers = Servers::start(small("pier@harbour.example", "Dalben 4", 3000, 5))?;
    let source = Proxy::start(servers.source.address(), slow())?;
    let mailbox = servers.mailbox_between(source.port(), servers.destination.port())?;
    let broken = planned(&mailbox, Pass::First, RUN).await?;
    ensure!(broken >= 2, "the list was not long: {broken} runs");
    let folders = mailbox.ledger.all_folders();
    ensure!(folders.iter().all(|folder| folder.listing.is_none()));
    source.set_network(Network::default());
    pass(&mailbox, Pass::First).await?;
    servers.ensure_identical()?;
    // Nothing is new: nothing is copied again.
    pass(&mailbox, Pass::Final).await?;
    servers.ensure_identical()
}

fn letters(uids: impl Iterator<Item = u32>) -> Vec<Message> {
    uids.map(letter).collect()
}

fn ensure_copied(server: &OddServer, last: u32) -> Result<()> {
    let all = copied(server, "INBOX");
    ensure!(all.iter().copied().eq(1..=last), "{} messages", all.len());
    Ok(())
}

/// New mail of the final pass, behind what has been copied.
#[tokio::test(flavor = "multi_thread")]
async fn long_list_of_new_mail_is_gone_on_with_in_the_final_pass() -> Result<()> {
    let source = OddServer::start(Odd::default(), &[("INBOX", letters(1..=50))]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let line = Proxy::start(source.address, Network::default())?;
    let mut mailbox = between(&source, &destination)?;
    mailbox.source.endpoint.port = line.port();
    pass(&mailbox, Pass::First).await?;
    for uid in 51..=2500 {
        source.deliver("INBOX", letter(uid));
    }
    line.set_network(slow());
    let broken = planned(&mailbox, Pass::Final, Duration::from_secs(5)).await?;
    ensure!(broken >= 1, "the list was not long");
    line.set_network(Network::default());
    pass(&mailbox, Pass::Final).await?;
    ensure_copied(&destination, 2500)
}

/// What was listed is of another folder: it begins anew, and nothing comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn folder_that_is_numbered_anew_between_two_runs_is_listed_anew() -> Result<()> {
    let source = OddServer::start(Odd::default(), &[("INBOX", letters(1..=2500))]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let line = Proxy::start(source.address, slow())?;
    let mut mailbox = between(&source, &destination)?;
    mailbox.source.endpoint.port = line.port();
    for _ in 0..2 {
        let end = run(&mailbox, Pass::First, RUN).await?;
        ensure!(end == Planning::OutOfTime { progressed: true }, "{end:?}");
    }
    let listed = mailbox.ledger.all_folders()[0].listing.map(|listing| listing.listed);
    ensure!(listed.is_some_and(|listed| listed > 0 && listed < 2500), "{listed:?}");
    source.renew();
    line.set_network(Network::default());
    ensure!(planned(&mailbox, Pass::First, Duration::from_mins(1)).await? == 0);
    let planned: i64 = mailbox.ledger.all_chunks().iter().map(|chunk| chunk.messages).sum();
    ensure!(planned == 2500, "{planned} messages planned");
    pass(&mailbox, Pass::First).await?;
    ensure_copied(&destination, 2500)
}

/// A list in no order cannot be gone on with: the folder is named in the end, and the others are planned.
#[tokio::test(flavor = "multi_thread")]
async fn folder_whose_list_never_gets_any_further_is_skipped_in_the_end() -> Result<()> {
    let disordered = letters((1..=2500).rev());
    let source = OddServer::start(Odd::default(), &[("Archive", letters(1..=3)), ("INBOX", disordered)]).await?;
    let destination = OddServer::start(Odd::default(), &[]).await?;
    let line = Proxy::start(source.address, slow())?;
    let mut mailbox = between(&source, &destination)?;
    mailbox.source.endpoint.port = line.port();
    mailbox.limits.patience_minutes = 0;
    let broken = planned(&mailbox, Pass::First, RUN).await?;
    ensure!((4..=5).contains(&broken), "{broken} runs");
    let folders = mailbox.ledger.all_folders();
    let error = |title: &str| {
        folders
            .iter()
            .find(|folder| folder.title == title)
            .unwrap()
            .error
            .clone()
    };
    ensure!(error("Archive").is_none());
    let words = error("INBOX").unwrap_or_default();
    ensure!(
        words.contains("did not list its messages within a run, 5 times"),
        "{words}"
    );
    Ok(())
}
