//! `plan`: one mailbox: lists its folders, makes them at the destination, cuts them into chunks.
//!
//! Continues itself by a new message when time runs short. Idempotency key: mailbox and pass.

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsMessage;
use mailvan::clock::{Deadline, now};
use mailvan::config::Config;
use mailvan::queue::{PlanMailbox, Queue, Queues, WorkLane, decode, serve, times_received};
use mailvan::store::Ledger as _;
use mailvan::sync::{Engine, PlanEnd, fail_mailbox, plan_mailbox};

/// How long a mailbox is left alone after a fault; longer with each try.
const RETRY_AFTER: Duration = Duration::from_secs(20);

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
    serve(async |message, deadline| plan(deps, message, deadline).await).await
}

async fn plan(deps: &Deps, message: SqsMessage, deadline: Deadline) -> anyhow::Result<()> {
    let PlanMailbox { job_id, pass } = decode(&message)?;
    match plan_mailbox(&deps.engine, job_id, pass, deadline).await {
        Ok(PlanEnd::Lanes(lanes)) => {
            let copied = deps.engine.store.job(job_id).await?.messages_copied;
            let lane = |lane| WorkLane {
                job_id,
                pass,
                lane,
                copied,
                faults: 0,
            };
            let messages: Vec<WorkLane> = (0..lanes).map(lane).collect();
            deps.queues.send_all(Queue::Sync, &messages).await?;
        }
        Ok(PlanEnd::Again) => deps.queues.send(Queue::Plan, &PlanMailbox { job_id, pass }).await?,
        Ok(PlanEnd::Later(delay)) => {
            deps.queues
                .send_later(Queue::Plan, &PlanMailbox { job_id, pass }, delay)
                .await?;
        }
        Ok(PlanEnd::Nothing(notices)) => deps.queues.send_notices(job_id.request(), &notices).await?,
        Err(error) if error.needs_person() => {
            let notices = fail_mailbox(&deps.engine.store, job_id, &error.failure(), now()).await?;
            deps.queues.send_notices(job_id.request(), &notices).await?;
        }
        Err(error) => {
            deps.engine.store.note_trouble(job_id, &error.failure()).await?;
            deps.queues
                .retry_after(Queue::Plan, &message, RETRY_AFTER * times_received(&message))
                .await;
            return Err(error.into());
        }
    }
    Ok(())
}
