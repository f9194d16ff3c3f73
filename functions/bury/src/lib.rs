//! `bury`: writes dead letters into the job table, as failures with their reasons.
//!
//! A dead letter is a message that five tries could not handle. What it was for decides what is
//! done (`mailbox`, `request`), and the state of things now, not that of the time when it was sent:
//! work that went on without it is not failed. Whatever it was, what followed from earlier work and
//! may have been left undone is done at the end: the request is settled, and notices are sent.

mod attachment;
mod certificate;
mod check;
mod mailbox;
mod request;

use anyhow::Context as _;
use aws_lambda_events::event::sqs::SqsMessage;
use mailvan::clock::now;
use mailvan::config::Config;
use mailvan::domain::{JobId, Pass, RequestId, TicketSystem};
use mailvan::queue::{Queues, decode, reported_keys, serve};
use mailvan::store::job::Failure;
use mailvan::store::ticket::Telling;
use mailvan::store::{NoticeKind, PreviewRecord, StaffCause, Store, StoreError};
use mailvan::sync::settle_request;
use mailvan::upload::{AttachmentKey, UploadKey};
use serde::Deserialize;

use crate::request::Wish;

/// What the function works with.
struct Deps {
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
    certified: Option<i64>,
    check_round: Option<u32>,
    owner_tries: Option<u32>,
    notice: Option<NoticeKind>,
    tell: Option<NoticeKind>,
    system: Option<TicketSystem>,
    generation: Option<u32>,
    preview_asked: Option<i64>,
    attachment: Option<String>,
    done: Option<u32>,
    look: Option<String>,
    look_again: Option<i64>,
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
    serve(async |message, _| bury(deps, &message).await).await
}

async fn bury(deps: &Deps, message: &SqsMessage) -> anyhow::Result<()> {
    let letter: Letter = decode(message)?;
    match letter {
        Letter {
            request_id: Some(request_id),
            attachment: Some(attachment),
            done,
            ..
        } => attachment::bury(deps, request_id, &attachment, done.unwrap_or_default()).await,
        Letter {
            look: Some(look),
            request_id,
            ..
        } => {
            // The clock has them looked at again.
            tracing::error!(look, request.id = ?request_id, "domains could not be looked at");
            Ok(())
        }
        Letter {
            look_again: Some(_),
            request_id,
            ..
        } => {
            // What is wrong shows when the copying begins.
            tracing::error!(request.id = ?request_id, "mailboxes could not be looked at again");
            Ok(())
        }
        Letter {
            preview_asked: Some(asked),
            job_id,
            ..
        } => bury_preview(deps, job_id, asked).await,
        Letter {
            job_id: Some(job_id),
            pass: Some(pass),
            lane,
            copied,
            ..
        } => mailbox::bury(deps, job_id, pass, lane.zip(copied)).await,
        Letter {
            job_id: Some(job_id),
            check_round: Some(round),
            ..
        } => check::bury(deps, job_id, round).await,
        Letter {
            job_id: Some(job_id),
            owner_tries: Some(_),
            ..
        } => bury_owner(deps, job_id).await,
        Letter {
            job_id: Some(job_id),
            certified: Some(certified),
            ..
        } => certificate::bury(deps, job_id, certified).await,
        Letter {
            request_id: Some(request_id),
            tell: Some(notice),
            system: Some(system),
            ..
        } => {
            // The last reason stands beside the notice already.
            tracing::error!(request.id = %request_id, %notice, %system, "a ticket system could not be told");
            let telling = Telling {
                request_id,
                notice,
                system,
            };
            Ok(deps.store.give_up_telling(telling, now()).await?)
        }
        Letter {
            request_id: Some(request_id),
            notice: Some(notice),
            ..
        } => bury_notice(deps, request_id, notice).await,
        Letter {
            request_id: Some(request_id),
            generation: Some(generation),
            ..
        } => request::bury(deps, request_id, Wish::Check(generation)).await,
        Letter {
            request_id: Some(request_id),
            pass,
            ..
        } => request::bury(deps, request_id, pass.map_or(Wish::CutOver, Wish::Start)).await,
        _ => bury_upload(deps, message).await,
    }
}

async fn bury_notice(deps: &Deps, request_id: RequestId, notice: NoticeKind) -> anyhow::Result<()> {
    tracing::error!(request.id = %request_id, %notice, "a notice could not be sent");
    let failure = failure("the mail service did not take this notice; staff have been told");
    match deps.store.note_notice_trouble(request_id, notice, &failure).await {
        // It is not in the outbox, or not any more.
        Ok(()) | Err(StoreError::Conflict) => {}
        Err(error) => return Err(error.into()),
    }
    if notice.is_for_staff() {
        return Ok(());
    }
    // Their ticket systems may take what the mail service did not.
    let staff = NoticeKind::NeedsStaff {
        cause: StaffCause::GivenUp,
    };
    if deps.store.queue_notice(request_id, staff, now()).await? {
        deps.queues.send_notices(request_id, &[staff]).await?;
    }
    Ok(())
}

/// Notes that a mailbox's owner was not told.
async fn bury_owner(deps: &Deps, job_id: JobId) -> anyhow::Result<()> {
    tracing::error!(job.id = %job_id, "a mailbox's owner could not be told");
    let failure = failure("the mail service did not take the mail to the mailbox's owner");
    Ok(deps.store.note_owner_trouble(job_id, &failure).await?)
}

/// Tells that there is no preview. Where the letter was for a whole request, its customer asks again.
async fn bury_preview(deps: &Deps, job_id: Option<JobId>, asked: i64) -> anyhow::Result<()> {
    let Some(job_id) = job_id else { return Ok(()) };
    let failure = failure("the preview could not be made; staff have been told");
    let record = PreviewRecord::failed(job_id, asked, &failure, now());
    Ok(deps.store.put_preview(&record).await?)
}

async fn bury_upload(deps: &Deps, message: &SqsMessage) -> anyhow::Result<()> {
    for key in reported_keys(message).context("a dead letter of an unknown kind")? {
        if let Ok(AttachmentKey { request_id, attachment }) = key.parse() {
            attachment::bury(deps, request_id, &attachment, 0).await?;
        } else if let Ok(key) = key.parse::<UploadKey>() {
            request::bury(deps, key.request_id, Wish::Check(key.generation)).await?;
        }
    }
    Ok(())
}

/// Does what may have been left undone: the request moves on if its last mailbox has ended, and the
/// notices that wait are sent.
async fn settle(deps: &Deps, request_id: RequestId) -> anyhow::Result<()> {
    let notices = settle_request(&deps.store, request_id, now()).await?;
    Ok(deps.queues.send_notices(request_id, &notices).await?)
}

/// Why work that five tries could not do ends, with the last reason that the table has.
fn given_up(code: Option<String>, last: Option<String>) -> Failure {
    let last = last.unwrap_or_else(|| "it was cut off each time".to_owned());
    Failure {
        code: code.unwrap_or_else(|| "gave_up".to_owned()),
        message: format!("given up after five tries; the last: {last}"),
    }
}

fn failure(message: &str) -> Failure {
    Failure {
        code: "gave_up".to_owned(),
        message: message.to_owned(),
    }
}
