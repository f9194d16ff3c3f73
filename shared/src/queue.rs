//! The queues between the functions: what is in their messages, how they are sent and taken.
//!
//! Every message may come twice, late and out of order. A handler that fails gives its message
//! back; after five times it goes to the queue's dead letters, which `bury` writes into the job
//! table.

use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::{TryStreamExt as _, stream};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::Deadline;
use crate::domain::patience::Faults;
use crate::domain::{JobId, Pass, RequestId};
use crate::store::NoticeKind;

mod certify_mailbox;
mod cut_over;
mod import;
mod look_again;
mod preview;
mod reported;
mod send_notice;
mod tell_owner;
mod tell_ticket;

pub use certify_mailbox::CertifyMailbox;
pub use cut_over::{CutOver, WatchDns};
pub use import::ImportAttachment;
pub use look_again::LookAgain;
pub use preview::{PreviewMailbox, PreviewMailboxes};
pub use reported::reported_keys;
pub use send_notice::SendNotice;
pub use tell_owner::TellOwner;
pub use tell_ticket::TellTicket;

/// The longest delay SQS knows.
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// The most messages SQS takes at once.
const BATCH: usize = 10;

/// How many batches are sent at once: a request can have 50,000 mailboxes.
const AT_ONCE: usize = 8;

/// The queues, named for the function they feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Uploads and forms to be read.
    Ingest,
    /// Mailboxes to be checked.
    Check,
    /// Passes to be started; the scheduler's target.
    Start,
    /// Mailboxes to be planned.
    Plan,
    /// Lanes to be worked on.
    Sync,
    /// Mailboxes to be certified.
    Certify,
    /// Domains to be looked at.
    Watch,
    /// Requests whose DNS was changed.
    Cutover,
    /// Notices to be sent.
    Notify,
    /// Owners of mailboxes to be told.
    Owner,
    /// Contacts and calendars to be imported.
    Import,
    /// Notices that ticket systems are told of.
    Ticket,
}

/// "The mailboxes of this request's generation are in the table": to `ingest`, for a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRequest {
    /// The request.
    pub request_id: RequestId,
    /// Which upload, or 0 for a form.
    pub generation: u32,
    /// The customer goes on with the good rows and leaves the others.
    #[serde(default)]
    pub good_rows_only: bool,
    /// Since when the request had been in its state when the customer wanted that: delivered once more after the first pass
    /// has failed, it is no wish for another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wished_in: Option<String>,
}

/// "Read on in this upload": to `ingest`, from its own earlier step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadOn {
    /// The request.
    pub request_id: RequestId,
    /// Which upload.
    pub generation: u32,
    /// How many of its rows are in the table already; for the logs, and to tell the message from a
    /// [`CheckRequest`].
    pub rows_read: u32,
}

/// "Look at this mailbox": to `check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckMailbox {
    /// The mailbox.
    pub job_id: JobId,
    /// How often its row has been mended.
    pub check_round: u32,
    /// Whether the customer is told of a fault by itself: nothing was wrong before.
    #[serde(default)]
    pub is_news: bool,
}

/// "Start this pass": to `trigger`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartPass {
    /// The request.
    pub request_id: RequestId,
    /// The pass.
    pub pass: Pass,
}

/// "Plan this mailbox": to `plan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanMailbox {
    /// The mailbox.
    pub job_id: JobId,
    /// The pass.
    pub pass: Pass,
    /// What was met since planning went on last.
    #[serde(default)]
    pub faults: Faults,
    /// How many folders had been planned in this pass when the first of that was met.
    #[serde(default)]
    pub planned: u32,
}

/// "Work on this mailbox, lane k": to `sync`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkLane {
    /// The mailbox.
    pub job_id: JobId,
    /// The pass.
    pub pass: Pass,
    /// Which lane, from 0; for the logs.
    pub lane: u8,
    /// How many messages had been copied when this was sent, at least: a dead letter that was sent
    /// before the last message was copied is sent again instead of failing the mailbox.
    pub copied: i64,
    /// What this lane has met since something was copied last.
    #[serde(default)]
    pub faults: Faults,
}

/// Where the queues are.
#[derive(Clone, Debug)]
pub struct QueueUrls {
    /// Of [`Queue::Ingest`].
    pub ingest: String,
    /// Of [`Queue::Check`].
    pub check: String,
    /// Of [`Queue::Start`].
    pub start: String,
    /// Of [`Queue::Plan`].
    pub plan: String,
    /// Of [`Queue::Sync`].
    pub sync: String,
    /// Of [`Queue::Certify`].
    pub certify: String,
    /// Of [`Queue::Watch`].
    pub watch: String,
    /// Of [`Queue::Cutover`].
    pub cutover: String,
    /// Of [`Queue::Notify`].
    pub notify: String,
    /// Of [`Queue::Owner`].
    pub owner: String,
    /// Of [`Queue::Import`].
    pub import: String,
    /// Of [`Queue::Ticket`].
    pub ticket: String,
}

/// Sends messages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Queues {
    client: aws_sdk_sqs::Client,
    urls: QueueUrls,
}

/// A message could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// SQS refused or did not answer, after the SDK's own tries.
    #[error("the queue did not answer")]
    Service(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Some messages of a batch were not taken.
    #[error("the queue did not take {0} messages")]
    NotTaken(usize),
    /// The message has no text form.
    #[error("the message cannot be written")]
    Unwritable(#[from] serde_json::Error),
}

impl Queues {
    /// Sends to these queues.
    pub fn new(client: aws_sdk_sqs::Client, urls: QueueUrls) -> Self {
        Self { client, urls }
    }

    /// Sends a message. Durable on return.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn send(&self, queue: Queue, message: &impl Serialize) -> Result<(), QueueError> {
        self.send_later(queue, message, Duration::ZERO).await
    }

    /// Sends a message that comes after a delay of at most 15 minutes. Durable on return.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn send_later(&self, queue: Queue, message: &impl Serialize, delay: Duration) -> Result<(), QueueError> {
        let body = serde_json::to_string(message)?;
        let sent = self
            .client
            .send_message()
            .queue_url(self.url(queue))
            .message_body(body)
            .delay_seconds(seconds(delay));
        sent.send().await.map_err(|e| QueueError::Service(Box::new(e)))?;
        Ok(())
    }

    /// Sends many messages. All are durable on return; after an error some may be.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn send_all(&self, queue: Queue, messages: &[impl Serialize]) -> Result<(), QueueError> {
        stream::iter(messages.chunks(BATCH).map(Ok))
            .try_for_each_concurrent(AT_ONCE, |group| self.send_group(queue, group))
            .await
    }

    async fn send_group(&self, queue: Queue, group: &[impl Serialize]) -> Result<(), QueueError> {
        let mut batch = self.client.send_message_batch().queue_url(self.url(queue));
        for (n, message) in group.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(n.to_string())
                .message_body(serde_json::to_string(message)?);
            batch = batch.entries(entry.build().map_err(|e| QueueError::Service(Box::new(e)))?);
        }
        let answer = batch.send().await.map_err(|e| QueueError::Service(Box::new(e)))?;
        match answer.failed().len() {
            0 => Ok(()),
            failed => Err(QueueError::NotTaken(failed)),
        }
    }

    /// Queues notices that wait in the outbox. A notice queued twice is sent once.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn send_notices(&self, request_id: RequestId, notices: &[NoticeKind]) -> Result<(), QueueError> {
        let messages: Vec<SendNotice> = notices
            .iter()
            .map(|notice| SendNotice::new(request_id, *notice))
            .collect();
        self.send_all(Queue::Notify, &messages).await
    }

    /// Lets a message that is being worked on come again after a delay, instead of at the end of
    /// its visibility timeout. Best effort: without it the message only comes later.
    pub async fn retry_after(&self, queue: Queue, message: &SqsMessage, delay: Duration) {
        let Some(handle) = &message.receipt_handle else { return };
        let change = self
            .client
            .change_message_visibility()
            .queue_url(self.url(queue))
            .receipt_handle(handle);
        if let Err(error) = change.visibility_timeout(seconds(delay)).send().await {
            tracing::debug!(error = causes(&error), "a message's visibility could not be changed");
        }
    }

    fn url(&self, queue: Queue) -> &str {
        match queue {
            Queue::Ingest => &self.urls.ingest,
            Queue::Check => &self.urls.check,
            Queue::Start => &self.urls.start,
            Queue::Plan => &self.urls.plan,
            Queue::Sync => &self.urls.sync,
            Queue::Certify => &self.urls.certify,
            Queue::Watch => &self.urls.watch,
            Queue::Cutover => &self.urls.cutover,
            Queue::Notify => &self.urls.notify,
            Queue::Owner => &self.urls.owner,
            Queue::Import => &self.urls.import,
            Queue::Ticket => &self.urls.ticket,
        }
    }
}

fn seconds(delay: Duration) -> i32 {
    i32::try_from(delay.min(LONGEST_DELAY).as_secs()).unwrap_or(900)
}

/// Reads a message's body.
///
/// # Errors
/// Where it is not the message that was expected; the text is not repeated.
pub fn decode<M: DeserializeOwned>(message: &SqsMessage) -> Result<M, serde_json::Error> {
    serde_json::from_str(message.body.as_deref().unwrap_or_default())
}

/// How often a message has been received, this time included.
pub fn times_received(message: &SqsMessage) -> u32 {
    message
        .attributes
        .get("ApproximateReceiveCount")
        .and_then(|count| count.parse().ok())
        .unwrap_or(1)
}

/// Runs a function that a queue feeds, until the platform ends it: each message is handled with the
/// run's deadline, and those that fail come again.
///
/// # Errors
/// Where the platform cannot be reached.
pub async fn serve<E>(handle: impl AsyncFn(SqsMessage, Deadline) -> Result<(), E>) -> Result<(), lambda_runtime::Error>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let handle = &handle;
    let run = async |event: LambdaEvent<SqsEvent>| {
        let deadline = Deadline::from_unix_ms(event.context.deadline);
        let each = each_message(event.payload, async |message| handle(message, deadline).await);
        Ok::<_, lambda_runtime::Error>(each.await)
    };
    lambda_runtime::run(service_fn(run)).await
}

/// Hands each message of a batch to `handle`, one after the other, and reports those that failed,
/// so that only they come again. A failure is logged here, once.
async fn each_message<E>(event: SqsEvent, mut handle: impl AsyncFnMut(SqsMessage) -> Result<(), E>) -> SqsBatchResponse
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let id = message.message_id.clone().unwrap_or_default();
        let times = times_received(&message);
        // Boxed: the futures of the SDK nest deeper than the compiler lays out.
        if let Err(error) = Box::pin(handle(message)).await {
            let error: Box<dyn std::error::Error + Send + Sync> = error.into();
            tracing::error!(
                message.id = id,
                message.times_received = times,
                error = causes(&*error),
                "message failed"
            );
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// An error with all its causes, in one line: what a log shows of it.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
