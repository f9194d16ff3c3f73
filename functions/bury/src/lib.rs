//! `bury`: writes dead letters into the job table, as failures with their reasons.
//!
//! A dead letter is a message that five tries could not handle. A lane whose mailbox moved on since
//! its message was sent is given another chance: it was cut off, not stuck.

use aws_lambda_events::event::s3::S3Event;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use mailvan::clock::now;
use mailvan::config::Config;
use mailvan::domain::{JobId, JobState, Pass, RequestEvent, RequestId};
use mailvan::queue::{Queue, Queues, WorkLane, decode, each_message};
use mailvan::store::job::Failure;
use mailvan::store::request::RequestChange;
use mailvan::store::{NoticeKind, Store, StoreError};
use mailvan::sync::fail_mailbox;
use mailvan::upload::UploadKey;
use serde::Deserialize;

/// What the function works with.
pub struct Deps {
    store: Store,
    queues: Queues,
}

/// What any message of ours may hold; which of it is there tells what it was for.
#[derive(Deserialize)]
struct Letter {
    job_id: Option<JobId>,
    request_id: Option<RequestId>,
    pass: Option<Pass>,
    lane: Option<u8>,
    copied: Option<i64>,
    notice: Option<NoticeKind>,
    generation: Option<u32>,
}

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), Error> {
    let config = Config::load().await?;
    let deps = &Deps {
        store: config.store(),
        queues: config.queues(),
    };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(handle(deps, event.payload).await)
    }))
    .await
}

/// Buries a batch of dead letters.
pub async fn handle(deps: &Deps, event: SqsEvent) -> SqsBatchResponse {
    each_message(event, async |message| bury(deps, &message).await).await
}

async fn bury(deps: &Deps, message: &SqsMessage) -> anyhow::Result<()> {
    let letter: Letter = decode(message)?;
    match letter {
        Letter {
            job_id: Some(job_id),
            pass: Some(pass),
            lane,
            copied,
            ..
        } => bury_mailbox(deps, job_id, pass, lane.zip(copied)).await,
        Letter {
            request_id: Some(request_id),
            notice: Some(notice),
            ..
        } => {
            tracing::error!(request.id = %request_id, %notice, "a notice could not be sent");
            let failure = failure("the mail service did not take this notice");
            Ok(deps.store.note_notice_trouble(request_id, notice, &failure).await?)
        }
        Letter {
            request_id: Some(request_id),
            pass: Some(Pass::First),
            ..
        } => fail_request(deps, request_id, None, "the first pass could not be started").await,
        Letter {
            request_id: Some(request_id),
            generation: Some(generation),
            ..
        } => fail_request(deps, request_id, Some(generation), "the mailboxes could not be checked").await,
        Letter {
            request_id: Some(request_id),
            ..
        } => {
            // The customer can ask for the cut-over again, so nothing is ended here.
            let failure = failure("the final pass could not be started; please ask for it again");
            Ok(deps.store.note_request_trouble(request_id, &failure).await?)
        }
        _ => bury_upload(deps, message).await,
    }
}

async fn bury_mailbox(deps: &Deps, job_id: JobId, pass: Pass, lane: Option<(u8, i64)>) -> anyhow::Result<()> {
    let job = deps.store.job(job_id).await?;
    if let (Some((lane, copied_then)), JobState::Copying) = (lane, job.status.state()) {
        let chunks = deps.store.all_chunks(job_id).await?;
        let copied = i64::try_from(chunks.iter().map(|chunk| chunk.map.len()).sum::<usize>())?;
        if copied > copied_then {
            tracing::warn!(job.id = %job_id, lane, copied, "lane was cut off again and again, but went on; it gets another chance");
            return Ok(deps
                .queues
                .send(
                    Queue::Sync,
                    &WorkLane {
                        job_id,
                        pass,
                        lane,
                        copied,
                    },
                )
                .await?);
        }
    }
    let is_running =
        matches!(job.status.state(), JobState::Planning | JobState::Copying) && job.status.pass() == Some(pass);
    if is_running {
        let last = job
            .error_message
            .unwrap_or_else(|| "it was cut off each time".to_owned());
        let code = job.error_code.unwrap_or_else(|| "gave_up".to_owned());
        let failure = Failure {
            code,
            message: format!("given up after five tries; the last: {last}"),
        };
        let notices = fail_mailbox(&deps.store, job_id, &failure, now()).await?;
        deps.queues.send_notices(job_id.request(), &notices).await?;
    }
    Ok(())
}

async fn bury_upload(deps: &Deps, message: &SqsMessage) -> anyhow::Result<()> {
    let event: S3Event = decode(message)?;
    for record in event.records {
        let key: Option<UploadKey> = record.s3.object.key.as_deref().and_then(|key| key.parse().ok());
        if let Some(key) = key {
            fail_request(
                deps,
                key.request_id,
                Some(key.generation),
                "the uploaded file could not be read",
            )
            .await?;
        }
    }
    Ok(())
}

async fn fail_request(deps: &Deps, request_id: RequestId, if_generation: Option<u32>, why: &str) -> anyhow::Result<()> {
    tracing::error!(request.id = %request_id, "request failed: {why}");
    let change = RequestChange {
        notice: Some(NoticeKind::Failed),
        failure: Some(failure(why)),
        if_generation,
        ..RequestChange::default()
    };
    match deps
        .store
        .advance_request(request_id, RequestEvent::Failed, now(), change)
        .await
    {
        Ok(_) => {}
        // Another upload took over, or it has ended otherwise.
        Err(StoreError::Conflict | StoreError::Illegal(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    deps.queues
        .send_notices(request_id, &deps.store.unsent_notices(request_id).await?)
        .await?;
    Ok(())
}

fn failure(why: &str) -> Failure {
    Failure {
        code: "gave_up".to_owned(),
        message: format!("{why}; staff have been told"),
    }
}
