//! Later looks: passes after the final one start at their times, and the passwords that were kept for them
//! are deleted when the time is over.

use jiff::Timestamp;
use mailvan::domain::{LookStep, Pass, RequestId};
use mailvan::queue::{CutOver, Queue, Queues};
use mailvan::store::later::EndedBy;
use mailvan::store::{RequestRecord, Store, StoreError};
use mailvan::telemetry::{Unit, measure};

/// Sees to the requests whose time has come. What is wished for twice starts one pass; a request that cannot
/// be seen to now comes again, and holds no other up.
pub async fn look(store: &Store, queues: &Queues, now: Timestamp) -> anyhow::Result<()> {
    let due = store.due_looks(now).await?;
    let mut faults = i64::try_from(due.unreadable)?;
    for id in due.requests {
        if let Err(error) = see_to(store, queues, id, now).await {
            tracing::error!(request.id = %id, error = %format_args!("{error:#}"), "a later look could not be seen to");
            faults += 1;
        }
    }
    measure(store.table(), &[("ClockFaults", Unit::Count, faults)], &[], now);
    Ok(())
}

async fn see_to(store: &Store, queues: &Queues, id: RequestId, now: Timestamp) -> anyhow::Result<()> {
    let request = store.find_request(id).await?;
    let Some(request) = request.filter(|request| request.state.has_been_completed()) else {
        return Ok(store.forget_looks(id, now).await?);
    };
    match step(&request, now) {
        LookStep::Wait => {}
        LookStep::Start(Pass::Later(number)) => {
            let wish = CutOver {
                request_id: id,
                later: Some(number),
            };
            queues.send(Queue::Cutover, &wish).await?;
        }
        LookStep::Start(_) | LookStep::End => {
            match store.end_looks(&request, EndedBy::Clock, now).await {
                Ok(_) => tracing::info!(request.id = %id, "the last later look is over: the passwords are deleted"),
                // It has moved on: the next time it is judged anew.
                Err(StoreError::Conflict) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            queues.send_notices(id, &store.unsent_notices(id).await?).await?;
            store.forget_looks(id, now).await?;
        }
    }
    Ok(())
}

/// What is to be done about a request; one without passwords has nothing to come.
fn step(request: &RequestRecord, now: Timestamp) -> LookStep {
    request
        .open_looks()
        .map_or(LookStep::End, |looks| looks.step(request.state, now))
}
