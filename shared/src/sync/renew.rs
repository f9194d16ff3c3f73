//! A folder whose messages a server numbers anew (another UIDVALIDITY) after it was planned: its worker plans it
//! anew within the same pass, and what is at the destination is matched instead of copied again.
//!
//! It is done under the folder's lease. Where the source numbers anew, first the old plan is forgotten, with what
//! must not come back written down, and then a new one is made; whoever dies between the two leaves a folder that
//! the next worker finds to be another one again. Where only the destination does, each chunk begins anew.

use std::time::Duration;

use super::delta::MOST_GONE;
use super::look::Aim;
use super::looking::look;
use super::work::Worked;
use super::{Mailbox, SyncError};
use crate::clock::Deadline;
use crate::domain::Pass;
use crate::domain::prints::Print;
use crate::imap::folder::FolderStatus;
use crate::imap::{ImapError, Selected, Session, digest};
use crate::store::{ChunkRecord, FolderRecord, Ledger, Recount};
use crate::sync::folder_plan::FolderPlan;
use crate::sync::item::Item;

/// A folder is planned anew so many times in a pass: a server that numbers it anew each time never comes to an end.
pub(super) const MOST_RENEWALS: u8 = 3;

/// So long before the run's end listing stops: what was found has to be written down yet.
const MARGIN: Duration = Duration::from_secs(4);

/// The UIDVALIDITY of a folder whose plan has been forgotten; never a true one (RFC 9051).
const FORGOTTEN: u32 = 0;

impl SyncError {
    /// Whether a folder is another one than was planned.
    pub(super) fn is_of_another_folder(&self) -> bool {
        matches!(
            self,
            Self::Source(ImapError::UidValidityChanged { .. })
                | Self::Destination(ImapError::UidValidityChanged { .. })
        )
    }
}

impl<L: Ledger> Mailbox<L> {
    /// Plans a folder anew that is held, and another one now on one side or both.
    ///
    /// # Errors
    /// [`SyncError`]; the folder is another one for the next worker too, or has been planned anew.
    pub(super) async fn renew(
        &self,
        pass: Pass,
        deadline: Deadline,
        folder: &FolderRecord,
        (source, destination): &mut (Session, Session),
    ) -> Result<Worked, SyncError> {
        let (opened, selected) = tokio::try_join!(
            async { source.select(&folder.source_name).await.map_err(SyncError::Source) },
            async {
                let selected = destination.select(&folder.destination_name).await;
                selected.map_err(SyncError::Destination)
            },
        )?;
        tracing::warn!(job.id = %folder.job_id, folder = folder.folder, renewals = folder.renewals, "planned anew");
        if opened.uid_validity == folder.source_uid_validity {
            return self.match_anew(folder, &selected).await;
        }
        let forgotten = self.forget(folder, &selected, destination).await?;
        let plan = FolderPlan {
            there: Some(numbers(&opened)),
            ..FolderPlan::gone(forgotten.clone())
        };
        let aim = Aim::new(pass, self.limits, self.options.dates, source.capabilities());
        let time = deadline.remaining().saturating_sub(MARGIN);
        let finds = look(&self.source, source, std::slice::from_ref(&plan), aim, time).await?;
        let Some(mut find) = finds
            .into_iter()
            .next()
            .filter(|find| find.has_ended || find.fault.is_some())
        else {
            // The next run begins it from its first message again: not for ever.
            let unfinished = FolderRecord {
                renewals: forgotten.renewals.saturating_add(1),
                ..forgotten
            };
            self.ledger.put_renewed(&unfinished, &[], Recount::default()).await?;
            return Ok(Worked::Stopped);
        };
        if let Some(error) = find.fault.take() {
            return Err(SyncError::Source(error));
        }
        let item = Item {
            gone: forgotten.gone.clone(),
            ..Item::new(plan, find, numbers(&selected))
        };
        let outcome = item.outcome(self.job_id, pass, &self.limits);
        let chunks = outcome.planned.chunks;
        let planned = FolderRecord {
            done_pass: folder.done_pass,
            renewals: forgotten.renewals,
            ..outcome.planned.folder
        };
        let is_worse = planned.error.is_some() && folder.error.is_none();
        let recount = Recount {
            exceptions: i64::from(is_worse),
            ..Recount::of(&chunks)
        };
        self.ledger.put_renewed(&planned, &chunks, recount).await?;
        if let Some(failure) = outcome.failure {
            self.ledger.note_trouble(self.job_id, &failure).await?;
        }
        Ok(Worked::Finished)
    }

    /// Has all chunks look for what is theirs in the destination's folder as it is now.
    async fn match_anew(&self, folder: &FolderRecord, selected: &Selected) -> Result<Worked, SyncError> {
        for chunk in self.planned_chunks(folder).await? {
            let mut chunk = self.ledger.take_chunk(&chunk, folder).await?;
            chunk.restart();
            self.ledger.save_chunk(&chunk).await?;
        }
        let renewed = FolderRecord {
            destination_uid_validity: selected.uid_validity,
            renewals: folder.renewals.saturating_add(1),
            ..folder.clone()
        };
        self.ledger.put_renewed(&renewed, &[], Recount::default()).await?;
        Ok(Worked::Finished)
    }

    /// Forgets a folder's plan, but for what must not come back: messages whose copies the user has removed.
    async fn forget(
        &self,
        folder: &FolderRecord,
        selected: &Selected,
        destination: &mut Session,
    ) -> Result<FolderRecord, SyncError> {
        let mut forgotten = FolderRecord {
            source_uid_validity: FORGOTTEN,
            destination_uid_validity: selected.uid_validity,
            chunks: 0,
            last_uid: 0,
            seen: None,
            ..folder.clone()
        };
        // Whoever was here before may have died in the middle.
        if folder.source_uid_validity != FORGOTTEN {
            let chunks = self.planned_chunks(folder).await?;
            if folder.destination_uid_validity == selected.uid_validity {
                let gone = removed(&chunks, destination).await.map_err(SyncError::Destination)?;
                let room = MOST_GONE.saturating_sub(folder.gone.len());
                forgotten.gone.extend(gone.into_iter().take(room));
            }
            forgotten.renewals = folder.renewals.saturating_add(1);
            let recount = Recount::of(&chunks).taken_back();
            self.ledger.put_renewed(&forgotten, &[], recount).await?;
        }
        self.ledger.delete_chunks(self.job_id, folder.folder).await?;
        Ok(forgotten)
    }
}

/// What is known again of messages whose copies are not in the open folder any more.
async fn removed(chunks: &[ChunkRecord], destination: &mut Session) -> Result<Vec<Print>, ImapError> {
    if chunks.iter().all(|chunk| chunk.map.is_empty()) {
        return Ok(Vec::new());
    }
    let there = digest::uids(destination).await?;
    let copies = chunks
        .iter()
        .flat_map(|chunk| chunk.map.iter().map(move |(uid, copy)| (chunk, uid, copy)));
    let removed = copies.filter(|(.., copy)| !there.contains(*copy));
    Ok(removed.filter_map(|(chunk, uid, _)| chunk.prints.get(uid)).collect())
}

fn numbers(opened: &Selected) -> FolderStatus {
    FolderStatus {
        messages: opened.exists,
        uid_next: opened.uid_next.unwrap_or(u32::MAX),
        uid_validity: opened.uid_validity,
        highest_modseq: None,
    }
}
