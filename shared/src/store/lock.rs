//! One request at a time copies into a destination mailbox.

use serde::Deserialize;

use super::expression::Change;
use super::job::keys;
use super::{JobRecord, Store, StoreError, expires_at};
use crate::domain::{JobId, JobState};

/// Which job holds a destination mailbox.
#[derive(Deserialize)]
struct Lock {
    job_id: JobId,
}

impl Store {
    /// Takes a destination mailbox for a job, so that no two requests copy into it at the same time.
    /// The lock is not given back: it is free as soon as the job that holds it neither plans nor copies
    /// nor is certified. False where another job holds it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lock_destination(&self, job: &JobRecord) -> Result<bool, StoreError> {
        let (pk, sk) = (format!("DESTINATION#{}", job.destination.key()), "LOCK".to_owned());
        let mine = Change::default()
            .set("job_id", job.job_id.to_string())
            .set("expires_at", expires_at(job.request_id));
        let lock: Option<Lock> = self.get(pk.clone(), sk.clone()).await?;
        let change = match lock {
            None => mine.if_absent("job_id"),
            Some(Lock { job_id }) if job_id == job.job_id => return Ok(true),
            Some(Lock { job_id }) if self.is_working(job_id).await? => return Ok(false),
            Some(Lock { job_id }) => mine.if_equal("job_id", job_id.to_string()),
        };
        match self.change(change, pk, sk).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a job plans, copies or is certified.
    async fn is_working(&self, id: JobId) -> Result<bool, StoreError> {
        let (pk, sk) = keys(id);
        let job: Option<JobRecord> = self.get(pk, sk).await?;
        let request = self.find_request(id.request()).await?;
        let is_running = request.is_some_and(|request| !request.state.is_terminal());
        let state = job.map(|job| job.status.state());
        Ok(is_running
            && matches!(
                state,
                Some(JobState::Planning | JobState::Copying | JobState::Certifying)
            ))
    }
}
