//! `check`: looks at one mailbox on both sides before its copying begins.
//!
//! Right after the rows were read, after a row was mended, and once more before the start. What looks
//! like a passing fault is looked at again, by a new message. Idempotency key: the mailbox and its
//! round; any message may come twice, and the table says who looks, and how many looks have found a
//! fault. The last mailbox of a request has `ingest` admit it. What the look before the start finds is told
//! by mail (`told`).

mod told;

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsMessage;
use mailvan::admission::{AdmissionError, finish_check};
use mailvan::check::{Finder, Looked, look, nowhere};
use mailvan::clock::{Deadline, now};
use mailvan::config::Config;
use mailvan::domain::{Check, CheckFault, CheckState, JobId, RequestState};
use mailvan::queue::{CheckMailbox, Queue, Queues, SendNotice, decode, serve};
use mailvan::secrets::SecretError;
use mailvan::store::server::ServerRecord;
use mailvan::store::{JobRecord, RequestRecord, StoreError, stamp};
use mailvan::sync::{Engine, NO_CONNECTION};
use serde::Deserialize;

/// When a message comes again that found another one's look or rest.
const TAKEN: Duration = Duration::from_secs(30);

/// How much earlier than its message a mailbox's rest ends: clocks are not to the second.
const EARLY: Duration = Duration::from_secs(2);

/// What the function works with.
struct Deps {
    engine: Engine,
    finder: Finder,
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
        finder: config.finder(),
        queues: config.queues(),
    };
    serve(async |message, deadline| wake(deps, &message, deadline).await).await
}

/// What the function is asked for; each has fields that the other has not.
#[derive(Deserialize)]
#[serde(untagged)]
enum Wake {
    Check(CheckMailbox),
    Tell(SendNotice),
}

async fn wake(deps: &Deps, message: &SqsMessage, deadline: Deadline) -> anyhow::Result<()> {
    match decode(message)? {
        Wake::Check(wish) => Box::pin(check(deps, wish, deadline)).await,
        Wake::Tell(wish) => told::tell_the_rest(deps, wish).await,
    }
}

async fn check(deps: &Deps, wish: CheckMailbox, deadline: Deadline) -> anyhow::Result<()> {
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
    let job = match locate(deps, job).await? {
        Located::Known(job) => job,
        Located::Nowhere(job, fault) => return judge(deps, &job, wish, Looked::without_source(fault)).await,
        // Its new form has a message of its own.
        Located::Mended => return Ok(()),
    };
    let Some(connection) = deps.engine.take_connection(&job, deadline).await? else {
        return Ok(deps.queues.send_later(Queue::Check, &wish, NO_CONNECTION).await?);
    };
    let Some(job) = lease(deps, job, deadline).await? else {
        store.give_connection_back(&connection, false, now()).await?;
        return Ok(deps.queues.send_later(Queue::Check, &wish, TAKEN).await?);
    };
    let looked = look_at(deps, &job, deadline).await;
    let was_crowded = looked.as_ref().is_ok_and(|looked| looked.is_crowded);
    store.give_connection_back(&connection, was_crowded, now()).await?;
    match looked {
        Ok(looked) => judge(deps, &job, wish, looked).await,
        // The request has ended, and the passwords with it.
        Err(SecretError::Destroyed) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What is known of the server of a mailbox.
enum Located {
    /// It is known, or has just been found.
    Known(JobRecord),
    /// None is named, and none was found.
    Nowhere(JobRecord, CheckFault),
    /// The row was mended meanwhile.
    Mended,
}

/// Finds the server of a mailbox where none is named: once for all mailboxes of the domain. Idempotency
/// key: request and domain; whoever looks a second time finds the same.
async fn locate(deps: &Deps, mut job: JobRecord) -> anyhow::Result<Located> {
    if !job.seeks_source {
        return Ok(Located::Known(job));
    }
    let store = &deps.engine.store;
    let id = job.request_id;
    let search = if let Some(known) = store.server_search(id, &job.domain, now()).await? {
        known
    } else {
        let search = deps.finder.find(&job.domain).await;
        let record = ServerRecord {
            request_id: id,
            domain: job.domain.clone(),
            looked_at: now(),
            search: search.clone(),
        };
        store.put_server_search(&record).await?;
        search
    };
    Ok(match &search.found {
        None => {
            let fault = nowhere(&job.domain, &search);
            Located::Nowhere(job, fault)
        }
        Some(found) if store.place_source(&mut job, found).await? => Located::Known(job),
        Some(_) => Located::Mended,
    })
}

/// Takes the right to look at a mailbox: each look is a login, and a few wrong ones lock mailboxes. None
/// where another delivery looks, or rests between two looks.
async fn lease(deps: &Deps, mut job: JobRecord, deadline: Deadline) -> anyhow::Result<Option<JobRecord>> {
    if !job.check.state.is_open() {
        // A look of its own, after the one that was over.
        job.check.times = 0;
    }
    job.check.state = CheckState::Running;
    let store = &deps.engine.store;
    let has_it = store
        .lease_check(job.job_id, &job.check, deadline.lease_end(), now())
        .await?;
    Ok(has_it.then_some(job))
}

/// Whether anybody waits for what would be found. A row of a request that goes on may be looked at any
/// time; before the start all of them are.
fn is_wanted(request: &RequestRecord, job: &JobRecord) -> bool {
    !request.state.is_terminal()
        && request.generation == job.job_id.generation()
        && (job.check.state.is_open() || request.state == RequestState::Scheduled)
}

async fn look_at(deps: &Deps, job: &JobRecord, deadline: Deadline) -> Result<Looked, SecretError> {
    let mailbox = deps.engine.mailbox(job).await?;
    let looking = look(&mailbox, &job.domain, &job.destination, &deps.engine.profile, deadline);
    Ok(Box::pin(looking).await)
}

/// Writes down what was found, or looks again later where it may pass.
async fn judge(deps: &Deps, job: &JobRecord, wish: CheckMailbox, looked: Looked) -> anyhow::Result<()> {
    let times = job.check.times + 1;
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
        times,
        at: Some(stamp(now())),
        faults,
        size: looked.size.or(job.check.size),
        servers: looked.servers.or_else(|| job.check.servers.clone()),
        was_right: wish.is_news,
    };
    if state != CheckState::Running {
        finish(deps, job.job_id, &check).await?;
        if wish.is_news && check.needs_attention() {
            told::tell(deps, job.request_id).await?;
        }
        return Ok(());
    }
    let pause = pause(times);
    let rests_until = now().checked_add(pause.saturating_sub(EARLY))?;
    match deps.engine.store.note_check(job.job_id, &check, rests_until).await {
        Ok(()) => Ok(deps.queues.send_later(Queue::Check, &wish, pause).await?),
        // The row was mended meanwhile: its new form has a message of its own.
        Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
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
