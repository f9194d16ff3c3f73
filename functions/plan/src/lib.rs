//! `plan`: one mailbox: lists its folders, makes them at the destination, cuts them into chunks.
//!
//! Continues itself by a new message when time runs short. Idempotency key: mailbox and pass. Before the
//! first pass it also makes previews (`preview`), which write nothing at a server.

mod preview;

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsMessage;
use mailvan::clock::{Deadline, now};
use mailvan::config::Config;
use mailvan::domain::patience::Faults;
use mailvan::domain::{JobId, Pass};
use mailvan::queue::{
    PlanMailbox, PreviewMailbox, PreviewMailboxes, Queue, QueueError, Queues, WorkLane, causes, decode, serve,
    times_received,
};
use mailvan::store::{Ledger as _, StoreError};
use mailvan::sync::{Engine, PlanEnd, SyncError, fail_mailbox, plan_mailbox};
use serde::Deserialize;

/// What the function works with.
struct Deps {
    engine: Engine,
    queues: Queues,
}

/// What the function is asked for; each has a field that the others have not.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Work {
    Plan(PlanMailbox),
    Preview(PreviewMailbox),
    PreviewAll(PreviewMailboxes),
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
    serve(async |message, deadline| work(deps, &message, deadline).await).await
}

async fn work(deps: &Deps, message: &SqsMessage, deadline: Deadline) -> anyhow::Result<()> {
    match decode(message)? {
        Work::Plan(wanted) => plan(deps, message, wanted, deadline).await,
        Work::Preview(wanted) => preview::one(deps, message, &wanted, deadline).await,
        Work::PreviewAll(wanted) => preview::all(deps, &wanted).await,
    }
}

async fn plan(deps: &Deps, message: &SqsMessage, wanted: PlanMailbox, deadline: Deadline) -> anyhow::Result<()> {
    let PlanMailbox { job_id, pass, .. } = wanted;
    // Another file took the place of its own while the message rested.
    if let Err(StoreError::Missing(_)) = deps.engine.store.job(job_id).await {
        tracing::info!(job.id = %job_id, "a mailbox that is not there any more was to be planned");
        return Ok(());
    }
    // A delivery before this one ended without a word: it was cut off.
    let cut_off = times_received(message) - 1;
    let wanted = match cut_off {
        0 => wanted,
        _ => went_on(wanted, planned(deps, job_id, pass).await?),
    };
    let faults = wanted.faults.and_cut_off(cut_off, now());
    let patience = deps.engine.profile.limits.patience();
    if cut_off > 0 && faults.outlast(patience, now()) {
        return fail(deps, job_id, &SyncError::CutOff(faults.cut_off())).await;
    }
    match plan_mailbox(&deps.engine, job_id, pass, deadline).await {
        Ok(PlanEnd::Lanes(lanes)) => {
            let copied = deps.engine.store.job(job_id).await?.messages_copied;
            let lane = |lane| WorkLane {
                job_id,
                pass,
                lane,
                copied,
                faults: Faults::NONE,
            };
            let messages: Vec<WorkLane> = (0..lanes).map(lane).collect();
            deps.queues.send_all(Queue::Sync, &messages).await?;
        }
        Ok(PlanEnd::Again { progressed: true }) => next(deps, wanted, Faults::NONE, Duration::ZERO).await?,
        Ok(PlanEnd::Again { progressed: false }) => {
            let faults = faults.and_cut_off(1, now());
            if faults.outlast(patience, now()) {
                fail(deps, job_id, &SyncError::CutOff(faults.count())).await?;
            } else {
                next(deps, wanted, faults, faults.pause()).await?;
            }
        }
        Ok(PlanEnd::Later(delay)) => next(deps, wanted, faults.waited(delay), delay).await?,
        Ok(PlanEnd::Nothing(notices)) => deps.queues.send_notices(job_id.request(), &notices).await?,
        Err(error) => {
            let wanted = went_on(PlanMailbox { faults, ..wanted }, planned(deps, job_id, pass).await?);
            let faults = wanted.faults.and_one(now());
            tracing::warn!(job.id = %job_id, faults = faults.count(), error = causes(&error), "planning broke off");
            if error.needs_person() || faults.outlast(patience, now()) {
                fail(deps, job_id, &error).await?;
            } else {
                deps.engine.store.note_trouble(job_id, &error.failure()).await?;
                next(deps, wanted, faults, error.pause_after(faults)).await?;
            }
        }
    }
    Ok(())
}

/// How many folders have been planned in a pass.
async fn planned(deps: &Deps, job_id: JobId, pass: Pass) -> anyhow::Result<u32> {
    let folders = deps.engine.store.folders(job_id).await?;
    let planned = folders.iter().filter(|folder| folder.is_planned(pass)).count();
    Ok(u32::try_from(planned)?)
}

/// The message, without the faults that were met before planning went on.
fn went_on(wanted: PlanMailbox, planned: u32) -> PlanMailbox {
    if planned <= wanted.planned {
        return wanted;
    }
    PlanMailbox {
        faults: Faults::NONE,
        planned,
        ..wanted
    }
}

/// Ends the mailbox as failed.
async fn fail(deps: &Deps, job_id: JobId, error: &SyncError) -> anyhow::Result<()> {
    let notices = fail_mailbox(&deps.engine.store, job_id, &error.failure(), now()).await?;
    Ok(deps.queues.send_notices(job_id.request(), &notices).await?)
}

/// Sends the mailbox's next message. Dying before it is sent, the message at hand comes again.
async fn next(deps: &Deps, wanted: PlanMailbox, faults: Faults, delay: Duration) -> Result<(), QueueError> {
    let next = PlanMailbox { faults, ..wanted };
    deps.queues.send_later(Queue::Plan, &next, delay).await
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan as _};
    use mailvan::domain::RequestId;

    use super::*;

    fn taken(message: &impl serde::Serialize) -> Work {
        serde_json::from_str(&serde_json::to_string(message).unwrap()).unwrap()
    }

    #[test]
    fn each_message_is_taken_for_what_it_is() {
        let request_id = RequestId::from_parts(0, [0; 10]);
        let job_id = JobId::new(request_id, 1, 2);
        let plan = PlanMailbox {
            job_id,
            pass: Pass::First,
            faults: Faults::NONE,
            planned: 3,
        };
        let preview = PreviewMailbox {
            job_id,
            preview_asked: 7,
        };
        let all = PreviewMailboxes {
            request_id,
            generation: 1,
            preview_asked: 7,
        };
        assert_eq!(taken(&plan), Work::Plan(plan));
        assert_eq!(taken(&preview), Work::Preview(preview));
        assert_eq!(taken(&all), Work::PreviewAll(all));
    }

    #[test]
    fn faults_between_which_folders_were_planned_do_not_add_up() {
        let mut wanted = PlanMailbox {
            job_id: JobId::new(RequestId::from_parts(0, [0; 10]), 1, 2),
            pass: Pass::First,
            faults: Faults::NONE,
            planned: 0,
        };
        let patience = Duration::from_mins(30);
        let mut now = Timestamp::UNIX_EPOCH;
        for folders in [0, 200, 400, 600, 800, 1000, 1200, 1200, 1200, 1200] {
            wanted = went_on(wanted, folders);
            wanted.faults = wanted.faults.and_one(now);
            assert!(!wanted.faults.outlast(patience, now), "{folders}");
            now += 5.minutes();
        }
        for _ in 0..4 {
            wanted = went_on(wanted, 1200);
            wanted.faults = wanted.faults.and_one(now);
            now += 5.minutes();
        }
        assert!(wanted.faults.outlast(patience, now));
    }
}
