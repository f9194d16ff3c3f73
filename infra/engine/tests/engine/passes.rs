//! All passes, as they should go.

use std::time::Duration;

use anyhow::Result;
use mailvan::clock::Deadline;
use mailvan::domain::Pass;
use mailvan_engine::certify_after;
use mailvan_local::samples::{deliver_between_passes, deliver_late, office};
use serde_json::json;

use crate::servers::{Servers, pass};

#[tokio::test(flavor = "multi_thread")]
async fn both_passes_leave_both_sides_identical() -> Result<()> {
    let servers = Servers::start(office(300, 5))?;
    let mailbox = servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    servers.ensure_identical()?;
    deliver_between_passes(&servers.source, &servers.account, 6, 3)?;
    pass(&mailbox, Pass::Final).await?;
    servers.ensure_identical()?;
    // Written down and read again, the ledger still knows all: nothing is copied twice.
    let ledger = mailvan_engine::MemoryLedger::from_json(&mailbox.ledger.to_json()?)?;
    let again = mailvan::sync::Mailbox { ledger, ..mailbox };
    pass(&again, Pass::Final).await?;
    servers.ensure_identical()
}

#[tokio::test(flavor = "multi_thread")]
async fn later_passes_fetch_what_came_late_once_and_certify_it_anew() -> Result<()> {
    let servers = Servers::start(office(300, 5))?;
    let mailbox = servers.mailbox()?;
    let certificate = async |pass| -> Result<serde_json::Value> {
        let made = certify_after(&mailbox, pass, true, Deadline::after(Duration::from_mins(1))).await?;
        Ok(serde_json::to_value(made)?)
    };
    pass(&mailbox, Pass::First).await?;
    pass(&mailbox, Pass::Final).await?;
    let before = certificate(Pass::Final).await?["totals"]["source_side"]["messages"].as_u64();
    let mut fetched = 0;
    for number in [1, 2] {
        // The second time the same messages again, which are two then.
        deliver_late(&servers.source, &servers.account.login, &servers.account, 3)?;
        fetched += 3;
        pass(&mailbox, Pass::Later(number)).await?;
        servers.ensure_identical()?;
        let made = certificate(Pass::Later(number)).await?;
        assert_eq!(
            (&made["agrees"], &made["pass"]),
            (&json!(true), &json!(format!("later_{number}")))
        );
        let messages = made["totals"]["source_side"]["messages"].as_u64();
        assert_eq!(messages, before.map(|before| before + fetched), "{number}");
    }
    // Nothing came: nothing is written down.
    let writes = mailbox.ledger.plan_writes();
    pass(&mailbox, Pass::Later(3)).await?;
    assert_eq!(mailbox.ledger.plan_writes(), writes);
    servers.ensure_identical()
}
