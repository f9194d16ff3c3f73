//! Requests that wait for their customers: told before they are forgotten, and ended then.

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use mailvan::domain::{RequestState, Retention};
use mailvan::forgotten::see_to;
use mailvan::queue::Queues;
use mailvan::store::Store;
use mailvan::telemetry::{Unit, measure};

/// The states in which a request waits for its customer, or for what its customer set off.
const WAITING: [RequestState; 4] = [
    RequestState::AwaitingUpload,
    RequestState::Checking,
    RequestState::NeedsAttention,
    RequestState::AwaitingCutover,
];

/// None is forgotten sooner.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// How many are read at the same time.
const AT_ONCE: usize = 8;

/// Sees to those that have waited for a day. One that cannot be seen to now comes again, and holds up no other.
pub async fn look(store: &Store, queues: &Queues, retention: Retention, now: Timestamp) -> anyhow::Result<()> {
    let since = now.checked_sub(A_DAY)?;
    let mut faults = 0;
    for state in WAITING {
        let waiting = stream::iter(store.requests_since(state, since).await?);
        let seen = waiting.map(async |id| (id, see_to(store, queues, retention, id, now).await));
        let mut seen = seen.buffer_unordered(AT_ONCE);
        while let Some((id, seen)) = seen.next().await {
            if let Err(error) = seen {
                tracing::error!(request.id = %id, %error, "a request that waits cannot be seen to");
                faults += 1;
            }
        }
    }
    measure(store.table(), &[("ClockFaults", Unit::Count, faults)], &[], now);
    Ok(())
}
