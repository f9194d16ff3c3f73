//! When the last mailbox of a pass has ended, its request moves on.

use futures_util::{TryStreamExt as _, stream};
use jiff::Timestamp;

use super::SyncError;
use crate::domain::patience::Prospect;
use crate::domain::{JobId, Pass, PassOutcome, RequestEvent, RequestId, RequestState, pass_outcome};
use crate::imap::{Disposition, ImapError};
use crate::store::job::Failure;
use crate::store::request::RequestChange;
use crate::store::{Advance, JobRecord, NoticeKind, RequestRecord, Store, StoreError};
use crate::telemetry::{Unit, measure};

/// How many mailboxes of a cancelled request are ended at the same time.
const ENDED_AT_ONCE: usize = 16;

/// Moves a request on if no mailbox is open in its pass, and gives the notices that wait to be
/// sent. Idempotency key: the request and its pass; run again, it gives the same notices until they
/// have been sent.
///
/// # Errors
/// [`StoreError`].
pub async fn settle_request(store: &Store, id: RequestId, now: Timestamp) -> Result<Vec<NoticeKind>, StoreError> {
    let request = store.request(id).await?;
    let pass = match request.state {
        RequestState::FirstPass => Some(Pass::First),
        RequestState::FinalPass => Some(Pass::Final),
        _ => None,
    };
    if let Some(pass) = pass
        && request.open_jobs == 0
    {
        let jobs = store.jobs(id, request.generation).await?;
        let outcome = pass_outcome(jobs.iter().map(|job| job.status.state()));
        let notice = Some(match (pass, outcome) {
            (_, PassOutcome::AllFailed) => NoticeKind::Failed,
            (Pass::First, _) => NoticeKind::FirstPassDone,
            (Pass::Final, _) => NoticeKind::Finished,
        });
        let change = RequestChange {
            notice,
            if_nothing_open: true,
            ..RequestChange::default()
        };
        match store
            .advance_request(id, RequestEvent::PassSettled { pass, outcome }, now, change)
            .await
        {
            Ok(Advance::Changed(_)) if pass == Pass::First => measure_estimate(store, &request, now),
            // Cancelled meanwhile: nothing to settle. Or contacts and calendars are being imported: their end settles.
            Ok(_) | Err(StoreError::Illegal(_) | StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    store.unsent_notices(id).await
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
    if let Advance::Changed(_) = store.fail_job(id, failure, now).await? {
        let job = id.to_string();
        let about = [("job.id", job.as_str()), ("error.code", failure.code.as_str())];
        measure(store.table(), &[("MailboxesFailed", Unit::Count, 1)], &about, now);
    }
    settle_request(store, id.request(), now).await
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
            Self::CutOff(_) | Self::NoConnection | Self::Store(_) | Self::Secret(_) => false,
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
        matches!(self, Self::Source(ImapError::LoginRefused { passing: true, .. }))
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
        SyncError::OverQuota(_) | SyncError::TooManyRefused(_) | SyncError::CutOff(_) => error.to_string(),
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
