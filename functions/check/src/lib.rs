//! `check`: looks at one mailbox on both sides before its copying begins.
//!
//! Right after the rows were read, after a row was mended, and once more before the start. What looks
//! like a passing fault is looked at again, by a new message. Idempotency key: the mailbox and its
//! round; any message may come twice. The last mailbox of a request has `ingest` admit it.

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsMessage;
use mailvan::admission::{AdmissionError, finish_check};
use mailvan::check::{Looked, look};
use mailvan::clock::{Deadline, now};
use mailvan::config::Config;
use mailvan::domain::{Check, CheckFault, CheckState, JobId, RequestId, RequestState};
use mailvan::queue::{CheckMailbox, Queue, Queues, SendNotice, decode, serve};
use mailvan::secrets::SecretError;
use mailvan::store::{JobRecord, NoticeKind, RequestRecord, StoreError, stamp};
use mailvan::sync::{Engine, NO_CONNECTION};

/// How long what was found before the start is collected before it is told.
const TOLD_AFTER: Duration = Duration::from_mins(10);

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
    serve(async |message, deadline| check(deps, &message, deadline).await).await
}

async fn check(deps: &Deps, message: &SqsMessage, deadline: Deadline) -> anyhow::Result<()> {
    let wish: CheckMailbox = decode(message)?;
    let store = &deps.engine.store;
    let job = match store.job(wish.job_id).await {
        Err(StoreError::Missing(_)) => return Ok(()),
        job => job?,
    };
    let request = store.request(job.request_id).await?;
    if job.check.round != wish.check_round || !is_wanted(&request, &job) {
        tracing::info!(job.id = %job.job_id, request.state = %request.state, "nothing to check");
        // A delivery before this one may have died after it had written what it found.
        if !job.check.state.is_open() {
            finish(deps, job.job_id, &job.check).await?;
        }
        return Ok(());
    }
    let Some(connection) = deps.engine.take_connection(&job, deadline).await? else {
        return Ok(deps.queues.send_later(Queue::Check, &wish, NO_CONNECTION).await?);
    };
    let looked = look_at(deps, &job, deadline).await;
    let was_crowded = looked.as_ref().is_ok_and(|looked| looked.is_crowded);
    store.give_connection_back(&connection, was_crowded, now()).await?;
    match looked {
        Ok(looked) => judge(deps, &job, wish, looked).await,
        // The request has ended, and the passwords with it.
        Err(Unlooked::Secret(SecretError::Destroyed)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether anybody waits for what would be found. A row of a request that goes on may be looked at any
/// time; before the start all of them are.
fn is_wanted(request: &RequestRecord, job: &JobRecord) -> bool {
    !request.state.is_terminal()
        && request.generation == job.job_id.generation()
        && (job.check.state.is_open() || request.state == RequestState::Scheduled)
}

/// Why there was no look.
#[derive(Debug)]
enum Unlooked {
    Secret(SecretError),
    Store(StoreError),
}

impl From<Unlooked> for anyhow::Error {
    fn from(unlooked: Unlooked) -> Self {
        match unlooked {
            Unlooked::Secret(error) => error.into(),
            Unlooked::Store(error) => error.into(),
        }
    }
}

async fn look_at(deps: &Deps, job: &JobRecord, deadline: Deadline) -> Result<Looked, Unlooked> {
    let running = Check {
        state: CheckState::Running,
        ..job.check.clone()
    };
    match deps.engine.store.note_check(job.job_id, &running).await {
        Ok(()) | Err(StoreError::Conflict) => {}
        Err(error) => return Err(Unlooked::Store(error)),
    }
    let mailbox = deps.engine.mailbox(job).await.map_err(Unlooked::Secret)?;
    let looking = look(&mailbox, &job.domain, &job.destination, &deps.engine.profile, deadline);
    Ok(Box::pin(looking).await)
}

/// Writes down what was found, or looks again later where it may pass.
async fn judge(deps: &Deps, job: &JobRecord, wish: CheckMailbox, looked: Looked) -> anyhow::Result<()> {
    let times = wish.times + 1;
    let is_doubtful = looked.is_doubtful(times);
    let faults: Vec<CheckFault> = looked.findings.into_iter().map(|finding| finding.fault).collect();
    let state = match (faults.is_empty(), is_doubtful) {
        (true, _) => CheckState::Passed,
        (false, true) => CheckState::Running,
        (false, false) => CheckState::Failed,
    };
    let codes: Vec<&str> = faults.iter().map(|fault| fault.code.as_str()).collect();
    tracing::info!(job.id = %job.job_id, check.state = state.as_str(), times, faults = ?codes, "mailbox looked at");
    let check = Check {
        state,
        round: job.check.round,
        at: Some(stamp(now())),
        faults,
        size: looked.size.or(job.check.size),
    };
    if state != CheckState::Running {
        finish(deps, job.job_id, &check).await?;
        if wish.is_news && check.needs_attention() {
            tell(deps, job.request_id).await?;
        }
        return Ok(());
    }
    match deps.engine.store.note_check(job.job_id, &check).await {
        Ok(()) => {
            let again = CheckMailbox { times, ..wish };
            Ok(deps.queues.send_later(Queue::Check, &again, pause(times)).await?)
        }
        // The row was mended meanwhile: its new form has a message of its own.
        Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Tells the customer that something is wrong that was right before. One mail for all that are found within some
/// minutes; the message is sent before the notice is queued, so that none waits for a message that was lost.
async fn tell(deps: &Deps, id: RequestId) -> anyhow::Result<()> {
    let store = &deps.engine.store;
    let request = store.request(id).await?;
    let start = request.window.as_ref().and_then(|window| window.wait_for_start(now()));
    let Some(start) = start.filter(|_| request.state == RequestState::Scheduled) else {
        return Ok(());
    };
    let notice = NoticeKind::FoundAgain {
        start: start.as_second(),
    };
    if store.notices(id).await?.iter().all(|queued| queued.notice != notice) {
        let message = SendNotice { request_id: id, notice };
        deps.queues.send_later(Queue::Notify, &message, TOLD_AFTER).await?;
        store.queue_notice(id, notice, now()).await?;
    }
    Ok(())
}

/// How long a mailbox is left alone between two looks: what is passing shall have the time to pass.
fn pause(times: u32) -> Duration {
    match times {
        0 | 1 => Duration::from_secs(5),
        2 => Duration::from_secs(45),
        _ => Duration::from_mins(3),
    }
}

/// Ends a check.
async fn finish(deps: &Deps, job_id: JobId, check: &Check) -> Result<(), AdmissionError> {
    finish_check(&deps.engine.store, &deps.queues, job_id, check).await
}
