//! One request at a time copies into a destination mailbox, and one file at a time is imported into it.

use serde::Deserialize;

use super::expression::Change;
use super::job::keys;
use super::{AttachmentRecord, JobRecord, Ledger as _, Store, StoreError, expires_at};
use crate::clock::now;
use crate::domain::{EmailAddress, JobId, JobState, RequestId};

/// Which job holds a destination mailbox.
#[derive(Deserialize)]
struct Lock {
    job_id: JobId,
}

/// Which attachment holds the contacts and calendars of a destination mailbox.
#[derive(PartialEq, Eq, Deserialize)]
struct DavLock {
    request_id: RequestId,
    attachment: String,
}

impl Store {
    /// Takes a mailbox's contacts and calendars for an attachment: of two that make the same entry at the same time,
    /// each would take it for its own, and taking one back would take away the other's. The lock is not given back: it
    /// is free as soon as the attachment that holds it is neither imported nor taken back. False where another one
    /// holds it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lock_dav(&self, mailbox: &EmailAddress, record: &AttachmentRecord) -> Result<bool, StoreError> {
        let (pk, sk) = (format!("DESTINATION#{}", mailbox.key()), "DAV".to_owned());
        let own = DavLock {
            request_id: record.request_id,
            attachment: record.attachment.clone(),
        };
        let mine = Change::default()
            .set("request_id", own.request_id.to_string())
            .set("attachment", own.attachment.clone())
            .set("expires_at", expires_at(record.request_id));
        let lock: Option<DavLock> = self.get(pk.clone(), sk.clone()).await?;
        let change = match lock {
            None => mine.if_absent("attachment"),
            Some(lock) if lock == own => return Ok(true),
            Some(lock) => {
                let holder = self.attachment(lock.request_id, &lock.attachment).await?;
                if holder.is_some_and(|holder| holder.state.is_at_work()) {
                    return Ok(false);
                }
                mine.if_equal("request_id", lock.request_id.to_string())
                    .if_equal("attachment", lock.attachment)
            }
        };
        self.change_if(change, pk, sk).await
    }

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
        self.change_if(change, pk, sk).await
    }

    /// Whether a job plans, copies or is certified, or one of its lanes is still at work though it has failed; its row may be
    /// gone by then.
    async fn is_working(&self, id: JobId) -> Result<bool, StoreError> {
        let (pk, sk) = keys(id);
        let job: Option<JobRecord> = self.get(pk, sk).await?;
        let request = self.find_request(id.request()).await?;
        let is_running = request.is_some_and(|request| !request.state.is_terminal());
        let state = job.map(|job| job.status.state());
        let works = matches!(
            state,
            Some(JobState::Planning | JobState::Copying | JobState::Certifying)
        );
        if is_running && works {
            return Ok(true);
        }
        let at = now().as_second();
        Ok(self.folders(id).await?.iter().any(|folder| folder.lease_until > at))
    }
}
