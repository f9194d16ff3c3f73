//! Chunks: what the copying knows of a bounded part of a folder.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::flags::FlagTable;
use crate::domain::prints::Prints;
use crate::domain::tally::Tally;
use crate::domain::uid::{UidMap, UidRuns, UidSet};
use crate::domain::{DroppedFlags, ExceptionClass, JobId, Pass};

/// A bounded part of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRecord {
    /// The mailbox it belongs to.
    pub job_id: JobId,
    /// Its folder's number.
    pub folder: u32,
    /// Its number within the folder, from 0.
    pub chunk: u32,
    /// The first source UID it covers.
    pub first_uid: u32,
    /// The last source UID it covers.
    pub last_uid: u32,
    /// Messages at the source, as planned.
    pub messages: i64,
    /// Bytes at the source, as planned.
    pub bytes: i64,
    /// Mail at the destination from this UID on may be this chunk's already, and is matched before
    /// anything is copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_from: Option<u32>,
    /// The last pass it was done in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_pass: Option<Pass>,
    /// The folder's epoch of the worker that writes it.
    #[serde(default)]
    pub epoch: i64,
    /// The batch that may be under way; while it stands here, its end is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_batch: Option<OpenBatch>,
    /// The batches whose end was unknown to their worker, if there were any: what was on the wire
    /// may have arrived after it was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<BrokenBatches>,
    /// What is known of a message at which the connection to the source breaks; absent where none is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<Trials>,
    /// Which source UID became which destination UID.
    #[serde(default)]
    pub map: UidMap,
    /// The source's flags as they were last carried over.
    #[serde(default)]
    pub flags: FlagTable,
    /// Messages that arrived without the server telling their UIDs, and could not be found.
    #[serde(default)]
    pub unlocated: UidSet,
    /// The messages in the map as they were read from the source.
    #[serde(default)]
    pub tally: Tally,
    /// Source UIDs in the map that were found at the destination and not read: not in the tally.
    #[serde(default)]
    pub untallied: UidRuns,
    /// What the messages of the tally are known again by.
    #[serde(default)]
    pub prints: Prints,
    /// Source UIDs of messages that are not to be copied: outside of the dates that were asked for, or
    /// the user moved or deleted their copies at the destination before they came here.
    #[serde(default)]
    pub left_out: UidRuns,
    /// Source UIDs of messages that had been copied before the destination folder was made anew. Those
    /// that are found there again are in the map too; the others are never sent again.
    #[serde(default)]
    pub absent: UidRuns,
    /// Flags the destination does not keep.
    #[serde(default)]
    pub dropped: DroppedFlags,
    /// Bytes of the messages in the map, as the source counts.
    #[serde(default)]
    pub bytes_copied: i64,
    /// Messages and bytes of this chunk that the mailbox's counters hold already.
    #[serde(default)]
    pub counted: (i64, i64),
    /// Messages the destination refused.
    #[serde(default)]
    pub exceptions: Vec<ExceptionRecord>,
    /// How many exceptions the mailbox's counter holds already.
    #[serde(default)]
    pub counted_exceptions: i64,
    /// How many of its notes the mailbox's counter holds already.
    #[serde(default)]
    pub counted_notes: i64,
}

/// Messages that may have been sent, and where at the destination to look for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBatch {
    /// The source UIDs.
    pub uids: UidSet,
    /// Nothing of the batch has a destination UID below this.
    pub from_uid: u32,
}

/// Batches whose end was unknown to their workers, as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenBatches {
    /// The source UIDs.
    pub uids: UidSet,
    /// Nothing of the batches has a destination UID below this.
    pub from_uid: u32,
    /// When the last of them was found open, in seconds since 1970: its worker had ended by then.
    #[serde(default)]
    pub found_at: i64,
}

impl BrokenBatches {
    /// One more batch that was found open.
    pub fn note(broken: &mut Option<Self>, open: &OpenBatch, now: Timestamp) {
        let known = broken.as_ref();
        let uids: BTreeSet<u32> = known
            .into_iter()
            .flat_map(|known| known.uids.iter())
            .chain(open.uids.iter())
            .collect();
        *broken = Some(Self {
            uids: UidSet::from_sorted(uids),
            from_uid: known.map_or(open.from_uid, |known| known.from_uid.min(open.from_uid)),
            found_at: now.as_second(),
        });
    }
}

/// The search for a message at which the connection to the source breaks: messages are read alone, and each that
/// is about to be read is written down before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trials {
    /// The pass that they are of; another one begins anew.
    pub pass: Pass,
    /// Messages that were read alone and whose reading did not end, or that are being read.
    pub open: Vec<Trial>,
}

/// A message that was read alone and whose reading did not end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Its source UID.
    pub uid: u32,
    /// How often it was tried.
    #[serde(default)]
    pub tries: u32,
    /// At how many of them the connection had just carried more than the message.
    #[serde(default)]
    pub proofs: u32,
    /// When it was tried first, in seconds since 1970.
    #[serde(default)]
    pub since: i64,
    /// Whether it was found out, and is left out.
    #[serde(default)]
    pub is_condemned: bool,
}

impl Trials {
    /// A search that begins.
    pub fn new(pass: Pass) -> Self {
        Self { pass, open: Vec::new() }
    }

    /// What is known of a message.
    pub fn of(&self, uid: u32) -> Option<Trial> {
        self.open.iter().find(|trial| trial.uid == uid).copied()
    }

    /// Sets what is known of a message.
    pub fn set(&mut self, uid: u32, known: Option<Trial>) {
        self.open.retain(|trial| trial.uid != uid);
        self.open.extend(known);
    }
}

/// A message that is not at the destination, or not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionRecord {
    /// Its source UID.
    pub uid: u32,
    /// The destination's response code, or empty.
    pub code: String,
    /// What it was refused for, where it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ExceptionClass>,
    /// The destination's own words.
    pub text: String,
}

impl ExceptionRecord {
    /// The code of a message that was repaired, and is there.
    pub const REPAIRED: &str = "REPAIRED";

    /// The code of a message that the source lists and does not give out.
    pub const UNREADABLE: &str = "UNREADABLE";

    /// Whether the message is at the destination nevertheless.
    pub fn is_there(&self) -> bool {
        self.code == Self::REPAIRED
    }
}

/// What the end of a chunk adds to its mailbox's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChunkCounts {
    /// Messages that are now at the destination.
    pub messages_copied: i64,
    /// Their bytes.
    pub bytes_copied: i64,
    /// Messages beyond those that were planned.
    pub messages_total: i64,
    /// Messages the destination refused.
    pub exceptions: i64,
    /// Messages that are there, but not as they were.
    pub notes: i64,
}

impl ChunkRecord {
    /// A chunk that has just been cut: nothing is done for it yet.
    pub fn new(job_id: JobId, folder: u32, chunk: u32, uids: RangeInclusive<u32>) -> Self {
        Self {
            job_id,
            folder,
            chunk,
            first_uid: *uids.start(),
            last_uid: *uids.end(),
            messages: 0,
            bytes: 0,
            match_from: None,
            done_pass: None,
            epoch: 0,
            open_batch: None,
            late: None,
            trials: None,
            map: UidMap::default(),
            flags: FlagTable::default(),
            unlocated: UidSet::default(),
            tally: Tally::default(),
            untallied: UidRuns::default(),
            prints: Prints::default(),
            left_out: UidRuns::default(),
            absent: UidRuns::default(),
            dropped: DroppedFlags::default(),
            bytes_copied: 0,
            counted: (0, 0),
            exceptions: Vec::new(),
            counted_exceptions: 0,
            counted_notes: 0,
        }
    }

    /// Whether there is work left in it for this pass. In a later pass, only what an earlier one could
    /// not do: changes between the passes are planning's business.
    pub fn is_open(&self, pass: Pass) -> bool {
        let has_loose_end = || {
            let refused = self.exceptions.iter().any(|exception| !exception.is_there());
            refused || self.open_batch.is_some() || self.match_from.is_some()
        };
        match self.done_pass {
            None => true,
            Some(done) => done != pass && has_loose_end(),
        }
    }

    /// Whether nothing more is to be done for a message.
    pub fn is_settled(&self, uid: u32) -> bool {
        self.map.get(uid).is_some()
            || self.unlocated.contains(uid)
            || self.left_out.contains(uid)
            || self.absent.contains(uid)
            || self.exceptions.iter().any(|exception| exception.uid == uid)
    }

    /// The source UIDs it covers, but for those that are left out.
    pub fn covered(&self) -> UidRuns {
        let mut uids = UidRuns::default();
        uids.insert_range(self.first_uid..=self.last_uid);
        self.left_out.ranges().for_each(|range| uids.remove_range(range));
        uids
    }

    /// The source UIDs of which it is known what became of them.
    pub fn known(&self) -> UidRuns {
        let mut uids = self.left_out.clone();
        uids.extend(self.map.sources());
        uids.extend(self.absent.ranges());
        uids.extend(self.unlocated.iter());
        uids.extend(self.exceptions.iter().map(|exception| exception.uid));
        uids
    }

    /// Begins anew with what is at the destination: the folder there is another one now. What had been
    /// copied and is not found there again is not sent again: whether the user removed it or the
    /// provider lost it cannot be told, and what the user removed must not come back.
    pub fn restart(&mut self) {
        self.absent.extend(self.map.sources());
        self.absent.extend(self.unlocated.iter());
        self.map = UidMap::default();
        self.unlocated = UidSet::default();
        self.tally = Tally::default();
        self.untallied = UidRuns::default();
        self.bytes_copied = 0;
        self.open_batch = None;
        self.late = None;
        self.match_from = Some(1);
        self.done_pass = None;
    }

    /// Forgets a message whose copy is not where it was put any more, by our own doing.
    pub fn forget(&mut self, uid: u32, size_bytes: u64) {
        let bytes = i64::try_from(size_bytes).unwrap_or(i64::MAX).min(self.bytes_copied);
        self.bytes_copied -= bytes;
        self.messages -= 1;
        self.counted = (self.counted.0 - 1, self.counted.1 - bytes);
        self.map.remove(uid);
        self.flags.remove(uid);
        self.prints.remove(uid);
        self.untallied.remove(uid);
    }

    /// How many messages had been copied before the destination folder was made anew, and are not
    /// there any more.
    pub fn absent_messages(&self) -> u64 {
        let there = self.absent.iter().filter(|uid| self.map.get(*uid).is_some()).count();
        self.absent.len() - there as u64
    }

    /// Marks the chunk as done in this pass; gives what its mailbox's counters do not hold yet.
    /// `messages` is how many there are now, at the source or copied from there.
    pub fn finish(&mut self, pass: Pass, messages: i64) -> ChunkCounts {
        let located = i64::try_from(self.map.len()).unwrap_or(i64::MAX);
        let copied = located.saturating_add(i64::try_from(self.unlocated.len()).unwrap_or(i64::MAX));
        let missing = self.exceptions.iter().filter(|exception| !exception.is_there()).count();
        let exceptions = i64::try_from(missing).unwrap_or(i64::MAX);
        let repaired = i64::try_from(self.exceptions.len() - missing).unwrap_or(i64::MAX);
        let notes = repaired.saturating_add(self.dropped.messages);
        let counts = ChunkCounts {
            messages_copied: copied - self.counted.0,
            bytes_copied: self.bytes_copied - self.counted.1,
            messages_total: messages - self.messages,
            exceptions: exceptions - self.counted_exceptions,
            notes: notes - self.counted_notes,
        };
        self.messages = messages;
        self.counted = (copied, self.bytes_copied);
        self.counted_exceptions = exceptions;
        self.counted_notes = notes;
        self.done_pass = Some(pass);
        self.trials = None;
        counts
    }
}
