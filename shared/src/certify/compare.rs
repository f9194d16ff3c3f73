//! Comparing a mailbox: folder by folder, chunk by chunk, within the time of a run.

use super::folder::OpenFolder;
use super::side::Side;
use crate::clock::Deadline;
use crate::store::finding::{CertifyLease, Findings};
use crate::store::{ChunkRecord, Finding, FolderRecord, Step, StoreError};
use crate::sync::{Mailbox, SyncError, Teller};

/// What a mailbox is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The source is asked; else what was read there while copying is all that counts.
    pub with_source: bool,
    /// It has a certificate of an earlier pass: its user has lived in it since, and what was compared then counts.
    pub was_certified: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// All is compared.
    Whole,
    /// Time ran short; what was compared is written down.
    OutOfTime,
    /// The mailbox shall not be certified any further.
    Stopped,
}

/// Why a run broke off.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct CertifyFailure {
    /// The fault.
    #[source]
    pub error: SyncError,
    /// Whether something had been read in this run: then trying again is sure to end.
    pub progressed: bool,
}

impl<E: Into<SyncError>> From<E> for CertifyFailure {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            progressed: false,
        }
    }
}

/// Why work does not go on in this run.
#[derive(Debug)]
pub(super) enum Halt {
    /// Time ran short; the fault it is where all of the run's time was not enough for anything.
    OutOfTime(SyncError),
    Stopped,
    Fault(SyncError),
}

impl<E: Into<SyncError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

impl<L: Findings> Mailbox<L> {
    /// Compares what the destination holds with what the source held, as far as it is not done yet. Idempotency key: the
    /// mailbox; what is written down is passed over.
    ///
    /// # Errors
    /// [`CertifyFailure`]; what was compared until then is written down.
    pub async fn compare(
        &self,
        lease: CertifyLease,
        basis: Basis,
        deadline: Deadline,
    ) -> Result<Compared, CertifyFailure> {
        let mut comparer = Comparer {
            mailbox: self,
            lease,
            was_certified: basis.was_certified,
            findings: self.ledger.findings(self.job_id, lease.pass()).await?,
            here: Side::new(&self.destination, SyncError::Destination, deadline),
            there: basis
                .with_source
                .then(|| Side::new(&self.source, SyncError::Source, deadline)),
            progressed: false,
            teller: Teller::new(self, lease.pass(), Step::Comparing, 0),
        };
        let halted = comparer.all_folders().await;
        let (here, there) = (&mut comparer.here, &mut comparer.there);
        tokio::join!(here.log_out(), async {
            if let Some(there) = there {
                there.log_out().await;
            }
        });
        match halted {
            Ok(()) => Ok(Compared::Whole),
            Err(Halt::OutOfTime(_)) if comparer.progressed => Ok(Compared::OutOfTime),
            Err(Halt::Stopped) => Ok(Compared::Stopped),
            Err(Halt::OutOfTime(error) | Halt::Fault(error)) => Err(CertifyFailure {
                error,
                progressed: comparer.progressed,
            }),
        }
    }
}

/// A mailbox being compared.
pub(super) struct Comparer<'a, L> {
    pub(super) mailbox: &'a Mailbox<L>,
    lease: CertifyLease,
    was_certified: bool,
    findings: Vec<Finding>,
    /// The destination.
    pub(super) here: Side<'a>,
    /// The source, unless it has been given up.
    pub(super) there: Option<Side<'a>>,
    /// Whether anything was written down in this run.
    progressed: bool,
    teller: Teller<L>,
}

impl<L: Findings> Comparer<'_, L> {
    async fn all_folders(&mut self) -> Result<(), Halt> {
        let folders = self.mailbox.ledger.folders(self.mailbox.job_id).await?;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        for (number, folder) in folders.iter().enumerate() {
            let whole = self.finding(folder.folder, None);
            if !whole.done {
                self.teller.begin(folder, Some((count(number), count(folders.len()))));
                self.folder(folder, &folders, whole).await?;
            }
        }
        Ok(())
    }

    async fn folder(
        &mut self,
        folder: &FolderRecord,
        folders: &[FolderRecord],
        mut whole: Finding,
    ) -> Result<(), Halt> {
        let chunks = self.mailbox.planned_chunks(folder).await?;
        let open = OpenFolder::open(self, folder).await?;
        for chunk in &chunks {
            let finding = self.finding(folder.folder, Some(chunk.chunk));
            if finding.done {
                continue;
            }
            if self.mailbox.ledger.is_stopped(folder.job_id).await? {
                return Err(Halt::Stopped);
            }
            open.compare(self, chunk, finding).await?;
            self.teller.compared(chunk);
        }
        let beside = self.mailbox.chunks_beside(folder, folders).await?;
        open.compare_whole(self, &chunks, &beside, &mut whole).await?;
        whole.done = true;
        Ok(self.put(&whole).await?)
    }

    /// What was found in an earlier run after the same pass.
    fn finding(&self, folder: u32, chunk: Option<u32>) -> Finding {
        Finding::among(&self.findings, self.mailbox.job_id, self.lease.pass(), folder, chunk)
    }

    /// Whether nothing was done in a chunk since its mailbox was certified after an earlier pass.
    pub(super) fn was_certified(&self, chunk: &ChunkRecord) -> bool {
        self.was_certified && chunk.done_pass.is_some_and(|done| done < self.lease.pass())
    }

    /// Writes a finding down.
    pub(super) async fn put(&mut self, finding: &Finding) -> Result<(), StoreError> {
        self.mailbox.ledger.put_finding(self.lease, finding).await?;
        self.progressed = true;
        Ok(())
    }
}
