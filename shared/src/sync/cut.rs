//! Cutting a folder's messages into chunks as the server lists them.

use crate::domain::JobId;
use crate::domain::uid::UidRuns;
use crate::profile::Limits;
use crate::store::ChunkRecord;

/// Cuts messages that come in ascending order into chunks. Only the chunks are held, not the
/// messages.
#[derive(Debug)]
pub(super) struct Cutter {
    limits: Limits,
    cuts: Vec<Cut>,
    last_uid: u32,
    listed: u64,
    disordered: bool,
}

/// A chunk's extent: each message in it is either to be copied or left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cut {
    first_uid: u32,
    last_uid: u32,
    messages: u32,
    bytes: u64,
    left_out: UidRuns,
    /// How many runs are left out, at most.
    gaps: u32,
}

impl Cutter {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            cuts: Vec::new(),
            last_uid: 0,
            listed: 0,
            disordered: false,
        }
    }

    /// Adds the next message, or leaves it out where it is not wanted. A message larger than a chunk
    /// stands alone. One that comes a second time is passed over.
    pub(super) fn add(&mut self, uid: u32, size_bytes: u64, is_wanted: bool) {
        if uid <= self.last_uid {
            self.disordered |= uid < self.last_uid;
            return;
        }
        self.last_uid = uid;
        self.listed += 1;
        let limits = self.limits;
        let fits = |cut: &Cut| {
            if is_wanted {
                cut.messages < limits.chunk_messages && cut.bytes.saturating_add(size_bytes) <= limits.chunk_bytes
            } else {
                cut.gaps < limits.chunk_messages
            }
        };
        if !self.cuts.last().is_some_and(fits) {
            self.cuts.push(Cut {
                first_uid: uid,
                ..Cut::default()
            });
        }
        let Some(cut) = self.cuts.last_mut() else { return };
        cut.last_uid = uid;
        if is_wanted {
            cut.messages += 1;
            cut.bytes = cut.bytes.saturating_add(size_bytes);
        } else {
            let goes_on = uid > 1 && cut.left_out.contains(uid - 1);
            cut.gaps += u32::from(!goes_on);
            cut.left_out.insert(uid);
        }
    }

    /// Whether the server did not list in ascending order, so that the cuts are worth nothing.
    pub(super) fn is_disordered(&self) -> bool {
        self.disordered
    }

    /// Leaves out what was added so far, and whatever lies between.
    pub(super) fn leave_all_out(&mut self) {
        for cut in &mut self.cuts {
            cut.left_out.insert_range(cut.first_uid..=cut.last_uid);
            (cut.messages, cut.bytes, cut.gaps) = (0, 0, 1);
        }
    }

    /// How many messages were listed.
    pub(super) fn listed(&self) -> u64 {
        self.listed
    }

    /// How many of them are to be copied.
    pub(super) fn wanted(&self) -> u64 {
        self.cuts.iter().map(|cut| u64::from(cut.messages)).sum()
    }

    /// Their bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.cuts.iter().map(|cut| cut.bytes).sum()
    }

    /// The highest UID that was listed; 0 where there was none.
    pub(super) fn last_uid(&self) -> u32 {
        self.last_uid
    }

    /// The chunks, numbered from `first`.
    pub(super) fn chunks(self, job_id: JobId, folder: u32, first: u32) -> Vec<ChunkRecord> {
        let numbered = (first..).zip(self.cuts);
        numbered
            .map(|(chunk, cut)| ChunkRecord {
                messages: i64::from(cut.messages),
                bytes: i64::try_from(cut.bytes).unwrap_or(i64::MAX),
                left_out: cut.left_out,
                ..ChunkRecord::new(job_id, folder, chunk, cut.first_uid..=cut.last_uid)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::RequestId;

    fn cut(messages: &[(u32, u64, bool)]) -> Vec<ChunkRecord> {
        let limits = Limits {
            chunk_messages: 7,
            chunk_bytes: 100,
            ..Limits::default()
        };
        let mut cutter = Cutter::new(limits);
        for (uid, size, is_wanted) in messages {
            cutter.add(*uid, *size, *is_wanted);
        }
        assert!(!cutter.is_disordered());
        cutter.chunks(JobId::new(RequestId::from_parts(0, [0; 10]), 0, 0), 0, 0)
    }

    #[test]
    fn list_out_of_order_is_noticed_and_a_message_that_comes_twice_counts_once() {
        let mut cutter = Cutter::new(Limits::default());
        for uid in [3, 4, 4] {
            cutter.add(uid, 10, true);
        }
        assert!(!cutter.is_disordered());
        assert_eq!((cutter.listed(), cutter.bytes(), cutter.last_uid()), (2, 20, 4));
        cutter.add(2, 10, true);
        assert!(cutter.is_disordered());
    }

    #[test]
    fn a_folder_of_which_nothing_is_wanted_is_one_chunk() {
        let all: Vec<_> = (1..500).map(|uid| (uid, 60, false)).collect();
        let chunks = cut(&all);
        assert_eq!((chunks.len(), chunks[0].messages, chunks[0].last_uid), (1, 0, 499));
        assert_eq!(chunks[0].left_out.to_string(), "1:499");
    }

    proptest! {
        #[test]
        fn chunks_hold_every_message_once_within_the_limits(sizes in prop::collection::btree_map(1_u32..5000, (0_u64..50, prop::bool::weighted(0.7)), 0..300)) {
            let messages: Vec<_> = sizes.into_iter().map(|(uid, (size, is_wanted))| (uid, size, is_wanted)).collect();
            let chunks = cut(&messages);
            let within = |chunk: &ChunkRecord, wanted: bool| {
                let in_extent = messages.iter().filter(|(uid, _, _)| (chunk.first_uid..=chunk.last_uid).contains(uid));
                in_extent.filter(|(_, _, is_wanted)| *is_wanted == wanted).count()
            };
            let total: usize = chunks.iter().map(|chunk| within(chunk, true) + within(chunk, false)).sum();
            prop_assert_eq!(total, messages.len());
            for chunk in &chunks {
                prop_assert_eq!(i64::try_from(within(chunk, true)).unwrap(), chunk.messages);
                prop_assert_eq!(within(chunk, false) as u64, chunk.left_out.len());
                prop_assert!(chunk.messages <= 7 && (chunk.bytes <= 100 || chunk.messages == 1));
                prop_assert!(chunk.left_out.ranges().count() <= 7);
                prop_assert!(messages.iter().all(|(uid, _, is_wanted)| !is_wanted || !chunk.left_out.contains(*uid)));
            }
            prop_assert!(chunks.is_sorted_by(|a, b| a.last_uid < b.first_uid));
        }
    }
}
