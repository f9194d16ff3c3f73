//! Previews: what the first pass would do.

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsMessage;
use mailvan::clock::Deadline;
use mailvan::queue::{PreviewMailbox, PreviewMailboxes, Queue, times_received};
use mailvan::sync::preview_mailbox;

use crate::Deps;

/// How long a mailbox is left alone after a fault; longer with each try.
const RETRY_AFTER: Duration = Duration::from_secs(20);

/// After so many tries the customer is told that there is none: somebody waits for it.
const TRIES: u32 = 3;

/// Asks for the previews of all mailboxes of a request. Idempotency key: the request and when it was
/// asked for.
pub async fn all(deps: &Deps, wanted: &PreviewMailboxes) -> anyhow::Result<()> {
    let store = &deps.engine.store;
    let request = store.request(wanted.request_id).await?;
    let is_wanted = request.generation == wanted.generation && request.preview_asked == Some(wanted.preview_asked);
    if !is_wanted || !request.state.allows_preview() {
        return Ok(());
    }
    let jobs = store.jobs(wanted.request_id, wanted.generation).await?;
    let message = |job_id| PreviewMailbox {
        job_id,
        preview_asked: wanted.preview_asked,
    };
    let messages: Vec<PreviewMailbox> = jobs.iter().map(|job| message(job.job_id)).collect();
    Ok(deps.queues.send_all(Queue::Plan, &messages).await?)
}

/// Makes the preview of one mailbox.
pub async fn one(deps: &Deps, message: &SqsMessage, wanted: &PreviewMailbox, deadline: Deadline) -> anyhow::Result<()> {
    let tries = times_received(message);
    let made = preview_mailbox(
        &deps.engine,
        wanted.job_id,
        wanted.preview_asked,
        deadline,
        tries >= TRIES,
    );
    if let Err(error) = made.await {
        deps.queues.retry_after(Queue::Plan, message, RETRY_AFTER * tries).await;
        return Err(error.into());
    }
    Ok(())
}
