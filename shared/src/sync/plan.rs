//! Planning a mailbox: what there is, where it goes, and in which chunks.

use std::time::Duration;

use super::settle::{settle_request, stop_mailbox};
use super::{Engine, NO_CONNECTION, Planning, SyncError, until_next_look};
use crate::clock::{Deadline, now};
use crate::domain::{JobId, JobState, Pass};
use crate::store::job::PlanTotals;
use crate::store::planning::PlanLease;
use crate::store::{FolderRecord, JobRecord, Ledger, NoticeKind, StoreError};

/// How long a mailbox is left alone that somebody else is at.
const BUSY: Duration = Duration::from_secs(30);

/// What is to be done after a run of planning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanEnd {
    /// All is planned: start this many lanes.
    Lanes(u8),
    /// Time ran short: send the same message again.
    Again {
        /// Whether the next run goes on from where this one ended.
        progressed: bool,
    },
    /// Another worker plans this mailbox, another request copies into the same one, or others hold all connections to
    /// the source: send the same message again after this long.
    Later(Duration),
    /// Nothing is left to plan; these notices wait to be sent.
    Nothing(Vec<NoticeKind>),
}

/// Plans a pass of a mailbox: folders are created at the destination and cut into chunks.
/// Idempotency key: job and pass; folders that are planned are passed over.
///
/// # Errors
/// [`SyncError`]; what has been planned so far stays.
pub async fn plan_mailbox(engine: &Engine, id: JobId, pass: Pass, deadline: Deadline) -> Result<PlanEnd, SyncError> {
    let job = engine.store.job(id).await?;
    let request = engine.store.request(job.request_id).await?;
    if request.is_over() {
        return Ok(PlanEnd::Nothing(stop_mailbox(&engine.store, id, now()).await?));
    }
    // The next night's frame has it planned.
    if pass == Pass::First && request.paused_until(now()).is_some() {
        return Ok(PlanEnd::Nothing(Vec::new()));
    }
    let lanes = engine.profile.limits.lanes;
    match (job.status.state(), job.status.pass()) {
        (JobState::Planning, Some(at)) if at == pass => {}
        (JobState::Copying, Some(at)) if at == pass => return Ok(PlanEnd::Lanes(lanes)),
        _ => {
            return Ok(PlanEnd::Nothing(
                settle_request(&engine.store, job.request_id, now()).await?,
            ));
        }
    }
    if let Some(rest) = job.resting(now()) {
        return Ok(PlanEnd::Later(until_next_look(rest)));
    }
    let (is_ours, is_held) = tokio::try_join!(engine.store.lock_destination(&job), is_held_elsewhere(engine, &job))?;
    if !is_ours || is_held {
        return Ok(PlanEnd::Later(BUSY));
    }
    let lease = match engine.store.lease_plan(id, now(), deadline.lease_end()).await {
        Ok(lease) => lease,
        Err(StoreError::Conflict) => return Ok(PlanEnd::Later(BUSY)),
        Err(error) => return Err(error.into()),
    };
    let planned = connected(engine, &job, pass, lease, deadline).await;
    engine.store.release_plan(lease).await?;
    if planned.as_ref().is_err_and(SyncError::is_capped)
        && let Some(delay) = engine.rest(id, false).await?
    {
        return Ok(PlanEnd::Later(delay));
    }
    match planned? {
        None => return Ok(PlanEnd::Later(NO_CONNECTION)),
        Some(Planning::OutOfTime { progressed }) => return Ok(PlanEnd::Again { progressed }),
        Some(Planning::Whole) => {}
    }
    let folders = engine.store.folders(id).await?;
    let totals = totals(engine, id, pass, &folders).await?;
    if pass.is_later() && brings_nothing(&job, pass, totals, &folders) {
        let ended = engine.store.end_look(&job, now()).await?;
        if ended.is_some() {
            return Ok(PlanEnd::Nothing(
                settle_request(&engine.store, job.request_id, now()).await?,
            ));
        }
    }
    engine.store.plan_job(id, pass, totals, now()).await?;
    Ok(PlanEnd::Lanes(
        u8::try_from(totals.open_folders).unwrap_or(u8::MAX).clamp(1, lanes),
    ))
}

/// Whether a worker may still be copying from where the mailbox was before its row was mended: what it sends may be the
/// same mail.
async fn is_held_elsewhere(engine: &Engine, job: &JobRecord) -> Result<bool, StoreError> {
    let (route, at) = (job.route(), now().as_second());
    let folders = engine.store.folders(job.job_id).await?;
    let mut elsewhere = folders.iter().filter(|folder| !folder.is_on(&route));
    Ok(elsewhere.any(|folder| folder.lease_until > at))
}

/// Plans with the right to connect to the source once; `None` where others hold all
/// connections.
async fn connected(
    engine: &Engine,
    job: &JobRecord,
    pass: Pass,
    lease: PlanLease,
    deadline: Deadline,
) -> Result<Option<Planning>, SyncError> {
    let mailbox = engine.mailbox(job).await?;
    let Some(connection) = engine.take_connection(job, deadline).await? else {
        return Ok(None);
    };
    let planned = mailbox.plan(pass, lease, deadline).await;
    let was_crowded = planned.as_ref().is_err_and(SyncError::is_crowded_source);
    engine
        .store
        .give_connection_back(&connection, was_crowded, now())
        .await?;
    if let Err(error) = &planned {
        let compression = mailbox.source.connector.compression();
        engine.note_broken_line(job, compression, error).await;
    }
    planned.map(Some)
}

/// Whether a later pass leaves a mailbox as it is, so that its certificate says of it what there is to say:
/// nothing is left to copy, planning has copied nothing, and no earlier later pass left it less whole.
fn brings_nothing(job: &JobRecord, pass: Pass, totals: PlanTotals, folders: &[FolderRecord]) -> bool {
    let before = job.before_look.as_ref().map(|before| before.messages_copied);
    let mut planned = folders.iter().filter(|folder| folder.planned_pass == pass);
    totals.open_folders == 0
        && before == Some(totals.messages_copied)
        && !planned.any(|folder| folder.error.is_some())
        && !job.has_exceptions_of_looks()
}

async fn totals(engine: &Engine, id: JobId, pass: Pass, folders: &[FolderRecord]) -> Result<PlanTotals, SyncError> {
    let chunks = engine.store.planned_chunks(id, folders).await?;
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let refused: i64 = chunks.iter().map(|chunk| chunk.counted_exceptions).sum();
    let is_missed = |folder: &&FolderRecord| folder.planned_pass == pass && folder.error.is_some();
    let with_error = folders.iter().filter(is_missed).count();
    let renamed = folders.iter().filter(|folder| folder.note.is_some()).count();
    let noted: i64 = chunks.iter().map(|chunk| chunk.counted_notes).sum();
    Ok(PlanTotals {
        folders: count(folders.len()),
        open_folders: count(folders.iter().filter(|folder| folder.is_open(pass)).count()),
        exceptions: refused.saturating_add(i64::try_from(with_error).unwrap_or(i64::MAX)),
        notes: noted.saturating_add(i64::try_from(renamed).unwrap_or(i64::MAX)),
        messages: chunks.iter().map(|chunk| chunk.messages).sum(),
        messages_copied: chunks.iter().map(|chunk| chunk.counted.0).sum(),
        bytes: chunks.iter().map(|chunk| chunk.bytes).sum(),
        bytes_copied: chunks.iter().map(|chunk| chunk.counted.1).sum(),
    })
}
