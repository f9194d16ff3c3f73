//! Refused rows in the table: what the customer has to mend.

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, belonging, request};
use crate::domain::{Fault, RequestId};

#[derive(Serialize, Deserialize)]
struct RefusedRecord {
    request_id: RequestId,
    fault: Fault,
}

pub(super) fn prefix(generation: u32) -> String {
    format!("REFUSED#{generation}#")
}

impl Store {
    /// Puts the faults of a generation. Idempotency key: generation and position.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_faults(&self, id: RequestId, generation: u32, faults: &[Fault]) -> Result<(), StoreError> {
        let mut items = Vec::with_capacity(faults.len());
        for (n, fault) in faults.iter().enumerate() {
            let sk = format!("{}{:05}#{n:06}", prefix(generation), fault.row);
            items.push(belonging(
                id,
                request::partition(id),
                sk,
                &RefusedRecord {
                    request_id: id,
                    fault: fault.clone(),
                },
            )?);
        }
        self.put_all(items).await
    }

    /// The faults of a generation, in the order of their rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn faults(&self, id: RequestId, generation: u32) -> Result<Vec<Fault>, StoreError> {
        let records: Vec<RefusedRecord> = self.query(&request::partition(id), &prefix(generation)).await?;
        Ok(records.into_iter().map(|record| record.fault).collect())
    }
}
