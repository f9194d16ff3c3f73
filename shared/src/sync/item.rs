//! A folder that has been looked at on both sides, and what is written down of it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::chunks::Chunks;
use super::cut::Cutter;
use super::folder_plan::{FolderPlan, Outcome};
use super::look::{Course, Find};
use crate::domain::flags::FlagSet;
use crate::domain::patience::Faults;
use crate::domain::prints::{Print, PrintList};
use crate::domain::tally::{BodyDigest, Tally};
use crate::domain::uid::UidRuns;
use crate::domain::{JobId, Pass};
use crate::imap::Selected;
use crate::imap::date::InternalDate;
use crate::imap::fetch::Metadata;
use crate::imap::folder::FolderStatus;
use crate::profile::Limits;
use crate::store::job::Failure;
use crate::store::{ChunkRecord, FolderRecord, Listing, Planned};

/// A folder under planning.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) plan: FolderPlan,
    /// What was found at the source.
    pub(super) find: Find,
    /// The destination's numbers.
    pub(super) target: FolderStatus,
    /// Whether the destination's folder is another one than was copied into.
    pub(super) is_rebuilt: bool,
    /// Whether it is gone from the source.
    pub(super) is_gone: bool,
    /// The destination's folder as it was opened.
    pub(super) selected: Option<Selected>,
    /// Which of its earlier chunks have changed.
    pub(super) touched: BTreeSet<usize>,
    /// New messages that are at the destination already.
    pub(super) arrived: Vec<Arrived>,
    /// New at the source in this folder only: UIDs and sizes of messages that are not to be fetched.
    pub(super) left_out: BTreeMap<u32, u64>,
    /// New mail has to be matched from this UID on.
    pub(super) match_from: Option<u32>,
    /// What must not come back.
    pub(super) gone: PrintList,
    /// Whether it has little new mail, and nothing else to be copied.
    pub(super) is_small: bool,
    /// New messages that were read already, to be copied at once.
    pub(super) bodies: Vec<(Metadata, Bytes)>,
    /// How many copies were deleted because their messages were.
    pub(super) deleted: u64,
    /// What could not be carried over: words for a customer.
    pub(super) trouble: Option<Failure>,
}

/// A message that is at the destination, and not because its bytes were sent now.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) message: Metadata,
    /// Its UID there.
    pub(super) destination: u32,
    /// The source's flags, as they are there because of us.
    pub(super) flags: FlagSet,
    /// Its digest, where it has been read: it is as the source's was.
    pub(super) digest: Option<BodyDigest>,
}

impl Item {
    pub(super) fn new(plan: FolderPlan, find: Find, target: FolderStatus) -> Self {
        let is_rebuilt = !plan.same_target(&target);
        let highest = plan.highest_of_ours().saturating_add(1);
        let match_from = match find.course {
            _ if target.messages == 0 => None,
            Course::Anew => Some(1),
            Course::Onward if is_rebuilt => Some(1),
            // Another request may have copied since; what is ours already is below.
            Course::Onward => Some(highest).filter(|from| target.uid_next > *from),
        };
        Self {
            plan,
            find,
            target,
            is_rebuilt,
            is_gone: false,
            selected: None,
            touched: BTreeSet::new(),
            arrived: Vec::new(),
            left_out: BTreeMap::new(),
            match_from,
            gone: PrintList::default(),
            is_small: false,
            bodies: Vec::new(),
            deleted: 0,
            trouble: None,
        }
    }

    /// Whether what is at the destination is what was copied there, and can be spoken of by UID.
    pub(super) fn goes_on(&self) -> bool {
        self.find.course == Course::Onward && !self.is_rebuilt
    }

    /// The chunk that holds a message of an earlier pass, to be changed.
    pub(super) fn holder(&mut self, uid: u32) -> Option<&mut ChunkRecord> {
        let at = Chunks(&self.plan.chunks).coverer(uid)?;
        self.touched.insert(at);
        self.plan.chunks.get_mut(at)
    }

    /// Forgets a message whose copy is no longer in this folder by our own doing. Where the copy's bytes
    /// were read, it is known whether they are those that were copied, and the chunk's tally is
    /// kept true; gives whether they are.
    pub(super) fn forget(&mut self, uid: u32, copy: &Metadata, digest: Option<&BodyDigest>) -> bool {
        let Some(chunk) = self.holder(uid) else { return false };
        let date = copy.date.as_ref().map(InternalDate::instant);
        let same = digest.filter(|digest| chunk.prints.get(uid) == Some(Print::of(digest, date)));
        if let Some(digest) = same {
            let mut own = Tally::default();
            own.add(digest, copy.size_bytes, date);
            chunk.tally.take_out(&own);
        }
        chunk.forget(uid, copy.size_bytes);
        same.is_some()
    }

    /// Source UIDs of copied messages that are not at the source any more, as far as that is known.
    pub(super) fn vanished(&self) -> UidRuns {
        let mut uids = UidRuns::default();
        if !self.goes_on() {
            return uids;
        }
        let none = UidRuns::default();
        let Some(present) = (if self.is_gone { Some(&none) } else { self.find.present() }) else {
            return uids;
        };
        for chunk in &self.plan.chunks {
            uids.extend(chunk.map.sources());
        }
        present.ranges().for_each(|range| uids.remove_range(range));
        uids
    }

    /// What is written down of it.
    pub(super) fn outcome(mut self, job_id: JobId, pass: Pass, limits: &Limits) -> Outcome {
        let before = self.plan.record(job_id, pass);
        if self.is_gone {
            let chunks = self.touched_chunks();
            let folder = before;
            return Outcome::plain(Planned { folder, chunks });
        }
        let is_anew = self.find.course == Course::Anew;
        if self.is_rebuilt && !is_anew {
            self.plan.chunks.iter_mut().for_each(ChunkRecord::restart);
            self.touched.extend(0..self.plan.chunks.len());
        }
        let first = self.first_new(&before);
        let forgets = self.forgets();
        let strays = self.reopen_for_strays();
        let earlier_last = if is_anew { 0 } else { before.last_uid };
        let last_uid = earlier_last.max(self.find.last_listed());
        let error = self.error();
        let source_uid_validity = self.find.uid_validity();
        let mut new = self.new_chunks(job_id, pass, limits, first);
        let number = first.saturating_add(count(new.len()));
        new.extend(stray_chunks(job_id, self.plan.number, number, &strays, limits));
        let earlier = self.plan.chunks.iter().filter(|_| !is_anew);
        // A folder in which nothing is to be done is done once it is there.
        let is_open = earlier.chain(&new).any(|chunk| chunk.is_open(pass));
        let is_open = is_open || self.find.resumed.is_some_and(|listing| listing.wanted > 0);
        let mut chunks = if is_anew { Vec::new() } else { self.touched_chunks() };
        let folder = FolderRecord {
            destination_name: self.plan.mapping.destination_name.clone(),
            note: self
                .plan
                .known()
                .map_or_else(|| self.plan.mapping.note.clone(), |known| known.note.clone()),
            source_uid_validity,
            destination_uid_validity: self.target.uid_validity,
            chunks: first.saturating_add(count(new.len())),
            last_uid,
            seen: self.plan.seen(source_uid_validity),
            gone: std::mem::take(&mut self.gone),
            planned_pass: pass,
            done_pass: if is_open { before.done_pass } else { Some(pass) },
            error: error.as_ref().map(|error| error.message.clone()),
            deleted: before.deleted.saturating_add(self.deleted),
            ..before
        };
        chunks.extend(new);
        Outcome {
            planned: Planned { folder, chunks },
            forgets,
            failure: error,
        }
    }

    /// The number of its first new chunk of this run; `before` is the folder as it is written down.
    fn first_new(&self, before: &FolderRecord) -> u32 {
        match (self.find.resumed, self.find.course) {
            (Some(listing), _) => listing.chunks,
            (None, Course::Anew) => 0,
            (None, Course::Onward) => before.chunks,
        }
    }

    /// Whether what was written down of it is of another folder, and is deleted before.
    fn forgets(&self) -> bool {
        self.find.course == Course::Anew && self.find.resumed.is_none() && self.plan.before.is_some()
    }

    /// The chunks of what is new and was listed in this run, numbered from `first`.
    fn new_chunks(&mut self, job_id: JobId, pass: Pass, limits: &Limits, first: u32) -> Vec<ChunkRecord> {
        let cutter = std::mem::replace(&mut self.find.cutter, Cutter::new(*limits));
        let mut new = cutter.chunks(job_id, self.plan.number, first);
        for chunk in &mut new {
            chunk.match_from = self.match_from;
        }
        self.settle(&mut new, pass);
        new
    }

    /// What is written down of it where time ran short in its listing: how far that came, `faults` being the runs that did
    /// not come any further.
    pub(super) fn part(mut self, job_id: JobId, pass: Pass, limits: &Limits, faults: Faults) -> Outcome {
        let first = self.first_new(&self.plan.record(job_id, pass));
        let forgets = self.forgets();
        let listing = Listing {
            pass,
            source_uid_validity: self.find.uid_validity(),
            last_uid: self.find.last_listed(),
            chunks: first,
            listed: self.find.new_listed(),
            wanted: self.find.wanted(),
            faults,
        };
        let chunks = self.new_chunks(job_id, pass, limits, first);
        let listing = Listing {
            chunks: first.saturating_add(count(chunks.len())),
            ..listing
        };
        let folder = self.plan.unplanned(self.find.course, listing, job_id);
        tracing::info!(job.id = %job_id, folder = folder.folder, listed = listing.listed, "listing goes on in the next run");
        Outcome {
            forgets,
            ..Outcome::plain(Planned { folder, chunks })
        }
    }

    /// Whether it need not be written down: nothing changed that is kept.
    pub(super) fn is_idle(&self, pass: Pass) -> bool {
        let is_done = |known: &FolderRecord| known.error.is_none() && known.done_pass == Some(known.planned_pass);
        let is_open = self.plan.chunks.iter().any(|chunk| chunk.is_open(pass));
        self.plan.known().is_some_and(is_done)
            && self.goes_on()
            && !is_open
            && self.touched.is_empty()
            && self.find.resumed.is_none()
            && self.find.new_listed() == 0
            && self.error().is_none()
            && self.strays().is_empty()
    }

    fn error(&self) -> Option<Failure> {
        let title = &self.plan.mapping.title;
        let unlisted = self.find.unlisted().map(|unlisted| Failure {
            code: "source_messages_not_listed".to_owned(),
            message: format!("the previous provider does not list {unlisted} messages of the folder {title}"),
        });
        unlisted.or_else(|| self.trouble.clone())
    }

    fn touched_chunks(&self) -> Vec<ChunkRecord> {
        let touched = self.touched.iter().filter_map(|at| self.plan.chunks.get(*at));
        touched.cloned().collect()
    }

    /// Earlier UIDs that the server lists now and nothing is known of.
    fn strays(&self) -> UidRuns {
        let mut strays = match self.find.present() {
            Some(present) if !self.is_gone => present.clone(),
            _ => return UidRuns::default(),
        };
        self.plan
            .accounted()
            .ranges()
            .for_each(|range| strays.remove_range(range));
        strays
    }

    /// Opens the chunks again that cover strays; gives those that no chunk covers.
    fn reopen_for_strays(&mut self) -> UidRuns {
        let mut uncovered = UidRuns::default();
        for uid in self.strays().iter() {
            match self.holder(uid) {
                Some(chunk) => chunk.done_pass = None,
                None => {
                    uncovered.insert(uid);
                }
            }
        }
        uncovered
    }

    /// Notes in the new chunks what has arrived already, and ends those with nothing left to do.
    fn settle(&mut self, new: &mut [ChunkRecord], pass: Pass) {
        for Arrived {
            message,
            destination,
            flags,
            digest,
        } in self.arrived.drain(..)
        {
            let chunk = Chunks(new).coverer(message.uid).and_then(|at| new.get_mut(at));
            let Some(chunk) = chunk else { continue };
            chunk.map.insert(message.uid, destination);
            chunk.flags.insert(message.uid, &flags);
            let date = message.date.as_ref().map(InternalDate::instant);
            match digest {
                Some(digest) => {
                    chunk.tally.add(&digest, message.size_bytes, date);
                    chunk.prints.insert(message.uid, Print::of(&digest, date));
                }
                None => {
                    chunk.untallied.insert(message.uid);
                }
            }
            let size = i64::try_from(message.size_bytes).unwrap_or(i64::MAX);
            chunk.bytes_copied = chunk.bytes_copied.saturating_add(size);
        }
        for (uid, size_bytes) in std::mem::take(&mut self.left_out) {
            let chunk = Chunks(new).coverer(uid).and_then(|at| new.get_mut(at));
            if let Some(chunk) = chunk
                && chunk.left_out.insert(uid)
            {
                chunk.messages -= 1;
                chunk.bytes -= i64::try_from(size_bytes).unwrap_or(i64::MAX).min(chunk.bytes);
            }
        }
        for chunk in new {
            let left = chunk.messages - i64::try_from(chunk.map.len()).unwrap_or(i64::MAX);
            if left <= 0 {
                chunk.match_from = None;
                chunk.finish(pass, chunk.messages);
            }
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Chunks of messages whose sizes are not known: the server listed them late.
fn stray_chunks(job_id: JobId, folder: u32, first: u32, strays: &UidRuns, limits: &Limits) -> Vec<ChunkRecord> {
    let mut chunks: Vec<ChunkRecord> = Vec::new();
    for range in strays.ranges() {
        let (mut from, last) = (*range.start(), *range.end());
        loop {
            let to = last.min(from.saturating_add(limits.chunk_messages.max(1) - 1));
            let number = first.saturating_add(count(chunks.len()));
            chunks.push(ChunkRecord {
                messages: i64::from(to - from) + 1,
                ..ChunkRecord::new(job_id, folder, number, from..=to)
            });
            if to == last {
                break;
            }
            from = to + 1;
        }
    }
    chunks
}
