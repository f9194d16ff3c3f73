//! A folder of a million messages: planning, and a final pass without changes, take linear time and
//! little memory. In a process of their own, so that the memory is theirs.

#![allow(clippy::disallowed_methods, reason = "it measures")]

mod server;

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mailvan::clock::Deadline;
use mailvan::domain::flags::{FlagSet, FlagTable};
use mailvan::domain::prints::{Print, Prints};
use mailvan::domain::tally::body_digest;
use mailvan::domain::{CopyOptions, Endpoint, JobId, Pass, RequestId, Secret, Security};
use mailvan::imap::guard::AddressPolicy;
use mailvan::imap::{Connector, Credentials};
use mailvan::profile::Limits;
use mailvan::store::{Ledger as _, Planned};
use mailvan::sync::{Access, Mailbox, Planning};
use mailvan_engine::MemoryLedger;

use server::{Folder, flags, serve};

/// What a folder may take beside what the process takes anyway, for each of its messages.
const BYTES_A_MESSAGE: u64 = 60;
const BYTES_ANYWAY: u64 = 40 << 20;

async fn mailbox(source: Arc<Mutex<Folder>>) -> Result<Mailbox<MemoryLedger>> {
    let destination = Folder {
        messages: 0,
        is_able: true,
        ..Folder::default()
    };
    let access = async |folder: Arc<Mutex<Folder>>| -> Result<Access> {
        let address = serve(folder).await?;
        Ok(Access {
            connector: Connector::try_new(AddressPolicy::Any, true, None)?,
            endpoint: Endpoint {
                host: "127.0.0.1".parse()?,
                port: address.port(),
                security: Security::None,
            },
            credentials: Credentials::Own {
                user: "joe".to_owned(),
                password: Secret::from("hunter2"),
            },
        })
    };
    Ok(Mailbox {
        job_id: JobId::new(RequestId::from_parts(0, [0; 10]), 0, 0),
        ledger: MemoryLedger::default(),
        source: access(source).await?,
        destination: access(Arc::new(Mutex::new(destination))).await?,
        limits: Limits::default(),
        options: CopyOptions::default(),
    })
}

/// The most memory this process has had, in bytes, since it was asked last.
fn peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .context("no VmHWM")?;
    let kib: u64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    fs::write("/proc/self/clear_refs", "5")?;
    Ok(kib << 10)
}

async fn plan(mailbox: &Mailbox<MemoryLedger>, pass: Pass, most_bytes: u64, what: &str) -> Result<()> {
    peak()?;
    let begun = Instant::now();
    let lease = mailbox.ledger.lease_plan(mailbox.job_id);
    let deadline = Deadline::after(Duration::from_mins(4));
    ensure!(mailbox.plan(pass, lease, deadline).await? == Planning::Whole);
    let (taken, bytes) = (begun.elapsed(), peak()?);
    eprintln!("{what}: {taken:?}, {} MiB", bytes >> 20);
    ensure!(bytes <= most_bytes, "{what}: {} MiB", bytes >> 20);
    Ok(())
}

/// Ends all chunks, as if every message had been copied, with all that is then known.
async fn finish(mailbox: &Mailbox<MemoryLedger>) -> Result<()> {
    let lease = mailbox.ledger.lease_plan(mailbox.job_id);
    for folder in mailbox.ledger.all_folders() {
        for mut chunk in mailbox.ledger.chunks(mailbox.job_id, folder.folder).await? {
            let (mut table, mut prints) = (FlagTable::default(), Prints::default());
            for uid in chunk.first_uid..=chunk.last_uid {
                chunk.map.insert(uid, uid);
                table.insert(uid, &FlagSet::new(flags(uid).split(' ')));
                prints.insert(uid, Print::of(&body_digest(&uid.to_be_bytes()), None));
            }
            (chunk.flags, chunk.prints) = (table, prints);
            let messages = chunk.messages;
            chunk.finish(Pass::First, messages);
            let mut folder = folder.clone();
            folder.done_pass = Some(Pass::First);
            let chunks = vec![chunk];
            mailbox.ledger.put_folders(lease, &[Planned { folder, chunks }]).await?;
        }
    }
    Ok(())
}

/// Plans a first and a final pass of a folder of so many messages.
async fn plan_all(messages: u32) -> Result<()> {
    let most_bytes = BYTES_ANYWAY + BYTES_A_MESSAGE * u64::from(messages);
    let able = Folder {
        messages,
        is_able: true,
        ..Folder::default()
    };
    let source = Arc::new(Mutex::new(able));
    let first = mailbox(Arc::clone(&source)).await?;
    plan(&first, Pass::First, most_bytes, "first pass").await?;
    let planned: i64 = first.ledger.all_chunks().iter().map(|chunk| chunk.messages).sum();
    ensure!(planned == i64::from(messages));
    finish(&first).await?;
    plan(&first, Pass::Final, most_bytes, "final pass, with MODSEQ").await?;
    source.lock().unwrap_or_else(PoisonError::into_inner).is_able = false;
    plan(&first, Pass::Final, most_bytes, "final pass, all flags compared").await?;
    ensure!(
        first
            .ledger
            .all_folders()
            .iter()
            .all(|folder| !folder.is_open(Pass::Final))
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_of_a_hundred_thousand_messages_takes_little_memory() -> Result<()> {
    plan_all(100_000).await
}

/// It takes most of a minute without optimisation.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the same with ten times as many, for measuring: run it with --release --ignored --nocapture"]
async fn folder_of_a_million_messages_takes_ten_times_as_long() -> Result<()> {
    plan_all(1_000_000).await
}

/// Exchange (2026) ends a session after ten errors.
#[tokio::test(flavor = "multi_thread")]
async fn server_that_ends_sessions_after_some_refusals_is_planned_to_the_end() -> Result<()> {
    let impatient = Folder {
        messages: 50,
        closed: 7,
        most_refusals: Some(3),
        ..Folder::default()
    };
    let mailbox = mailbox(Arc::new(Mutex::new(impatient))).await?;
    plan(&mailbox, Pass::First, u64::MAX, "impatient server").await?;
    let folders = mailbox.ledger.all_folders();
    let skipped = folders.iter().filter(|folder| folder.error.is_some()).count();
    ensure!((folders.len(), skipped) == (8, 7), "{folders:?}");
    let messages: i64 = mailbox.ledger.all_chunks().iter().map(|chunk| chunk.messages).sum();
    ensure!(messages == 50, "{messages}");
    Ok(())
}
