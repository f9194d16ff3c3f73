//! Importing an upload, a batch of objects at a time.
//!
//! Each batch is written down before its first PUT (what is about to be made, because it is not there) and after its
//! last (what was made, as read back). So a run that is cut off anywhere can be done again: what is there and was about
//! to be made is ours, what is there and equal is a success, and what is there and says something else is kept and
//! told. Undoing takes away what a batch made and nobody has changed since.

mod batch;
mod build;
mod place;
mod progress;
mod put;
mod undo;

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::objects::{Group, Grouped, Wanted};
use super::server::{Collection, DavError, DavSession, Home};
use super::spool::Spool;
use super::{Kind, Problem};
use crate::clock::Deadline;

#[cfg(test)]
pub use build::objects_of;
pub use undo::{Undone, undo_batch};

/// How many objects a batch has.
const BATCH_OBJECTS: usize = 100;

/// How many bytes of the upload a batch has; a larger object goes alone.
const BATCH_BYTES: u64 = 8 << 20;

/// So long before its run ends a batch is broken off, that what was done can still be told.
const MARGIN: Duration = Duration::from_secs(5);

/// How an import is done.
#[derive(Clone, Copy, Debug)]
pub struct Choices {
    /// Whether an object that is there and says something else is replaced; else it is kept.
    pub update: bool,
    /// How many requests are under way at once.
    pub in_flight: usize,
}

/// How far an import is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many objects the upload holds, broken ones included; 0 until it has been read.
    pub objects: u64,
    /// How many of those that can be read are done.
    pub next: u64,
    /// How many batches are done.
    pub batches: u32,
    /// What became of them.
    pub counts: Counts,
    /// The same for each collection.
    pub collections: Vec<CollectionCounts>,
    /// What is to be told, the first ones in words.
    pub problems: Vec<Problem>,
    /// How much there is to be told.
    pub problems_found: u64,
    /// How much of that is about files that nobody expects to be imported.
    #[serde(default)]
    pub left_out: u64,
}

/// What became of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Made, and read back.
    pub imported: u64,
    /// Were there, and say the same.
    pub existing: u64,
    /// Were there, said something else, and were replaced.
    pub updated: u64,
    /// Are there, say something else, and were kept.
    pub kept: u64,
    /// Are not there.
    pub failed: u64,
}

/// What became of the objects of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionCounts {
    /// What it holds.
    pub kind: Kind,
    /// Its name at the server.
    pub name: Option<String>,
    /// Its path.
    pub href: String,
    /// Whether this import made it.
    pub made: bool,
    /// What became of them.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What a batch made, or was about to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its number, from 0.
    pub number: u32,
    /// The objects it makes.
    pub objects: Vec<Made>,
    /// Whether it is done: then these are the objects it made.
    pub done: bool,
}

/// An object that an import made, or is about to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Its path.
    pub href: String,
    /// What it says, as a print.
    pub meaning: String,
    /// Its version when it was read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// Where an import is written down.
pub trait Journal: Sync {
    /// Why it could not be.
    type Error: std::error::Error + Send + Sync + 'static;

    /// A batch, if it was begun.
    fn batch(&self, number: u32) -> impl Future<Output = Result<Option<Batch>, Self::Error>> + Send;

    /// Writes down what a batch is about to make. Durable on return.
    fn begin(&self, batch: &Batch) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Writes down what it made, and how far the import is. Durable together on return.
    fn finish(&self, batch: &Batch, progress: &Progress) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError<E> {
    /// The server, or the way to it.
    #[error(transparent)]
    Server(#[from] DavError),
    /// The upload on disk.
    #[error("the upload cannot be read")]
    Disk(#[from] std::io::Error),
    /// The journal.
    #[error("the import cannot be written down")]
    Journal(#[source] E),
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A batch is done, and there are more.
    More,
    /// All are done.
    Done,
    /// The run's time is over in the midst of a batch; it is begun again by the next run, and finds what was made.
    OutOfTime,
}

/// An import under way.
pub struct Import<'a, J> {
    session: DavSession,
    spool: Spool,
    journal: &'a J,
    choices: Choices,
    groups: Vec<Group>,
    wanted: Vec<Wanted>,
    too_many_names: bool,
    places: HashMap<(usize, &'static str), Place>,
    homes: HashMap<Kind, Home>,
}

/// Where a component goes.
#[derive(Clone, Debug)]
enum Place {
    Collection(Collection),
    Nowhere(String),
}

impl<'a, J: Journal> Import<'a, J> {
    /// An import of this upload.
    pub fn new(session: DavSession, spool: Spool, journal: &'a J, choices: Choices) -> Self {
        let Grouped {
            groups,
            wanted,
            too_many_names,
        } = spool.index.objects();
        Self {
            session,
            spool,
            journal,
            choices,
            groups,
            wanted,
            too_many_names,
            places: HashMap::new(),
            homes: HashMap::new(),
        }
    }

    /// Imports the next batch. Idempotency key: the batch's number.
    ///
    /// # Errors
    /// [`ImportError`]; the batch is begun again by the next call.
    pub async fn step(&mut self, progress: &mut Progress, deadline: Deadline) -> Result<Step, ImportError<J::Error>> {
        let mut next = progress.clone();
        if next.batches == 0 {
            next.read(&self.spool, self.groups.len() as u64, self.too_many_names);
        }
        let from = usize::try_from(next.next).unwrap_or(usize::MAX);
        if from >= self.groups.len() && progress.batches > 0 {
            return Ok(Step::Done);
        }
        let left = deadline.remaining();
        let left = left.saturating_sub(MARGIN.min(left / 4));
        // What is dropped in the midst of it has been written down as about to be made.
        match tokio::time::timeout(left, self.batch(from, &mut next)).await {
            Ok(done) => done?,
            Err(_) => return Ok(Step::OutOfTime),
        }
        *progress = next;
        let is_done = progress.next >= self.groups.len() as u64;
        Ok(if is_done { Step::Done } else { Step::More })
    }

    /// The groups of the batch that begins with `from`.
    fn extent(&self, from: usize) -> usize {
        let mut bytes = 0;
        let index = &self.spool.index;
        let groups = self.groups.iter().skip(from).take(BATCH_OBJECTS);
        let sizes = groups.map(|group| index.bytes_of(index.pieces_of(group)));
        let fits = sizes.take_while(|size| {
            let is_first = bytes == 0;
            bytes += size;
            is_first || bytes <= BATCH_BYTES
        });
        from + fits.count()
    }
}
