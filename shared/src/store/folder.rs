//! Folders in the table, and who may write them and their chunks.
//!
//! Copying is fenced by the folder's epoch (planning, in [`super::planning`], by the mailbox's plan
//! epoch): whoever takes a lease counts the epoch up, and a worker that lost its lease cannot write.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::chunk::ChunkRecord;
use super::expression::Change;
use super::job::Failure;
use super::ledger::{FolderEnd, Ledger, Planned, Recount};
use super::listing::Listing;
use super::planning::PlanLease;
use super::{Doing, Store, StoreError, attribute, belonging};
use crate::clock::now;
use crate::domain::prints::PrintList;
use crate::domain::{JobId, Pass, is_zero};

/// One folder of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRecord {
    /// The mailbox it belongs to.
    pub job_id: JobId,
    /// Its number within the mailbox, from 0.
    pub folder: u32,
    /// From where to where it is copied ([`crate::domain::source::route`]); absent in older records. A row that was mended
    /// since may be about another mailbox, to which nothing of this holds, whatever its UIDVALIDITY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Its name at the source, on the wire.
    pub source_name: String,
    /// Its name at the source as people read it, parts joined by `/`.
    pub title: String,
    /// Its name at the destination, on the wire.
    pub destination_name: String,
    /// UIDVALIDITY at the source when it was planned.
    pub source_uid_validity: u32,
    /// UIDVALIDITY at the destination when it was planned.
    pub destination_uid_validity: u32,
    /// How many chunks it has.
    pub chunks: u32,
    /// The highest source UID any chunk covers.
    pub last_uid: u32,
    /// The source's numbers from before anything of the folder was read when it was planned: where
    /// they are the same again, nothing has changed in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SourceNumbers>,
    /// Messages that went from the source, and whose copies the user had moved or deleted at the
    /// destination: where one comes as new into this folder, it is left out.
    #[serde(default, skip_serializing_if = "PrintList::is_empty")]
    pub gone: PrintList,
    /// How many messages were deleted at the destination because they had been at the source.
    #[serde(default)]
    pub deleted: u64,
    /// The last pass it was planned for. One in which nothing has changed is not planned for the final
    /// pass, and has no work in it.
    pub planned_pass: Pass,
    /// The last pass it was copied in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_pass: Option<Pass>,
    /// When a batch of its last pass was found whose end was unknown, the last of them, in seconds since 1970:
    /// second copies of its messages may have come since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<i64>,
    /// Why it is named otherwise at the destination: words for a customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why the folder, or a part of it, was not copied: words for a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Counts up with every worker that takes the folder.
    #[serde(default)]
    pub epoch: i64,
    /// Until when a worker holds it, in seconds since 1970.
    #[serde(default)]
    pub lease_until: i64,
    /// How often it was planned anew within its pass, because a server had numbered its messages anew.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub renewals: u8,
    /// How far planning has listed it, where that takes longer than a run: it is not planned yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
}

/// A source folder's numbers (RFC 9051, section 6.3.11; RFC 7162), beside its UIDVALIDITY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceNumbers {
    /// MESSAGES.
    pub messages: u32,
    /// UIDNEXT.
    pub uid_next: u32,
    /// HIGHESTMODSEQ, where the folder has one: without it, changed flags do not show in the numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_modseq: Option<u64>,
}

impl FolderRecord {
    /// Whether it was planned for copying from there to there.
    pub fn is_on(&self, route: &str) -> bool {
        self.route.as_deref().is_none_or(|own| own == route)
    }

    /// Whether there is work left in it for this pass. A folder that is gone from the source, or in
    /// which nothing has changed, is not planned for the pass, and has none.
    pub fn is_open(&self, pass: Pass) -> bool {
        self.is_planned(pass) && self.done_pass != Some(pass)
    }

    /// Whether it has been planned for this pass.
    pub fn is_planned(&self, pass: Pass) -> bool {
        self.planned_pass == pass && self.listing.is_none()
    }

    /// Whether its plan counts a chunk: a planning that died half-way, or that is not through yet, has left more.
    pub fn counts(&self, chunk: &ChunkRecord) -> bool {
        chunk.folder == self.folder && chunk.chunk < self.chunks
    }
}

pub(super) fn partition(job: JobId) -> String {
    format!("JOB#{job}")
}

pub(super) fn folder_key(folder: u32) -> String {
    format!("FOLDER#{folder:05}")
}

pub(super) fn chunk_prefix(folder: u32) -> String {
    format!("CHUNK#{folder:05}#")
}

pub(super) fn chunk_key(chunk: &ChunkRecord) -> String {
    format!("{}{:05}", chunk_prefix(chunk.folder), chunk.chunk)
}

impl Store {
    /// All chunks of a mailbox.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_chunks(&self, job: JobId) -> Result<Vec<ChunkRecord>, StoreError> {
        self.query(&partition(job), "CHUNK#").await
    }

    /// The chunks of a mailbox that the plans of its folders count.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn planned_chunks(&self, job: JobId, folders: &[FolderRecord]) -> Result<Vec<ChunkRecord>, StoreError> {
        let by_number: BTreeMap<u32, &FolderRecord> = folders.iter().map(|folder| (folder.folder, folder)).collect();
        let mut chunks = self.all_chunks(job).await?;
        chunks.retain(|chunk| by_number.get(&chunk.folder).is_some_and(|folder| folder.counts(chunk)));
        Ok(chunks)
    }
}

impl Ledger for Store {
    async fn is_stopped(&self, job: JobId) -> Result<bool, StoreError> {
        let request = self.request(job.request()).await?;
        let is_stopped = request.is_over() || request.state.is_to_begin();
        Ok(is_stopped || request.paused_until(now()).is_some())
    }

    async fn put_folders(&self, lease: PlanLease, planned: &[Planned]) -> Result<(), StoreError> {
        self.put_planned(lease, planned).await
    }

    async fn delete_chunks(&self, job: JobId, folder: u32) -> Result<(), StoreError> {
        self.delete_all(&partition(job), &chunk_prefix(folder)).await
    }

    async fn delete_folder(&self, job: JobId, folder: u32) -> Result<(), StoreError> {
        self.delete_chunks(job, folder).await?;
        self.delete_all(&partition(job), &folder_key(folder)).await
    }

    async fn note_doing(&self, job: JobId, lane: u8, doing: &Doing) -> Result<bool, StoreError> {
        self.put_doing(job, lane, doing).await
    }

    async fn note_trouble(&self, job: JobId, failure: &Failure) -> Result<(), StoreError> {
        self.note_failure(job, failure).await
    }

    async fn folders(&self, job: JobId) -> Result<Vec<FolderRecord>, StoreError> {
        self.query(&partition(job), "FOLDER#").await
    }

    async fn chunks(&self, job: JobId, folder: u32) -> Result<Vec<ChunkRecord>, StoreError> {
        self.query(&partition(job), &chunk_prefix(folder)).await
    }

    async fn mailbox_chunks(&self, job: JobId) -> Result<Vec<ChunkRecord>, StoreError> {
        self.all_chunks(job).await
    }

    async fn lease_folder(
        &self,
        folder: &FolderRecord,
        pass: Pass,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<FolderRecord>, StoreError> {
        let change = Change::default()
            .if_equal("epoch", folder.epoch)
            .if_at_most("lease_until", now.as_second())
            .if_equal("planned_pass", pass)
            .if_not("done_pass", pass)
            .set("epoch", folder.epoch + 1)
            .set("lease_until", until.as_second());
        match self
            .change_and_get(change, partition(folder.job_id), folder_key(folder.folder))
            .await
        {
            Ok(taken) => Ok(Some(taken)),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put_renewed(
        &self,
        folder: &FolderRecord,
        chunks: &[ChunkRecord],
        recount: Recount,
    ) -> Result<(), StoreError> {
        let (request, pk) = (folder.job_id.request(), partition(folder.job_id));
        let puts = chunks
            .iter()
            .map(|chunk| belonging(request, pk.clone(), chunk_key(chunk), chunk));
        let held = "epoch = :epoch";
        let epoch = AttributeValue::N(folder.epoch.to_string());
        let fence = ConditionCheck::builder()
            .table_name(&self.table)
            .key("PK", AttributeValue::S(pk.clone()))
            .key("SK", AttributeValue::S(folder_key(folder.folder)))
            .condition_expression(held)
            .expression_attribute_values(":epoch", epoch.clone())
            .build()?;
        self.put_fenced(&fence, puts.collect::<Result<_, _>>()?).await?;
        let item = belonging(request, pk, folder_key(folder.folder), folder)?;
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(held)
            .expression_attribute_values(":epoch", epoch)
            .build()?;
        let counters = [
            ("messages_total", recount.messages),
            ("messages_copied", recount.messages_copied),
            ("bytes_total", recount.bytes),
            ("bytes_copied", recount.bytes_copied),
            ("exceptions", recount.exceptions),
            ("notes", recount.notes),
        ];
        let mut items = vec![TransactWriteItem::builder().put(put).build()];
        if counters.iter().any(|(_, amount)| *amount != 0) {
            items.push(self.job_counters(folder.job_id, &counters)?);
        }
        self.transact(items).await
    }

    async fn release_folder(&self, folder: &FolderRecord, at: Timestamp) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("epoch", folder.epoch)
            .set("lease_until", at.as_second());
        self.change(change, partition(folder.job_id), folder_key(folder.folder))
            .await
    }

    async fn take_chunk(&self, chunk: &ChunkRecord, folder: &FolderRecord) -> Result<ChunkRecord, StoreError> {
        let change = Change::default()
            .if_there()
            .if_at_most("epoch", folder.epoch)
            .set("epoch", folder.epoch);
        self.change_and_get(change, partition(chunk.job_id), chunk_key(chunk))
            .await
    }

    async fn save_chunk(&self, chunk: &ChunkRecord) -> Result<(), StoreError> {
        self.change(saved(chunk)?, partition(chunk.job_id), chunk_key(chunk))
            .await
    }

    async fn finish_chunk(
        &self,
        chunk: &mut ChunkRecord,
        pass: Pass,
        messages: i64,
        last_of: Option<FolderEnd<'_>>,
    ) -> Result<(), StoreError> {
        let counts = chunk.finish(pass, messages);
        let is_folder_failed = last_of.as_ref().is_some_and(|end| end.error.is_some());
        let counters = [
            ("messages_copied", counts.messages_copied),
            ("bytes_copied", counts.bytes_copied),
            ("messages_total", counts.messages_total),
            ("exceptions", counts.exceptions + i64::from(is_folder_failed)),
            ("notes", counts.notes),
            ("open_folders", -i64::from(last_of.is_some())),
        ];
        let update = saved(chunk)?.update(&self.table, partition(chunk.job_id), chunk_key(chunk))?;
        let mut items = vec![TransactWriteItem::builder().update(update).build()];
        if let Some(end) = last_of {
            items.push(self.folder_ended(end, pass)?);
        }
        if counters.iter().any(|(_, amount)| *amount != 0) {
            items.push(self.job_counters(chunk.job_id, &counters)?);
        }
        self.transact(items).await
    }

    async fn finish_folder(&self, end: FolderEnd<'_>, pass: Pass) -> Result<(), StoreError> {
        let counters = [("open_folders", -1), ("exceptions", i64::from(end.error.is_some()))];
        let count = self.job_counters(end.folder.job_id, &counters)?;
        self.transact(vec![self.folder_ended(end, pass)?, count]).await
    }
}

impl Store {
    fn folder_ended(
        &self,
        FolderEnd {
            folder,
            error,
            broken_at,
        }: FolderEnd<'_>,
        pass: Pass,
    ) -> Result<TransactWriteItem, StoreError> {
        let change = Change::default()
            .if_equal("epoch", folder.epoch)
            .if_not("done_pass", pass)
            .set("done_pass", pass)
            .set_or_remove("error", error.or(folder.error.as_deref()))
            .set_or_remove("broken_at", broken_at)
            .set("lease_until", 0_i64);
        let update = change.update(&self.table, partition(folder.job_id), folder_key(folder.folder))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

fn saved(chunk: &ChunkRecord) -> Result<Change, StoreError> {
    let (open_batch, late) = (attribute(chunk.open_batch.as_ref())?, attribute(chunk.late.as_ref())?);
    let trials = attribute(chunk.trials.as_ref())?;
    let exceptions: AttributeValue = serde_dynamo::to_attribute_value(&chunk.exceptions)?;
    let dropped: AttributeValue = serde_dynamo::to_attribute_value(&chunk.dropped)?;
    let counted: AttributeValue = serde_dynamo::to_attribute_value(chunk.counted)?;
    Ok(Change::default()
        .if_equal("epoch", chunk.epoch)
        .set_or_remove("match_from", chunk.match_from.map(i64::from))
        .set_or_remove("open_batch", open_batch)
        .set_or_remove("late", late)
        .set_or_remove("trials", trials)
        .set_or_remove("done_pass", chunk.done_pass)
        .set("messages", chunk.messages)
        .set("map", chunk.map.to_string())
        .set("flags", chunk.flags.to_string())
        .set("unlocated", chunk.unlocated.to_string())
        .set("tally", chunk.tally.to_string())
        .set("untallied", chunk.untallied.to_string())
        .set("prints", chunk.prints.to_string())
        .set("left_out", chunk.left_out.to_string())
        .set("absent", chunk.absent.to_string())
        .set("dropped", dropped)
        .set("bytes_copied", chunk.bytes_copied)
        .set("counted", counted)
        .set("counted_exceptions", chunk.counted_exceptions)
        .set("counted_notes", chunk.counted_notes)
        .set("exceptions", exceptions))
}
