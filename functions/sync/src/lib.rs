//! `sync`: one lane of a mailbox: copies chunk after chunk within the time left.
//!
//! Continues itself by a new message when time runs short. Idempotency key: mailbox and pass; any
//! number of lanes may run at once, and any message may come twice.

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsMessage;
use mailvan::clock::{Deadline, now};
use mailvan::config::Config;
use mailvan::domain::patience::Faults;
use mailvan::queue::{CertifyMailbox, Queue, Queues, WorkLane, causes, decode, serve, times_received};
use mailvan::store::{JobRecord, Ledger as _, StoreError};
use mailvan::sync::{Engine, LaneEnd, SyncError, fail_mailbox, run_lane};

/// What the function works with.
struct Deps {
    engine: Engine,
    queues: Queues,
}

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let config = Config::load().await?;
    let deps = &Deps {
        engine: config.engine(),
        queues: config.queues(),
    };
    serve(async |message, deadline| work(deps, message, deadline).await).await
}

async fn work(deps: &Deps, message: SqsMessage, deadline: Deadline) -> anyhow::Result<()> {
    let lane: WorkLane = decode(&message)?;
    let store = &deps.engine.store;
    let job_id = lane.job_id;
    let (counting, copied) = match store.job(job_id).await {
        // Another file took the place of its own while the lane rested.
        Err(StoreError::Missing(_)) => {
            tracing::info!(job.id = %job_id, "a lane of a mailbox that is not there any more");
            return Ok(());
        }
        job => job.map(|job| (still_counting(&lane, &job), job.messages_copied))?,
    };
    let lane = WorkLane {
        faults: counting,
        ..lane
    };
    // A delivery before this one ended without a word: it was cut off.
    let cut_off = times_received(&message) - 1;
    let faults = lane.faults.and_cut_off(cut_off, now());
    if cut_off > 0 && faults.outlast(deps.engine.profile.limits.patience(), now()) && copied == lane.copied {
        return give_up(deps, lane, &SyncError::CutOff(faults.cut_off())).await;
    }
    match run_lane(&deps.engine, job_id, lane.pass, lane.lane, deadline).await {
        Ok(LaneEnd::Continue) => next(deps, lane, Faults::NONE, Duration::ZERO).await,
        Ok(LaneEnd::Wait(delay)) => next(deps, lane, faults.waited(delay), delay).await,
        // Whoever was cut off still holds its folder, and has no other message than this one.
        Ok(LaneEnd::Held(delay)) if times_received(&message) > 1 => next(deps, lane, faults.waited(delay), delay).await,
        Ok(LaneEnd::Held(_)) => Ok(()),
        Ok(LaneEnd::Certify) => Ok(deps.queues.send(Queue::Certify, &CertifyMailbox::first(job_id)).await?),
        Ok(LaneEnd::Done(notices)) => Ok(deps.queues.send_notices(job_id.request(), &notices).await?),
        Err(failure) => {
            let faults = faults.and_end_of_run(failure.progressed, now());
            tracing::warn!(job.id = %job_id, lane = lane.lane, faults = faults.count(), error = causes(&failure.error), "lane broke off");
            if failure.error.is_crowded() && deps.engine.others_at_work(job_id, lane.pass).await? {
                tracing::warn!(job.id = %job_id, lane = lane.lane, "a server wants fewer connections: the lane ends");
                return Ok(());
            }
            store.note_trouble(job_id, &failure.error.failure()).await?;
            let patience = deps.engine.profile.limits.patience();
            if faults.are_final(failure.error.prospect(), patience, now()) {
                give_up(deps, lane, &failure.error).await
            } else {
                next(deps, lane, faults, failure.error.pause_after(faults)).await
            }
        }
    }
}

/// The faults that a message brings, without those of an earlier try: where the first pass is begun again, a lane that
/// rested meanwhile would give the mailbox up at once.
fn still_counting(lane: &WorkLane, job: &JobRecord) -> Faults {
    let begun = job.state_since.parse();
    begun.map_or(lane.faults, |begun| lane.faults.met_since(begun))
}

/// Ends the mailbox as failed; or only this lane, where another one is at work.
async fn give_up(deps: &Deps, lane: WorkLane, error: &SyncError) -> anyhow::Result<()> {
    if !error.needs_person() && deps.engine.others_at_work(lane.job_id, lane.pass).await? {
        tracing::warn!(job.id = %lane.job_id, lane = lane.lane, "lane given up; others are at work");
        return Ok(());
    }
    let notices = fail_mailbox(&deps.engine.store, lane.job_id, &error.failure(), now()).await?;
    Ok(deps.queues.send_notices(lane.job_id.request(), &notices).await?)
}

/// Sends the lane's next message. Dying before it is sent, the message at hand comes again.
async fn next(deps: &Deps, lane: WorkLane, faults: Faults, delay: Duration) -> anyhow::Result<()> {
    let copied = deps.engine.store.job(lane.job_id).await?.messages_copied;
    Ok(deps
        .queues
        .send_later(Queue::Sync, &WorkLane { copied, faults, ..lane }, delay)
        .await?)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use mailvan::imap::ImapError;

    use super::*;

    fn refused_login() -> SyncError {
        SyncError::Source(ImapError::LoginRefused {
            text: "no".to_owned(),
            passing: false,
        })
    }

    fn is_given_up(error: &SyncError, faults: u32, minutes: i64) -> bool {
        let begun = Timestamp::UNIX_EPOCH;
        let met = (0..faults).fold(Faults::NONE, |faults, _| faults.and_one(begun));
        let at = begun + SignedDuration::from_mins(minutes);
        met.are_final(error.prospect(), Duration::from_mins(30), at)
    }

    #[test]
    fn lasting_fault_is_given_up_in_the_end() {
        let lost = SyncError::Source(ImapError::Closed { command: "FETCH" });
        assert!(!is_given_up(&lost, 9, 29));
        assert!(is_given_up(&lost, 9, 30));
    }

    #[test]
    fn refused_login_is_believed_at_the_second_time() {
        assert!(!is_given_up(&refused_login(), 1, 0));
        assert!(is_given_up(&refused_login(), 2, 0));
    }

    #[test]
    fn full_mailbox_is_believed_at_once() {
        assert!(is_given_up(&SyncError::OverQuota("full".to_owned()), 1, 0));
    }
}
