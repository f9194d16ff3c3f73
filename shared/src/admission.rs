//! From checked rows to a scheduled request, or to faults that the customer mends.
//!
//! Works from what the table holds, so that it can be repeated after any crash: rows and faults are
//! written first, by whoever read them.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Pass, RequestEvent, RequestId, RequestState};
use crate::queue::{Queue, QueueError, Queues, StartPass};
use crate::schedule::{ScheduleError, Schedules};
use crate::store::request::RequestChange;
use crate::store::{NoticeKind, RequestRecord, Store, StoreError};

/// A start that is not farther away than this is not worth a schedule, which has a precision of a
/// minute.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(60);

/// What admission works with.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The job table.
    pub store: Store,
    /// The queues.
    pub queues: Queues,
    /// The scheduler.
    pub schedules: Schedules,
}

/// Why a request could not be admitted; nothing is lost, and it can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The scheduler.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}

impl Admission {
    /// Schedules the request if all its rows are good, or the customer goes on with the good ones;
    /// else tells what has to be mended. Idempotency key: request and generation.
    ///
    /// # Errors
    /// [`AdmissionError`].
    pub async fn admit(
        &self,
        id: RequestId,
        generation: u32,
        good_rows_only: bool,
        now: Timestamp,
    ) -> Result<(), AdmissionError> {
        let request = self.store.request(id).await?;
        if request.generation != generation || !is_admissible(request.state, good_rows_only) {
            tracing::info!(request.id = %id, generation, state = %request.state, "nothing to admit");
            return Ok(());
        }
        let is_empty = self.store.jobs(id, generation).await?.is_empty();
        let has_faults = !self.store.faults(id, generation).await?.is_empty();
        if is_empty || (has_faults && !good_rows_only) {
            let notice = Some(NoticeKind::Refused { generation });
            self.advance(id, RequestEvent::FaultsFound, generation, notice, now)
                .await?;
        } else {
            self.schedule(&request, now).await?;
        }
        self.queues
            .send_notices(id, &self.store.unsent_notices(id).await?)
            .await?;
        Ok(())
    }

    /// The schedule is made before the state says so: a crash between the two is mended by the next
    /// try, and a schedule without its state only finds nothing to start.
    async fn schedule(&self, request: &RequestRecord, now: Timestamp) -> Result<(), AdmissionError> {
        let (id, generation) = (request.request_id, request.generation);
        let start = request.window.as_ref().map(super::domain::window::Window::start);
        if let Some(start) = start.filter(|start| start.duration_since(now) > AT_ONCE) {
            self.schedules.create(id, Pass::First, start).await?;
            self.advance(id, RequestEvent::Accepted, generation, Some(NoticeKind::Scheduled), now)
                .await?;
        } else {
            self.advance(id, RequestEvent::Accepted, generation, Some(NoticeKind::Accepted), now)
                .await?;
            self.queues
                .send(
                    Queue::Start,
                    &StartPass {
                        request_id: id,
                        pass: Pass::First,
                    },
                )
                .await?;
        }
        Ok(())
    }

    async fn advance(
        &self,
        id: RequestId,
        event: RequestEvent,
        generation: u32,
        notice: Option<NoticeKind>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let change = RequestChange {
            notice,
            if_generation: Some(generation),
            ..RequestChange::default()
        };
        self.store.advance_request(id, event, now, change).await.map(|_| ())
    }
}

/// States in which there is something to admit, or in which a crash may have left side effects
/// undone.
fn is_admissible(state: RequestState, good_rows_only: bool) -> bool {
    match state {
        RequestState::Checking | RequestState::Scheduled => true,
        // A second delivery of the first check must not take the good rows by itself.
        RequestState::NeedsAttention => good_rows_only,
        _ => false,
    }
}
