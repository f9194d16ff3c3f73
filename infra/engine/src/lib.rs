//! The engine alone: one mailbox copied between two IMAP servers, without AWS.
//!
//! The same code as in the functions ([`Mailbox`]) over a ledger in memory ([`MemoryLedger`]), which
//! can be written to a file, so that a final pass may follow another day. It is what the benchmark
//! measures, and how the engine's tests reach real servers quickly.

mod journal;
mod ledger;

use std::sync::Arc;

use mailvan::certify::{Basis, Certificate, CertifyFailure, Compared, Subject};
use mailvan::clock::Deadline;
use mailvan::domain::Pass;
use mailvan::store::{FolderRecord, StoreError};
use mailvan::sync::{LaneFailure, Mailbox, Planning, SyncError, Work};
use tokio::task::JoinSet;

pub use journal::MemoryJournal;
pub use ledger::MemoryLedger;

/// Why a pass did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// Planning broke off.
    #[error(transparent)]
    Plan(#[from] SyncError),
    /// A lane broke off.
    #[error(transparent)]
    Lane(#[from] LaneFailure),
    /// Comparing broke off.
    #[error(transparent)]
    Certify(#[from] CertifyFailure),
    /// The ledger refused.
    #[error(transparent)]
    Ledger(#[from] StoreError),
    /// Time ran short.
    #[error("time ran short")]
    OutOfTime,
    /// A lease of an earlier run has not ended yet.
    #[error("a folder is still held by an earlier run")]
    Held,
    /// A lane panicked or was ended.
    #[error("a lane ended before its time")]
    Aborted,
}

/// Compares a mailbox after its passes, as far as it has not been compared yet, and makes the
/// certificate of it.
///
/// # Errors
/// [`PassError`]; what was found is in the ledger.
pub async fn certify(
    mailbox: &Mailbox<MemoryLedger>,
    with_source: bool,
    deadline: Deadline,
) -> Result<Certificate, PassError> {
    certify_after(mailbox, Pass::Final, with_source, deadline).await
}

/// The same after a later pass: what was found after an earlier one counts no more.
///
/// # Errors
/// [`PassError`]; what was found is in the ledger.
pub async fn certify_after(
    mailbox: &Mailbox<MemoryLedger>,
    pass: Pass,
    with_source: bool,
    deadline: Deadline,
) -> Result<Certificate, PassError> {
    let lease = mailbox.ledger.lease_certificate(mailbox.job_id, pass);
    let basis = Basis {
        with_source,
        was_certified: pass.is_later(),
    };
    match mailbox.compare(lease, basis, deadline).await? {
        Compared::Whole => {}
        Compared::OutOfTime | Compared::Stopped => return Err(PassError::OutOfTime),
    }
    let subject = Subject {
        pass,
        job_id: mailbox.job_id,
        mailbox: "source".to_owned(),
        destination: "destination".to_owned(),
    };
    Ok(Certificate::draw_up(&mailbox.ledger, subject, String::new()).await?)
}

/// Takes a mailbox through a pass: plans it, then copies with as many lanes as its limits say.
///
/// # Errors
/// [`PassError`]; what has been done is in the ledger, and the pass can be run again.
pub async fn run_pass(mailbox: &Mailbox<MemoryLedger>, pass: Pass, deadline: Deadline) -> Result<(), PassError> {
    let lease = mailbox.ledger.lease_plan(mailbox.job_id);
    if mailbox.plan(pass, lease, deadline).await? != Planning::Whole {
        return Err(PassError::OutOfTime);
    }
    let mailbox = Arc::new(mailbox.clone());
    let mut lanes = JoinSet::new();
    for lane in 0..mailbox.limits.lanes {
        let mailbox = Arc::clone(&mailbox);
        lanes.spawn(async move { mailbox.work(pass, lane, deadline).await });
    }
    // All are waited for, also where one broke off: what the others do is worth having.
    let mut end = Ok(());
    while let Some(lane) = lanes.join_next().await {
        let lane = match lane {
            // A lane that finds all that is open held by others has nothing to wait for.
            Ok(Ok(Work::NothingOpen { .. } | Work::Held(_) | Work::HeldUntil(_))) => Ok(()),
            Ok(Ok(Work::OutOfTime | Work::Stopped)) => Err(PassError::OutOfTime),
            Ok(Err(failure)) => Err(failure.into()),
            Err(_) => Err(PassError::Aborted),
        };
        end = end.and(lane);
    }
    end?;
    let is_open = |folder: &FolderRecord| folder.is_open(pass);
    if mailbox.ledger.all_folders().iter().any(is_open) {
        return Err(PassError::Held);
    }
    Ok(())
}
