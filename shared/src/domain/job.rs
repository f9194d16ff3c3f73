//! The states of a mailbox job, and the one function that moves it from one to the next.
//!
//! ```text
//! waiting -> planning(first) -> copying(first) -> awaiting_cutover -> planning(final) -> copying(final) -> certifying
//!                    \------------\-> failed -----------^    ^              \--------------/-> failed
//!
//! certifying -> completed, or completed_with_exceptions
//!
//! completed, completed_with_exceptions, failed -> planning(later) -> copying(later) -> certifying
//!                                                        \---------------\-> as it was, or with exceptions
//! ```
//!
//! A mailbox that failed in the first pass gets its second chance in the final one; one that fails
//! there stays failed. Where all of a request's mailboxes failed in the first pass, that pass is begun again: what failed
//! waits once more, and goes on where it was. One that is being certified has been copied, and fails no more: where no
//! certificate can be made, that is its exception. A later pass that brings nothing, or cannot be done,
//! leaves a mailbox that was copied as it was. The pass is stored beside the state, so that staff
//! can ask the table for all mailboxes that are being copied, whichever pass it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Pass, PassOutcome};

/// Where a mailbox is on its way; the pass stands beside it in [`JobStatus`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nothing was done.
    Waiting,
    /// Folders are listed, created and cut into chunks.
    Planning,
    /// Chunks are copied.
    Copying,
    /// The first pass is done.
    AwaitingCutover,
    /// Both passes are done; what the destination holds is being read and compared.
    Certifying,
    /// The certificate agrees: everything was copied.
    Completed,
    /// Both passes are done, but something was not copied, or is not there as it was at the source.
    CompletedWithExceptions,
    /// The pass could not be done.
    Failed,
    /// Ended by the customer or by staff.
    Cancelled,
}

/// A state and the pass it belongs to: none before the first begins, always one while planning or
/// copying, the final or a later one while certifying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct JobStatus {
    state: JobState,
    pass: Option<Pass>,
}

/// What can happen to a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobEvent {
    /// Its pass began.
    PassStarted(Pass),
    /// Its folders are cut into chunks.
    Planned(Pass),
    /// Its last chunk is copied, or there was none.
    PassFinished(Pass),
    /// What the destination holds has been compared, or could not be.
    Certified {
        /// After which pass.
        pass: Pass,
        /// Whether anything is not there as it was at the source, or that could not be found out.
        exceptions: bool,
    },
    /// A later pass is over without a new certificate: nothing was to be fetched, or it could not be done, or not
    /// to its end.
    LookEnded {
        /// Which pass.
        pass: Pass,
        /// Whether something is not at the destination as it should be: as before, or for what happened now.
        exceptions: bool,
    },
    /// The pass cannot be done.
    Failed,
    /// It failed in the first pass, which is begun again.
    TriedAgain,
    /// The customer or staff end it.
    Cancelled,
}

/// An event that a status does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a mailbox that is {status} cannot take {event:?}")]
pub struct IllegalTransition {
    /// The status the mailbox is in.
    pub status: JobStatus,
    /// What was to happen.
    pub event: JobEvent,
}

/// A state and a pass that do not go together, or a text that names no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a status of a mailbox job")]
pub struct BadStatus;

/// Says the status that follows.
///
/// # Errors
/// [`IllegalTransition`] when the status does not allow the event;
/// [`IllegalTransition::already_there`] then tells an event that was delivered twice from one that
/// is out of order.
pub fn transition(status: JobStatus, event: JobEvent) -> Result<JobStatus, IllegalTransition> {
    use JobEvent as E;
    use JobState as S;
    let JobStatus { state, pass: at } = status;
    let next = match (state, event) {
        (S::Waiting, E::PassStarted(Pass::First)) => Some((S::Planning, Some(Pass::First))),
        (S::AwaitingCutover, E::PassStarted(Pass::Final)) => Some((S::Planning, Some(Pass::Final))),
        (S::Failed, E::PassStarted(pass)) if pass > Pass::First && at.is_none_or(|at| at < pass) => {
            Some((S::Planning, Some(pass)))
        }
        (S::Completed | S::CompletedWithExceptions, E::PassStarted(pass)) if at < Some(pass) => {
            Some((S::Planning, Some(pass)))
        }
        (S::Planning, E::Planned(pass)) if at == Some(pass) => Some((S::Copying, at)),
        (S::Planning | S::Copying, E::PassFinished(pass)) if at == Some(pass) => Some((finished(pass), at)),
        (S::Certifying, E::Certified { pass, exceptions }) if at == Some(pass) => Some((ended(exceptions), at)),
        (S::Planning | S::Copying | S::Certifying, E::LookEnded { pass, exceptions })
            if at == Some(pass) && pass.is_later() =>
        {
            Some((ended(exceptions), at))
        }
        (S::Waiting | S::Planning | S::Copying, E::Failed) => Some((S::Failed, at)),
        (S::Failed, E::TriedAgain) if at.is_none_or(|at| at == Pass::First) => Some((S::Waiting, None)),
        (state, E::Cancelled) if !state.is_terminal() => Some((S::Cancelled, at)),
        _ => None,
    };
    next.map(|(state, pass)| JobStatus { state, pass })
        .ok_or(IllegalTransition { status, event })
}

fn finished(pass: Pass) -> JobState {
    match pass {
        Pass::First => JobState::AwaitingCutover,
        Pass::Final | Pass::Later(_) => JobState::Certifying,
    }
}

fn ended(exceptions: bool) -> JobState {
    if exceptions {
        JobState::CompletedWithExceptions
    } else {
        JobState::Completed
    }
}

/// Says how a pass went, once no mailbox is open in it any more.
///
/// Cancelled mailboxes do not count; with no other left it is [`PassOutcome::AllWell`].
pub fn pass_outcome(jobs: impl Iterator<Item = JobState>) -> PassOutcome {
    let (mut failed, mut copied, mut exceptions) = (false, false, false);
    for state in jobs {
        match state {
            JobState::Failed => failed = true,
            JobState::Cancelled => {}
            JobState::CompletedWithExceptions => (copied, exceptions) = (true, true),
            JobState::Waiting
            | JobState::Planning
            | JobState::Copying
            | JobState::AwaitingCutover
            | JobState::Certifying
            | JobState::Completed => copied = true,
        }
    }
    match (failed, copied, exceptions) {
        (true, false, _) => PassOutcome::AllFailed,
        (true, true, _) | (_, _, true) => PassOutcome::WithExceptions,
        (false, _, false) => PassOutcome::AllWell,
    }
}

impl JobState {
    /// All states, in the order of the way.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Planning,
        Self::Copying,
        Self::AwaitingCutover,
        Self::Certifying,
        Self::Completed,
        Self::CompletedWithExceptions,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing can happen to the mailbox any more but a later pass. A failed one may still be tried
    /// again or cancelled.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::CompletedWithExceptions | Self::Cancelled)
    }

    /// Whether the running pass still has work to do on the mailbox; a pass is settled when no
    /// mailbox is open.
    ///
    /// When a pass begins, a mailbox that is not yet planning is not open by its state but is to be
    /// counted as such.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Planning | Self::Copying | Self::Certifying)
    }

    /// The state as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Planning => "planning",
            Self::Copying => "copying",
            Self::AwaitingCutover => "awaiting_cutover",
            Self::Certifying => "certifying",
            Self::Completed => "completed",
            Self::CompletedWithExceptions => "completed_with_exceptions",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl JobStatus {
    /// What every mailbox begins with.
    pub const WAITING: Self = Self {
        state: JobState::Waiting,
        pass: None,
    };

    /// Puts together what was stored apart.
    ///
    /// # Errors
    /// [`BadStatus`] when no transition leads to this pair.
    pub fn new(state: JobState, pass: Option<Pass>) -> Result<Self, BadStatus> {
        let fits = match state {
            JobState::Waiting => pass.is_none(),
            JobState::Planning | JobState::Copying => pass.is_some(),
            JobState::AwaitingCutover => pass == Some(Pass::First),
            JobState::Certifying | JobState::Completed | JobState::CompletedWithExceptions => pass >= Some(Pass::Final),
            JobState::Failed | JobState::Cancelled => true,
        };
        if fits { Ok(Self { state, pass }) } else { Err(BadStatus) }
    }

    /// The state, which the table stores as `state`.
    pub fn state(self) -> JobState {
        self.state
    }

    /// Whether it could not be copied in the first pass, and no final one has begun.
    pub fn has_stopped(self) -> bool {
        self.state == JobState::Failed && self.pass.is_none_or(|pass| pass == Pass::First)
    }

    /// The pass that is running or was the last to run, which the table stores as `pass`.
    pub fn pass(self) -> Option<Pass> {
        self.pass
    }

    fn progress(self) -> u64 {
        let pass = self.pass.unwrap_or(Pass::First);
        let before = before(pass);
        match self.state {
            JobState::Waiting | JobState::Cancelled => 0,
            JobState::Planning => before + 1,
            JobState::Copying => before + 2,
            JobState::AwaitingCutover | JobState::Certifying => before + 3,
            JobState::Failed if pass == Pass::First => before + 3,
            JobState::Completed | JobState::CompletedWithExceptions | JobState::Failed => before + 4,
        }
    }
}

impl IllegalTransition {
    /// Whether the event has nothing left to do: the mailbox is at or past the status it leads to,
    /// so it was delivered twice or too late.
    ///
    /// In a cancelled mailbox only a second cancellation is; everything else came too late for
    /// another reason.
    pub fn already_there(&self) -> bool {
        let leads_to = match self.event {
            JobEvent::PassStarted(pass) => before(pass) + 1,
            JobEvent::Planned(pass) => before(pass) + 2,
            JobEvent::PassFinished(pass) => before(pass) + 3,
            JobEvent::Certified { pass, .. } | JobEvent::LookEnded { pass, .. } => before(pass) + 4,
            JobEvent::Failed => return self.status.state == JobState::Failed,
            JobEvent::TriedAgain => return self.status.state == JobState::Waiting,
            JobEvent::Cancelled => return self.status.state == JobState::Cancelled,
        };
        self.status.progress() >= leads_to
    }
}

/// How far a mailbox is when the pass before this one is over: the first has three steps, each other four.
fn before(pass: Pass) -> u64 {
    match pass {
        Pass::First => 0,
        Pass::Final => 3,
        Pass::Later(number) => 3 + 4 * u64::from(number),
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    state: JobState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pass: Option<Pass>,
}

impl TryFrom<Stored> for JobStatus {
    type Error = BadStatus;

    fn try_from(stored: Stored) -> Result<Self, BadStatus> {
        Self::new(stored.state, stored.pass)
    }
}

impl From<JobStatus> for Stored {
    fn from(status: JobStatus) -> Self {
        Self {
            state: status.state,
            pass: status.pass,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for JobStatus {
    /// `waiting`, `copying (first)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pass {
            Some(pass) => write!(f, "{} ({pass})", self.state),
            None => write!(f, "{}", self.state),
        }
    }
}

impl FromStr for JobState {
    type Err = BadStatus;

    fn from_str(text: &str) -> Result<Self, BadStatus> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(BadStatus)
    }
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
