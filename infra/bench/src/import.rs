//! Mailvan's import alone: one calendar into one mailbox, with a journal in memory.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use mailvan::clock::Deadline;
use mailvan::dav::import::{Choices, Import, Step};
use mailvan::dav::server::{DavSession, Login};
use mailvan::dav::spool::Spool;
use mailvan::imap::Connector;
use mailvan::imap::guard::AddressPolicy;
use mailvan_engine::MemoryJournal;

use crate::measure::{Taken, within};

/// How long a run may take.
const PATIENCE: Duration = Duration::from_mins(30);

/// What is imported, and where to.
#[derive(Debug, clap::Args)]
pub struct How {
    /// The server
    #[arg(long)]
    url: String,
    /// The mailbox
    #[arg(long)]
    user: String,
    /// The calendar
    #[arg(long)]
    file: PathBuf,
    /// How many requests are under way at once
    #[arg(long)]
    connections: usize,
}

/// Imports; the time is that from the file on disk to the last object read back.
pub fn run(password: &str, how: &How) -> Result<Taken> {
    let runtime = tokio::runtime::Runtime::new()?;
    within(|| runtime.block_on(import(password, how)))
}

async fn import(password: &str, how: &How) -> Result<()> {
    let login = Login::Basic {
        user: how.user.clone(),
        password: password.into(),
    };
    let connector = Connector::try_new(AddressPolicy::Any, true, None)?;
    let session = DavSession::new(connector, &how.url, &login)?;
    let upload = File::open(&how.file).with_context(|| format!("opening {}", how.file.display()))?;
    let journal = MemoryJournal::default();
    let choices = Choices {
        update: false,
        in_flight: how.connections,
    };
    let mut import = Import::new(session, Spool::open(upload)?, &journal, choices);
    let mut progress = journal.progress();
    while import.step(&mut progress, Deadline::after(PATIENCE)).await? == Step::More {}
    ensure!(
        progress.counts.imported == progress.objects && progress.problems_found == 0,
        "not all entries arrived as they were: {:?}",
        progress.counts
    );
    Ok(())
}
