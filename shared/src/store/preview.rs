//! Previews in the table: what the first pass would do, before it begins.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::job::Failure;
use super::{RequestRecord, Store, StoreError, belonging, request, stamp};
use crate::domain::{FolderPreview, JobId, RequestId};

/// How long after one preview of a request the next may be asked for: each logs in to every mailbox
/// on both sides.
pub const AT_MOST_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// How many bytes of folders one preview keeps; what is beyond is counted. An item can have 400 KB.
const KEPT_BYTES: usize = 300_000;

/// What a preview of a mailbox found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRecord {
    /// The mailbox.
    pub job_id: JobId,
    /// When it was asked for, in seconds since 1970; tells it from earlier ones.
    pub asked: i64,
    /// When it was made.
    pub made_at: String,
    /// The folders, those that are copied first; empty where it failed.
    #[serde(default)]
    pub folders: Vec<FolderPreview>,
    /// How many folders more there are.
    #[serde(default)]
    pub left_out: u32,
    /// Why there is none: a stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The same in words for a customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

/// Previews of some mailboxes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Previews {
    /// In the order of the rows.
    pub records: Vec<PreviewRecord>,
    /// The row that the next ones begin at; `None` where these are all.
    pub next_row: Option<u32>,
}

impl PreviewRecord {
    /// A preview that could be made.
    pub fn ready(job_id: JobId, asked: i64, mut folders: Vec<FolderPreview>, now: Timestamp) -> Self {
        let mut bytes = 0;
        let kept = folders.iter().take_while(|folder| {
            bytes += size_of(folder);
            bytes <= KEPT_BYTES
        });
        let kept = kept.count();
        let left_out = u32::try_from(folders.len() - kept).unwrap_or(u32::MAX);
        folders.truncate(kept);
        Self {
            job_id,
            asked,
            made_at: stamp(now),
            folders,
            left_out,
            error_code: None,
            error_message: None,
        }
    }

    /// A preview that could not be made.
    pub fn failed(job_id: JobId, asked: i64, failure: &Failure, now: Timestamp) -> Self {
        Self {
            error_code: Some(failure.code.clone()),
            error_message: Some(failure.message.clone()),
            ..Self::ready(job_id, asked, Vec::new(), now)
        }
    }
}

/// The bytes of a folder in an item, names of attributes included, or a few more.
fn size_of(folder: &FolderPreview) -> usize {
    serde_json::to_string(folder).map_or(0, |json| json.len()) + 16
}

/// The prefix of all generations.
pub(super) const ALL: &str = "PREVIEW#";

pub(super) fn prefix(generation: u32) -> String {
    format!("PREVIEW#{generation}#")
}

fn key(generation: u32, row: u32) -> String {
    format!("{}{row:05}", prefix(generation))
}

impl Store {
    /// Notes that a preview of a request is asked for now, unless one was within [`AT_MOST_EVERY`].
    /// Gives what tells it from earlier ones.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is too early for another, or the request has moved on.
    pub async fn ask_preview(&self, request: &RequestRecord, now: Timestamp) -> Result<i64, StoreError> {
        let asked = now.as_second();
        let change = Change::default()
            .if_equal("state", request.state.as_str())
            .if_equal("generation", i64::from(request.generation))
            .if_at_most("preview_asked", asked - AT_MOST_EVERY.as_secs())
            .set("preview_asked", asked);
        let (pk, sk) = request::keys(request.request_id);
        self.change(change, pk, sk).await?;
        Ok(asked)
    }

    /// Puts the preview of a mailbox in the place of earlier ones. Idempotency key: the mailbox and
    /// when it was asked for; one that was asked for later stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_preview(&self, record: &PreviewRecord) -> Result<(), StoreError> {
        let (id, job) = (record.job_id.request(), record.job_id);
        let item = belonging(id, request::partition(id), key(job.generation(), job.row()), record)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = put
            .condition_expression("attribute_not_exists(asked) OR asked <= :asked")
            .expression_attribute_values(":asked", AttributeValue::N(record.asked.to_string()));
        match put.send().await.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The previews of a generation's mailboxes from a row on, until they have so many bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn previews(
        &self,
        id: RequestId,
        generation: u32,
        from_row: u32,
        most_bytes: usize,
    ) -> Result<Previews, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("PK = :pk AND SK BETWEEN :first AND :last")
            .expression_attribute_values(":pk", AttributeValue::S(request::partition(id)))
            .expression_attribute_values(":first", AttributeValue::S(key(generation, from_row)))
            .expression_attribute_values(":last", AttributeValue::S(key(generation, 99_999)))
            .into_paginator()
            .send();
        let (mut found, mut bytes) = (Previews::default(), 0);
        while let Some(page) = pages.next().await {
            for item in page?.items.unwrap_or_default() {
                let record: PreviewRecord = serde_dynamo::from_item(item)?;
                bytes += record.folders.iter().map(size_of).sum::<usize>();
                if bytes > most_bytes && !found.records.is_empty() {
                    found.next_row = Some(record.job_id.row());
                    return Ok(found);
                }
                found.records.push(record);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_fits_its_item() {
        let folder = FolderPreview {
            source: "ä".repeat(200),
            destination: Some("ä".repeat(200)),
            note: Some("x".repeat(300)),
            ..FolderPreview::default()
        };
        let id = JobId::new(RequestId::from_parts(0, [0; 10]), 1, 2);
        let record = PreviewRecord::ready(id, 0, vec![folder; 1000], Timestamp::UNIX_EPOCH);
        assert!(record.folders.len() > 200 && record.left_out > 0, "{}", record.left_out);
        assert_eq!(record.folders.len() + record.left_out as usize, 1000);
        assert!(serde_json::to_string(&record).unwrap().len() < 350_000);
    }

    #[test]
    fn keys_are_in_the_order_of_rows() {
        assert_eq!(key(1, 2), "PREVIEW#1#00002");
        assert!(key(1, 9) < key(1, 10) && key(1, 5_001) < key(1, 99_999));
    }
}
