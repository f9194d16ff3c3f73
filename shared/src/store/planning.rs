//! What planning writes: folders with their chunks, by one worker at a time.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck};
use jiff::Timestamp;
use serde::Deserialize;

use super::expression::Change;
use super::folder::{chunk_key, folder_key, partition};
use super::ledger::Planned;
use super::{Store, StoreError, belonging};
use crate::domain::JobId;

/// The right to plan a mailbox, until the lease ends.
#[derive(Clone, Copy, Debug)]
pub struct PlanLease {
    job: JobId,
    epoch: i64,
}

impl PlanLease {
    /// The right that is counted as `epoch`.
    pub fn new(job: JobId, epoch: i64) -> Self {
        Self { job, epoch }
    }
}

/// The item that planning is leased by.
#[derive(Deserialize)]
struct Plan {
    epoch: i64,
}

impl Store {
    /// Takes the right to plan a mailbox until `until`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another worker holds it.
    pub async fn lease_plan(&self, job: JobId, now: Timestamp, until: Timestamp) -> Result<PlanLease, StoreError> {
        let (pk, sk) = (partition(job), "PLAN".to_owned());
        let change = Change::default()
            .if_at_most("lease_until", now.as_second())
            .set("lease_until", until.as_second())
            .set("expires_at", super::expires_at(job.request()))
            .add("epoch", 1);
        self.change(change, pk.clone(), sk.clone()).await?;
        let plan: Plan = self
            .get(pk, sk)
            .await?
            .ok_or_else(|| StoreError::Missing(format!("plan of {job}")))?;
        Ok(PlanLease::new(job, plan.epoch))
    }

    /// Gives the right to plan back, so that the next run need not wait for its end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_plan(&self, lease: PlanLease) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("epoch", lease.epoch)
            .set("lease_until", 0_i64);
        self.change(change, partition(lease.job), "PLAN".to_owned()).await
    }

    /// Puts folders with their chunks; each folder after its chunks, so that one without all its
    /// chunks is planned again. Idempotency key: the folder's number and its pass.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the lease has been lost.
    pub(super) async fn put_planned(&self, lease: PlanLease, planned: &[Planned]) -> Result<(), StoreError> {
        let pk = partition(lease.job);
        let mut puts = Vec::with_capacity(planned.len());
        for Planned { folder, chunks } in planned {
            for chunk in chunks {
                puts.push(belonging(lease.job.request(), pk.clone(), chunk_key(chunk), chunk)?);
            }
            let key = folder_key(folder.folder);
            puts.push(belonging(lease.job.request(), pk.clone(), key, folder)?);
        }
        let fence = ConditionCheck::builder()
            .table_name(&self.table)
            .key("PK", AttributeValue::S(pk))
            .key("SK", AttributeValue::S("PLAN".to_owned()))
            .condition_expression("epoch = :epoch")
            .expression_attribute_values(":epoch", AttributeValue::N(lease.epoch.to_string()))
            .build()?;
        self.put_fenced(&fence, puts).await
    }
}
