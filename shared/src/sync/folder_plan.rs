//! One folder that is being planned: what is known of it, and what is written down.

use super::SyncError;
use super::look::Course;
use super::mapping::FolderMapping;
use crate::domain::prints::PrintList;
use crate::domain::uid::UidRuns;
use crate::domain::{JobId, Pass};
use crate::imap::folder::{FolderStatus, ListedFolder};
use crate::store::job::Failure;
use crate::store::{ChunkRecord, FolderRecord, Listing, Planned, SourceNumbers};

/// The UIDVALIDITY of a folder that could not be opened yet; never a true one (RFC 9051).
const UNKNOWN: u32 = 0;

/// A folder that is being planned.
#[derive(Debug)]
pub(super) struct FolderPlan {
    /// Where it goes.
    pub(super) mapping: FolderMapping,
    /// What was written down of it before.
    pub(super) before: Option<FolderRecord>,
    /// Whether it is where deleted mail or spam goes at the source.
    pub(super) is_bin: bool,
    /// Its number within the mailbox.
    pub(super) number: u32,
    /// From where to where it is copied.
    pub(super) route: Option<String>,
    /// The source's numbers, from before anything of the folder was read.
    pub(super) there: Option<FolderStatus>,
    /// The destination's folder as it was listed.
    pub(super) here: Option<ListedFolder>,
    /// Its chunks from before.
    pub(super) chunks: Vec<ChunkRecord>,
}

/// What becomes of a folder's plan.
#[derive(Debug)]
pub(super) struct Outcome {
    /// What is to be written down.
    pub(super) planned: Planned,
    /// Whether its earlier chunks count no more.
    pub(super) forgets: bool,
    /// What a person should know.
    pub(super) failure: Option<Failure>,
}

impl Outcome {
    /// A plan of which nothing is to be said.
    pub(super) fn plain(planned: Planned) -> Self {
        Self {
            planned,
            forgets: false,
            failure: None,
        }
    }
}

impl FolderPlan {
    /// The plan of a folder that is gone from the source.
    pub(super) fn gone(before: FolderRecord) -> Self {
        Self {
            mapping: FolderMapping {
                source_name: before.source_name.clone(),
                title: before.title.clone(),
                destination_name: before.destination_name.clone(),
                destination_title: before.title.clone(),
                subscribed: false,
                note: before.note.clone(),
                otherwise: None,
            },
            is_bin: false,
            number: before.folder,
            route: before.route.clone(),
            before: Some(before),
            there: None,
            here: None,
            chunks: Vec::new(),
        }
    }

    /// What was written down of the folder, where it had been opened on both sides. One whose first
    /// planning failed is planned as if it were new.
    pub(super) fn known(&self) -> Option<&FolderRecord> {
        self.before
            .as_ref()
            .filter(|before| before.destination_uid_validity != UNKNOWN)
    }

    /// How it will be planned, by what the lists say.
    pub(super) fn course(&self) -> Course {
        let Some(known) = self.known() else { return Course::Anew };
        match self.there {
            // A folder that is another one now at the source begins anew, matched against what is there.
            Some(there) if there.uid_validity != known.source_uid_validity => Course::Anew,
            _ => Course::Onward,
        }
    }

    /// The destination's numbers, where it is the folder that was known.
    pub(super) fn same_target(&self, target: &FolderStatus) -> bool {
        self.known()
            .is_none_or(|known| known.destination_uid_validity == target.uid_validity)
    }

    /// Whether the destination's folder has to be made.
    pub(super) fn is_to_be_made(&self) -> bool {
        self.known().is_none() && self.here.is_none() && self.mapping.destination_name != "INBOX"
    }

    /// Whether the user's subscription is still missing at the destination.
    pub(super) fn is_to_be_subscribed(&self) -> bool {
        let is_subscribed = self.here.as_ref().is_some_and(|here| here.subscribed);
        self.known().is_none() && self.mapping.subscribed && !is_subscribed
    }

    /// The record of a folder that could not be planned: the others go on.
    pub(super) fn skipped(&self, job_id: JobId, pass: Pass, error: &SyncError) -> Outcome {
        let failure = error.folder_failure(&self.mapping.title);
        tracing::warn!(job.id = %job_id, folder = self.number, code = failure.code, "folder skipped");
        let folder = FolderRecord {
            planned_pass: pass,
            done_pass: Some(pass),
            error: Some(failure.message.clone()),
            seen: None,
            ..self.record(job_id, pass)
        };
        let chunks = Vec::new();
        Outcome {
            planned: Planned { folder, chunks },
            forgets: false,
            failure: Some(failure),
        }
    }

    /// The folder as it was, or as it begins.
    pub(super) fn record(&self, job_id: JobId, pass: Pass) -> FolderRecord {
        let mapping = &self.mapping;
        let fresh = || FolderRecord {
            job_id,
            folder: self.number,
            route: self.route.clone(),
            source_name: mapping.source_name.clone(),
            title: mapping.title.clone(),
            destination_name: mapping.destination_name.clone(),
            source_uid_validity: UNKNOWN,
            destination_uid_validity: UNKNOWN,
            chunks: 0,
            last_uid: 0,
            seen: None,
            gone: PrintList::default(),
            deleted: 0,
            broken_at: None,
            planned_pass: pass,
            done_pass: None,
            note: mapping.note.clone(),
            error: None,
            epoch: 0,
            lease_until: 0,
            renewals: 0,
            listing: None,
        };
        match (self.known(), &self.before) {
            (Some(known), _) => FolderRecord {
                title: mapping.title.clone(),
                renewals: 0,
                route: self.route.clone(),
                listing: None,
                ..known.clone()
            },
            (None, Some(before)) => FolderRecord {
                deleted: before.deleted,
                epoch: before.epoch,
                lease_until: before.lease_until,
                ..fresh()
            },
            (None, None) => fresh(),
        }
    }

    /// Whether it has been planned for this pass.
    pub(super) fn is_planned(&self, pass: Pass) -> bool {
        self.before.as_ref().is_some_and(|before| before.is_planned(pass))
    }

    /// How far its listing came in earlier runs of this pass, where it is still the same folder.
    pub(super) fn listing(&self, pass: Pass) -> Option<Listing> {
        let listing = self.before.as_ref()?.listing.filter(|listing| listing.pass == pass)?;
        let is_same = |there: FolderStatus| there.uid_validity == listing.source_uid_validity;
        self.there.is_none_or(is_same).then_some(listing)
    }

    /// The folder as it is while it is being listed: no chunk that counts is of another folder than is listed.
    pub(super) fn unplanned(&self, course: Course, listing: Listing, job_id: JobId) -> FolderRecord {
        let record = self.record(job_id, listing.pass);
        let record = match course {
            Course::Onward => record,
            Course::Anew => FolderRecord {
                source_uid_validity: UNKNOWN,
                destination_uid_validity: UNKNOWN,
                chunks: 0,
                last_uid: 0,
                seen: None,
                planned_pass: listing.pass,
                done_pass: None,
                ..record
            },
        };
        FolderRecord {
            listing: Some(listing),
            ..record
        }
    }

    /// Whether nothing has changed in the folder since it was planned last, and nothing is left to do.
    pub(super) fn is_unchanged(&self, pass: Pass) -> bool {
        let Some(known) = self.known() else { return false };
        let now = self.seen(known.source_uid_validity);
        let shows_all = now.is_some_and(|now| now.highest_modseq.is_some());
        let same_here = self.here.as_ref().and_then(|here| here.status);
        let is_here = same_here.is_none_or(|here| here.uid_validity == known.destination_uid_validity);
        known.done_pass == Some(known.planned_pass)
            && known.listing.is_none()
            && known.error.is_none()
            && shows_all
            && now == known.seen
            && is_here
            && !self.chunks.iter().any(|chunk| chunk.is_open(pass))
    }

    /// The source's numbers as they are kept.
    pub(super) fn seen(&self, uid_validity: u32) -> Option<SourceNumbers> {
        let there = self.there.filter(|there| there.uid_validity == uid_validity)?;
        Some(SourceNumbers {
            messages: there.messages,
            uid_next: there.uid_next,
            highest_modseq: there.highest_modseq,
        })
    }

    /// The highest destination UID of what this job has in the folder; 0 where it has nothing.
    pub(super) fn highest_of_ours(&self) -> u32 {
        let ranges = self.chunks.iter().flat_map(|chunk| chunk.map.destinations());
        ranges.map(|range| *range.end()).max().unwrap_or(0)
    }

    /// Source UIDs of which it is known what became of them.
    pub(super) fn accounted(&self) -> UidRuns {
        let mut uids = UidRuns::default();
        self.chunks.iter().for_each(|chunk| uids.extend(chunk.known().ranges()));
        uids
    }
}
