//! `bounce`: notes at a request that a mail to its customer came back, or was complained of.
//!
//! SES tells of it by EventBridge, at least once and in any order. Idempotency key: the notice, and what became of it. What
//! is noted at the request gets worse only, until a later mail arrives. Logs name requests, never addresses.

use anyhow::Context as _;
use aws_lambda_events::event::sqs::SqsMessage;
use mailvan::clock;
use mailvan::config::Config;
use mailvan::domain::JobId;
use mailvan::notify::Feedback;
use mailvan::queue::serve;
use mailvan::store::{MailFate, NoticeKind, NoticeReturn, Store, StoreError};
use mailvan::telemetry::{Unit, measure};

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let store = &Config::load().await?.store();
    serve(async |message, _| note(store, &message).await).await
}

async fn note(store: &Store, message: &SqsMessage) -> anyhow::Result<()> {
    let body = message.body.as_deref().unwrap_or_default();
    let Some(feedback) = Feedback::parse(body).context("an event of the mail service of an unknown kind")? else {
        tracing::info!("the event is about no notice: dropped");
        return Ok(());
    };
    let Feedback {
        request_id,
        notice,
        became,
        ..
    } = &feedback;
    let id = tracing::field::display(request_id);
    if let Some(job_id) = feedback.owner() {
        return note_owner(store, &feedback, job_id).await;
    }
    let Some(request) = store.find_request(*request_id).await? else {
        tracing::warn!(
            request.id = id,
            notice,
            "the request is not in the table any more: dropped"
        );
        return Ok(());
    };
    let kind: Option<NoticeKind> = notice.parse().ok();
    let record = match kind {
        Some(kind) => store.notice(*request_id, kind).await?,
        None => None,
    };
    let Some(record) = record else {
        tracing::warn!(request.id = id, notice, "the notice is not in the outbox: dropped");
        return Ok(());
    };
    if record.notice.is_for_staff() {
        // Else nobody would be told of anything.
        count(store, &feedback);
        return Ok(());
    }
    if !feedback.is_about(&request.contact_email) {
        tracing::info!(
            request.id = id,
            notice,
            "the event is about another mailbox than the customer's: dropped"
        );
        return Ok(());
    }
    let Some(became) = *became else {
        return Ok(store.note_arrival(*request_id, &feedback.at).await?);
    };
    let note = NoticeReturn {
        became,
        at: &feedback.at,
        words: feedback.words.as_deref(),
    };
    store.note_return(*request_id, record.notice, note).await?;
    count(store, &feedback);
    Ok(())
}

/// Rings where a mail came back for good.
fn count(store: &Store, feedback: &Feedback) {
    let Some(became) = feedback.became else { return };
    let request = feedback.request_id.to_string();
    if became >= MailFate::Bounced {
        let about = [("request.id", request.as_str()), ("notice", feedback.notice.as_str())];
        measure(store.table(), &[("MailsBounced", Unit::Count, 1)], &about, clock::now());
    }
    tracing::warn!(request.id = request, notice = feedback.notice, mail.became = %became, "a mail came back");
}

/// Notes at a mailbox what became of the mail to its owner. It decides about nothing else: the customer has another address.
async fn note_owner(store: &Store, feedback: &Feedback, job_id: JobId) -> anyhow::Result<()> {
    let job = match store.job(job_id).await {
        Err(StoreError::Missing(_)) => return Ok(()),
        job => job?,
    };
    if !feedback.is_about(&job.destination) {
        return Ok(());
    }
    let Some(became) = feedback.became else {
        return Ok(store.note_owner_arrival(job_id).await?);
    };
    tracing::warn!(job.id = %job_id, mail.became = %became, "the mail to a mailbox's owner came back");
    let note = NoticeReturn {
        became,
        at: &feedback.at,
        words: feedback.words.as_deref(),
    };
    Ok(store.note_owner_return(job_id, note).await?)
}
