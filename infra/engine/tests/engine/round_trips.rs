//! How many round trips a pass takes: planning looks at all folders at once.

use std::time::Duration;

use anyhow::{Result, ensure};
use mailvan::clock::Deadline;
use mailvan::domain::Pass;
use mailvan::sync::{Access, Mailbox, Planning};
use mailvan_engine::MemoryLedger;
use mailvan_local::dovecot::Options;

use crate::servers::pass;
use crate::turns::Relay;
use crate::users::{Pair, hiding};

/// The relays to both servers, a mailbox between them, and the round trips on either side that logging in and saying
/// goodbye take.
async fn relayed(pair: &Pair) -> Result<(Relay, Relay, Mailbox<MemoryLedger>, (u64, u64))> {
    let source = Relay::start(pair.servers.source.address()).await?;
    let destination = Relay::start(pair.servers.destination.address()).await?;
    let mailbox = pair.servers.mailbox_between(source.port, destination.port)?;
    login_and_logout(&mailbox).await?;
    let (base, _) = source.take();
    let (base_here, _) = destination.take();
    Ok((source, destination, mailbox, (base, base_here)))
}

/// Logging in, and saying goodbye.
async fn login_and_logout(mailbox: &Mailbox<MemoryLedger>) -> Result<()> {
    let open = |access: &Access| {
        let access = access.clone();
        async move { access.connector.open(&access.endpoint, &access.credentials).await }
    };
    open(&mailbox.source).await?.logout().await;
    open(&mailbox.destination).await?.logout().await;
    Ok(())
}

fn folder(number: usize) -> String {
    format!("Ordner {number}")
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_five_folders_cost_few_round_trips() -> Result<()> {
    for (hidden, listing) in [(&[][..], 1), (&["LIST-STATUS"], 2)] {
        let mut pair = Pair::start(hiding("previous", hidden), Options::new("provider"))?;
        for number in 0..30 {
            for subject in ["a", "b"] {
                pair.there
                    .deliver(&folder(number), &format!("{subject}{number}"), &[])?;
            }
        }
        let (source, destination, mailbox, (base, base_here)) = relayed(&pair).await?;
        // Planning the first pass: the list, then all folders at once.
        let lease = mailbox.ledger.lease_plan(mailbox.job_id);
        let deadline = Deadline::after(Duration::from_mins(1));
        ensure!(mailbox.plan(Pass::First, lease, deadline).await? == Planning::Whole);
        let (there, here) = (source.take().0 - base, destination.take().0 - base_here);
        ensure!(there == listing + 1, "first: {there} at the source, {hidden:?}");
        ensure!(here <= 3, "first: {here} at the destination");
        pass(&mailbox, Pass::First).await?;
        ensure!(mailbox.ledger.all_folders().len() == 36);
        source.take();
        destination.take();
        // Nothing has changed: the list alone, and nothing is written down.
        let writes = mailbox.ledger.plan_writes();
        pass(&mailbox, Pass::Final).await?;
        let ((there, connections), (here, _)) = (source.take(), destination.take());
        ensure!(there - base == listing, "unchanged: {there} at the source, {hidden:?}");
        ensure!(here - base_here == 1, "unchanged: {here} at the destination");
        ensure!((connections, mailbox.ledger.plan_writes()) == (1, writes));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn little_that_is_new_is_carried_over_without_a_lane() -> Result<()> {
    let mut pair = Pair::start(Options::new("previous"), Options::new("provider"))?;
    for number in 0..30 {
        for subject in ["a", "b", "c"] {
            pair.there
                .deliver(&folder(number), &format!("{subject}{number}"), &[])?;
        }
    }
    let (source, destination, mailbox, (base, base_here)) = relayed(&pair).await?;
    pass(&mailbox, Pass::First).await?;
    for number in 0..10 {
        pair.there
            .deliver(&folder(number), &format!("new{number}"), &["\\Flagged"])?;
        pair.there
            .store(&folder(number), &format!("a{number}"), "+FLAGS (\\Seen)")?;
        pair.there
            .store(&folder(number), &format!("b{number}"), "+FLAGS (\\Flagged)")?;
    }
    source.take();
    destination.take();
    pass(&mailbox, Pass::Final).await?;
    let ((there, connections), (here, _)) = (source.take(), destination.take());
    // List, what is new and changed, the bodies.
    ensure!(there - base == 3, "{there} at the source");
    // List, flags, changes of flags, new mail.
    ensure!(here - base_here == 4, "{here} at the destination");
    ensure!(connections == 1, "{connections} connections");
    for number in 0..10 {
        ensure!(
            pair.here
                .flags(&folder(number), &format!("new{number}"))?
                .contains("\\Flagged")
        );
        ensure!(
            pair.here
                .flags(&folder(number), &format!("a{number}"))?
                .contains("\\Seen")
        );
        ensure!(
            pair.here
                .flags(&folder(number), &format!("b{number}"))?
                .contains("\\Flagged")
        );
    }
    Ok(())
}
