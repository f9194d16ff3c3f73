//! Mailvan's engine alone: one pass of one mailbox, with a ledger that a file keeps until the next.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use mailvan::clock::Deadline;
use mailvan::domain::{CopyOptions, Endpoint, JobId, Pass, RequestId, Secret, Security};
use mailvan::imap::guard::AddressPolicy;
use mailvan::imap::{Connector, Credentials};
use mailvan::profile::Limits;
use mailvan::sync::{Access, Mailbox, Planning};
use mailvan_engine::{MemoryLedger, run_pass};

use crate::account;

/// How long a pass may take.
const PATIENCE: Duration = Duration::from_mins(30);

/// How a mailbox is taken through a pass.
#[derive(Debug, clap::Args)]
pub struct How {
    /// Which pass
    #[arg(long)]
    pass: PassName,
    /// Plan only, and copy nothing
    #[arg(long)]
    plan_only: bool,
    /// How many lanes; as many as Mailvan has by default where it is not given
    #[arg(long)]
    lanes: Option<u8>,
    /// The ledger, kept from one pass to the next
    #[arg(long)]
    state: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PassName {
    First,
    Final,
}

/// Takes a mailbox through a pass.
pub fn run(source: &account::Mailbox, destination: &account::Mailbox, how: &How) -> Result<()> {
    let limits = Limits::default();
    let mailbox = Mailbox {
        job_id: JobId::new(RequestId::from_parts(0, [0; 10]), 0, 0),
        ledger: read(&how.state)?,
        source: access(source)?,
        destination: access(destination)?,
        limits: Limits {
            lanes: how.lanes.unwrap_or(limits.lanes),
            ..limits
        },
        options: CopyOptions::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let pass = match how.pass {
        PassName::First => Pass::First,
        PassName::Final => Pass::Final,
    };
    let deadline = Deadline::after(PATIENCE);
    if how.plan_only {
        let lease = mailbox.ledger.lease_plan(mailbox.job_id);
        ensure!(
            runtime.block_on(mailbox.plan(pass, lease, deadline))? == Planning::Whole,
            "time ran short"
        );
    } else {
        runtime.block_on(run_pass(&mailbox, pass, deadline))?;
    }
    for trouble in mailbox.ledger.troubles() {
        eprintln!("{trouble}");
    }
    fs::write(&how.state, mailbox.ledger.to_json()?).with_context(|| format!("writing {}", how.state.display()))
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
