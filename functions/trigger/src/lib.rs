//! `trigger`: starts a pass at its time, and has mailboxes looked at once more some hours before (`again`).
//!
//! Its queue is filled by EventBridge Scheduler, by `ingest` for requests without a window, and by
//! `cutover`. Idempotency key: request and pass.

mod again;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mailvan::clock::now;
use mailvan::config::Config;
use mailvan::domain::patience::Faults;
use mailvan::domain::{JobState, LaterLooks, Pass, RequestEvent, RequestState};
use mailvan::forecast::Known;
use mailvan::profile::Profile;
use mailvan::queue::{LookAgain, PlanMailbox, Queue, Queues, StartPass, WorkLane, decode, serve};
use mailvan::schedule::Schedules;
use mailvan::store::job::Failure;
use mailvan::store::later::is_login_refused;
use mailvan::store::request::RequestChange;
use mailvan::store::{JobRecord, NoticeKind, RequestRecord, Store, StoreError};
use mailvan::sync::settle_request;
use serde::Deserialize;

/// How many mailboxes are started at the same time.
const AT_ONCE: usize = 8;

/// How many mailboxes are started before their messages are sent.
const A_GROUP: usize = 500;

/// What the function works with.
struct Deps {
    store: Store,
    queues: Queues,
    schedules: Schedules,
    profile: Profile,
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
        schedules: config.schedules(),
        profile: config.profile.clone(),
    };
    serve(async |message, _| match decode(&message)? {
        Wake::Start(wanted) => start(deps, wanted).await,
        Wake::Look(wanted) => again::look_again(deps, wanted).await,
    })
    .await
}

/// What the function is asked for; each has a field that the other has not.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Wake {
    Start(StartPass),
    Look(LookAgain),
}

async fn start(deps: &Deps, StartPass { request_id, pass }: StartPass) -> anyhow::Result<()> {
    let Some(request) = deps.store.find_request(request_id).await? else {
        tracing::warn!(request.id = %request_id, "a request that is not there was to be started");
        return Ok(());
    };
    if pass.is_later() && !request.may_run(pass) {
        tracing::info!(request.id = %request_id, %pass, request.state = %request.state, "not the next pass of this request");
        return Ok(());
    }
    let is_new = pass == Pass::First && request.state == RequestState::Scheduled;
    if is_new && let Some(start) = request.wait_for_start(now()) {
        tracing::info!(request.id = %request_id, %start, "the frame that counts is ahead");
        // It has its schedule, unless the frame that this start was for was over before it could be used.
        return Ok(deps.schedules.create(request_id, pass, start).await?);
    }
    let jobs = deps.store.jobs(request_id, request.generation).await?;
    if is_new && !jobs.iter().any(can_start) {
        return need_attention(deps, &request).await;
    }
    let estimated = if is_new {
        let known = Known::load(&deps.store, &deps.profile, &request, &jobs, now()).await?;
        known.forecast(&request, &jobs, now()).map(|forecast| forecast.seconds)
    } else {
        None
    };
    let starts_in_frame = is_new && request.window.is_some();
    let change = RequestChange {
        notice: starts_in_frame.then_some(NoticeKind::Started),
        estimated,
        open_jobs: Some(u32::try_from(jobs.iter().filter(|job| takes_part(job, pass)).count())?),
        // What was counted are the mailboxes of this state.
        if_state: Some(request.state),
        if_reschedules: Some(request.reschedules),
        looks: match pass {
            Pass::First => None,
            Pass::Final => LaterLooks::planned(&deps.profile.looks_after),
            Pass::Later(_) => request.looks.as_ref().map(|looks| looks.begun(now())),
        },
        if_looks: request.looks.clone(),
        ..RequestChange::default()
    };
    let advanced = deps
        .store
        .advance_request(request_id, RequestEvent::PassStarted(pass), now(), change)
        .await;
    let state = match advanced {
        Ok(advance) => advance.into_record().state,
        // The next night's start of a first pass that could copy nothing, and waits for its customer.
        Err(StoreError::Illegal(_)) if request.state == RequestState::NeedsAttention => request.state,
        Err(StoreError::Illegal(_)) if request.state.is_terminal() => request.state,
        Err(error) => return Err(error).context("the pass cannot be started now"),
    };
    if starts_in_frame {
        // Before the mailboxes, of which there may be thousands; what breaks off here is sent at the end.
        deps.queues.send_notices(request_id, &[NoticeKind::Started]).await?;
    }
    // A message that comes when the pass is over starts nothing.
    let jobs = if state == running(pass) { jobs } else { Vec::new() };
    // Dying from here on: the message comes again, and mailboxes that have begun are passed over.
    if state == RequestState::FirstPass && pass == Pass::First {
        go_on_at_night(deps, &request, &jobs).await?;
    }
    for group in jobs.chunks(A_GROUP) {
        let started: Vec<Option<PlanMailbox>> = stream::iter(group)
            .map(|job| start_job(deps, job, pass))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let messages: Vec<PlanMailbox> = started.into_iter().flatten().collect();
        tracing::info!(request.id = %request_id, %pass, mailboxes = messages.len(), "mailboxes started");
        deps.queues.send_all(Queue::Plan, &messages).await?;
    }
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

/// Has what the frame's end will interrupt go on with the next frame, and what an earlier one interrupted
/// go on now. A lane too many ends by itself.
async fn go_on_at_night(deps: &Deps, request: &RequestRecord, jobs: &[JobRecord]) -> anyhow::Result<()> {
    let next = request.window.as_ref().and_then(|window| window.next_waking(now()));
    let Some(next) = next else { return Ok(()) };
    let id = request.request_id;
    deps.schedules.create(id, Pass::First, next).await?;
    // Whoever finds that nobody woke it tonight does: see `watch`. Before the rest, which this message does anyway.
    deps.store.look_after(id, now(), now()).await?;
    let copying = jobs
        .iter()
        .filter(|job| job.status.state() == JobState::Copying && job.status.pass() == Some(Pass::First));
    let lanes = copying.flat_map(|job| {
        (0..deps.profile.limits.lanes).map(|lane| WorkLane {
            job_id: job.job_id,
            pass: Pass::First,
            lane,
            copied: job.messages_copied,
            faults: Faults::NONE,
        })
    });
    Ok(deps.queues.send_all(Queue::Sync, &lanes.collect::<Vec<_>>()).await?)
}

/// Starts a mailbox; gives the message for its planning, also where it had been started before and
/// may not have been sent. One that cannot be copied as it is begins too, and fails: it was counted,
/// whatever its check said at that time. Mended, it is copied in the final pass.
async fn start_job(deps: &Deps, job: &JobRecord, pass: Pass) -> anyhow::Result<Option<PlanMailbox>> {
    let id = job.job_id;
    if pass.is_later() && !may_be_looked_at(job) {
        return Ok(None);
    }
    let begun = match deps.store.start_job(id, pass, now()).await {
        Ok(advance) => advance.into_record(),
        // A mailbox that takes no part, such as a cancelled one.
        Err(StoreError::Illegal(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let is_planning = begun.status.state() == JobState::Planning && begun.status.pass() == Some(pass);
    if is_planning
        && pass == Pass::First
        && let Some(fault) = job.check.obstacle()
    {
        let failure = Failure {
            code: fault.code.as_str().to_owned(),
            message: fault.in_words(),
        };
        deps.store.fail_job(id, &failure, now()).await?;
        return Ok(None);
    }
    Ok(is_planning.then_some(PlanMailbox {
        job_id: id,
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
        Pass::Later(_) => RequestState::LaterPass,
    }
}

/// Whether a mailbox is counted into a pass that begins: into the first, all that wait, because what
/// their checks say may change while they are started; in the final one, those that failed in the
/// first get their second chance, and in each later one another, unless their passwords are wrong. One that is done for
/// good, and has no password any more, takes part in none.
fn takes_part(job: &JobRecord, pass: Pass) -> bool {
    match pass {
        Pass::First => job.status.state() == JobState::Waiting,
        Pass::Final => matches!(job.status.state(), JobState::AwaitingCutover | JobState::Failed),
        Pass::Later(_) => {
            matches!(
                job.status.state(),
                JobState::Completed | JobState::CompletedWithExceptions | JobState::Failed
            ) && may_be_looked_at(job)
        }
    }
}

/// Whether a later pass can do anything with a mailbox.
fn may_be_looked_at(job: &JobRecord) -> bool {
    job.sealed_password.is_some() && !is_locked_out(job)
}

/// Whether a mailbox failed because a server takes its password for wrong. Nobody can mend it any more, and some
/// providers lock a mailbox after too many refused logins.
fn is_locked_out(job: &JobRecord) -> bool {
    let is_refused = job.error_code.as_deref().is_some_and(is_login_refused);
    job.status.state() == JobState::Failed && is_refused
}

/// Whether a mailbox waits, and nothing is known that keeps it from being copied.
fn can_start(job: &JobRecord) -> bool {
    takes_part(job, Pass::First) && job.check.obstacle().is_none()
}

#[cfg(test)]
mod tests {
    use mailvan::domain::{
        Check, CheckCode, CheckFault, CheckState, CopyOptions, Endpoint, JobId, JobStatus, MailboxOrder,
    };
    use mailvan::domain::{RequestId, Secret};

    use jiff::Timestamp;

    use super::*;

    fn job(faults: &[CheckCode], status: JobStatus) -> JobRecord {
        let address: mailvan::domain::EmailAddress = "anna@example.org".parse().unwrap();
        let order = MailboxOrder {
            source_user: address.to_string(),
            destination: address.clone(),
            address,
            password: Secret::from("hunter2"),
            source: Endpoint::with_defaults("imap.example.org".parse().unwrap(), None, None),
            seeks_source: false,
            destination_password: None,
        };
        let id = JobId::new(RequestId::from_parts(0, [0; 10]), 1, 2);
        let mut job = JobRecord::accepted(
            id,
            &order,
            String::new(),
            None,
            &CopyOptions::default(),
            Timestamp::UNIX_EPOCH,
        );
        job.status = status;
        job.check = Check {
            state: if faults.is_empty() {
                CheckState::Passed
            } else {
                CheckState::Failed
            },
            faults: faults.iter().map(|code| CheckFault::new(*code, "what", "do")).collect(),
            ..Check::default()
        };
        job
    }

    #[test]
    fn mailbox_is_counted_whatever_its_check_says_at_that_moment() {
        for faults in [&[][..], &[CheckCode::SourceBusy], &[CheckCode::SourceWrongPassword]] {
            let job = job(faults, JobStatus::WAITING);
            assert!(
                takes_part(&job, Pass::First) && !takes_part(&job, Pass::Final),
                "{faults:?}"
            );
        }
        let failed = JobStatus::new(JobState::Failed, Some(Pass::First)).unwrap();
        assert!(takes_part(&job(&[], failed), Pass::Final) && !takes_part(&job(&[], failed), Pass::First));
    }

    #[test]
    fn later_passes_try_what_failed_but_no_wrong_password_and_nothing_that_is_done() {
        let failed = JobStatus::new(JobState::Failed, Some(Pass::Final)).unwrap();
        let with = |code: &str| JobRecord {
            error_code: Some(code.to_owned()),
            ..job(&[], failed)
        };
        for (code, tried) in [
            ("source_timed_out", true),
            ("source_busy", true),
            ("source_login_refused", false),
            ("destination_login_refused", false),
        ] {
            assert_eq!(takes_part(&with(code), Pass::Later(1)), tried, "{code}");
        }
        let done = JobRecord {
            sealed_password: None,
            ..job(&[], JobStatus::new(JobState::Completed, Some(Pass::Later(1))).unwrap())
        };
        assert!(!takes_part(&done, Pass::Later(2)), "it is done for good");
    }

    #[test]
    fn each_message_is_taken_for_what_it_is() {
        let request_id = RequestId::from_parts(0, [0; 10]);
        let start = StartPass {
            request_id,
            pass: Pass::First,
        };
        let look = LookAgain {
            request_id,
            look_again: 7,
        };
        let taken = |text: String| serde_json::from_str::<Wake>(&text).unwrap();
        assert_eq!(taken(serde_json::to_string(&start).unwrap()), Wake::Start(start));
        assert_eq!(taken(serde_json::to_string(&look).unwrap()), Wake::Look(look));
    }

    #[test]
    fn one_that_somebody_has_to_mend_starts_no_pass() {
        assert!(can_start(&job(&[], JobStatus::WAITING)));
        assert!(can_start(&job(&[CheckCode::SourceBusy], JobStatus::WAITING)));
        assert!(!can_start(&job(&[CheckCode::SourceWrongPassword], JobStatus::WAITING)));
    }
}
