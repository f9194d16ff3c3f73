//! The look before the start: what was right when it was ordered may be wrong days later.

use jiff::Timestamp;
use mailvan::clock::now;
use mailvan::domain::{JobState, RequestState};
use mailvan::queue::{CheckMailbox, LookAgain, Queue};
use mailvan::store::JobRecord;

use crate::Deps;

/// Has the mailboxes of a request looked at once more, if its start is still the one. Idempotency key: the
/// request and its start; a mailbox may be looked at twice.
pub async fn look_again(deps: &Deps, wanted: LookAgain) -> anyhow::Result<()> {
    let id = wanted.request_id;
    let Some(request) = deps.store.find_request(id).await? else {
        return Ok(());
    };
    let start = request.wait_for_start(now()).map(Timestamp::as_second);
    if request.state != RequestState::Scheduled || start != Some(wanted.look_again) {
        tracing::info!(request.id = %id, request.state = %request.state, "no look: the start is another one");
        return Ok(());
    }
    let jobs = deps.store.jobs(id, request.generation).await?;
    let looks: Vec<CheckMailbox> = jobs.iter().filter(|job| is_known(job)).map(look).collect();
    tracing::info!(request.id = %id, mailboxes = looks.len(), "mailboxes are looked at again");
    Ok(deps.queues.send_all(Queue::Check, &looks).await?)
}

/// Whether a mailbox was looked at before; one that has just been mended is being looked at anyway.
fn is_known(job: &JobRecord) -> bool {
    job.status.state() == JobState::Waiting && !job.check.state.is_open()
}

fn look(job: &JobRecord) -> CheckMailbox {
    CheckMailbox {
        job_id: job.job_id,
        check_round: job.check.round,
        is_news: !job.check.needs_attention(),
    }
}
