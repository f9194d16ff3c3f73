//! `sync`: one lane of a mailbox: copies chunk after chunk within the time left.
//!
//! Continues itself by a new message when time runs short. Idempotency key: mailbox and pass; any
//! number of lanes may run at once, and any message may come twice.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use mailvan::clock::{Deadline, now};
use mailvan::config::Config;
use mailvan::queue::{Queue, Queues, WorkLane, causes, decode, each_message, times_received};
use mailvan::sync::{Engine, LaneEnd, fail_mailbox, run_lane};

/// How long a lane pauses after a fault: the folder it held is free again by then. Longer with each
/// try that copied nothing.
const RETRY_AFTER: Duration = Duration::from_secs(11);

/// What the function works with.
pub struct Deps {
    engine: Engine,
    queues: Queues,
}

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), Error> {
    let config = Config::load().await?;
    let deps = &Deps {
        engine: config.engine(),
        queues: config.queues(),
    };
    let serve = async |event: LambdaEvent<SqsEvent>| {
        let deadline = Deadline::from_unix_ms(event.context.deadline);
        Ok::<_, Error>(handle(deps, event.payload, deadline).await)
    };
    lambda_runtime::run(service_fn(serve)).await
}

/// Works on the lanes of a batch of messages.
pub async fn handle(deps: &Deps, event: SqsEvent, deadline: Deadline) -> SqsBatchResponse {
    each_message(event, async |message| work(deps, message, deadline).await).await
}

async fn work(deps: &Deps, message: SqsMessage, deadline: Deadline) -> anyhow::Result<()> {
    let lane: WorkLane = decode(&message)?;
    let store = &deps.engine.store;
    let job_id = lane.job_id;
    match run_lane(&deps.engine, job_id, lane.pass, deadline).await {
        Ok(LaneEnd::Continue) => next(deps, lane, Duration::ZERO).await?,
        Ok(LaneEnd::Wait(delay)) => next(deps, lane, delay).await?,
        Ok(LaneEnd::Done(notices)) => deps.queues.send_notices(job_id.request(), &notices).await?,
        Err(failure) if failure.error.needs_person() => {
            let notices = fail_mailbox(store, job_id, &failure.error.failure(), now()).await?;
            deps.queues.send_notices(job_id.request(), &notices).await?;
        }
        Err(failure) => {
            store.note_trouble(job_id, &failure.error.failure()).await?;
            if failure.progressed {
                tracing::warn!(job.id = %job_id, error = causes(&failure.error), "lane broke off; it goes on");
                return next(deps, lane, RETRY_AFTER).await;
            }
            deps.queues
                .retry_after(Queue::Sync, &message, RETRY_AFTER * times_received(&message))
                .await;
            return Err(failure.into());
        }
    }
    Ok(())
}

/// Sends the lane's next message, which is counted anew.
async fn next(deps: &Deps, lane: WorkLane, delay: Duration) -> anyhow::Result<()> {
    let copied = deps.engine.store.job(lane.job_id).await?.messages_copied;
    Ok(deps
        .queues
        .send_later(Queue::Sync, &WorkLane { copied, ..lane }, delay)
        .await?)
}
