//! `plan`: one mailbox: lists its folders, makes them at the destination, cuts them into chunks.
//!
//! Continues itself by a new message when time runs short. Idempotency key: mailbox and pass. Before the
//! first pass it also makes previews (`preview`), which write nothing at a server.

mod preview;

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsMessage;
use mailvan::clock::{Deadline, now};
use mailvan::config::Config;
use mailvan::domain::JobId;
use mailvan::domain::patience::Faults;
use mailvan::queue::{
    PlanMailbox, PreviewMailbox, PreviewMailboxes, Queue, QueueError, Queues, WorkLane, causes, decode, serve,
    times_received,
};
use mailvan::store::Ledger as _;
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
    let PlanMailbox { job_id, pass, faults } = wanted;
    // A delivery before this one ended without a word: it was cut off.
    let cut_off = times_received(message) - 1;
    let faults = faults.and_cut_off(cut_off, now());
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
        Ok(PlanEnd::Again) => next(deps, wanted, Faults::NONE, Duration::ZERO).await?,
        Ok(PlanEnd::Later(delay)) => next(deps, wanted, faults.waited(delay), delay).await?,
        Ok(PlanEnd::Nothing(notices)) => deps.queues.send_notices(job_id.request(), &notices).await?,
        Err(error) => {
            let faults = faults.and_one(now());
            tracing::warn!(job.id = %job_id, faults = faults.count(), error = causes(&error), "planning broke off");
            if error.needs_person() || faults.outlast(patience, now()) {
                fail(deps, job_id, &error).await?;
            } else {
                deps.engine.store.note_trouble(job_id, &error.failure()).await?;
                next(deps, wanted, faults, faults.pause()).await?;
            }
        }
    }
    Ok(())
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
    use mailvan::domain::{Pass, RequestId};

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
}
