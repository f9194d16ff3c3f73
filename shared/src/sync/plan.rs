//! Planning a mailbox: what there is, where it goes, and in which chunks.

use std::collections::HashMap;
use std::time::Duration;

use super::mapping::{FolderMapping, map_folders};
use super::settle::settle_request;
use super::{Engine, LEASE_GRACE, SyncError};
use crate::clock::{Deadline, now};
use crate::domain::flags::FlagTable;
use crate::domain::uid::UidMap;
use crate::domain::{JobId, JobState, Pass, RequestState};
use crate::imap::folder::{self, ListedFolder};
use crate::imap::{ImapError, Session, fetch};
use crate::profile::Limits;
use crate::store::folder::PlanLease;
use crate::store::job::PlanTotals;
use crate::store::{ChunkRecord, FolderRecord, JobRecord, NoticeKind};

/// A folder is not begun with less time left than this: a large one takes a while to list.
const FOLDER_MARGIN: Duration = Duration::from_secs(4);

/// What is to be done after a run of planning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanEnd {
    /// All is planned: start this many lanes.
    Lanes(u8),
    /// Time ran short: send the same message again.
    Again,
    /// Nothing is left to plan; these notices wait to be sent.
    Nothing(Vec<NoticeKind>),
}

/// Plans a pass of a mailbox: folders are created at the destination and cut into chunks.
/// Idempotency key: job and pass; folders that are planned are passed over.
///
/// # Errors
/// [`SyncError`]; what has been planned so far stays.
pub async fn plan_mailbox(engine: &Engine, id: JobId, pass: Pass, deadline: Deadline) -> Result<PlanEnd, SyncError> {
    let job = engine.store.job(id).await?;
    if engine.store.request(job.request_id).await?.state == RequestState::Cancelled {
        engine.store.cancel_job(id, now()).await?;
        return Ok(PlanEnd::Nothing(Vec::new()));
    }
    let lanes = engine.profile.limits.lanes;
    match (job.status.state(), job.status.pass()) {
        (JobState::Planning, Some(at)) if at == pass => {}
        (JobState::Copying, Some(at)) if at == pass => return Ok(PlanEnd::Lanes(lanes)),
        _ => {
            return Ok(PlanEnd::Nothing(
                settle_request(&engine.store, job.request_id, now()).await?,
            ));
        }
    }
    let lease = engine
        .store
        .lease_plan(id, now(), deadline.lease_end(LEASE_GRACE))
        .await?;
    let planned = plan_folders(engine, &job, pass, lease, deadline).await;
    engine.store.release_plan(lease).await?;
    if !planned? {
        return Ok(PlanEnd::Again);
    }
    let totals = totals(engine, id, pass).await?;
    engine.store.plan_job(id, pass, totals, now()).await?;
    Ok(PlanEnd::Lanes(
        u8::try_from(totals.open_folders).unwrap_or(u8::MAX).clamp(1, lanes),
    ))
}

/// Plans the folders that are not planned yet; false when time ran short.
async fn plan_folders(
    engine: &Engine,
    job: &JobRecord,
    pass: Pass,
    lease: PlanLease,
    deadline: Deadline,
) -> Result<bool, SyncError> {
    let (mut source, mut destination) = engine.open_both(job).await?;
    let known: HashMap<String, FolderRecord> = engine
        .store
        .folders(job.job_id)
        .await?
        .into_iter()
        .map(|folder| (folder.source_name.clone(), folder))
        .collect();
    let (listed, here) = tokio::try_join!(
        async { folder::list(&mut source).await.map_err(SyncError::Source) },
        async { folder::list(&mut destination).await.map_err(SyncError::Destination) },
    )?;
    let (namespace, here) = here;
    let names = known
        .iter()
        .map(|(name, folder)| (name.clone(), folder.destination_name.clone()))
        .collect();
    let mut next_number = known.values().map(|folder| folder.folder + 1).max().unwrap_or(0);
    for mapping in map_folders(&listed.1, &here, &namespace, &names) {
        let before = known.get(&mapping.source_name);
        if before.is_some_and(|folder| folder.planned_pass == pass) {
            continue;
        }
        if deadline.remaining() < FOLDER_MARGIN {
            return Ok(false);
        }
        let number = before.map_or(next_number, |folder| folder.folder);
        next_number = next_number.max(number + 1);
        let mut planner = FolderPlanner {
            engine,
            job,
            pass,
            lease,
            source: &mut source,
            destination: &mut destination,
        };
        planner.plan(&mapping, before, number, &here).await?;
    }
    tokio::join!(source.logout(), destination.logout());
    Ok(true)
}

async fn totals(engine: &Engine, id: JobId, pass: Pass) -> Result<PlanTotals, SyncError> {
    let folders = engine.store.folders(id).await?;
    let chunks = engine.store.all_chunks(id).await?;
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(PlanTotals {
        folders: count(folders.len()),
        open_folders: count(folders.iter().filter(|folder| folder.is_open(pass)).count()),
        messages: chunks.iter().map(|chunk| chunk.messages).sum(),
        messages_copied: chunks.iter().map(|chunk| chunk.counted.0).sum(),
        bytes: chunks.iter().map(|chunk| chunk.bytes).sum(),
        bytes_copied: chunks.iter().map(|chunk| chunk.counted.1).sum(),
    })
}

struct FolderPlanner<'a> {
    engine: &'a Engine,
    job: &'a JobRecord,
    pass: Pass,
    lease: PlanLease,
    source: &'a mut Session,
    destination: &'a mut Session,
}

impl FolderPlanner<'_> {
    async fn plan(
        &mut self,
        mapping: &FolderMapping,
        before: Option<&FolderRecord>,
        number: u32,
        here: &[ListedFolder],
    ) -> Result<(), SyncError> {
        let opened = self
            .source
            .examine(&mapping.source_name)
            .await
            .map_err(SyncError::Source)?;
        if before.is_none() {
            self.make_ready(mapping, here).await.map_err(SyncError::Destination)?;
        }
        let target = self
            .destination
            .status(&mapping.destination_name)
            .await
            .map_err(SyncError::Destination)?;
        if let Some(before) = before.filter(|before| before.destination_uid_validity != target.uid_validity) {
            // Whether the user emptied it or the server rebuilt it cannot be told from here.
            return Err(SyncError::Destination(ImapError::UidValidityChanged {
                folder: mapping.title.clone(),
                expected: before.destination_uid_validity,
                found: target.uid_validity,
            }));
        }
        // A folder that is another one now at the source begins anew, matched against what is there.
        let same = before.filter(|before| before.source_uid_validity == opened.uid_validity);
        if before.is_some() && same.is_none() {
            self.engine.store.delete_chunks(self.job.job_id, number).await?;
        }
        let first = same.map_or(1, |before| before.last_uid.saturating_add(1));
        let sizes = fetch::sizes(self.source, first).await.map_err(SyncError::Source)?;
        let match_from = (same.is_none() && target.messages > 0).then_some(1);
        let cut = cut_chunks(&sizes, &self.engine.profile.limits);
        let numbered = (same.map_or(0, |before| before.chunks)..).zip(cut);
        let chunks: Vec<ChunkRecord> = numbered
            .map(|(chunk, cut)| cut.record(self.job.job_id, number, chunk, match_from))
            .collect();
        let folder = FolderRecord {
            job_id: self.job.job_id,
            folder: number,
            source_name: mapping.source_name.clone(),
            title: mapping.title.clone(),
            destination_name: mapping.destination_name.clone(),
            source_uid_validity: opened.uid_validity,
            destination_uid_validity: target.uid_validity,
            chunks: same.map_or(0, |before| before.chunks) + u32::try_from(chunks.len()).unwrap_or(u32::MAX),
            last_uid: sizes
                .last()
                .map_or_else(|| same.map_or(0, |before| before.last_uid), |(uid, _)| *uid),
            planned_pass: self.pass,
            done_pass: before.and_then(|before| before.done_pass),
            epoch: before.map_or(0, |before| before.epoch),
            lease_until: 0,
        };
        // A folder without messages is done once it is there.
        let done_pass = if folder.chunks == 0 {
            Some(self.pass)
        } else {
            folder.done_pass
        };
        let folder = FolderRecord { done_pass, ..folder };
        self.engine.store.put_folder(self.lease, &folder, &chunks).await?;
        Ok(())
    }

    /// Makes the destination folder and its subscription, where they are missing.
    async fn make_ready(&mut self, mapping: &FolderMapping, here: &[ListedFolder]) -> Result<(), ImapError> {
        let there = here
            .iter()
            .find(|folder| folder.wire_name == mapping.destination_name && folder.selectable);
        if there.is_none() && mapping.destination_name != "INBOX" {
            folder::create(self.destination, &mapping.destination_name).await?;
        }
        if mapping.subscribed && !there.is_some_and(|folder| folder.subscribed) {
            folder::subscribe(self.destination, &mapping.destination_name).await?;
        }
        Ok(())
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
            job_id,
            folder,
            chunk,
            first_uid: self.first_uid,
            last_uid: self.last_uid,
            messages: self.messages,
            bytes: self.bytes,
            match_from,
            done_pass: None,
            epoch: 0,
            open_batch: None,
            map: UidMap::default(),
            flags: FlagTable::default(),
            bytes_copied: 0,
            counted: (0, 0),
            exceptions: Vec::new(),
            counted_exceptions: 0,
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
