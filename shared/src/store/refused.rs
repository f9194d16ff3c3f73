//! Refused rows in the table: what the customer has to mend.

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, belonging, request};
use crate::domain::{Fault, RequestId};

/// How many faults an item holds: a file of 50,000 rows can have several for each, and a write costs
/// the same for one as for many.
const FAULTS_AN_ITEM: usize = 100;

#[derive(Serialize, Deserialize)]
struct RefusedRecord {
    request_id: RequestId,
    faults: Vec<Fault>,
}

/// The prefix of all generations.
pub(super) const ALL: &str = "REFUSED#";

pub(super) fn prefix(generation: u32) -> String {
    format!("REFUSED#{generation}#")
}

impl Store {
    /// Puts the faults of a generation. Idempotency key: generation and position.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_faults(&self, id: RequestId, generation: u32, faults: &[Fault]) -> Result<(), StoreError> {
        let mut items = Vec::with_capacity(faults.len().div_ceil(FAULTS_AN_ITEM));
        for (n, faults) in faults.chunks(FAULTS_AN_ITEM).enumerate() {
            let record = RefusedRecord {
                request_id: id,
                faults: faults.to_vec(),
            };
            let sk = format!("{}{n:06}", prefix(generation));
            items.push(belonging(id, request::partition(id), sk, &record)?);
        }
        self.put_all(items).await
    }

    /// The faults of a generation, in the order of the file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn faults(&self, id: RequestId, generation: u32) -> Result<Vec<Fault>, StoreError> {
        let records: Vec<RefusedRecord> = self.query(&request::partition(id), &prefix(generation)).await?;
        Ok(records.into_iter().flat_map(|record| record.faults).collect())
    }

    /// Whether a generation has a fault.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_faults(&self, id: RequestId, generation: u32) -> Result<bool, StoreError> {
        self.has_any(&request::partition(id), &prefix(generation)).await
    }
}
