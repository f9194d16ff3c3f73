//! What is done with an attachment while its lease is held.

use std::time::Duration;

use jiff::Timestamp;
use mailvan::clock::{Deadline, now};
use mailvan::dav::access::{AccessError, session_for};
use mailvan::dav::import::{Choices, Import, ImportError, Journal as _, Step, undo_batch};
use mailvan::dav::server::{DavError, DavSession};
use mailvan::dav::spool::{Spool, SpoolError};
use mailvan::domain::RequestState;
use mailvan::domain::patience::Prospect;
use mailvan::secrets::SecretError;
use mailvan::store::job::Failure;
use mailvan::store::{AttachmentJournal, AttachmentRecord, AttachmentState, StoreError};
use mailvan::upload::{ATTACHMENT_AWAITED, AttachmentKey, LOOK_FOR_FILE};

use crate::Deps;
use crate::object::Fetched;

/// A batch is begun only if there is so much time left.
const BATCH_TIME: Duration = Duration::from_secs(20);

/// How long an import waits for another one into the same mailbox.
const WAIT_FOR_MAILBOX: Duration = Duration::from_secs(20);

/// What a run came to.
pub enum Outcome {
    /// Nothing is left to do.
    Ended,
    /// Somebody else goes on, or the file has not come.
    Left,
    /// There is more to do.
    Continue,
    /// Nothing can be done before so long.
    Later(Duration),
}

/// Why a run could not go on.
pub struct Fault {
    /// What went wrong.
    pub error: Box<dyn std::error::Error + Send + Sync>,
    /// What the customer and the table are told.
    pub failure: Failure,
    /// What it says about trying again.
    pub prospect: Prospect,
    /// How long to wait, where the server says so.
    pub wait: Option<Duration>,
    /// Whether a batch was done before it.
    pub progressed: bool,
}

impl From<DavError> for Fault {
    fn from(error: DavError) -> Self {
        Self {
            failure: error.failure(),
            prospect: match error {
                DavError::LoginRefused => Prospect::RefusedLogin,
                _ if error.needs_person() => Prospect::Hopeless,
                _ => Prospect::Passing,
            },
            wait: error.wait(),
            progressed: false,
            error: Box::new(error),
        }
    }
}

impl Fault {
    /// A fault on our side, which passes.
    fn ours(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            error: error.into(),
            failure: failure(
                "import_interrupted",
                "something went wrong on our side; it is tried again",
            ),
            prospect: Prospect::Passing,
            wait: None,
            progressed: false,
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::ours(error)
    }
}

/// Imports as much as there is time for.
pub async fn import(
    deps: &Deps,
    mut record: AttachmentRecord,
    journal: &AttachmentJournal,
    deadline: Deadline,
) -> Result<Outcome, Fault> {
    let reserve = reserve(deadline);
    let session = match session(deps, &record).await? {
        Ok(session) => session,
        Err(failure) => return end(deps, &record, AttachmentState::Failed, Some(failure)).await,
    };
    // Before the file is fetched: it may be large, and the wait long.
    if record.state == AttachmentState::Importing && !has_mailbox(deps, &record).await? {
        return Ok(Outcome::Later(WAIT_FOR_MAILBOX));
    }
    let key = AttachmentKey {
        request_id: record.request_id,
        attachment: record.attachment.clone(),
    };
    let upload = match deps.objects.fetch(&key).await.map_err(Fault::ours)? {
        Fetched::Spooled(file) => file,
        Fetched::Gone if record.state == AttachmentState::AwaitingUpload => return missing(deps, &record).await,
        Fetched::Gone => {
            let why = failure(
                "upload_gone",
                "the file is not kept any more; please announce and upload it again",
            );
            return end(deps, &record, AttachmentState::Failed, Some(why)).await;
        }
        Fetched::TooLarge => {
            let why = failure("file_too_large", "the file is larger than 100 MiB; please split it");
            return end(deps, &record, AttachmentState::Failed, Some(why)).await;
        }
    };
    if record.state == AttachmentState::AwaitingUpload {
        deps.store
            .advance_attachment(&record, AttachmentState::Importing, None, now())
            .await?;
        record.state = AttachmentState::Importing;
        if !has_mailbox(deps, &record).await? {
            return Ok(Outcome::Later(WAIT_FOR_MAILBOX));
        }
    }
    let spool = match Spool::open(upload) {
        Ok(spool) => spool,
        Err(error @ SpoolError::Disk(_)) => return Err(Fault::ours(error)),
        Err(error) => {
            let why = failure("file_not_readable", &error.to_string());
            return end(deps, &record, AttachmentState::Failed, Some(why)).await;
        }
    };
    let dav = deps.profile.dav.as_ref();
    let choices = Choices {
        update: record.update,
        in_flight: dav.map_or(1, |dav| dav.requests).into(),
    };
    let mut import = Import::new(session, spool, journal, choices);
    let mut progressed = false;
    loop {
        if deadline.remaining() < reserve {
            return Ok(Outcome::Continue);
        }
        match import.step(&mut record.progress, deadline).await {
            Ok(Step::More) => progressed = true,
            Ok(Step::Done) => break,
            Ok(Step::OutOfTime) => return Ok(Outcome::Continue),
            Err(ImportError::Journal(StoreError::Conflict)) => return Ok(Outcome::Left),
            Err(error) => {
                let fault = match error {
                    ImportError::Server(error) => Fault::from(error),
                    other => Fault::ours(other),
                };
                return Err(Fault { progressed, ..fault });
            }
        }
    }
    let (state, why) = verdict(&record);
    tracing::info!(
        request.id = %record.request_id, attachment = record.attachment, objects = record.progress.objects,
        imported = record.progress.counts.imported, failed = record.progress.counts.failed, "imported"
    );
    end(deps, &record, state, why).await
}

/// How much time a batch needs to be begun; in a short run, half of it.
fn reserve(deadline: Deadline) -> Duration {
    BATCH_TIME.min(deadline.remaining() / 2)
}

/// How an import that came to its end has ended.
fn verdict(record: &AttachmentRecord) -> (AttachmentState, Option<Failure>) {
    let progress = &record.progress;
    if progress.objects == 0 {
        return (
            AttachmentState::Failed,
            Some(failure("nothing_found", "there is no contact and no entry in the file")),
        );
    }
    let is_whole =
        progress.counts.failed == 0 && progress.counts.kept == 0 && progress.problems_found <= progress.left_out;
    let state = if is_whole {
        AttachmentState::Completed
    } else {
        AttachmentState::CompletedWithExceptions
    };
    (state, None)
}

/// Takes back as much as there is time for.
pub async fn undo(
    deps: &Deps,
    record: AttachmentRecord,
    journal: &AttachmentJournal,
    deadline: Deadline,
) -> Result<Outcome, Fault> {
    let session = match session(deps, &record).await? {
        Ok(session) => session,
        Err(failure) => return end(deps, &record, AttachmentState::Failed, Some(failure)).await,
    };
    if !has_mailbox(deps, &record).await? {
        return Ok(Outcome::Later(WAIT_FOR_MAILBOX));
    }
    let in_flight = deps.profile.dav.as_ref().map_or(1, |dav| dav.requests).into();
    let mut number = record.undone_batches;
    let reserve = reserve(deadline);
    while let Some(batch) = journal.batch(number).await? {
        if deadline.remaining() < reserve {
            return Ok(Outcome::Continue);
        }
        let undone = undo_batch(&session, &batch, in_flight).await.map_err(|error| Fault {
            progressed: number > record.undone_batches,
            ..Fault::from(error)
        })?;
        journal.undone(number, undone.removed, undone.changed).await?;
        number += 1;
    }
    end(deps, &record, AttachmentState::Undone, None).await
}

/// An announced file that has not come: until nobody can send it any more it is waited for.
async fn missing(deps: &Deps, record: &AttachmentRecord) -> Result<Outcome, Fault> {
    if let Some(delay) = next_look(&record.created_at, now()) {
        return Ok(Outcome::Later(delay));
    }
    let why = failure(
        "upload_expired",
        "the file did not come; please announce and upload it again",
    );
    end(deps, record, AttachmentState::Failed, Some(why)).await
}

/// When a file that was announced then is looked for next; never, once nobody can send it any more.
fn next_look(announced: &str, now: Timestamp) -> Option<Duration> {
    let announced: Timestamp = announced.parse().ok()?;
    let until = announced.checked_add(ATTACHMENT_AWAITED).ok()?;
    let left = Duration::try_from(until.duration_since(now)).ok()?;
    (!left.is_zero()).then(|| LOOK_FOR_FILE.min(left))
}

/// Whether no other file is being imported into the mailbox.
async fn has_mailbox(deps: &Deps, record: &AttachmentRecord) -> Result<bool, Fault> {
    let job = deps.store.job(record.job_id).await?;
    Ok(deps.store.lock_dav(&job.destination, record).await?)
}

/// A session for the mailbox, or why there will be none.
async fn session(deps: &Deps, record: &AttachmentRecord) -> Result<Result<DavSession, Failure>, Fault> {
    let request = deps.store.find_request(record.request_id).await?;
    if request.is_none_or(|request| matches!(request.state, RequestState::Cancelled | RequestState::Failed)) {
        return Ok(Err(failure(
            "request_ended",
            "the request has ended; files for it are not imported any more",
        )));
    }
    let job = match deps.store.job(record.job_id).await {
        Err(StoreError::Missing(_)) => {
            let why = "the mailbox was taken out of the request by a new upload of its list; announce the file again";
            return Ok(Err(failure("mailbox_gone", why)));
        }
        job => job?,
    };
    match session_for(&deps.profile, &deps.secrets, &deps.connector, &job).await {
        Ok(session) => Ok(Ok(session)),
        Err(AccessError::Secret(SecretError::Destroyed)) => {
            let why =
                "the mailbox's password was deleted when its move was over; nothing can be changed with it any more";
            Ok(Err(failure("request_ended", why)))
        }
        Err(AccessError::Server(error)) => Err(error.into()),
        Err(AccessError::Secret(error)) => Err(Fault::ours(error)),
    }
}

async fn end(
    deps: &Deps,
    record: &AttachmentRecord,
    state: AttachmentState,
    failure: Option<Failure>,
) -> Result<Outcome, Fault> {
    match deps
        .store
        .advance_attachment(record, state, failure.as_ref(), now())
        .await
    {
        Ok(()) => Ok(Outcome::Ended),
        Err(StoreError::Conflict) => Ok(Outcome::Left),
        Err(error) => Err(error.into()),
    }
}

fn failure(code: &str, message: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_looked_for_until_nobody_can_send_it_any_more() {
        let at = |minute: i64| Timestamp::from_second(1_800_000_000 + minute * 60).unwrap();
        let announced = at(0).to_string();
        for (minute, next) in [
            (0, Some(15)),
            (75, Some(15)),
            (80, Some(10)),
            (89, Some(1)),
            (90, None),
            (600, None),
        ] {
            let delay = next.map(Duration::from_mins);
            assert_eq!(next_look(&announced, at(minute)), delay, "{minute}");
        }
        // One whose announcement cannot be read is not awaited for ever.
        assert_eq!(next_look("some day", at(0)), None);
    }
}
