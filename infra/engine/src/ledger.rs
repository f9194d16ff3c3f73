//! Folders and chunks in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use mailvan::domain::{JobId, Pass};
use mailvan::store::finding::CertifyLease;
use mailvan::store::job::Failure;
use mailvan::store::planning::PlanLease;
use mailvan::store::{
    ChunkRecord, Doing, Finding, Findings, FolderEnd, FolderRecord, Ledger, Planned, Recount, StoreError,
};
use serde::{Deserialize, Serialize};

/// The ledger of one mailbox. Cheap to clone; clones are the same ledger.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    plan_epoch: i64,
    folders: BTreeMap<u32, FolderRecord>,
    chunks: BTreeMap<u32, BTreeMap<u32, ChunkRecord>>,
    #[serde(default)]
    certify_epoch: i64,
    /// By folder; of the folder as a whole first, then by chunk.
    #[serde(default)]
    findings: BTreeMap<u32, Vec<Finding>>,
    #[serde(skip)]
    troubles: Vec<String>,
    /// What was noted of what is being done.
    #[serde(skip)]
    doings: Vec<Doing>,
    /// How often folders were written down by planning.
    #[serde(skip)]
    plan_writes: u64,
}

impl MemoryLedger {
    /// Reads a ledger that [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// Where it is none.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let state = serde_json::from_str(text)?;
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    /// The ledger as JSON.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&*self.state())
    }

    /// Takes the right to plan.
    pub fn lease_plan(&self, job: JobId) -> PlanLease {
        let mut state = self.state();
        state.plan_epoch += 1;
        PlanLease::new(job, state.plan_epoch)
    }

    /// Ends all leases, as if their time had passed.
    pub fn end_leases(&self) {
        for folder in self.state().folders.values_mut() {
            folder.lease_until = 0;
        }
    }

    /// How often planning has written folders down.
    pub fn plan_writes(&self) -> u64 {
        self.state().plan_writes
    }

    /// Takes the right to certify.
    pub fn lease_certificate(&self, job: JobId, pass: Pass) -> CertifyLease {
        let mut state = self.state();
        state.certify_epoch += 1;
        CertifyLease::new(job, pass, state.certify_epoch)
    }

    /// Forgets what was found, so that the mailbox is compared anew.
    pub fn forget_findings(&self) {
        self.state().findings.clear();
    }

    /// What went wrong on the way, in words.
    pub fn troubles(&self) -> Vec<String> {
        self.state().troubles.clone()
    }

    /// What was noted of what is being done, the first of it first.
    pub fn doings(&self) -> Vec<Doing> {
        self.state().doings.clone()
    }

    /// All folders.
    pub fn all_folders(&self) -> Vec<FolderRecord> {
        self.state().folders.values().cloned().collect()
    }

    /// All chunks.
    pub fn all_chunks(&self) -> Vec<ChunkRecord> {
        self.state()
            .chunks
            .values()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The folder, if its epoch is still this one.
    fn held(&mut self, folder: u32, epoch: i64) -> Result<&mut FolderRecord, StoreError> {
        self.folders
            .get_mut(&folder)
            .filter(|folder| folder.epoch == epoch)
            .ok_or(StoreError::Conflict)
    }

    /// Puts a chunk, if its epoch is still this one.
    fn put_held(&mut self, chunk: &ChunkRecord) -> Result<(), StoreError> {
        let place = self
            .chunks
            .get_mut(&chunk.folder)
            .and_then(|chunks| chunks.get_mut(&chunk.chunk));
        let place = place
            .filter(|place| place.epoch == chunk.epoch)
            .ok_or(StoreError::Conflict)?;
        *place = chunk.clone();
        Ok(())
    }
}

impl Findings for MemoryLedger {
    async fn findings(&self, _job: JobId, pass: Pass) -> Result<Vec<Finding>, StoreError> {
        let state = self.state();
        let all = state.findings.values().flatten();
        Ok(all.filter(|finding| finding.pass == pass).cloned().collect())
    }

    async fn put_finding(&self, lease: CertifyLease, finding: &Finding) -> Result<(), StoreError> {
        let mut state = self.state();
        if lease.epoch() != state.certify_epoch {
            return Err(StoreError::Conflict);
        }
        let findings = state.findings.entry(finding.folder).or_default();
        findings.retain(|other| (other.pass, other.chunk) != (finding.pass, finding.chunk));
        findings.push(finding.clone());
        findings.sort_by_key(|finding| finding.chunk);
        Ok(())
    }
}

impl Ledger for MemoryLedger {
    async fn is_stopped(&self, _job: JobId) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn folders(&self, _job: JobId) -> Result<Vec<FolderRecord>, StoreError> {
        Ok(self.all_folders())
    }

    async fn chunks(&self, _job: JobId, folder: u32) -> Result<Vec<ChunkRecord>, StoreError> {
        let state = self.state();
        let chunks = state
            .chunks
            .get(&folder)
            .into_iter()
            .flat_map(BTreeMap::values)
            .cloned();
        Ok(chunks.collect())
    }

    async fn mailbox_chunks(&self, _job: JobId) -> Result<Vec<ChunkRecord>, StoreError> {
        Ok(self.all_chunks())
    }

    async fn put_folders(&self, _lease: PlanLease, planned: &[Planned]) -> Result<(), StoreError> {
        let mut state = self.state();
        for Planned { folder, chunks } in planned {
            let own = state.chunks.entry(folder.folder).or_default();
            own.extend(chunks.iter().map(|chunk| (chunk.chunk, chunk.clone())));
            state.folders.insert(folder.folder, folder.clone());
        }
        state.plan_writes += 1;
        Ok(())
    }

    async fn delete_chunks(&self, _job: JobId, folder: u32) -> Result<(), StoreError> {
        self.state().chunks.remove(&folder);
        Ok(())
    }

    async fn delete_folder(&self, job: JobId, folder: u32) -> Result<(), StoreError> {
        self.delete_chunks(job, folder).await?;
        self.state().folders.remove(&folder);
        Ok(())
    }

    async fn lease_folder(
        &self,
        folder: &FolderRecord,
        pass: Pass,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<FolderRecord>, StoreError> {
        let mut state = self.state();
        let Ok(held) = state.held(folder.folder, folder.epoch) else {
            return Ok(None);
        };
        if held.lease_until > now.as_second() || !held.is_open(pass) {
            return Ok(None);
        }
        held.epoch += 1;
        held.lease_until = until.as_second();
        Ok(Some(held.clone()))
    }

    async fn put_renewed(
        &self,
        folder: &FolderRecord,
        chunks: &[ChunkRecord],
        _recount: Recount,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        *state.held(folder.folder, folder.epoch)? = folder.clone();
        let own = state.chunks.entry(folder.folder).or_default();
        own.extend(chunks.iter().map(|chunk| (chunk.chunk, chunk.clone())));
        Ok(())
    }

    async fn release_folder(&self, folder: &FolderRecord, at: Timestamp) -> Result<(), StoreError> {
        self.state().held(folder.folder, folder.epoch)?.lease_until = at.as_second();
        Ok(())
    }

    async fn take_chunk(&self, chunk: &ChunkRecord, folder: &FolderRecord) -> Result<ChunkRecord, StoreError> {
        let mut state = self.state();
        let place = state
            .chunks
            .get_mut(&chunk.folder)
            .and_then(|chunks| chunks.get_mut(&chunk.chunk));
        let place = place
            .filter(|place| place.epoch <= folder.epoch)
            .ok_or(StoreError::Conflict)?;
        place.epoch = folder.epoch;
        Ok(place.clone())
    }

    async fn save_chunk(&self, chunk: &ChunkRecord) -> Result<(), StoreError> {
        self.state().put_held(chunk)
    }

    async fn finish_chunk(
        &self,
        chunk: &mut ChunkRecord,
        pass: Pass,
        messages: i64,
        last_of: Option<FolderEnd<'_>>,
    ) -> Result<(), StoreError> {
        chunk.finish(pass, messages);
        self.state().put_held(chunk)?;
        match last_of {
            Some(end) => self.finish_folder(end, pass).await,
            None => Ok(()),
        }
    }

    async fn finish_folder(&self, end: FolderEnd<'_>, pass: Pass) -> Result<(), StoreError> {
        let FolderEnd {
            folder,
            error,
            broken_at,
        } = end;
        let mut state = self.state();
        let held = state.held(folder.folder, folder.epoch)?;
        held.done_pass = Some(pass);
        held.lease_until = 0;
        held.broken_at = broken_at;
        if let Some(error) = error {
            held.error = Some(error.to_owned());
        }
        Ok(())
    }

    async fn note_doing(&self, _job: JobId, _lane: u8, doing: &Doing) -> Result<bool, StoreError> {
        self.state().doings.push(doing.clone());
        Ok(true)
    }

    async fn note_trouble(&self, _job: JobId, failure: &Failure) -> Result<(), StoreError> {
        self.state().troubles.push(failure.message.clone());
        Ok(())
    }
}
