//! Both passes, as they should go.

use anyhow::Result;
use mailvan::domain::Pass;
use mailvan_local::samples::{deliver_between_passes, office};

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
