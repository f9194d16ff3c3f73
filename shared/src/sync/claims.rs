//! Which messages at the destination are ours, and how fast the copying goes.

use std::collections::HashMap;
use std::time::Duration;

use super::transfer::BATCH_MARGIN;
use crate::clock::Deadline;
use crate::domain::flags::FlagSet;
use crate::domain::prints::Print;
use crate::domain::tally::BodyDigest;
use crate::domain::uid::UidRuns;
use crate::imap::date::InternalDate;
use crate::imap::fetch::Metadata;
use crate::store::ChunkRecord;

/// A batch is not begun with less time left than this many times the slowest one so far.
const SLOWEST_BATCHES_LEFT: u32 = 3;

/// Which messages at the destination are ours, and how fast it goes.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// Destination UIDs that belong to messages of this folder's chunks.
    pub(super) claimed: UidRuns,
    /// Nothing that is sent from now on gets a destination UID below this.
    pub(super) next_uid: u32,
    /// Digests of messages that were read and whose destination UID is still to be found.
    pub(super) read: HashMap<u32, (BodyDigest, u64)>,
    /// Whether the destination has refused keywords, so that messages go without.
    pub(super) bare: bool,
    /// The longest a batch took, from its intent to its answer.
    pub(super) slowest_batch: Duration,
    /// Whether anything was copied in this run.
    pub(super) progressed: bool,
}

impl Claims {
    /// Whether there is time to begin a batch.
    pub(super) fn has_time(&self, deadline: Deadline) -> bool {
        deadline.remaining() > BATCH_MARGIN.max(self.slowest_batch * SLOWEST_BATCHES_LEFT)
    }

    /// Notes that a message is at the destination. `flags` are those it has there because of us.
    pub(super) fn claim(&mut self, chunk: &mut ChunkRecord, message: &Metadata, destination: u32, flags: &FlagSet) {
        chunk.map.insert(message.uid, destination);
        chunk.flags.insert(message.uid, flags);
        let size = i64::try_from(message.size_bytes).unwrap_or(i64::MAX);
        chunk.bytes_copied = chunk.bytes_copied.saturating_add(size);
        match self.read.remove(&message.uid) {
            Some((digest, bytes)) => {
                let date = message.date.as_ref().map(InternalDate::instant);
                chunk.tally.add(&digest, bytes, date);
                chunk.prints.insert(message.uid, Print::of(&digest, date));
            }
            None => {
                chunk.untallied.insert(message.uid);
            }
        }
        self.claimed.insert(destination);
        self.next_uid = self.next_uid.max(destination.saturating_add(1));
    }
}
