//! Dead letters of a mailbox: its planning, or one of its lanes.
//!
//! A lane whose mailbox moved on since its message was sent gets another chance: it was cut off, not
//! stuck. Where nothing moved but somebody holds a folder, the letter stays in its queue until the
//! lease has ended: that worker may copy something yet, and the lease may as well be one that a dead
//! worker left, this lane's own even, so that nobody would go on if the letter were dropped. It
//! comes to an end: a living worker makes progress, and a dead one's lease runs out.

use anyhow::bail;
use mailvan::clock::now;
use mailvan::domain::patience::Faults;
use mailvan::domain::{JobId, JobState, JobStatus, Pass};
use mailvan::queue::{CertifyMailbox, Queue, WorkLane};
use mailvan::store::{ChunkRecord, JobRecord, Ledger as _, StaffCause, StoreError};
use mailvan::sync::{fail_mailbox, stop_mailbox, tell_staff};

use crate::{Deps, given_up, settle};

/// What is known of a mailbox that is being copied.
#[derive(Clone, Copy, Debug)]
struct Progress {
    /// How much is done; see [`progress`].
    done: i64,
    /// Whether a worker holds one of its folders, or a dead one's lease has not run out.
    is_held: bool,
}

/// What is to be done with a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing: the pass is over, or others see to it.
    Leave,
    /// A lane goes on.
    GoOn,
    /// It is to be certified: whoever ended its last pass may have died before it could say so.
    Certify,
    /// Whether it is stuck shows later.
    Wait,
    /// It is stuck.
    GiveUp,
}

/// Buries the letter of a lane, with the count of messages it was sent with, or of the planning.
pub async fn bury(deps: &Deps, job_id: JobId, pass: Pass, lane: Option<(u8, i64)>) -> anyhow::Result<()> {
    let store = &deps.store;
    let Some(job) = find(deps, job_id).await? else {
        return Ok(());
    };
    let progress = Progress {
        done: progress(&store.all_chunks(job_id).await?, pass),
        is_held: is_held(deps, job_id).await?,
    };
    match verdict(job.status, pass, lane.map(|(_, copied)| copied), progress) {
        Verdict::Leave => {}
        Verdict::Wait => bail!("mailbox job {job_id} may be worked on; it is judged later"),
        Verdict::GoOn => {
            tracing::warn!(job.id = %job_id, done = progress.done, "a lane was cut off; it gets another chance");
            let next = WorkLane {
                job_id,
                pass,
                lane: lane.map_or(0, |(lane, _)| lane),
                copied: progress.done,
                faults: Faults::NONE,
            };
            deps.queues.send(Queue::Sync, &next).await?;
        }
        Verdict::Certify => deps.queues.send(Queue::Certify, &CertifyMailbox::first(job_id)).await?,
        Verdict::GiveUp => give_up(deps, job).await?,
    }
    settle(deps, job_id.request()).await
}

/// The mailbox of a letter, if there is anything left to decide about it: one whose request has ended
/// ends with it.
pub async fn find(deps: &Deps, job_id: JobId) -> anyhow::Result<Option<JobRecord>> {
    let store = &deps.store;
    let Some(request) = store.find_request(job_id.request()).await? else {
        tracing::warn!(job.id = %job_id, "a dead letter of a request that is not there");
        return Ok(None);
    };
    let job = match store.job(job_id).await {
        Err(StoreError::Missing(_)) => {
            tracing::warn!(job.id = %job_id, "a dead letter of a mailbox that is not there");
            return Ok(None);
        }
        job => job?,
    };
    if request.is_over() {
        stop_mailbox(store, job_id, now()).await?;
        settle(deps, job_id.request()).await?;
        return Ok(None);
    }
    Ok(Some(job))
}

/// Decides about a mailbox by where it is. `copied` is what the lane's letter says; the letter of a
/// planning has none.
fn verdict(status: JobStatus, pass: Pass, copied: Option<i64>, progress: Progress) -> Verdict {
    if status.pass() != Some(pass) {
        return Verdict::Leave;
    }
    match (status.state(), copied) {
        // The planning ended, and its lanes may not have been sent. One too many does no harm.
        (JobState::Copying, None) if !progress.is_held => Verdict::GoOn,
        (JobState::Copying, Some(copied)) if progress.done > copied => Verdict::GoOn,
        (JobState::Copying, Some(_)) if progress.is_held => Verdict::Wait,
        (JobState::Certifying, Some(_)) => Verdict::Certify,
        (JobState::Planning, None) | (JobState::Copying, Some(_)) => Verdict::GiveUp,
        _ => Verdict::Leave,
    }
}

/// How much of a pass is done: every message that has arrived and every chunk that is done counts
/// one. A letter's own count is lower than this was when it was sent, or the same: whoever sends a
/// lane's message knows only what the mailbox's counter holds, which is brought up to date at the
/// end of a chunk. So a lane that copied nothing may get one chance too many, but none too few, and
/// the message that `bury` sends has the exact count.
fn progress(chunks: &[ChunkRecord], pass: Pass) -> i64 {
    let done = chunks.iter().map(|chunk| {
        let messages = u64::try_from(chunk.map.len()).unwrap_or(u64::MAX);
        messages + chunk.unlocated.len() + u64::from(chunk.done_pass == Some(pass))
    });
    i64::try_from(done.sum::<u64>()).unwrap_or(i64::MAX)
}

async fn is_held(deps: &Deps, job_id: JobId) -> Result<bool, StoreError> {
    let at = now().as_second();
    let folders = deps.store.folders(job_id).await?;
    Ok(folders.iter().any(|folder| folder.lease_until > at))
}

/// Fails a mailbox. One that is being planned fails only under the right to plan it: another
/// delivery of the same message may be at it.
async fn give_up(deps: &Deps, job: JobRecord) -> anyhow::Result<()> {
    let lease = match job.status.state() {
        JobState::Planning => match deps.store.lease_plan(job.job_id, now(), now()).await {
            Err(StoreError::Conflict) => bail!("mailbox job {} is being planned; it is judged later", job.job_id),
            lease => Some(lease?),
        },
        _ => None,
    };
    tell_staff(&deps.store, job.job_id.request(), StaffCause::GivenUp, now()).await?;
    let failure = given_up(job.error_code, job.error_message);
    let failed = fail_mailbox(&deps.store, job.job_id, &failure, now()).await;
    if let Some(lease) = lease {
        deps.store.release_plan(lease).await?;
    }
    failed?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(state: JobState, copied: Option<i64>, done: i64, is_held: bool) -> Verdict {
        let status = JobStatus::new(state, Some(Pass::First)).unwrap();
        verdict(status, Pass::First, copied, Progress { done, is_held })
    }

    #[test]
    fn a_lane_that_moved_on_goes_on_and_one_that_did_not_is_given_up() {
        assert_eq!(judged(JobState::Copying, Some(10), 11, false), Verdict::GoOn);
        assert_eq!(judged(JobState::Copying, Some(10), 11, true), Verdict::GoOn);
        assert_eq!(judged(JobState::Copying, Some(10), 10, false), Verdict::GiveUp);
    }

    #[test]
    fn nothing_is_given_up_while_a_folder_is_held() {
        assert_eq!(judged(JobState::Copying, Some(10), 10, true), Verdict::Wait);
        assert_eq!(judged(JobState::Copying, None, 10, true), Verdict::Leave);
    }

    #[test]
    fn a_planning_letter_fails_only_what_is_being_planned() {
        assert_eq!(judged(JobState::Planning, None, 0, false), Verdict::GiveUp);
        assert_eq!(judged(JobState::Copying, None, 10, false), Verdict::GoOn);
        assert_eq!(judged(JobState::AwaitingCutover, None, 10, false), Verdict::Leave);
    }

    #[test]
    fn a_lanes_letter_has_a_mailbox_certified_that_waits_for_it() {
        let certifying = JobStatus::new(JobState::Certifying, Some(Pass::Final)).unwrap();
        let progress = Progress {
            done: 10,
            is_held: false,
        };
        assert_eq!(verdict(certifying, Pass::Final, Some(3), progress), Verdict::Certify);
        assert_eq!(verdict(certifying, Pass::First, Some(3), progress), Verdict::Leave);
        assert_eq!(verdict(certifying, Pass::Final, None, progress), Verdict::Leave);
    }

    #[test]
    fn a_lanes_letter_leaves_a_mailbox_alone_that_is_not_being_copied_in_its_pass() {
        assert_eq!(judged(JobState::Planning, Some(0), 0, false), Verdict::Leave);
        assert_eq!(judged(JobState::Failed, Some(0), 0, false), Verdict::Leave);
        let later = JobStatus::new(JobState::Copying, Some(Pass::Final)).unwrap();
        let progress = Progress {
            done: 0,
            is_held: false,
        };
        assert_eq!(verdict(later, Pass::First, Some(0), progress), Verdict::Leave);
        assert_eq!(verdict(JobStatus::WAITING, Pass::First, None, progress), Verdict::Leave);
    }
}
