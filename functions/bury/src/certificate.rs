//! Dead letters of a mailbox that was to be certified.
//!
//! Judged as a lane's are: what moved on since the letter was sent gets another chance; while somebody
//! holds the right to certify, the letter waits; else the mailbox ends without a certificate.

use anyhow::bail;
use mailvan::certify::{abandon_certificate, progress};
use mailvan::clock::now;
use mailvan::domain::{JobId, JobState};
use mailvan::queue::{CertifyMailbox, Queue};
use mailvan::store::StaffCause;
use mailvan::sync::tell_staff;

use crate::{Deps, given_up, mailbox, settle};

/// Buries a letter, with the count of comparisons it was sent with.
pub async fn bury(deps: &Deps, job_id: JobId, certified: i64) -> anyhow::Result<()> {
    let store = &deps.store;
    let Some(job) = mailbox::find(deps, job_id).await? else {
        return Ok(());
    };
    if job.status.state() == JobState::Certifying {
        let done = progress(store, &job).await?;
        if done > certified {
            tracing::warn!(job.id = %job_id, done, "certifying was cut off; it gets another chance");
            let next = CertifyMailbox {
                certified: done,
                ..CertifyMailbox::first(job_id)
            };
            deps.queues.send(Queue::Certify, &next).await?;
        } else {
            tell_staff(store, job_id.request(), StaffCause::GivenUp, now()).await?;
            let why = given_up(job.error_code.clone(), job.error_message.clone());
            if abandon_certificate(store, job_id, &why).await?.is_none() {
                bail!("mailbox job {job_id} may be worked on; it is judged later");
            }
        }
    }
    deps.queues.tell_owner(&job).await?;
    settle(deps, job_id.request()).await
}
