//! A lane: one chain of messages that works on a mailbox, with one worker at a time.

use std::time::Duration;

use super::copied::Copied;
use super::settle::{settle_request, stop_mailbox};
use super::work::{FAULT_GRACE, LaneFailure, Work};
use super::{Engine, NO_CONNECTION, late, until_next_look};
use crate::clock::{Deadline, now};
use crate::domain::{JobId, JobState, Pass};
use crate::store::{Ledger as _, NoticeKind, StoreError};

/// What is to be done after a lane's run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneEnd {
    /// Time ran short: send the lane's next message at once.
    Continue,
    /// Nothing can be done before this long: send the lane's next message then.
    Wait(Duration),
    /// As many workers as there may be hold folders, for so long at most. Each has a message of its
    /// own, so this lane may end, unless one of them may have been this lane itself.
    Held(Duration),
    /// The last pass is over: have the mailbox certified.
    Certify,
    /// The lane is at its end; these notices wait to be sent.
    Done(Vec<NoticeKind>),
}

/// Works on a mailbox until nothing is left or time runs short. Idempotency key: job and pass; any
/// number of lanes may run at the same time, and any of them twice.
///
/// # Errors
/// [`LaneFailure`]; what has been copied so far is saved.
pub async fn run_lane(
    engine: &Engine,
    id: JobId,
    pass: Pass,
    lane: u8,
    deadline: Deadline,
) -> Result<LaneEnd, LaneFailure> {
    let mut mailbox = None;
    let run_length = deadline.remaining();
    loop {
        let request = engine.store.request(id.request()).await?;
        if request.is_over() {
            return Ok(LaneEnd::Done(stop_mailbox(&engine.store, id, now()).await?));
        }
        // Its first pass has ended, and is to be begun again: that brings lanes of its own.
        if request.state.is_to_begin() {
            return Ok(LaneEnd::Done(Vec::new()));
        }
        let job = engine.store.job(id).await?;
        // The next night's frame brings lanes of its own. What has nothing left to copy ends nevertheless.
        if let Some(until) = request.paused_until(now())
            && engine
                .store
                .folders(id)
                .await?
                .iter()
                .any(|folder| folder.is_open(pass))
        {
            tracing::info!(job.id = %id, %until, "the frame is over");
            return Ok(LaneEnd::Done(Vec::new()));
        }
        // Also where another lane ended the pass: it may have died before it could say so.
        if job.status.state() == JobState::Certifying && job.status.pass() == Some(pass) {
            return Ok(LaneEnd::Certify);
        }
        if (job.status.state(), job.status.pass()) != (JobState::Copying, Some(pass)) {
            return Ok(LaneEnd::Done(
                settle_request(&engine.store, job.request_id, now()).await?,
            ));
        }
        if let Some(rest) = job.resting(now()) {
            return Ok(LaneEnd::Wait(until_next_look(rest)));
        }
        let mailbox = match &mailbox {
            Some(mailbox) => mailbox,
            None => mailbox.insert(engine.mailbox(&job).await?),
        };
        let Some(connection) = engine.take_connection(&job, deadline).await? else {
            return Ok(LaneEnd::Wait(NO_CONNECTION));
        };
        let mut copied = Copied::default();
        let worked = Box::pin(mailbox.work_and_count(pass, lane, deadline, &mut copied)).await;
        let was_crowded = worked.as_ref().is_err_and(|failure| failure.error.is_crowded_source());
        engine
            .store
            .give_connection_back(&connection, was_crowded, now())
            .await?;
        let compression = mailbox.source.connector.compression();
        if let Some(sample) = copied.sample(compression).filter(|_| pass == Pass::First) {
            engine.note_speed(&job, sample).await;
        } else if let Err(LaneFailure {
            error,
            progressed: false,
        }) = &worked
        {
            engine.note_broken_line(&job, compression, error).await;
        }
        if let Err(failure) = &worked
            && failure.error.is_capped()
            && let Some(delay) = engine.rest(id, failure.progressed).await?
        {
            return Ok(LaneEnd::Wait(delay));
        }
        match worked? {
            Work::Stopped => {}
            Work::OutOfTime => return Ok(LaneEnd::Continue),
            Work::Held(delay) => return Ok(LaneEnd::Held(delay)),
            Work::HeldUntil(delay) => return Ok(LaneEnd::Wait(delay)),
            Work::NothingOpen { broken_at } => {
                if let Some(broken_at) = broken_at
                    && let Some(end) =
                        late::wait_or_remove(engine, mailbox, pass, broken_at, (deadline, run_length)).await?
                {
                    return Ok(end);
                }
                // As it is after its last folder: with all its exceptions.
                let job = engine.store.job(id).await?;
                engine.store.finish_job(&job, pass, now()).await?;
            }
        }
    }
}

impl Engine {
    /// Whether a worker holds a folder of this mailbox for longer than a fault keeps it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn others_at_work(&self, id: JobId, pass: Pass) -> Result<bool, StoreError> {
        let after_faults = now().as_second() + FAULT_GRACE.as_secs().cast_signed();
        let folders = self.store.folders(id).await?;
        Ok(folders
            .iter()
            .any(|folder| folder.is_open(pass) && folder.lease_until > after_faults))
    }
}
