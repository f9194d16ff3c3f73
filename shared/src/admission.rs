//! From rows that were read to a scheduled request, or to faults that the customer mends: all that was
//! found in the rows and in the mailboxes is told at once.
//!
//! Works from what the table holds, so that it can be repeated after any crash: rows and faults are
//! written first, by whoever read them, and so is what the checks found.

use futures_util::{TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use crate::domain::{Check, JobId, Pass, RequestEvent, RequestId, RequestState};
use crate::queue::{CheckMailbox, CheckRequest, Queue, QueueError, Queues, StartPass};
use crate::room::{NoRoom, Place, Room, loads_of};
use crate::schedule::{ScheduleError, Schedules};
use crate::store::request::RequestChange;
use crate::store::{JobRecord, NoticeKind, RequestRecord, Store, StoreError};
use crate::sync::{cancel_jobs, none_copied};

/// How long before the start the mailboxes are looked at once more: the customer can still mend what is wrong.
pub const LOOKED_AT_BEFORE: SignedDuration = SignedDuration::from_hours(6);

/// How many mailboxes are had wait again at the same time.
const BEGUN_AT_ONCE: usize = 16;

/// How long after the first look at least.
const LOOKED_AT_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// What admission works with.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The job table.
    pub store: Store,
    /// The queues.
    pub queues: Queues,
    /// The scheduler.
    pub schedules: Schedules,
    /// What requests find their place with.
    pub room: Room,
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

/// Ends the check of a mailbox, and has its request admitted where it was the last that the request waited for.
/// Idempotency key: the mailbox and its round.
///
/// # Errors
/// [`AdmissionError`].
pub async fn finish_check(store: &Store, queues: &Queues, id: JobId, check: &Check) -> Result<(), AdmissionError> {
    if store.finish_check(id, check).await? == Some(0) {
        let admit = CheckRequest {
            request_id: id.request(),
            generation: id.generation(),
            good_rows_only: false,
            wished_in: None,
        };
        queues.send(Queue::Ingest, &admit).await?;
    }
    Ok(())
}

impl Admission {
    /// Has the mailboxes checked that are not yet; when all are, schedules the request if everything is
    /// good, or the customer goes on with what is; else tells what has to be mended. Of one that was cancelled
    /// or has failed, ends the mailboxes that are left. What the first pass could not copy is begun again when all of it is
    /// mended, or the customer says so. Idempotency key: request and generation.
    ///
    /// Nobody may be writing the generation's rows meanwhile. A form's are written before anybody is
    /// told of them; whoever reads an upload holds the lease ([`Store::lease_reading`]) until this
    /// returns; and the wish to go on with the good rows counts only when they are all there.
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
        // Whoever reads the rest of the rows admits it at their end.
        let is_being_read =
            request.state == RequestState::Checking && self.store.reading_mark(id).await?.file.is_some();
        let is_admissible = is_admissible(request.state, good_rows_only) && !is_being_read;
        if request.generation == generation && is_admissible {
            self.decide(&request, good_rows_only, now).await?;
        } else if matches!(request.state, RequestState::Cancelled | RequestState::Failed) {
            // Whoever ended it had no time for all of them.
            let jobs = self.store.jobs(id, request.generation).await?;
            cancel_jobs(&self.store, &jobs, now).await?;
        } else {
            tracing::info!(request.id = %id, generation, state = %request.state, "nothing to admit");
        }
        // Also where the state had been changed before: the notices may not have been queued then.
        self.queues
            .send_notices(id, &self.store.unsent_notices(id).await?)
            .await?;
        Ok(())
    }

    async fn decide(
        &self,
        request: &RequestRecord,
        good_rows_only: bool,
        now: Timestamp,
    ) -> Result<(), AdmissionError> {
        let (id, generation) = (request.request_id, request.generation);
        let jobs = self.store.jobs(id, generation).await?;
        // Decided before: only the start may be missing, or have been moved.
        if request.state == RequestState::Scheduled {
            let place = self.place(request, &jobs, now).await?;
            return self.schedule(request, place, now).await;
        }
        if request.state == RequestState::Checking && jobs.iter().any(|job| job.check.state.is_open()) {
            return self.have_checked(request, &jobs).await;
        }
        let is_none_good = jobs.iter().all(|job| job.check.obstacle().is_some());
        // What the first pass could not copy, and nobody has mended since.
        let has_stopped = jobs.iter().any(|job| job.status.has_stopped());
        let is_news =
            jobs.iter().any(|job| job.check.needs_attention()) || self.store.has_faults(id, generation).await?;
        let has_faults = has_stopped || is_news;
        if is_none_good || (has_faults && !good_rows_only) {
            let notice = NoticeKind::Refused { generation };
            let change = RequestChange {
                failure: has_stopped.then(none_copied),
                // Of those that stopped the customer was told when they did.
                notice: (is_none_good || is_news).then_some(notice),
                ..Self::change(request, notice)
            };
            self.store
                .advance_request(id, RequestEvent::FaultsFound, now, change)
                .await?;
            return Ok(());
        }
        let place = self.place(request, &jobs, now).await?;
        match &place.refusal {
            // Who goes on nevertheless gets what there is.
            Some(no_room) if !good_rows_only => self.refuse(request, no_room, now).await,
            _ => {
                self.wait_again(&jobs, now).await?;
                self.schedule(request, place, now).await
            }
        }
    }

    /// Has mailboxes wait again that failed in the first pass. Before the state says so: the start counts those that
    /// wait, and one that waits while nothing is scheduled is as before its first start.
    async fn wait_again(&self, jobs: &[JobRecord], now: Timestamp) -> Result<(), StoreError> {
        let stopped = jobs.iter().filter(|job| job.status.has_stopped());
        stream::iter(stopped.map(|job| Ok(job.job_id)))
            .try_for_each_concurrent(BEGUN_AT_ONCE, |id| self.store.wait_again(id, now))
            .await
    }

    async fn place(&self, request: &RequestRecord, jobs: &[JobRecord], now: Timestamp) -> Result<Place, StoreError> {
        let (id, window) = (request.request_id, request.window.as_ref());
        self.room.place(Some(id), window, &loads_of(jobs), now).await
    }

    /// Has the customer choose another frame.
    async fn refuse(&self, request: &RequestRecord, no_room: &NoRoom, now: Timestamp) -> Result<(), AdmissionError> {
        tracing::info!(request.id = %request.request_id, "no room in the time frame");
        let change = RequestChange {
            failure: Some(no_room.failure()),
            ..Self::change(
                request,
                NoticeKind::Refused {
                    generation: request.generation,
                },
            )
        };
        self.store
            .advance_request(request.request_id, RequestEvent::FaultsFound, now, change)
            .await?;
        Ok(())
    }

    /// Has the mailboxes checked that are not yet. Their messages are sent again where the checks had
    /// begun before: whoever was to send them may have died.
    async fn have_checked(&self, request: &RequestRecord, jobs: &[JobRecord]) -> Result<(), AdmissionError> {
        let open: Vec<CheckMailbox> = jobs
            .iter()
            .filter(|job| job.check.state.is_open())
            .map(|job| CheckMailbox {
                job_id: job.job_id,
                check_round: job.check.round,
                is_news: false,
            })
            .collect();
        let mailboxes = u32::try_from(open.len()).unwrap_or(u32::MAX);
        let has_begun = self.store.begin_checks(request, mailboxes).await?;
        tracing::info!(request.id = %request.request_id, mailboxes, has_begun, "mailboxes are checked");
        Ok(self.queues.send_all(Queue::Check, &open).await?)
    }

    /// The schedule is made before the state says so: a crash between the two is mended by the next
    /// try, and a schedule without its state only finds nothing to start.
    async fn schedule(&self, request: &RequestRecord, place: Place, now: Timestamp) -> Result<(), AdmissionError> {
        let id = request.request_id;
        if let Err(error) = self.store.reserve(request, place.reservation).await {
            // It is a plan: nothing is held up for it.
            tracing::error!(request.id = %id, %error, "nothing is reserved");
        }
        let start = request.wait_for_start(now);
        if let Some(start) = start {
            self.schedules.create(id, Pass::First, start).await?;
            if let Some(at) = second_look(start, now) {
                self.schedules.create_look(id, start, at).await?;
            }
            self.advance(request, RequestEvent::Accepted, NoticeKind::Scheduled, now)
                .await?;
        } else {
            self.advance(request, RequestEvent::Accepted, NoticeKind::Accepted, now)
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

    /// What goes with a change of the request as it was read: its rows were read in that state.
    fn change(request: &RequestRecord, notice: NoticeKind) -> RequestChange {
        RequestChange {
            notice: Some(notice),
            if_generation: Some(request.generation),
            if_state: Some(request.state),
            if_reschedules: Some(request.reschedules),
            ..RequestChange::default()
        }
    }

    async fn advance(
        &self,
        request: &RequestRecord,
        event: RequestEvent,
        notice: NoticeKind,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store
            .advance_request(request.request_id, event, now, Self::change(request, notice))
            .await
            .map(|_| ())
    }
}

/// When the mailboxes are looked at once more before a start; not at all where that would be soon.
fn second_look(start: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let at = start.checked_sub(LOOKED_AT_BEFORE).ok()?;
    (at.duration_since(now) > LOOKED_AT_AFTER).then_some(at)
}

/// States in which there is something to admit, or in which a crash may have left side effects
/// undone.
fn is_admissible(state: RequestState, good_rows_only: bool) -> bool {
    match state {
        // The rows of another file under the same URL are being written: the wish is void.
        RequestState::Checking => !good_rows_only,
        RequestState::Scheduled => true,
        // A second delivery of the first check must not take the good rows by itself.
        RequestState::NeedsAttention => good_rows_only,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_looked_at_again_before_a_start_that_is_not_soon() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-24T09:00:00Z");
        assert_eq!(
            second_look(at("2026-11-25T22:00:00Z"), now),
            Some(at("2026-11-25T16:00:00Z"))
        );
        assert_eq!(second_look(at("2026-11-24T17:00:00Z"), now), None);
        assert_eq!(second_look(now, now), None);
    }

    #[test]
    fn good_rows_are_taken_only_when_all_are_there() {
        let admissible = |good_rows_only| {
            RequestState::ALL
                .into_iter()
                .filter(|state| is_admissible(*state, good_rows_only))
                .collect::<Vec<_>>()
        };
        assert_eq!(admissible(false), [RequestState::Checking, RequestState::Scheduled]);
        assert_eq!(
            admissible(true),
            [RequestState::NeedsAttention, RequestState::Scheduled]
        );
    }
}
