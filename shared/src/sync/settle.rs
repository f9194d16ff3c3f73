//! When the last mailbox of a pass has ended, its request moves on.

use std::time::Duration;

use futures_util::{TryStreamExt as _, stream};
use jiff::Timestamp;

use super::SyncError;
use crate::domain::patience::{Faults, Prospect};
use crate::domain::{
    JobId, JobState, LaterLooks, Pass, PassOutcome, RequestEvent, RequestId, RequestState, pass_outcome,
};
use crate::imap::{Disposition, ImapError};
use crate::store::job::Failure;
use crate::store::later::{NOT_IN_TIME, PASSWORDS_DELETED, is_shut_out, may_pass};
use crate::store::request::RequestChange;
use crate::store::{Advance, JobRecord, NoticeKind, RequestRecord, StaffCause, Store, StoreError};
use crate::telemetry::{Unit, measure};

/// How many mailboxes of a cancelled request are ended at the same time.
const ENDED_AT_ONCE: usize = 16;

const NONE_COPIED: &str = "none_copied";

/// Moves a request on if no mailbox is open in its pass, and gives the notices that wait to be
/// sent. Idempotency key: the request and its pass; run again, it gives the same notices until they
/// have been sent.
///
/// # Errors
/// [`StoreError`].
pub async fn settle_request(store: &Store, id: RequestId, now: Timestamp) -> Result<Vec<NoticeKind>, StoreError> {
    loop {
        let request = store.request(id).await?;
        match running(&request) {
            Some(pass) if request.open_jobs == 0 => match end_pass(store, &request, pass, now).await {
                Ok(Advance::Changed(ended)) if pass == Pass::First && ended.state != RequestState::NeedsAttention => {
                    measure_estimate(store, &request, now);
                }
                // The passwords were deleted in this moment.
                Err(StoreError::Conflict) if store.request(id).await?.looks != request.looks => continue,
                // Cancelled meanwhile: nothing to settle. Or contacts and calendars are being imported: their end settles.
                Ok(_) | Err(StoreError::Illegal(_) | StoreError::Conflict) => {}
                Err(error) => return Err(error),
            },
            _ => {}
        }
        return store.unsent_notices(id).await;
    }
}

/// The pass that a request is in.
fn running(request: &RequestRecord) -> Option<Pass> {
    match request.state {
        RequestState::FirstPass => Some(Pass::First),
        RequestState::FinalPass => Some(Pass::Final),
        RequestState::LaterPass => request.looks.as_ref().map(LaterLooks::running),
        _ => None,
    }
}

/// Ends the pass of a request of which no mailbox is open any more.
async fn end_pass(
    store: &Store,
    request: &RequestRecord,
    pass: Pass,
    now: Timestamp,
) -> Result<Advance<RequestRecord>, StoreError> {
    let jobs = store.jobs(request.request_id, request.generation).await?;
    let outcome = pass_outcome(jobs.iter().map(|job| job.status.state()));
    if outcome == PassOutcome::AllFailed && !pass.is_later() {
        tell_staff(store, request.request_id, StaffCause::AllFailed, now).await?;
    }
    let looks = request.looks.as_ref().map(|looks| looks_after(looks, &jobs, pass, now));
    let is_last = !looks.as_ref().is_some_and(LaterLooks::has_more);
    let notice = match (pass, outcome) {
        (Pass::Later(number), _) => {
            let is_told = jobs.iter().any(|job| is_worth_telling(job, pass, is_last)) || is_shut_out_now(&jobs, pass);
            is_told.then_some(NoticeKind::LookedAgain { pass: number })
        }
        (Pass::First, PassOutcome::AllFailed) => Some(NoticeKind::Refused {
            generation: request.generation,
        }),
        (_, PassOutcome::AllFailed) => Some(NoticeKind::Failed),
        (Pass::First, _) => Some(NoticeKind::FirstPassDone),
        (Pass::Final, _) => Some(NoticeKind::Finished),
    };
    let has_stopped = pass == Pass::First && outcome == PassOutcome::AllFailed;
    let change = RequestChange {
        notice,
        failure: has_stopped.then(none_copied),
        looks,
        if_looks: request.looks.clone(),
        if_state_since: Some(request.state_since.clone()),
        // Those that come after an end hold nothing up.
        if_nothing_open: !pass.is_later(),
        ..RequestChange::default()
    };
    store
        .advance_request(
            request.request_id,
            RequestEvent::PassSettled { pass, outcome },
            now,
            change,
        )
        .await
}

/// The looks that are to come after a pass; another one where this one ran into what may pass.
fn looks_after(looks: &LaterLooks, jobs: &[JobRecord], pass: Pass, now: Timestamp) -> LaterLooks {
    let looks = looks.after_pass(pass, now);
    let may_do_better = |job: &JobRecord| {
        let looked = job
            .looked
            .as_ref()
            .filter(|looked| looked.pass == pass && looked.is_amiss);
        let trouble = looked.and_then(|looked| looked.trouble.as_ref());
        trouble.is_some_and(|failure| may_pass(&failure.code))
    };
    if jobs.iter().any(may_do_better) {
        looks.after_trouble(now)
    } else {
        looks.after_success()
    }
}

/// Whether a later pass brought something, or ran into something that its customer does not expect. The same again is
/// told when it is the last word.
fn is_worth_telling(job: &JobRecord, pass: Pass, is_last: bool) -> bool {
    let now = job.looked.as_ref().filter(|looked| looked.pass == pass);
    now.is_some_and(|looked| looked.messages > 0 || looked.is_amiss && (is_last || !looked.is_repeated))
}

/// Whether the previous provider lets nobody in any more, for the first time: whoever has not given it up there has to know
/// that nothing more is fetched.
fn is_shut_out_now(jobs: &[JobRecord], pass: Pass) -> bool {
    let mut looked = jobs.iter().filter_map(|job| job.looked.as_ref());
    is_shut_out(jobs, pass) && looked.any(|looked| looked.pass == pass && !looked.is_repeated)
}

/// Why a request waits for its customer whose mailboxes could none of them be copied in the first pass.
pub fn none_copied() -> Failure {
    Failure {
        code: NONE_COPIED.to_owned(),
        message: "none of the mailboxes could be copied; each says why".to_owned(),
    }
}

/// Whether a failure of a request is that.
pub fn is_none_copied(code: Option<&str>) -> bool {
    code == Some(NONE_COPIED)
}

/// Tells how far the time that was estimated for a first pass was from what it took, without the nights' ends.
fn measure_estimate(store: &Store, request: &RequestRecord, now: Timestamp) {
    let (Some(estimated), Ok(since)) = (request.estimated, request.state_since.parse::<Timestamp>()) else {
        return;
    };
    let seconds = request.open_time(since, now).as_secs().max(0);
    let bound = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    let missed = estimated.missed_by(seconds.unsigned_abs());
    let metrics = [
        ("FirstPassSeconds", Unit::Seconds, seconds),
        ("EstimatedSecondsLow", Unit::Seconds, bound(estimated.low)),
        ("EstimatedSecondsHigh", Unit::Seconds, bound(estimated.high)),
        ("EstimateMissedBy", Unit::Percent, missed),
    ];
    let id = request.request_id.to_string();
    measure(store.table(), &metrics, &[("request.id", &id)], now);
}

/// Ends a mailbox's pass as failed and settles its request.
///
/// # Errors
/// [`StoreError`].
pub async fn fail_mailbox(
    store: &Store,
    id: JobId,
    failure: &Failure,
    now: Timestamp,
) -> Result<Vec<NoticeKind>, StoreError> {
    tracing::warn!(job.id = %id, error.code = failure.code, "mailbox failed: {}", failure.message);
    let is_for_staff = match store.fail_job(id, failure, now).await? {
        Advance::Changed(job) => {
            // One that had been copied before a later pass does not fail with it.
            if job.status.state() == JobState::Failed {
                let job = id.to_string();
                let about = [("job.id", job.as_str()), ("error.code", failure.code.as_str())];
                measure(store.table(), &[("MailboxesFailed", Unit::Count, 1)], &about, now);
            }
            true
        }
        // Whoever failed it may have died before staff were told; of one that has ended otherwise there is nothing to tell.
        Advance::AlreadyThere(job) => {
            job.status.state() == JobState::Failed && job.error_code.as_deref() == Some(failure.code.as_str())
        }
    };
    if is_for_staff && needs_staff(&failure.code) {
        tell_staff(store, id.request(), StaffCause::GivenUp, now).await?;
    }
    settle_request(store, id.request(), now).await
}

/// Puts into the outbox that staff are needed, once a request and cause.
///
/// # Errors
/// [`StoreError`].
pub async fn tell_staff(store: &Store, id: RequestId, cause: StaffCause, now: Timestamp) -> Result<(), StoreError> {
    let notice = NoticeKind::NeedsStaff { cause };
    store.queue_notice(id, notice, now).await.map(drop)
}

/// Whether a mailbox failed for something that its customer cannot mend: our fault, or that of the new server. A full
/// mailbox there is the customer's to have enlarged, and so is a wrong password; where it is wrong for all, the end of
/// the pass tells staff.
fn needs_staff(code: &str) -> bool {
    match code {
        "destination_over_quota" | "destination_login_refused" => false,
        "gave_up" | "cut_off" | "internal" => true,
        code => code.starts_with("destination_"),
    }
}

/// Ends the work on a mailbox whose request does not go on: it was cancelled, or its passwords were deleted
/// while a later pass ran. Idempotency key: the job.
///
/// # Errors
/// [`StoreError`].
pub async fn stop_mailbox(store: &Store, id: JobId, now: Timestamp) -> Result<Vec<NoticeKind>, StoreError> {
    let request = store.request(id.request()).await?;
    if request.has_lost_its_passwords() {
        let ran_out = request.looks.as_ref().is_some_and(LaterLooks::ran_out);
        let (code, message) = if ran_out {
            (
                NOT_IN_TIME,
                "it could not be looked at once more within the time for which passwords are kept",
            )
        } else {
            (
                PASSWORDS_DELETED,
                "the passwords were deleted before everything had been looked at once more",
            )
        };
        let failure = Failure {
            code: code.to_owned(),
            message: message.to_owned(),
        };
        return fail_mailbox(store, id, &failure, now).await;
    }
    if request.state.is_terminal() && store.job(id).await?.status.state().is_open() {
        store.cancel_job(id, now).await?;
    }
    Ok(Vec::new())
}

/// Ends mailboxes of a request that has ended, those that have not ended yet.
///
/// # Errors
/// [`StoreError`].
pub async fn cancel_jobs(store: &Store, jobs: &[JobRecord], now: Timestamp) -> Result<(), StoreError> {
    let open = jobs.iter().filter(|job| job.status.state().is_open());
    stream::iter(open.map(|job| Ok(job.job_id)))
        .try_for_each_concurrent(ENDED_AT_ONCE, |id| store.cancel_job(id, now))
        .await
}

impl SyncError {
    /// Whether only a person can mend this.
    pub fn needs_person(&self) -> bool {
        match self {
            Self::Source(error) | Self::Destination(error) => error.disposition() == Disposition::Person,
            Self::OverQuota(_) | Self::TooManyRefused(_) => true,
            Self::CutOff(_) | Self::NotListed(_) | Self::NoConnection | Self::Store(_) | Self::Secret(_) => false,
        }
    }

    /// What it says about trying again while a mailbox is being worked on.
    pub fn prospect(&self) -> Prospect {
        match (self.needs_person(), self.is_login()) {
            (false, _) => Prospect::Passing,
            (true, true) => Prospect::RefusedLogin,
            (true, false) => Prospect::Hopeless,
        }
    }

    /// Whether it concerns one folder, and the others can go on.
    pub fn is_about_one_folder(&self) -> bool {
        match self {
            Self::Source(error) => error.is_about_one_folder() || error.is_refused_reading(),
            Self::Destination(error) => error.is_about_one_folder(),
            _ => false,
        }
    }

    /// Whether it may be because of a message that the source was to give out.
    pub(super) fn may_be_of_a_message(&self) -> bool {
        matches!(self, Self::Source(error) if error.may_be_of_a_message())
    }

    /// Whether a login was refused.
    fn is_login(&self) -> bool {
        matches!(
            self,
            Self::Source(ImapError::LoginRefused { .. }) | Self::Destination(ImapError::LoginRefused { .. })
        )
    }

    /// Whether a server says that it is not the password: it has too many sessions, or is busy.
    pub fn is_crowded(&self) -> bool {
        let at_destination = matches!(self, Self::Destination(ImapError::LoginRefused { passing: true, .. }));
        at_destination || self.is_crowded_source()
    }

    /// Whether the previous provider's server says so.
    pub(crate) fn is_crowded_source(&self) -> bool {
        matches!(self, Self::Source(ImapError::LoginRefused { passing: true, .. })) && !self.is_capped()
    }

    /// Whether the previous provider gives out no more for a while: so much is allowed in a day.
    pub fn is_capped(&self) -> bool {
        matches!(self, Self::Source(error) if error.is_capped())
    }

    /// How long to wait after these faults, of which this is the last: as long as the server asks for, if that is longer.
    pub fn pause_after(&self, faults: Faults) -> Duration {
        let asked = match self {
            Self::Source(error) | Self::Destination(error) => error.backoff(),
            _ => None,
        };
        faults.pause().max(asked.unwrap_or_default())
    }

    /// Whether the connection to the previous provider's server ended as it should not.
    pub(crate) fn is_broken_source(&self) -> bool {
        use ImapError::{Bye, Closed, Io, TimedOut, Unreadable};
        matches!(
            self,
            Self::Source(Bye { .. } | Closed { .. } | Io { .. } | TimedOut { .. } | Unreadable { .. })
        )
    }

    /// The reason why a folder was not copied, for the job table and the customer.
    pub fn folder_failure(&self, title: &str) -> Failure {
        let Failure { code, message } = self.failure();
        Failure {
            code,
            message: format!("the folder {title} was not copied: {message}"),
        }
    }

    /// The reason for the job table and the customer.
    pub fn failure(&self) -> Failure {
        let code = match self {
            Self::Source(error) => format!("source_{}", error.code()),
            Self::Destination(error) => format!("destination_{}", error.code()),
            Self::OverQuota(_) => "destination_over_quota".to_owned(),
            Self::TooManyRefused(_) => "destination_refuses".to_owned(),
            Self::CutOff(_) => "cut_off".to_owned(),
            Self::NotListed(_) => "source_not_listed".to_owned(),
            Self::NoConnection => "no_connection".to_owned(),
            Self::Store(_) | Self::Secret(_) => "internal".to_owned(),
        };
        Failure {
            code,
            message: words(self),
        }
    }
}

/// An error with its causes, in one line.
fn words(error: &SyncError) -> String {
    let mut text = match error {
        SyncError::Source(cause) => format!("at the previous provider: {cause}"),
        SyncError::Destination(cause) => format!("at the new provider: {cause}"),
        SyncError::OverQuota(_) | SyncError::TooManyRefused(_) | SyncError::CutOff(_) | SyncError::NotListed(_) => {
            error.to_string()
        }
        SyncError::NoConnection => format!("{error}: ask again in a minute"),
        SyncError::Store(_) | SyncError::Secret(_) => return "an internal fault; staff have been told".to_owned(),
    };
    let inner = std::error::Error::source(error).and_then(std::error::Error::source);
    if let Some(cause) = inner {
        text.push_str(": ");
        text.push_str(&cause.to_string());
    }
    text
}
