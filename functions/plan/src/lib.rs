//! `plan`: one mailbox: lists its folders, makes them at the destination, cuts them into chunks.
//!
//! Continues itself by a new message when time runs short. Idempotency key: mailbox and pass. Before the
//! first pass it also makes previews (`preview`), which write nothing at a server.

mod preview;

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsMessage;
use mailvan::clock::{Deadline, now};
use mailvan::config::Config;
use mailvan::queue::{
    PlanMailbox, PreviewMailbox, PreviewMailboxes, Queue, Queues, WorkLane, decode, serve, times_received,
};
use mailvan::store::Ledger as _;
use mailvan::sync::{Engine, PlanEnd, fail_mailbox, plan_mailbox};
use serde::Deserialize;

/// How long a mailbox is left alone after a fault; longer with each try.
const RETRY_AFTER: Duration = Duration::from_secs(20);

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

async fn plan(
    deps: &Deps,
    message: &SqsMessage,
    PlanMailbox { job_id, pass }: PlanMailbox,
    deadline: Deadline,
) -> anyhow::Result<()> {
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
                .retry_after(Queue::Plan, message, RETRY_AFTER * times_received(message))
                .await;
            return Err(error.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mailvan::domain::{JobId, Pass, RequestId};

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
