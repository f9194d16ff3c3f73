//! `trigger`: starts a pass at its time.
//!
//! Its queue is filled by EventBridge Scheduler, by `ingest` for requests without a window, and by
//! `cutover`. Idempotency key: request and pass.

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mailvan::clock::now;
use mailvan::config::Config;
use mailvan::domain::patience::Faults;
use mailvan::domain::{JobState, Pass, RequestEvent, RequestState};
use mailvan::queue::{PlanMailbox, Queue, Queues, StartPass, decode, serve};
use mailvan::store::job::Failure;
use mailvan::store::request::RequestChange;
use mailvan::store::{JobRecord, NoticeKind, RequestRecord, Store, StoreError};
use mailvan::sync::settle_request;

/// How many mailboxes are started at the same time.
const AT_ONCE: usize = 8;

/// What the function works with.
struct Deps {
    store: Store,
    queues: Queues,
}

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let config = Config::load().await?;
    let deps = &Deps {
        store: config.store(),
        queues: config.queues(),
    };
    serve(async |message, _| start(deps, decode(&message)?).await).await
}

async fn start(deps: &Deps, StartPass { request_id, pass }: StartPass) -> anyhow::Result<()> {
    let Some(request) = deps.store.find_request(request_id).await? else {
        tracing::warn!(request.id = %request_id, "a request that is not there was to be started");
        return Ok(());
    };
    let jobs = deps.store.jobs(request_id, request.generation).await?;
    let taking_part = jobs.iter().filter(|job| takes_part(job, pass)).count();
    if taking_part == 0 && request.state == RequestState::Scheduled && pass == Pass::First {
        return need_attention(deps, &request).await;
    }
    let change = RequestChange {
        open_jobs: Some(u32::try_from(taking_part)?),
        // What was counted are the mailboxes of this state.
        if_state: Some(request.state),
        ..RequestChange::default()
    };
    let advanced = deps
        .store
        .advance_request(request_id, RequestEvent::PassStarted(pass), now(), change)
        .await;
    let state = match advanced {
        Ok(advance) => advance.into_record().state,
        Err(StoreError::Illegal(_)) if request.state.is_terminal() => request.state,
        Err(error) => return Err(error).context("the pass cannot be started now"),
    };
    // A message that comes when the pass is over starts nothing.
    let jobs = if state == running(pass) { jobs } else { Vec::new() };
    // Dying from here on: the message comes again, and mailboxes that have begun are passed over.
    for job in jobs.iter().filter(|job| is_held_back(job, pass)) {
        hold_back(deps, job).await?;
    }
    let waiting = jobs.into_iter().filter(|job| !is_held_back(job, pass));
    let started: Vec<Option<PlanMailbox>> = stream::iter(waiting)
        .map(|job| start_job(deps, job, pass))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let messages: Vec<PlanMailbox> = started.into_iter().flatten().collect();
    tracing::info!(request.id = %request_id, %pass, mailboxes = messages.len(), "pass started");
    deps.queues.send_all(Queue::Plan, &messages).await?;
    let notices = settle_request(&deps.store, request_id, now()).await?;
    deps.queues.send_notices(request_id, &notices).await?;
    Ok(())
}

/// Has the customer mend the mailboxes, because none of them could be copied.
async fn need_attention(deps: &Deps, request: &RequestRecord) -> anyhow::Result<()> {
    let notice = NoticeKind::Refused {
        generation: request.generation,
    };
    let change = RequestChange {
        notice: Some(notice),
        if_generation: Some(request.generation),
        if_state: Some(request.state),
        ..RequestChange::default()
    };
    let id = request.request_id;
    tracing::warn!(request.id = %id, "no mailbox can be copied");
    deps.store
        .advance_request(id, RequestEvent::NoneCanStart, now(), change)
        .await?;
    Ok(deps.queues.send_notices(id, &[notice]).await?)
}

/// Leaves a mailbox out of the first pass, for what its check found. Mended, it is copied in the final
/// one.
async fn hold_back(deps: &Deps, job: &JobRecord) -> anyhow::Result<()> {
    if let Some(fault) = job.check.obstacle() {
        let failure = Failure {
            code: fault.code.as_str().to_owned(),
            message: fault.in_words(),
        };
        deps.store.fail_job(job.job_id, &failure, now()).await?;
    }
    Ok(())
}

/// Starts a mailbox; gives the message for its planning, also where it had been started before and
/// may not have been sent.
async fn start_job(deps: &Deps, job: JobRecord, pass: Pass) -> anyhow::Result<Option<PlanMailbox>> {
    let job = match deps.store.start_job(job.job_id, pass, now()).await {
        Ok(advance) => advance.into_record(),
        // A mailbox that takes no part, such as a cancelled one.
        Err(StoreError::Illegal(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let is_planning = job.status.state() == JobState::Planning && job.status.pass() == Some(pass);
    Ok(is_planning.then_some(PlanMailbox {
        job_id: job.job_id,
        pass,
        faults: Faults::NONE,
        planned: 0,
    }))
}

/// The state of a request whose pass runs.
fn running(pass: Pass) -> RequestState {
    match pass {
        Pass::First => RequestState::FirstPass,
        Pass::Final => RequestState::FinalPass,
    }
}

/// Whether a mailbox is counted into a pass that begins: in the final one, those that failed in the
/// first get their second chance.
fn takes_part(job: &JobRecord, pass: Pass) -> bool {
    match pass {
        Pass::First => job.status.state() == JobState::Waiting && job.check.obstacle().is_none(),
        Pass::Final => matches!(job.status.state(), JobState::AwaitingCutover | JobState::Failed),
    }
}

/// Whether a mailbox waits, and cannot be copied as it is.
fn is_held_back(job: &JobRecord, pass: Pass) -> bool {
    pass == Pass::First && job.status.state() == JobState::Waiting && job.check.obstacle().is_some()
}
