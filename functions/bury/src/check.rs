//! Dead letters of a mailbox that was to be checked.
//!
//! What could not be found out is told as that. It keeps no mailbox from being copied when its time has
//! come, because it is our fault.

use mailvan::admission::finish_check;
use mailvan::clock::now;
use mailvan::domain::{Check, CheckCode, CheckFault, CheckState, JobId};
use mailvan::store::{StaffCause, stamp};
use mailvan::sync::tell_staff;

use crate::{Deps, mailbox, settle};

/// Buries a letter of a round of a mailbox's check.
pub async fn bury(deps: &Deps, job_id: JobId, round: u32) -> anyhow::Result<()> {
    let Some(job) = mailbox::find(deps, job_id).await? else {
        return Ok(());
    };
    if job.check.round == round {
        let fault = CheckFault::new(
            CheckCode::NotChecked,
            "The mailbox could not be checked; staff have been told",
            "You need not do anything: what may be wrong with it shows when the copying begins",
        );
        let check = Check {
            state: CheckState::Failed,
            at: Some(stamp(now())),
            faults: vec![fault],
            ..job.check.clone()
        };
        let check = if job.check.state.is_open() { check } else { job.check };
        tell_staff(&deps.store, job_id.request(), StaffCause::GivenUp, now()).await?;
        finish_check(&deps.store, &deps.queues, job_id, &check).await?;
    }
    settle(deps, job_id.request()).await
}
