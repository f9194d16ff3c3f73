//! What copying a mailbox writes down: folders and chunks, and who may write them.
//!
//! The job table is one ledger ([`Store`](super::Store)). The copying knows only this trait, so that
//! it can be run and measured between two servers without AWS.

use jiff::Timestamp;

use super::job::Failure;
use super::planning::PlanLease;
use super::{ChunkRecord, Doing, FolderRecord, StoreError};
use crate::domain::{JobId, Pass};

/// A planned folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The folder.
    pub folder: FolderRecord,
    /// Its chunks that are new or have changed.
    pub chunks: Vec<ChunkRecord>,
}

/// The end of a folder's work in a pass.
#[derive(Clone, Copy, Debug)]
pub struct FolderEnd<'a> {
    /// The folder, as it was leased.
    pub folder: &'a FolderRecord,
    /// Why it, or a part of it, was not copied: words for a customer.
    pub error: Option<&'a str>,
    /// When a batch was found whose end was unknown, the last of them, in seconds since 1970.
    pub broken_at: Option<i64>,
}

/// How many messages and bytes a plan brings, or takes away: what a mailbox's counters are corrected by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recount {
    /// Messages at the source.
    pub messages: i64,
    /// Of those, how many are counted as copied.
    pub messages_copied: i64,
    /// Bytes at the source.
    pub bytes: i64,
    /// Of those, how many are counted as copied.
    pub bytes_copied: i64,
    /// Messages and folders counted as exceptions.
    pub exceptions: i64,
    /// What is counted as noted.
    pub notes: i64,
}

impl Recount {
    /// What the counters hold of these chunks.
    pub fn of(chunks: &[ChunkRecord]) -> Self {
        let sum = |of: fn(&ChunkRecord) -> i64| chunks.iter().map(of).sum();
        Self {
            messages: sum(|chunk| chunk.messages),
            messages_copied: sum(|chunk| chunk.counted.0),
            bytes: sum(|chunk| chunk.bytes),
            bytes_copied: sum(|chunk| chunk.counted.1),
            exceptions: sum(|chunk| chunk.counted_exceptions),
            notes: sum(|chunk| chunk.counted_notes),
        }
    }

    /// The same, to be taken away.
    #[must_use]
    pub fn taken_back(self) -> Self {
        Self {
            messages: -self.messages,
            messages_copied: -self.messages_copied,
            bytes: -self.bytes,
            bytes_copied: -self.bytes_copied,
            exceptions: -self.exceptions,
            notes: -self.notes,
        }
    }
}

/// Folders and chunks of mailboxes. What is written is durable on return.
pub trait Ledger: Clone + Send + Sync + 'static {
    /// Whether the mailbox shall not be copied any further: its request has ended, waits to be begun again, or waits for
    /// the next night's frame. Asked before each chunk.
    fn is_stopped(&self, job: JobId) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The folders of a mailbox, in order.
    fn folders(&self, job: JobId) -> impl Future<Output = Result<Vec<FolderRecord>, StoreError>> + Send;

    /// The chunks of a folder, in order.
    fn chunks(&self, job: JobId, folder: u32) -> impl Future<Output = Result<Vec<ChunkRecord>, StoreError>> + Send;

    /// All chunks of a mailbox, in order.
    fn mailbox_chunks(&self, job: JobId) -> impl Future<Output = Result<Vec<ChunkRecord>, StoreError>> + Send;

    /// Puts folders, each with its new and changed chunks and after them, so that one without all its
    /// chunks is planned again. Idempotency key: the folder's number and its pass.
    /// [`StoreError::Conflict`] where the right to plan has been lost.
    fn put_folders(&self, lease: PlanLease, planned: &[Planned])
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets the chunks of a folder that is to be planned anew.
    fn delete_chunks(&self, job: JobId, folder: u32) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets a folder and its chunks, the folder last.
    fn delete_folder(&self, job: JobId, folder: u32) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes a folder until `until`, for this worker alone, and gives it as it is now. `None` where another
    /// one holds it, or held it since it was read.
    fn lease_folder(
        &self,
        folder: &FolderRecord,
        pass: Pass,
        now: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Option<FolderRecord>, StoreError>> + Send;

    /// Puts a leased folder that its worker has planned anew, after its new chunks, and corrects its mailbox's counters
    /// with it. [`StoreError::Conflict`] where the lease has been lost.
    fn put_renewed(
        &self,
        folder: &FolderRecord,
        chunks: &[ChunkRecord],
        recount: Recount,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives a folder back from `at` on, before the lease ends. [`StoreError::Conflict`] where the
    /// lease has been lost.
    fn release_folder(
        &self,
        folder: &FolderRecord,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes a chunk of a leased folder: earlier workers cannot write it from now on. Gives it as
    /// they left it. [`StoreError::Conflict`] where the lease has been lost.
    fn take_chunk(
        &self,
        chunk: &ChunkRecord,
        folder: &FolderRecord,
    ) -> impl Future<Output = Result<ChunkRecord, StoreError>> + Send;

    /// Saves what a batch brought and what is about to be sent. [`StoreError::Conflict`] where the
    /// lease has been lost.
    fn save_chunk(&self, chunk: &ChunkRecord) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends a chunk for this pass and brings its mailbox's counters up to date, in one write; where it is
    /// its folder's last one, that is ended with it. `messages` is how many there are now, at the source or
    /// copied from there. [`StoreError::Conflict`] where the lease has been lost.
    fn finish_chunk(
        &self,
        chunk: &mut ChunkRecord,
        pass: Pass,
        messages: i64,
        last_of: Option<FolderEnd<'_>>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends a folder for this pass and counts its mailbox's open folders down, in one write. An
    /// error, why it was not copied, counts as an exception of the mailbox. [`StoreError::Conflict`]
    /// where the lease has been lost or the folder has been ended before.
    fn finish_folder(&self, end: FolderEnd<'_>, pass: Pass) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes what a lane does at the moment, for whoever watches the mailbox; false where something was noted of it a moment
    /// ago. Nothing depends on it: whoever copies neither waits for it nor ends with its failure.
    fn note_doing(&self, job: JobId, lane: u8, doing: &Doing) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Notes what went wrong last, while the mailbox goes on being tried.
    fn note_trouble(&self, job: JobId, failure: &Failure) -> impl Future<Output = Result<(), StoreError>> + Send;
}
