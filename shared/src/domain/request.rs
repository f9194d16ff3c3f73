//! The states of a request, and the one function that moves it from one to the next.
//!
//! ```text
//! awaiting_upload -> checking -> scheduled -> first_pass -> awaiting_cutover -> final_pass -> completed
//!                      |  ^                                                               \-> completed_with_exceptions
//!                      v  |
//!                  needs_attention          from every state that is not an end: -> cancelled, -> failed
//! ```
//!
//! A request that was completed may be taken up again: `completed`, `completed_with_exceptions` -> `later_pass` -> one of
//! them. What has been copied by then stays so, so that it is neither cancelled nor fails any more.
//!
//! A scheduled request whose mailboxes can none of them start when its time has come needs attention
//! again. So does one of whose mailboxes the first pass could copy none: mended, it is scheduled again, and goes on
//! where it was.
//!
//! The machine does not know who causes an event nor what follows from it; both stand in the
//! functions. Whoever stores the next state does so on the condition that the state it started from
//! is still stored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Pass;

/// Where a request is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Made; the file has not arrived.
    AwaitingUpload,
    /// Rows are being read and checked.
    Checking,
    /// Something has to be mended by the customer before it can be scheduled, or scheduled again.
    NeedsAttention,
    /// Accepted; the first pass starts at its time.
    Scheduled,
    /// Mailboxes are copied for the first time.
    FirstPass,
    /// Copied; the DNS is to be changed now.
    AwaitingCutover,
    /// What changed since the first pass is copied.
    FinalPass,
    /// It had ended, and what arrived at the previous provider since is fetched.
    LaterPass,
    /// Ended, and everything was copied.
    Completed,
    /// Ended, but some messages or mailboxes were not copied; the report names them.
    CompletedWithExceptions,
    /// Ended by the customer or by staff.
    Cancelled,
    /// Ended without a mailbox copied.
    Failed,
}

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestEvent {
    /// The file, or a corrected one, has arrived. Which upload it is says the generation, not the
    /// state.
    UploadReceived,
    /// All rows are good, or the customer takes the good ones.
    Accepted,
    /// There are rows to mend.
    FaultsFound,
    /// A row was mended, and is checked again.
    RowMended,
    /// Its time has come, and there is no mailbox that could be copied.
    NoneCanStart,
    /// A pass began.
    PassStarted(Pass),
    /// The last mailbox of a pass came to its end.
    PassSettled {
        /// Which pass.
        pass: Pass,
        /// How it went.
        outcome: PassOutcome,
    },
    /// The customer or staff end it.
    Cancelled,
    /// It cannot go on.
    Failed,
}

/// How a pass went over all mailboxes of a request; [`super::pass_outcome`] says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassOutcome {
    /// Every mailbox was copied whole.
    AllWell,
    /// Something was not copied.
    WithExceptions,
    /// No mailbox was copied.
    AllFailed,
}

/// An event that a state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request that is {state} cannot take {event:?}")]
pub struct IllegalTransition {
    /// The state the request is in.
    pub state: RequestState,
    /// What was to happen.
    pub event: RequestEvent,
}

/// A text that names no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a state of a request")]
pub struct UnknownRequestState;

/// Says the state that follows.
///
/// # Errors
/// [`IllegalTransition`] when the state does not allow the event;
/// [`IllegalTransition::already_there`] then tells an event that was delivered twice from one that
/// is out of order.
pub fn transition(state: RequestState, event: RequestEvent) -> Result<RequestState, IllegalTransition> {
    use RequestEvent as E;
    use RequestState as S;
    match (state, event) {
        (S::AwaitingUpload | S::NeedsAttention, E::UploadReceived) | (S::NeedsAttention, E::RowMended) => {
            Ok(S::Checking)
        }
        (S::Checking | S::NeedsAttention, E::Accepted) => Ok(S::Scheduled),
        (S::Checking, E::FaultsFound) | (S::Scheduled, E::NoneCanStart) => Ok(S::NeedsAttention),
        (S::Scheduled, E::PassStarted(Pass::First)) => Ok(S::FirstPass),
        (S::AwaitingCutover, E::PassStarted(Pass::Final)) => Ok(S::FinalPass),
        (S::Completed | S::CompletedWithExceptions, E::PassStarted(Pass::Later(_))) => Ok(S::LaterPass),
        (
            S::FirstPass,
            E::PassSettled {
                pass: Pass::First,
                outcome,
            },
        ) => Ok(match outcome {
            PassOutcome::AllWell | PassOutcome::WithExceptions => S::AwaitingCutover,
            PassOutcome::AllFailed => S::NeedsAttention,
        }),
        (
            S::FinalPass,
            E::PassSettled {
                pass: Pass::Final,
                outcome,
            },
        ) => Ok(match outcome {
            PassOutcome::AllWell => S::Completed,
            PassOutcome::WithExceptions => S::CompletedWithExceptions,
            PassOutcome::AllFailed => S::Failed,
        }),
        // What was copied stays copied, whatever came of looking once more.
        (
            S::LaterPass,
            E::PassSettled {
                pass: Pass::Later(_),
                outcome,
            },
        ) => Ok(match outcome {
            PassOutcome::AllWell => S::Completed,
            PassOutcome::WithExceptions | PassOutcome::AllFailed => S::CompletedWithExceptions,
        }),
        (state, E::Cancelled) if state.may_be_given_up() => Ok(S::Cancelled),
        (state, E::Failed) if state.may_be_given_up() => Ok(S::Failed),
        _ => Err(IllegalTransition { state, event }),
    }
}

impl RequestState {
    /// All states, in the order of the way.
    pub const ALL: [Self; 12] = [
        Self::AwaitingUpload,
        Self::Checking,
        Self::NeedsAttention,
        Self::Scheduled,
        Self::FirstPass,
        Self::AwaitingCutover,
        Self::FinalPass,
        Self::LaterPass,
        Self::Completed,
        Self::CompletedWithExceptions,
        Self::Cancelled,
        Self::Failed,
    ];

    /// Whether the request has ended. One that was copied may be taken up again by a later pass, as long as
    /// its passwords are kept.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::CompletedWithExceptions | Self::Cancelled | Self::Failed
        )
    }

    /// Whether it was copied and has ended once; it may be that it is looked at again.
    pub fn has_been_completed(self) -> bool {
        matches!(self, Self::Completed | Self::CompletedWithExceptions | Self::LaterPass)
    }

    /// Whether it can still be cancelled, or fail.
    fn may_be_given_up(self) -> bool {
        !self.is_terminal() && !self.has_been_completed()
    }

    /// Whether room in its time frames is promised to it.
    pub fn has_room(self) -> bool {
        matches!(self, Self::Scheduled | Self::FirstPass)
    }

    /// Whether room in its time frames is being promised to it, before it is scheduled.
    pub fn may_be_given_room(self) -> bool {
        transition(self, RequestEvent::Accepted) == Ok(Self::Scheduled)
    }

    /// Whether it waits for its customer, or for what its customer set off.
    pub fn waits_for_its_customer(self) -> bool {
        matches!(
            self,
            Self::AwaitingUpload | Self::Checking | Self::NeedsAttention | Self::AwaitingCutover
        )
    }

    /// Whether no pass has begun, or the first one is to begin again.
    pub fn is_to_begin(self) -> bool {
        matches!(
            self,
            Self::AwaitingUpload | Self::Checking | Self::NeedsAttention | Self::Scheduled
        )
    }

    /// Whether it can be shown what the first pass would do: its mailboxes are known, and it has not
    /// begun.
    pub fn allows_preview(self) -> bool {
        matches!(self, Self::NeedsAttention | Self::Scheduled)
    }

    /// The state as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingUpload => "awaiting_upload",
            Self::Checking => "checking",
            Self::NeedsAttention => "needs_attention",
            Self::Scheduled => "scheduled",
            Self::FirstPass => "first_pass",
            Self::AwaitingCutover => "awaiting_cutover",
            Self::FinalPass => "final_pass",
            Self::LaterPass => "later_pass",
            Self::Completed => "completed",
            Self::CompletedWithExceptions => "completed_with_exceptions",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// How far along the way the state is; a failed request is past everything, because failing
    /// ended the way.
    fn progress(self) -> u8 {
        match self {
            Self::AwaitingUpload | Self::Cancelled => 0,
            Self::Checking => 1,
            Self::NeedsAttention => 2,
            Self::Scheduled => 3,
            Self::FirstPass => 4,
            Self::AwaitingCutover => 5,
            Self::FinalPass => 6,
            Self::Completed | Self::CompletedWithExceptions | Self::Failed => 7,
            Self::LaterPass => 8,
        }
    }
}

impl IllegalTransition {
    /// Whether the event has nothing left to do: the request is at or past the state it leads to,
    /// so it was delivered twice or too late.
    ///
    /// In a cancelled request only a second cancellation is; everything else came too late for
    /// another reason, which [`RequestState::is_terminal`] tells.
    pub fn already_there(&self) -> bool {
        let leads_to = match self.event {
            RequestEvent::UploadReceived => 1,
            RequestEvent::FaultsFound => 2,
            RequestEvent::Accepted => 3,
            RequestEvent::RowMended => return self.state == RequestState::Checking,
            RequestEvent::NoneCanStart => return self.state == RequestState::NeedsAttention,
            RequestEvent::PassSettled {
                pass: Pass::First,
                outcome: PassOutcome::AllFailed,
            } if self.state == RequestState::NeedsAttention => return true,
            RequestEvent::PassStarted(Pass::First) => 4,
            RequestEvent::PassSettled { pass: Pass::First, .. } => 5,
            RequestEvent::PassStarted(Pass::Final) => 6,
            RequestEvent::PassSettled { .. } => 7,
            RequestEvent::PassStarted(Pass::Later(_)) => 8,
            RequestEvent::Cancelled => return self.state == RequestState::Cancelled,
            RequestEvent::Failed => return self.state == RequestState::Failed,
        };
        self.state.progress() >= leads_to
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RequestState {
    type Err = UnknownRequestState;

    fn from_str(text: &str) -> Result<Self, UnknownRequestState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownRequestState)
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
