//! Mailvan's engine alone: one pass of one mailbox, with a ledger that a file keeps until the next.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use mailvan::clock::Deadline;
use mailvan::domain::{CopyOptions, Endpoint, JobId, Pass, RequestId, Secret, Security};
use mailvan::imap::guard::AddressPolicy;
use mailvan::imap::{Connector, Credentials};
use mailvan::profile::Limits;
use mailvan::sync::{Access, Mailbox};
use mailvan_engine::{MemoryLedger, run_pass};

use crate::account;

/// How long a pass may take.
const PATIENCE: Duration = Duration::from_mins(30);

/// Takes a mailbox through a pass.
pub fn run(
    source: &account::Mailbox,
    destination: &account::Mailbox,
    pass: Pass,
    lanes: Option<u8>,
    state: &Path,
) -> Result<()> {
    let limits = Limits::default();
    let mailbox = Mailbox {
        job_id: JobId::new(RequestId::from_parts(0, [0; 10]), 0, 0),
        ledger: read(state)?,
        source: access(source)?,
        destination: access(destination)?,
        limits: Limits {
            lanes: lanes.unwrap_or(limits.lanes),
            ..limits
        },
        options: CopyOptions::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run_pass(&mailbox, pass, Deadline::after(PATIENCE)))?;
    for trouble in mailbox.ledger.troubles() {
        eprintln!("{trouble}");
    }
    fs::write(state, mailbox.ledger.to_json()?).with_context(|| format!("writing {}", state.display()))
}

/// The ledger of the pass before, if there was one.
fn read(state: &Path) -> Result<MemoryLedger> {
    match fs::read_to_string(state) {
        Ok(text) => MemoryLedger::from_json(&text).with_context(|| format!("{} is no ledger", state.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(MemoryLedger::default()),
        Err(error) => Err(error).with_context(|| format!("reading {}", state.display())),
    }
}

fn access(mailbox: &account::Mailbox) -> Result<Access> {
    let address: SocketAddr = mailbox.address;
    Ok(Access {
        connector: Connector::try_new(AddressPolicy::Any, true, None)?,
        endpoint: Endpoint {
            host: address.ip().to_string().parse()?,
            port: address.port(),
            security: Security::None,
        },
        credentials: Credentials::Own {
            user: mailbox.login.user.clone(),
            password: Secret::from(mailbox.login.password.as_str()),
        },
    })
}
