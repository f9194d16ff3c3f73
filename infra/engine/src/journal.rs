//! A journal of an import in memory.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;

use mailvan::dav::import::{Batch, Journal, Progress};

/// What an import wrote down.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    batches: Mutex<BTreeMap<u32, Batch>>,
    progress: Mutex<Progress>,
}

impl MemoryJournal {
    /// What each batch made.
    pub fn batches(&self) -> Vec<Batch> {
        let batches = self.batches.lock();
        batches
            .map(|batches| batches.values().cloned().collect())
            .unwrap_or_default()
    }

    /// How far the import is.
    pub fn progress(&self) -> Progress {
        self.progress
            .lock()
            .map(|progress| progress.clone())
            .unwrap_or_default()
    }
}

impl Journal for MemoryJournal {
    type Error = Infallible;

    async fn batch(&self, number: u32) -> Result<Option<Batch>, Infallible> {
        Ok(self
            .batches
            .lock()
            .ok()
            .and_then(|batches| batches.get(&number).cloned()))
    }

    async fn begin(&self, batch: &Batch) -> Result<(), Infallible> {
        if let Ok(mut batches) = self.batches.lock() {
            batches.insert(batch.number, batch.clone());
        }
        Ok(())
    }

    async fn finish(&self, batch: &Batch, progress: &Progress) -> Result<(), Infallible> {
        if let Ok(mut own) = self.progress.lock() {
            own.clone_from(progress);
        }
        self.begin(batch).await
    }
}
