//! Planning one folder: where it goes, what is new in it, and in which chunks.

use super::mapping::FolderMapping;
use super::{Mailbox, SyncError};
use crate::domain::{JobId, Pass};
use crate::imap::folder::{self, ListedFolder};
use crate::imap::session::FolderStatus;
use crate::imap::{ImapError, Session, fetch};
use crate::profile::Limits;
use crate::store::job::Failure;
use crate::store::planning::PlanLease;
use crate::store::{ChunkRecord, FolderRecord, Ledger};

/// The UIDVALIDITY of a folder that could not be opened yet; never a true one (RFC 9051).
const UNKNOWN: u32 = 0;

/// Plans one folder after the other.
pub(super) struct FolderPlanner<'a, L> {
    pub(super) mailbox: &'a Mailbox<L>,
    pub(super) pass: Pass,
    pub(super) lease: PlanLease,
    pub(super) source: &'a mut Session,
    pub(super) destination: &'a mut Session,
}

impl<L: Ledger> FolderPlanner<'_, L> {
    /// Plans a folder: makes it at the destination and cuts what is new in it into chunks.
    pub(super) async fn plan(
        &mut self,
        mapping: &FolderMapping,
        before: Option<&FolderRecord>,
        number: u32,
        here: &[ListedFolder],
    ) -> Result<(), SyncError> {
        // A folder whose first planning failed is planned as if it were new.
        let known = before.filter(|before| before.destination_uid_validity != UNKNOWN);
        let (uid_validity, listed, unlisted) = self.list_messages(mapping).await.map_err(SyncError::Source)?;
        // A folder that is another one now at the source begins anew, matched against what is there.
        let same = known.filter(|known| known.source_uid_validity == uid_validity);
        let first = same.map_or(1, |before| before.last_uid.saturating_add(1));
        let sizes: Vec<(u32, u64)> = listed.into_iter().filter(|(uid, _)| *uid >= first).collect();
        let mapping = match known {
            Some(_) => mapping,
            None => self.make_ready(mapping, here).await.map_err(SyncError::Destination)?,
        };
        let target = match (self.target(mapping, known).await.map_err(SyncError::Destination), same) {
            // Gone at the destination, and nothing new at the source: it stays gone.
            (Err(error), Some(same)) if sizes.is_empty() && error.is_about_one_folder() => {
                let folder = FolderRecord {
                    planned_pass: self.pass,
                    done_pass: Some(self.pass),
                    ..same.clone()
                };
                return Ok(self.mailbox.ledger.put_folder(self.lease, &folder, &[]).await?);
            }
            (target, _) => target?,
        };
        if before.is_some() && same.is_none() {
            self.mailbox.ledger.delete_chunks(self.mailbox.job_id, number).await?;
        }
        let match_from = match same {
            _ if target.messages == 0 || sizes.is_empty() => None,
            None => Some(1),
            // Another request may have copied since; what is ours already is below.
            Some(_) => Some(self.highest_of_ours(number).await?.saturating_add(1)),
        };
        let cut = cut_chunks(&sizes, &self.mailbox.limits);
        let numbered = (same.map_or(0, |before| before.chunks)..).zip(cut);
        let chunks: Vec<ChunkRecord> = numbered
            .map(|(chunk, cut)| cut.record(self.mailbox.job_id, number, chunk, match_from))
            .collect();
        let folder = FolderRecord {
            job_id: self.mailbox.job_id,
            folder: number,
            source_name: mapping.source_name.clone(),
            title: mapping.title.clone(),
            destination_name: mapping.destination_name.clone(),
            source_uid_validity: uid_validity,
            destination_uid_validity: target.uid_validity,
            chunks: same.map_or(0, |before| before.chunks) + u32::try_from(chunks.len()).unwrap_or(u32::MAX),
            last_uid: sizes
                .last()
                .map_or_else(|| same.map_or(0, |before| before.last_uid), |(uid, _)| *uid),
            planned_pass: self.pass,
            done_pass: before.and_then(|before| before.done_pass),
            note: known.map_or_else(|| mapping.note.clone(), |known| known.note.clone()),
            error: (unlisted > 0).then(|| {
                let title = &mapping.title;
                format!("the previous provider does not list {unlisted} messages of the folder {title}")
            }),
            epoch: before.map_or(0, |before| before.epoch),
            lease_until: before.map_or(0, |before| before.lease_until),
        };
        // A folder without messages is done once it is there.
        let done_pass = if folder.chunks == 0 {
            Some(self.pass)
        } else {
            folder.done_pass
        };
        let folder = FolderRecord { done_pass, ..folder };
        self.mailbox.ledger.put_folder(self.lease, &folder, &chunks).await?;
        if let Some(message) = folder.error {
            let failure = Failure {
                code: "source_messages_not_listed".to_owned(),
                message,
            };
            self.mailbox.ledger.note_trouble(self.mailbox.job_id, &failure).await?;
        }
        Ok(())
    }

    /// The highest destination UID of what this job has in the folder; 0 where it has nothing.
    async fn highest_of_ours(&self, number: u32) -> Result<u32, SyncError> {
        let chunks = self.mailbox.ledger.chunks(self.mailbox.job_id, number).await?;
        let uids = chunks.iter().flat_map(|chunk| chunk.map.iter().map(|pair| pair.1));
        Ok(uids.max().unwrap_or(0))
    }

    /// UIDVALIDITY of a source folder, UID and size of each message, and how many the server counts
    /// but does not list.
    async fn list_messages(&mut self, mapping: &FolderMapping) -> Result<(u32, Vec<(u32, u64)>, u64), ImapError> {
        let mut tries = 0;
        loop {
            // SELECT, because Courier gives a passing UIDVALIDITY to EXAMINE; nothing is changed by it.
            let opened = self.source.select(&mapping.source_name).await?;
            let sizes = fetch::sizes(self.source, 1).await?;
            let unlisted = u64::from(opened.exists).saturating_sub(sizes.len() as u64);
            // Messages may go between the two answers; what is kept back is kept back again.
            if unlisted == 0 || tries > 0 {
                return Ok((opened.uid_validity, sizes, unlisted));
            }
            tries += 1;
        }
    }

    /// The destination folder, if it is the one that was known.
    async fn target(
        &mut self,
        mapping: &FolderMapping,
        known: Option<&FolderRecord>,
    ) -> Result<FolderStatus, ImapError> {
        let target = self.destination.status(&mapping.destination_name).await?;
        match known.filter(|known| known.destination_uid_validity != target.uid_validity) {
            None => Ok(target),
            // Whether the user emptied it or the server rebuilt it cannot be told from here.
            Some(known) => Err(ImapError::UidValidityChanged {
                folder: mapping.title.clone(),
                expected: known.destination_uid_validity,
                found: target.uid_validity,
            }),
        }
    }

    /// Notes that a folder cannot be planned: the others go on.
    pub(super) async fn skip(
        &mut self,
        mapping: &FolderMapping,
        before: Option<&FolderRecord>,
        number: u32,
        error: &SyncError,
    ) -> Result<(), SyncError> {
        let failure = error.folder_failure(&mapping.title);
        tracing::warn!(job.id = %self.mailbox.job_id, folder = number, code = failure.code, "folder skipped");
        let folder = FolderRecord {
            job_id: self.mailbox.job_id,
            folder: number,
            source_name: mapping.source_name.clone(),
            title: mapping.title.clone(),
            destination_name: mapping.destination_name.clone(),
            source_uid_validity: before.map_or(UNKNOWN, |before| before.source_uid_validity),
            destination_uid_validity: before.map_or(UNKNOWN, |before| before.destination_uid_validity),
            chunks: before.map_or(0, |before| before.chunks),
            last_uid: before.map_or(0, |before| before.last_uid),
            planned_pass: self.pass,
            done_pass: Some(self.pass),
            note: before.map_or_else(|| mapping.note.clone(), |before| before.note.clone()),
            error: Some(failure.message.clone()),
            epoch: before.map_or(0, |before| before.epoch),
            lease_until: before.map_or(0, |before| before.lease_until),
        };
        self.mailbox.ledger.put_folder(self.lease, &folder, &[]).await?;
        Ok(self.mailbox.ledger.note_trouble(self.mailbox.job_id, &failure).await?)
    }

    /// Makes the destination folder and its subscription, where they are missing. Gives the mapping
    /// whose name the server took.
    async fn make_ready<'m>(
        &mut self,
        mapping: &'m FolderMapping,
        here: &[ListedFolder],
    ) -> Result<&'m FolderMapping, ImapError> {
        let find = |mapping: &FolderMapping| {
            here.iter()
                .find(|folder| folder.wire_name == mapping.destination_name && folder.selectable)
        };
        let mut mapping = mapping;
        let mut refusal = None;
        while find(mapping).is_none() && mapping.destination_name != "INBOX" {
            match (
                folder::create(self.destination, &mapping.destination_name).await,
                &mapping.otherwise,
            ) {
                (Ok(()), _) => break,
                (Err(error @ ImapError::Refused { .. }), Some(otherwise)) => {
                    refusal = refusal.or(Some(error));
                    mapping = otherwise;
                }
                // What the server said of the name as it was meant tells more.
                (Err(ImapError::Refused { .. }), None) if let Some(first) = refusal => return Err(first),
                (Err(error), _) => return Err(error),
            }
        }
        let there = find(mapping);
        if mapping.subscribed && !there.is_some_and(|folder| folder.subscribed) {
            match folder::subscribe(self.destination, &mapping.destination_name).await {
                // A subscription is not worth a folder.
                Ok(()) | Err(ImapError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(mapping)
    }
}

/// A chunk's extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    first_uid: u32,
    last_uid: u32,
    messages: i64,
    bytes: i64,
}

impl Cut {
    fn record(self, job_id: JobId, folder: u32, chunk: u32, match_from: Option<u32>) -> ChunkRecord {
        ChunkRecord {
            messages: self.messages,
            bytes: self.bytes,
            match_from,
            ..ChunkRecord::new(job_id, folder, chunk, self.first_uid..=self.last_uid)
        }
    }
}

/// Cuts ascending messages (UID, size in bytes) into chunks within the limits; a message larger
/// than a chunk stands alone.
fn cut_chunks(messages: &[(u32, u64)], limits: &Limits) -> Vec<Cut> {
    let mut cuts: Vec<Cut> = Vec::new();
    for (uid, size_bytes) in messages {
        let size = i64::try_from(*size_bytes).unwrap_or(i64::MAX);
        let fits = |cut: &&mut Cut| {
            cut.messages < i64::from(limits.chunk_messages)
                && cut.bytes.saturating_add(size) <= i64::try_from(limits.chunk_bytes).unwrap_or(i64::MAX)
        };
        match cuts.last_mut().filter(fits) {
            Some(cut) => {
                cut.last_uid = *uid;
                cut.messages += 1;
                cut.bytes += size;
            }
            None => cuts.push(Cut {
                first_uid: *uid,
                last_uid: *uid,
                messages: 1,
                bytes: size,
            }),
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn chunks_hold_every_message_once_within_the_limits(sizes in prop::collection::btree_map(1_u32..5000, 0_u64..50, 0..300)) {
            let messages: Vec<(u32, u64)> = sizes.into_iter().collect();
            let limits = Limits { chunk_messages: 7, chunk_bytes: 100, ..Limits::default() };
            let cuts = cut_chunks(&messages, &limits);
            let within = |cut: &Cut| messages.iter().filter(|(uid, _)| (cut.first_uid..=cut.last_uid).contains(uid)).count();
            prop_assert_eq!(cuts.iter().map(within).sum::<usize>(), messages.len());
            for cut in &cuts {
                prop_assert_eq!(i64::try_from(within(cut)).unwrap(), cut.messages);
                prop_assert!(cut.messages <= 7 && (cut.bytes <= 100 || cut.messages == 1));
            }
            prop_assert!(cuts.is_sorted_by(|a, b| a.last_uid < b.first_uid));
        }
    }
}
