//! Requests that nobody comes back to: their customers are told some days before, and then they are ended.
//!
//! The table would forget them by itself, some days after their time and without a word; what is sealed goes with them
//! when they are ended here.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Overstay, RequestEvent, RequestId, RequestState, Retention};
use crate::queue::{CheckRequest, Queue, QueueError, Queues};
use crate::store::job::Failure;
use crate::store::request::RequestChange;
use crate::store::{NoticeKind, Store, StoreError};

/// How long after a notice was sent on its way it is seen to again, as long as it has not been sent.
const TOLD_AGAIN: SignedDuration = SignedDuration::from_hours(6);

/// How long after a request was ended the rest is done.
const A_MOMENT: std::time::Duration = std::time::Duration::from_secs(10);

const FORGOTTEN: &str = "forgotten";

/// What is to be done about a request could not be; the next look sees to it.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Tells the customer of a request that has waited for long, and ends one that has waited for too long. Idempotency
/// key: the request, and until when it waits.
///
/// # Errors
/// [`ForgetError`].
pub async fn see_to(
    store: &Store,
    queues: &Queues,
    retention: Retention,
    id: RequestId,
    now: Timestamp,
) -> Result<(), ForgetError> {
    let Some(request) = store.find_request(id).await? else {
        return Ok(());
    };
    // Anybody may order a file for any address: nobody is written to before one has come, unless a permit says who it is.
    let is_known = request.state != RequestState::AwaitingUpload || request.grants.is_some();
    match retention.overstay(request.state, request.expires_at, now) {
        Overstay::None => Ok(()),
        Overstay::Soon { .. } if !is_known => Ok(()),
        Overstay::Soon { until } => {
            let before = now.checked_sub(TOLD_AGAIN).unwrap_or(Timestamp::MIN);
            if !store.look_after(id, before, now).await? {
                return Ok(());
            }
            let notice = NoticeKind::ForgottenSoon { until };
            if store.queue_notice(id, notice, now).await? {
                tracing::info!(request.id = %id, state = %request.state, "a request is forgotten soon");
                queues.send_notices(id, &[notice]).await?;
            }
            Ok(())
        }
        Overstay::Over => {
            // Ends the mailboxes and sends the notice, of a request that has ended. Before it has, so that it comes
            // whatever happens; to one that goes on it does nothing.
            let rest = CheckRequest {
                request_id: id,
                generation: request.generation,
                good_rows_only: false,
                wished_in: None,
            };
            queues.send_later(Queue::Ingest, &rest, A_MOMENT).await?;
            let change = RequestChange {
                notice: is_known.then_some(NoticeKind::Cancelled),
                failure: Some(forgotten()),
                if_state: Some(request.state),
                if_expires_at: request.expires_at,
                ..RequestChange::default()
            };
            match store.advance_request(id, RequestEvent::Cancelled, now, change).await {
                Ok(_) => tracing::info!(request.id = %id, state = %request.state, "nobody came back: request ended"),
                // Its customer did, in this moment.
                Err(StoreError::Conflict | StoreError::Illegal(_)) => {}
                Err(error) => return Err(error.into()),
            }
            Ok(())
        }
    }
}

fn forgotten() -> Failure {
    Failure {
        code: FORGOTTEN.to_owned(),
        message: "nobody came back to the request in time".to_owned(),
    }
}

/// Whether a request was ended because nobody came back to it.
pub fn is_forgotten(code: Option<&str>) -> bool {
    code == Some(FORGOTTEN)
}
