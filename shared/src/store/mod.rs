//! The job table: one DynamoDB table, described in `infra/data-model.md`.
//!
//! What is written here is durable on return. Every change of a state is a conditional write that
//! goes through the domain's transition functions; a change that has already been made is told as
//! [`Advance::AlreadyThere`], so that a message delivered twice changes nothing the second time.
//!
//! Reading order: [`request`], [`job`], [`planning`], [`folder`], then [`notice`] and [`refused`].

mod advance;
pub mod attachment;
pub mod check;
mod chunk;
pub mod claim;
mod doing;
pub mod domain;
mod error;
mod expression;
mod fate;
pub mod finding;
pub mod folder;
pub mod host;
pub mod job;
pub mod later;
mod ledger;
mod listing;
mod lock;
pub mod notice;
mod overdue;
mod owner;
mod passwords;
pub mod planning;
pub mod preview;
pub mod reading;
pub mod refused;
pub mod request;
pub mod reservation;
pub mod server;
mod speed;
pub mod ticket;
mod window;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp, Unit};
use serde::de::DeserializeOwned;

use crate::domain::{RequestId, Retention};

pub use attachment::{AttachmentJournal, AttachmentRecord, AttachmentState};
pub use chunk::{BrokenBatches, ChunkCounts, ChunkRecord, ExceptionRecord, OpenBatch, Trial, Trials};
pub use doing::{Doing, Pace, Step};
pub use error::StoreError;
pub use fate::{MailFate, MailFates, NoticeReturn};
pub use finding::{Discrepancy, Finding, Findings, SourceState};
pub use folder::{FolderRecord, SourceNumbers};
pub use job::JobRecord;
pub use later::{BeforeLook, Looked};
pub use ledger::{FolderEnd, Ledger, Planned, Recount};
pub use listing::Listing;
pub use notice::{NoticeKind, NoticeRecord, Sent, StaffCause};
pub use overdue::Reckoning;
pub use owner::OwnerMail;
pub use preview::{PreviewRecord, Previews};
pub use request::RequestRecord;

/// How often a transaction is tried when another one touches the same item at the same time.
const CONFLICT_TRIES: u32 = 8;

/// The most items DynamoDB takes in one batch write.
const BATCH_WRITE_ITEMS: usize = 25;

/// How many items besides the fence one transaction holds; DynamoDB takes 100.
const PUTS_A_TRANSACTION: usize = 99;

/// How many bytes a transaction takes: DynamoDB's limit is 4 MB.
const BYTES_A_TRANSACTION: usize = 3 << 20;

/// A frame starts 90 days ahead at most, a customer may take long over the cut-over, and an ended
/// request is kept for long: what a profile may say of that is bounded by it.
const LONGEST_KEPT: SignedDuration = SignedDuration::from_hours(365 * 24);

type Item = std::collections::HashMap<String, AttributeValue>;

/// The table.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
    retention: Retention,
    files_take_passwords: bool,
}

/// What became of a wanted change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advance<R> {
    /// This call made the change; the record is as it is now.
    Changed(R),
    /// The change had been made before.
    AlreadyThere(R),
}

impl<R> Advance<R> {
    /// The record as it is now, whoever made the change.
    pub fn into_record(self) -> R {
        match self {
            Self::Changed(record) | Self::AlreadyThere(record) => record,
        }
    }
}

/// The time as the table holds it: RFC 3339 in UTC, to the second, so that text order is time order.
pub fn stamp(now: Timestamp) -> String {
    now.round(Unit::Second).unwrap_or(now).to_string()
}

impl Store {
    /// The table of this name, which keeps requests as long as it does by default.
    pub fn new(client: Client, table: String) -> Self {
        Self {
            client,
            table,
            retention: Retention::default(),
            files_take_passwords: true,
        }
    }

    /// The same, which keeps requests for so long.
    #[must_use]
    pub fn keeping(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    /// The same, which is told whether contacts and calendars are brought into mailboxes by the mailboxes' own passwords:
    /// those are kept then until no file can come any more. So they are where nothing is told.
    #[must_use]
    pub fn with_passwords_for_files(self, files_take_passwords: bool) -> Self {
        Self {
            files_take_passwords,
            ..self
        }
    }

    /// Its name, which tells this stack from others.
    pub fn table(&self) -> &str {
        &self.table
    }

    async fn get<R: DeserializeOwned>(&self, pk: String, sk: String) -> Result<Option<R>, StoreError> {
        let sent = self.client.get_item().table_name(&self.table).consistent_read(true);
        let answer = sent
            .key("PK", AttributeValue::S(pk))
            .key("SK", AttributeValue::S(sk))
            .send()
            .await?;
        answer.item.map(|item| Ok(serde_dynamo::from_item(item)?)).transpose()
    }

    /// All items of a partition whose sort key begins with `prefix`, ascending, read consistently.
    async fn query<R: DeserializeOwned>(&self, pk: &str, prefix: &str) -> Result<Vec<R>, StoreError> {
        self.query_each(pk, prefix, None, |item| Ok(serde_dynamo::from_item(item)?))
            .await
    }

    /// Whether a partition has an item whose sort key begins with `prefix`.
    async fn has_any(&self, pk: &str, prefix: &str) -> Result<bool, StoreError> {
        let asked = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .limit(1)
            .key_condition_expression("PK = :pk AND begins_with(SK, :sk)")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .expression_attribute_values(":sk", AttributeValue::S(prefix.to_owned()));
        Ok(asked.send().await?.count() > 0)
    }

    /// What is made of each item while its page is here: items take several times what records do, and a
    /// request has up to 50,000 mailboxes.
    async fn query_each<R>(
        &self,
        pk: &str,
        prefix: &str,
        projection: Option<&str>,
        make: impl Fn(Item) -> Result<R, StoreError>,
    ) -> Result<Vec<R>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("PK = :pk AND begins_with(SK, :sk)")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .expression_attribute_values(":sk", AttributeValue::S(prefix.to_owned()))
            .set_projection_expression(projection.map(str::to_owned))
            .into_paginator()
            .items()
            .send();
        let mut records = Vec::new();
        while let Some(item) = pages.next().await {
            records.push(make(item?)?);
        }
        Ok(records)
    }

    /// Writes all or nothing. [`StoreError::Conflict`] where a condition does not hold.
    async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<(), StoreError> {
        self.unless_busy(|| async {
            let sent = self
                .client
                .transact_write_items()
                .set_transact_items(Some(items.clone()));
            Ok(sent.send().await.map(|_| ())?)
        })
        .await
    }

    /// Writes again while another transaction touches the same item.
    async fn unless_busy<R, F: Future<Output = Result<R, StoreError>>>(
        &self,
        write: impl Fn() -> F,
    ) -> Result<R, StoreError> {
        for tries in 0..CONFLICT_TRIES {
            match write().await {
                Err(StoreError::Busy) => tokio::time::sleep(Duration::from_millis(10 << tries)).await,
                ended => return ended,
            }
        }
        write().await
    }

    /// Puts items in their order, each group only while the fence holds.
    async fn put_fenced(&self, fence: &ConditionCheck, puts: Vec<Item>) -> Result<(), StoreError> {
        let mut puts = puts.into_iter().peekable();
        while puts.peek().is_some() {
            let mut items = vec![TransactWriteItem::builder().condition_check(fence.clone()).build()];
            let mut bytes = 0;
            while let Some(item) = puts.next_if(|next| {
                bytes += item_bytes(next);
                items.len() == 1 || items.len() <= PUTS_A_TRANSACTION && bytes <= BYTES_A_TRANSACTION
            }) {
                let put = Put::builder().table_name(&self.table).set_item(Some(item)).build()?;
                items.push(TransactWriteItem::builder().put(put).build());
            }
            self.transact(items).await?;
        }
        Ok(())
    }

    /// Deletes all items of a partition whose sort key begins with `prefix`.
    async fn delete_all(&self, pk: &str, prefix: &str) -> Result<(), StoreError> {
        use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
        let mut requests = Vec::new();
        for key in self.query_each(pk, prefix, Some("PK, SK"), Ok).await? {
            let delete = DeleteRequest::builder().set_key(Some(key)).build()?;
            requests.push(WriteRequest::builder().delete_request(delete).build());
        }
        self.write_all(requests).await
    }

    /// Puts many items without conditions; repeating it changes nothing.
    async fn put_all(&self, items: Vec<Item>) -> Result<(), StoreError> {
        use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
        let mut requests = Vec::with_capacity(items.len());
        for item in items {
            let put = PutRequest::builder().set_item(Some(item)).build()?;
            requests.push(WriteRequest::builder().put_request(put).build());
        }
        self.write_all(requests).await
    }

    async fn write_all(&self, requests: Vec<aws_sdk_dynamodb::types::WriteRequest>) -> Result<(), StoreError> {
        let mut rest = requests;
        while !rest.is_empty() {
            let later = rest.split_off(rest.len().min(BATCH_WRITE_ITEMS));
            let answer = self
                .client
                .batch_write_item()
                .request_items(&self.table, rest)
                .send()
                .await?;
            let unprocessed = answer
                .unprocessed_items
                .unwrap_or_default()
                .remove(&self.table)
                .unwrap_or_default();
            if !unprocessed.is_empty() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            rest = unprocessed.into_iter().chain(later).collect();
        }
        Ok(())
    }
}

/// How many bytes an item has, roughly.
fn item_bytes(item: &Item) -> usize {
    fn value_bytes(value: &AttributeValue) -> usize {
        match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::L(values) => values.iter().map(value_bytes).sum(),
            AttributeValue::M(values) => item_bytes(values),
            _ => 8,
        }
    }
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

/// When the table forgets what belongs to a request, in seconds since 1970.
fn expires_at(request: RequestId) -> i64 {
    i64::try_from(request.unix_ms() / 1000).unwrap_or_default() + LONGEST_KEPT.as_secs()
}

/// An item that belongs to a request, from a record and its keys. The table forgets it when the
/// longest request that can be is over, whatever became of it.
fn belonging(request: RequestId, pk: String, sk: String, record: &impl serde::Serialize) -> Result<Item, StoreError> {
    let mut item = item_of(pk, sk, record)?;
    item.insert(
        "expires_at".to_owned(),
        AttributeValue::N(expires_at(request).to_string()),
    );
    Ok(item)
}

/// A value as the table holds it, where there is one.
fn attribute(value: Option<&impl serde::Serialize>) -> Result<Option<AttributeValue>, StoreError> {
    Ok(value.map(serde_dynamo::to_attribute_value).transpose()?)
}

/// An item from a record and its keys.
fn item_of(pk: String, sk: String, record: &impl serde::Serialize) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(record)?;
    item.insert("PK".to_owned(), AttributeValue::S(pk));
    item.insert("SK".to_owned(), AttributeValue::S(sk));
    Ok(item)
}
