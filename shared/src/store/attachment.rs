//! Attachments in the table: files with contacts and calendars, and how far their import is.
//!
//! One worker at a time imports an attachment: it holds a lease that counts an epoch up, and its writes are conditional
//! on that. What each batch made is an item of its own, because a large calendar makes more than one item holds.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::job::Failure;
use super::{Store, StoreError, belonging, item_of, request, stamp};
use crate::dav::Kind;
use crate::dav::import::{Batch, Journal, Progress};
use crate::domain::{JobId, RequestId};

/// Where an attachment is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentState {
    /// Its file has not come yet.
    AwaitingUpload,
    /// It is being imported.
    Importing,
    /// All of it is there.
    Completed,
    /// Something of it is not there, or not as it was; it is listed.
    CompletedWithExceptions,
    /// It could not be imported, or not to its end.
    Failed,
    /// It is being taken back.
    Undoing,
    /// It has been taken back.
    Undone,
}

/// A file for a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRecord {
    /// The request it belongs to.
    pub request_id: RequestId,
    /// Its name within the request.
    pub attachment: String,
    /// The mailbox it is for.
    pub job_id: JobId,
    /// What the customer says it holds; what it is shows its content.
    pub kind: Kind,
    /// The file's name, as the customer has it.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Whether what is there and says something else is replaced.
    #[serde(default)]
    pub update: bool,
    /// Whether its request does not end before it, because its password ends with the request.
    #[serde(default)]
    pub holds_request: bool,
    /// Where it is on its way.
    pub state: AttachmentState,
    /// Since when.
    pub state_since: String,
    /// When it was announced.
    pub created_at: String,
    /// How far the import is.
    #[serde(default)]
    pub progress: Progress,
    /// How many batches have been taken back.
    #[serde(default)]
    pub undone_batches: u32,
    /// How many objects have been taken back.
    #[serde(default)]
    pub removed: u64,
    /// How many were changed since they were imported, and stayed.
    #[serde(default)]
    pub changed_since: u64,
    /// Why it failed, or what went wrong last: a stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The same in words for a customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Counts up with every worker.
    #[serde(default)]
    pub epoch: i64,
}

impl AttachmentRecord {
    /// A file that is announced now; its name within the request is `attachment`.
    pub fn announced(job_id: JobId, attachment: String, kind: Kind, name: String, bytes: u64, now: Timestamp) -> Self {
        Self {
            request_id: job_id.request(),
            attachment,
            job_id,
            kind,
            name,
            bytes,
            update: false,
            holds_request: false,
            state: AttachmentState::AwaitingUpload,
            state_since: stamp(now),
            created_at: stamp(now),
            progress: Progress::default(),
            undone_batches: 0,
            removed: 0,
            changed_since: 0,
            error_code: None,
            error_message: None,
            epoch: 0,
        }
    }
}

impl AttachmentState {
    /// Its stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingUpload => "awaiting_upload",
            Self::Importing => "importing",
            Self::Completed => "completed",
            Self::CompletedWithExceptions => "completed_with_exceptions",
            Self::Failed => "failed",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }

    /// Whether objects are being made or taken away.
    pub fn is_at_work(self) -> bool {
        matches!(self, Self::Importing | Self::Undoing)
    }

    /// Whether a worker has something to do, or will have.
    pub fn is_open(self) -> bool {
        matches!(self, Self::AwaitingUpload | Self::Importing | Self::Undoing)
    }
}

/// The journal of an import that holds the lease.
#[derive(Clone, Debug)]
pub struct AttachmentJournal {
    store: Store,
    request: RequestId,
    attachment: String,
    epoch: i64,
}

/// Which worker may write.
#[derive(Clone, Copy)]
enum While {
    Importing,
    Undoing,
    Whatever,
}

fn key(attachment: &str) -> String {
    format!("ATTACHMENT#{attachment}")
}

fn batches(request: RequestId, attachment: &str) -> String {
    format!("ATTACHMENT#{request}#{attachment}")
}

fn batch_key(number: u32) -> String {
    format!("BATCH#{number:06}")
}

impl Store {
    /// Puts a new attachment, of which a request may have `most`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it has as many.
    pub async fn create_attachment(&self, record: &AttachmentRecord, most: i64) -> Result<(), StoreError> {
        let (pk, sk) = (request::partition(record.request_id), key(&record.attachment));
        let item = belonging(record.request_id, pk, sk, record)?;
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(PK)").build()?;
        let count = Change::default()
            .if_there()
            .if_at_most("attachments", most - 1)
            .add("attachments", 1)
            .add("open_attachments", i64::from(record.holds_request));
        self.transact(vec![
            TransactWriteItem::builder().put(put).build(),
            self.update_request(record.request_id, count)?,
        ])
        .await
    }

    fn update_request(&self, id: RequestId, change: Change) -> Result<TransactWriteItem, StoreError> {
        let (pk, sk) = request::keys(id);
        let update = change.update(&self.table, pk, sk)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// An attachment, as it is now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn attachment(&self, id: RequestId, attachment: &str) -> Result<Option<AttachmentRecord>, StoreError> {
        self.get(request::partition(id), key(attachment)).await
    }

    /// The attachments of a request.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn attachments(&self, id: RequestId) -> Result<Vec<AttachmentRecord>, StoreError> {
        self.query(&request::partition(id), &key("")).await
    }

    /// Moves an attachment on, from a state it must be in. Where it holds its request, the request counts it as long as
    /// it is open.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is in another.
    pub async fn advance_attachment(
        &self,
        record: &AttachmentRecord,
        next: AttachmentState,
        failure: Option<&Failure>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("state", record.state.as_str())
            .set("state", next.as_str())
            .set("state_since", stamp(now))
            .set_or_remove("error_code", failure.map(|failure| failure.code.clone()))
            .set_or_remove("error_message", failure.map(|failure| failure.message.clone()));
        let (pk, sk) = (request::partition(record.request_id), key(&record.attachment));
        let count = i64::from(next.is_open()) - i64::from(record.state.is_open());
        if count == 0 || !record.holds_request {
            return self.change(change, pk, sk).await;
        }
        let counted = Change::default().if_there().add("open_attachments", count);
        let own = TransactWriteItem::builder()
            .update(change.update(&self.table, pk, sk)?)
            .build();
        self.transact(vec![own, self.update_request(record.request_id, counted)?])
            .await
    }

    /// Notes what went wrong last with an attachment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_attachment_trouble(
        &self,
        record: &AttachmentRecord,
        failure: &Failure,
    ) -> Result<(), StoreError> {
        let change = failure.change().if_equal("state", record.state.as_str());
        self.change(change, request::partition(record.request_id), key(&record.attachment))
            .await
    }

    /// Takes the right to work on an attachment until `until`. Gives it as it is now, with its journal.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another worker holds it.
    pub async fn lease_attachment(
        &self,
        id: RequestId,
        attachment: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(AttachmentRecord, AttachmentJournal), StoreError> {
        let change = Change::default()
            .if_there()
            .if_at_most("lease_until", now.as_second())
            .set("lease_until", until.as_second())
            .add("epoch", 1);
        self.change(change, request::partition(id), key(attachment)).await?;
        let record = self.attachment(id, attachment).await?;
        let record = record.ok_or_else(|| StoreError::Missing(format!("attachment {attachment}")))?;
        let journal = AttachmentJournal {
            store: self.clone(),
            request: id,
            attachment: attachment.to_owned(),
            epoch: record.epoch,
        };
        Ok((record, journal))
    }
}

impl AttachmentJournal {
    /// Gives the right to work back.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it has been lost.
    pub async fn release(&self) -> Result<(), StoreError> {
        let change = self.fenced(While::Whatever).set("lease_until", 0_i64);
        self.store
            .change(change, request::partition(self.request), key(&self.attachment))
            .await
    }

    /// Writes down that a batch has been taken back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn undone(&self, batch: u32, removed: u64, changed: u64) -> Result<(), StoreError> {
        let change = self
            .fenced(While::Undoing)
            .set("undone_batches", i64::from(batch) + 1)
            .add("removed", i64::try_from(removed).unwrap_or_default())
            .add("changed_since", i64::try_from(changed).unwrap_or_default());
        self.store
            .change(change, request::partition(self.request), key(&self.attachment))
            .await
    }

    /// Only while this worker holds the lease, and what it does is still wanted.
    fn fenced(&self, wanted: While) -> Change {
        let change = Change::default().if_equal("epoch", self.epoch);
        match wanted {
            While::Importing => change.if_equal("state", AttachmentState::Importing.as_str()),
            While::Undoing => change.if_equal("state", AttachmentState::Undoing.as_str()),
            While::Whatever => change,
        }
    }

    fn update(&self, change: Change) -> Result<TransactWriteItem, StoreError> {
        let update = change.update(
            &self.store.table,
            request::partition(self.request),
            key(&self.attachment),
        )?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    fn put(&self, batch: &Batch) -> Result<TransactWriteItem, StoreError> {
        let pk = batches(self.request, &self.attachment);
        let item = belonging(self.request, pk, batch_key(batch.number), batch)?;
        let put = Put::builder()
            .table_name(&self.store.table)
            .set_item(Some(item))
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

impl Journal for AttachmentJournal {
    type Error = StoreError;

    async fn batch(&self, number: u32) -> Result<Option<Batch>, StoreError> {
        self.store
            .get(batches(self.request, &self.attachment), batch_key(number))
            .await
    }

    async fn begin(&self, batch: &Batch) -> Result<(), StoreError> {
        let fence = self.update(self.fenced(While::Importing).set("begun", i64::from(batch.number) + 1))?;
        self.store.transact(vec![fence, self.put(batch)?]).await
    }

    async fn finish(&self, batch: &Batch, progress: &Progress) -> Result<(), StoreError> {
        let progress = item_of(String::new(), String::new(), progress)?;
        let progress = progress
            .into_iter()
            .filter(|(name, _)| !matches!(name.as_str(), "PK" | "SK"))
            .collect();
        let change = self
            .fenced(While::Importing)
            .set("progress", AttributeValue::M(progress));
        self.store.transact(vec![self.update(change)?, self.put(batch)?]).await
    }
}
