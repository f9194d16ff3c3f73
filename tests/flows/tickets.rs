//! The ticket systems of a world: out of order at first, and told everything once in the end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use mailvan_local::customer::Order;
use mailvan_local::inbox::Mail;
use mailvan_local::ticket_system::{Call, MAILBOX, TicketSystem};
use mailvan_local::world::World;
use mailvan_tests::{PATIENCE, whole_table};

/// Who the mails to the ticket system are from; SES does not let it send at first.
pub const SENDER: &str = "van@harbour-hosting.example";

fn system(world: &World) -> Result<&TicketSystem> {
    world.tickets.as_ref().context("the world has no ticket systems")
}

/// Has the first calls fail, each in another way.
pub async fn break_down(world: &World) -> Result<()> {
    let system = system(world)?;
    system.fail("webhook", None, "unavailable", 1).await?;
    system.fail("webhook", None, "elsewhere", 1).await?;
    system.fail("whmcs", Some("GetTicket"), "unavailable", 1).await?;
    system.fail("whmcs", Some("AddTicketReply"), "error", 1).await
}

/// Staff see that the mails are refused, and mend it.
pub async fn mend(world: &World) -> Result<()> {
    until("the refused mail is noted", async || {
        Ok(whole_table(world).await?.contains("email_error_code"))
    })
    .await?;
    world.stack.verify_sender(SENDER).await
}

/// Waits until each system has so many notices. Before the request ends: what its end makes needless is told no more.
pub async fn each_is_told(world: &World, order: &Order, notices: usize) -> Result<()> {
    until("every system is told", async || {
        let told = told(world, order).await?;
        Ok(told.iter().all(|count| *count >= notices))
    })
    .await
}

/// So many notices are with each system, once, and nothing of it was otherwise than it should be.
pub async fn each_was_told_once(world: &World, order: &Order, notices: usize) -> Result<()> {
    let system = system(world)?;
    each_is_told(world, order, notices).await?;
    let calls = system.calls().await?;
    ensure!(
        calls.iter().all(|call| call.wrong.is_none() && !call.again),
        "{calls:?}"
    );
    let refused = calls
        .iter()
        .filter(|call| call.kind.as_deref() == Some("webhook") && call.status != 204);
    assert_eq!(refused.count(), 2, "{calls:?}");
    let last = taken(&calls, order).last().context("no call")?.body["data"].clone();
    assert_eq!(
        (last["ticket"].as_str(), last["state"].as_str()),
        (Some("4711"), Some("completed"))
    );

    let ticket = system.ticket("4711").await?;
    let ids: BTreeSet<&str> = ticket
        .replies
        .iter()
        .filter_map(|reply| reply.message.lines().last())
        .collect();
    assert_eq!(
        (ids.len(), ticket.replies.len(), ticket.notes.len()),
        (notices, notices, 0),
        "{ticket:?}"
    );
    assert_eq!(ticket.status, "Closed");

    let mails = mails(world, order).await?;
    for mail in &mails {
        ensure!(
            mail.subject.starts_with("[Ticket ID: 4711] ") && mail.from.contains(SENDER),
            "{mail:?}"
        );
    }
    assert_eq!(told(world, order).await?, [notices; 3]);

    // What staff see.
    let table = whole_table(world).await?;
    for system in ["webhook", "whmcs", "email"] {
        assert_eq!(
            table.matches(&format!("\"{system}_told_at\"")).count(),
            notices,
            "{table}"
        );
        ensure!(!table.contains(&format!("{system}_error_code")), "{table}");
    }
    let heard = format!("{calls:?}{ticket:?}{mails:?}");
    let secrets = world.passwords().into_iter().chain([order.token.as_str()]);
    for secret in secrets {
        ensure!(!heard.contains(secret), "a ticket system was told a secret");
    }
    Ok(())
}

/// How many notices of a request each system has.
async fn told(world: &World, order: &Order) -> Result<[usize; 3]> {
    let system = system(world)?;
    let calls = system.calls().await?;
    let ticket = system.ticket("4711").await?;
    let replies = ticket.replies.iter().filter(|reply| reply.message.contains(&order.id));
    Ok([
        taken(&calls, order).count(),
        replies.count(),
        mails(world, order).await?.len(),
    ])
}

/// The webhooks of a request that were taken.
fn taken<'a>(calls: &'a [Call], order: &'a Order) -> impl Iterator<Item = &'a Call> {
    let is_of = |call: &&Call| call.status == 204 && call.body["data"]["request"] == order.id.as_str();
    calls.iter().filter(is_of)
}

async fn mails(world: &World, order: &Order) -> Result<Vec<Mail>> {
    let mails = world.stack.inbox().await?.into_iter();
    let is_of = |mail: &Mail| mail.to.iter().any(|to| to == MAILBOX) && mail.subject.contains(&order.id);
    Ok(mails.filter(is_of).collect())
}

async fn until(what: &str, is_so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !is_so().await? {
        ensure!(begun.elapsed() < PATIENCE, "not seen within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}
