//! Requests that take longer than they should: staff are told of those that copy, and those that are being
//! checked are looked after.

use jiff::{SignedDuration, Timestamp};
use mailvan::domain::{RequestId, RequestState};
use mailvan::queue::{CheckRequest, Queue, Queues};
use mailvan::store::Store;
use mailvan::telemetry::{Unit, measure};

/// Most requests are done within a day of their start.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// A check takes minutes; one whose message was never sent would take for ever.
const CHECKED_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// How often one that is still being checked is looked after.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// How many are named in the log.
const NAMED: usize = 20;

/// Tells how many requests are late, and looks after checks. The clock's own work: each time anew.
pub async fn look(store: &Store, queues: &Queues, now: Timestamp) -> anyhow::Result<()> {
    let mut late: Vec<RequestId> = Vec::new();
    for state in [RequestState::FirstPass, RequestState::FinalPass] {
        late.extend(store.requests_since(state, now.checked_sub(LATE)?).await?);
    }
    measure(
        store.table(),
        &[("LateRequests", Unit::Count, i64::try_from(late.len())?)],
        &[],
        now,
    );
    if !late.is_empty() {
        let named: Vec<String> = late.iter().take(NAMED).map(ToString::to_string).collect();
        tracing::error!(count = late.len(), requests = ?named, "requests are not done a day after their start");
    }
    for id in store
        .requests_since(RequestState::Checking, now.checked_sub(CHECKED_WITHIN)?)
        .await?
    {
        if store.look_after(id, now.checked_sub(EVERY)?, now).await? {
            look_after(store, queues, id).await?;
        }
    }
    Ok(())
}

/// Has the checks of a request sent again that are open: whoever was to send them may have died.
async fn look_after(store: &Store, queues: &Queues, id: RequestId) -> anyhow::Result<()> {
    let Some(request) = store.find_request(id).await? else {
        return Ok(());
    };
    // One whose rows are still being read has a message of its own.
    if request.state != RequestState::Checking || !request.checks_have_begun() {
        return Ok(());
    }
    tracing::warn!(request.id = %id, "a request is being checked for long");
    let admit = CheckRequest {
        request_id: id,
        generation: request.generation,
        good_rows_only: false,
    };
    Ok(queues.send(Queue::Ingest, &admit).await?)
}
