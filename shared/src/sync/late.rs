//! The end of a pass in which connections broke: what was on the wire is waited for, and where it came as
//! second copies, they are removed before anybody is told that the pass is over.
//!
//! What comes later still is removed when the mailbox is certified.

use std::time::Duration;

use super::lane::LaneEnd;
use super::second_copies::{SecondCopies, beyond_chunks};
use super::work::LaneFailure;
use super::{Engine, Mailbox, SyncError};
use crate::clock::{Deadline, now, time_until};
use crate::domain::Pass;
use crate::domain::patience::Prospect;
use crate::domain::uid::UidSet;
use crate::imap::{Session, remove};
use crate::store::finding::{CertifyLease, Findings};
use crate::store::{Finding, FolderRecord, Store};

/// What was on the wire when its worker ended has arrived so many seconds after it was found broken off.
const ARRIVES_WITHIN: i64 = 60;

/// Which pass's certificate tells of what is removed.
const CERTIFIED_AFTER: Pass = Pass::Final;

/// So long before the run's end removing stops.
const MARGIN: Duration = Duration::from_secs(2);

/// When a batch of a pass was found whose end was unknown, the last of them, in seconds since 1970.
pub(super) fn broken_at(folders: &[FolderRecord], pass: Pass) -> Option<i64> {
    let done = folders.iter().filter(|folder| folder.done_pass == Some(pass));
    done.filter_map(|folder| folder.broken_at).max()
}

/// A pass's end, after the last broken connection: what the lane has to do before the pass may end, `None` where
/// nothing is left. Idempotency key: job and pass; what has been removed is not found again.
pub(super) async fn wait_or_remove(
    engine: &Engine,
    mailbox: &Mailbox<Store>,
    pass: Pass,
    broken_at: i64,
    (deadline, run_length): (Deadline, Duration),
) -> Result<Option<LaneEnd>, LaneFailure> {
    if let Some(delay) = time_until(broken_at.saturating_add(ARRIVES_WITHIN), now()) {
        return Ok(Some(LaneEnd::Wait(delay)));
    }
    // After the final pass, certifying does it.
    if pass != Pass::First {
        return Ok(None);
    }
    if deadline.remaining() < run_length / 2 {
        return Ok(Some(LaneEnd::Continue));
    }
    let (store, id) = (&engine.store, mailbox.job_id);
    let lease = match store
        .lease_certificate(id, CERTIFIED_AFTER, now(), deadline.lease_end())
        .await?
    {
        Ok(lease) => lease,
        Err(until) => return Ok(Some(LaneEnd::Wait(time_until(until, now()).unwrap_or_default()))),
    };
    let time = deadline.remaining().saturating_sub(MARGIN);
    let removed = tokio::time::timeout(time, Box::pin(mailbox.remove_second_copies(lease))).await;
    store.release_certificate(lease).await?;
    // The pass is not held up by what can be done later, and no mailbox fails for it.
    let patience = i64::try_from(engine.profile.limits.patience().as_secs()).unwrap_or(i64::MAX);
    let tried_until = broken_at.saturating_add(ARRIVES_WITHIN.saturating_add(patience / 2));
    match removed {
        Ok(Ok(())) => {}
        Ok(Err(SyncError::Store(error))) => return Err(error.into()),
        Ok(Err(error)) if error.prospect() == Prospect::Passing && time_until(tried_until, now()).is_some() => {
            return Err(error.into());
        }
        Ok(Err(error)) => tracing::warn!(job.id = %id, %error, "second copies are left to certifying"),
        Err(_) => tracing::warn!(job.id = %id, "second copies are left to certifying: most of a run was not enough"),
    }
    Ok(None)
}

impl<L: Findings> Mailbox<L> {
    /// Removes second copies that broken connections have delivered until now, where the destination can remove just
    /// them. Which they are is written down before. Idempotency key: the mailbox.
    ///
    /// # Errors
    /// [`SyncError`]; what was removed until then is written down.
    pub async fn remove_second_copies(&self, lease: CertifyLease) -> Result<(), SyncError> {
        let (folders, findings) = tokio::try_join!(
            self.ledger.folders(self.job_id),
            self.ledger.findings(self.job_id, lease.pass())
        )?;
        let mut here = self.destination.open().await.map_err(SyncError::Destination)?;
        if remove::can_remove(&here) {
            for folder in folders.iter().filter(|folder| folder.broken_at.is_some()) {
                match self.remove_of(&mut here, folder, &folders, &findings, lease).await {
                    // Gone at the destination, or not open to us: it is left to certifying.
                    Err(error) if error.is_about_one_folder() => {}
                    removed => removed?,
                }
            }
        }
        here.logout().await;
        Ok(())
    }

    async fn remove_of(
        &self,
        here: &mut Session,
        folder: &FolderRecord,
        folders: &[FolderRecord],
        findings: &[Finding],
        lease: CertifyLease,
    ) -> Result<(), SyncError> {
        let opened = here.select(&folder.destination_name).await;
        if opened.map_err(SyncError::Destination)?.uid_validity != folder.destination_uid_validity {
            return Ok(());
        }
        let own = self.planned_chunks(folder).await?;
        let beside = self.chunks_beside(folder, folders).await?;
        let others = beyond_chunks(here, &own, &beside)
            .await
            .map_err(SyncError::Destination)?;
        let copies = SecondCopies::find(here, &own, &others.to_set()).await;
        let copies = copies.map_err(SyncError::Destination)?;
        if copies.uids.is_empty() {
            return Ok(());
        }
        let mut finding = Finding::among(findings, self.job_id, lease.pass(), folder.folder, None);
        finding.note_late_copies(&copies.uids);
        // Written down before it is done: afterwards nobody could tell that it was.
        self.ledger.put_finding(lease, &finding).await?;
        let uids = UidSet::from_sorted(copies.uids.iter().map(|pair| pair.0));
        tracing::warn!(job.id = %self.job_id, folder = folder.folder, copies = %uids, "second copies that came late are removed");
        remove::remove(here, &uids).await.map_err(SyncError::Destination)
    }
}
