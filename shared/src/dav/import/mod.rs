//! Importing an upload, a batch of objects at a time.
//!
//! Each batch is written down before its first PUT (what is about to be made, because it is not there) and after its
//! last (what was made, as read back). So a run that is cut off anywhere can be done again: what is there and was about
//! to be made is ours, what is there and equal is a success, and what is there and says something else is kept and
//! told. Undoing takes away what a batch made and nobody has changed since.

mod batch;
mod build;
mod undo;

use std::collections::HashMap;
use std::future::Future;

use serde::{Deserialize, Serialize};

use super::objects::{Group, MAX_PROBLEMS, Wanted};
use super::server::{Collection, DavError, DavSession};
use super::spool::Spool;
use super::{Kind, Problem};

#[cfg(test)]
pub use build::objects_of;
pub use undo::{Undone, undo_batch};

/// How many objects a batch has.
const BATCH_OBJECTS: usize = 100;

/// How many bytes of the upload a batch has; a larger object goes alone.
const BATCH_BYTES: u64 = 8 << 20;

/// How many problems are kept in words with an import.
const KEPT_PROBLEMS: usize = 200;

/// How long the words of a problem are.
const PROBLEM_CHARS: usize = 300;

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

/// An import under way.
pub struct Import<'a, J> {
    session: DavSession,
    spool: Spool,
    journal: &'a J,
    choices: Choices,
    groups: Vec<Group>,
    wanted: Vec<Wanted>,
    places: HashMap<(usize, &'static str), Place>,
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
        let (groups, wanted) = spool.index.objects();
        Self {
            session,
            spool,
            journal,
            choices,
            groups,
            wanted,
            places: HashMap::new(),
        }
    }

    /// Imports the next batch; false where there was none left. Idempotency key: the batch's number.
    ///
    /// # Errors
    /// [`ImportError`]; the batch is begun again by the next call.
    pub async fn step(&mut self, progress: &mut Progress) -> Result<bool, ImportError<J::Error>> {
        let mut next = progress.clone();
        if next.batches == 0 {
            next.read(&self.spool, self.groups.len() as u64);
        }
        let from = usize::try_from(next.next).unwrap_or(usize::MAX);
        if from >= self.groups.len() && progress.batches > 0 {
            return Ok(false);
        }
        self.batch(from, &mut next).await?;
        *progress = next;
        Ok(progress.next < self.groups.len() as u64)
    }

    /// The groups of the batch that begins with `from`.
    fn extent(&self, from: usize) -> usize {
        let mut bytes = 0;
        let sizes = self.groups.iter().skip(from).take(BATCH_OBJECTS).map(|group| {
            let pieces = group
                .pieces
                .iter()
                .filter_map(|piece| self.spool.index.pieces.get(*piece as usize));
            pieces.map(|piece| piece.end - piece.start).sum::<u64>()
        });
        let fits = sizes.take_while(|size| {
            let is_first = bytes == 0;
            bytes += size;
            is_first || bytes <= BATCH_BYTES
        });
        from + fits.count()
    }
}

impl Counts {
    /// All of them.
    pub fn all(self) -> u64 {
        self.imported + self.existing + self.updated + self.kept + self.failed
    }
}

impl Progress {
    /// Takes over what reading the upload found.
    fn read(&mut self, spool: &Spool, groups: u64) {
        self.objects = groups + spool.index.broken;
        self.counts.failed += spool.index.broken;
        let in_words = spool.index.problems.len() as u64;
        for problem in spool.index.problems.iter().take(MAX_PROBLEMS) {
            self.tell(problem.clone());
        }
        self.problems_found += spool.index.problems_found - in_words;
    }

    /// Notes what is to be told.
    fn tell(&mut self, mut problem: Problem) {
        self.problems_found += 1;
        if self.problems.len() < KEPT_PROBLEMS {
            problem.reason = problem.reason.chars().take(PROBLEM_CHARS).collect();
            self.problems.push(problem);
        }
    }

    /// The counts of a collection.
    fn of_collection(&mut self, collection: &Collection, made: bool) -> Option<&mut CollectionCounts> {
        let known = self
            .collections
            .iter()
            .position(|counts| counts.href == collection.href);
        if known.is_none() {
            self.collections.push(CollectionCounts {
                kind: collection.kind,
                name: collection.name.clone(),
                href: collection.href.clone(),
                made,
                counts: Counts::default(),
            });
        }
        let place = known.unwrap_or(self.collections.len() - 1);
        self.collections.get_mut(place)
    }
}
