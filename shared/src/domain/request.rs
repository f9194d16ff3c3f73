//! The states of a request, and the one function that moves it from one to the next.
//!
//! ```text
//! awaiting_upload -> checking -> scheduled -> first_pass -> awaiting_cutover -> final_pass -> completed
//!                      |  ^                                                               \-> completed_with_exceptions
//!                      v  |
//!                  needs_attention          from every state that is not an end: -> cancelled, -> failed
//! ```
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
        (state, E::Cancelled) if !state.is_terminal() => Ok(S::Cancelled),
        (state, E::Failed) if !state.is_terminal() => Ok(S::Failed),
        _ => Err(IllegalTransition { state, event }),
    }
}

impl RequestState {
    /// All states, in the order of the way.
    pub const ALL: [Self; 11] = [
        Self::AwaitingUpload,
        Self::Checking,
        Self::NeedsAttention,
        Self::Scheduled,
        Self::FirstPass,
        Self::AwaitingCutover,
        Self::FinalPass,
        Self::Completed,
        Self::CompletedWithExceptions,
        Self::Cancelled,
        Self::Failed,
    ];

    /// Whether nothing can happen to the request any more.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::CompletedWithExceptions | Self::Cancelled | Self::Failed
        )
    }

    /// Whether room in its time frames is promised to it.
    pub fn has_room(self) -> bool {
        matches!(self, Self::Scheduled | Self::FirstPass)
    }

    /// Whether room in its time frames is being promised to it, before it is scheduled.
    pub fn may_be_given_room(self) -> bool {
        transition(self, RequestEvent::Accepted) == Ok(Self::Scheduled)
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
            RequestEvent::PassSettled { pass: Pass::Final, .. } => 7,
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
mod tests {
    use super::*;

    const EVENTS: [RequestEvent; 15] = [
        RequestEvent::UploadReceived,
        RequestEvent::Accepted,
        RequestEvent::FaultsFound,
        RequestEvent::RowMended,
        RequestEvent::NoneCanStart,
        RequestEvent::PassStarted(Pass::First),
        RequestEvent::PassStarted(Pass::Final),
        RequestEvent::PassSettled {
            pass: Pass::First,
            outcome: PassOutcome::AllWell,
        },
        RequestEvent::PassSettled {
            pass: Pass::First,
            outcome: PassOutcome::WithExceptions,
        },
        RequestEvent::PassSettled {
            pass: Pass::First,
            outcome: PassOutcome::AllFailed,
        },
        RequestEvent::PassSettled {
            pass: Pass::Final,
            outcome: PassOutcome::AllWell,
        },
        RequestEvent::PassSettled {
            pass: Pass::Final,
            outcome: PassOutcome::WithExceptions,
        },
        RequestEvent::PassSettled {
            pass: Pass::Final,
            outcome: PassOutcome::AllFailed,
        },
        RequestEvent::Cancelled,
        RequestEvent::Failed,
    ];

    /// One line a state, one column an event in the order of `EVENTS`: the next state, `=` for
    /// illegal and already there, `-` for illegal.
    const TABLE: &str = "
        state                     Upload   Accept    Faults          Mended   None            Start1     Start2     S1well           S1some           S1none          S2well    S2some                    S2none Cancel    Fail
        awaiting_upload           checking -         -               -        -               -          -          -                -                -               -         -                         -      cancelled failed
        checking                  =        scheduled needs_attention =        -               -          -          -                -                -               -         -                         -      cancelled failed
        needs_attention           checking scheduled =               checking =               -          -          -                -                =               -         -                         -      cancelled failed
        scheduled                 =        =         =               -        needs_attention first_pass -          -                -                -               -         -                         -      cancelled failed
        first_pass                =        =         =               -        -               =          -          awaiting_cutover awaiting_cutover needs_attention -         -                         -      cancelled failed
        awaiting_cutover          =        =         =               -        -               =          final_pass =                =                =               -         -                         -      cancelled failed
        final_pass                =        =         =               -        -               =          =          =                =                =               completed completed_with_exceptions failed cancelled failed
        completed                 =        =         =               -        -               =          =          =                =                =               =         =                         =      -         -
        completed_with_exceptions =        =         =               -        -               =          =          =                =                =               =         =                         =      -         -
        cancelled                 -        -         -               -        -               -          -          -                -                -               -         -                         -      =         -
        failed                    =        =         =               -        -               =          =          =                =                =               =         =                         =      -         =
    ";

    #[test]
    fn every_pair_of_state_and_event_does_what_the_table_says() {
        let mut lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty()).skip(1);
        for state in RequestState::ALL {
            let mut cells = lines.next().unwrap().split_whitespace();
            assert_eq!(cells.next(), Some(state.as_str()));
            for event in EVENTS {
                let shown = match transition(state, event) {
                    Ok(next) => next.as_str(),
                    Err(illegal) if illegal.already_there() => "=",
                    Err(_) => "-",
                };
                assert_eq!(Some(shown), cells.next(), "{state} {event:?}");
            }
            assert_eq!(cells.next(), None);
        }
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn an_event_delivered_twice_is_already_there_or_changes_nothing() {
        for state in RequestState::ALL {
            for event in EVENTS {
                if let Ok(next) = transition(state, event) {
                    assert!(
                        transition(next, event).is_err_and(|illegal| illegal.already_there()),
                        "{state} {event:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn terminal_states_have_no_way_out() {
        for state in RequestState::ALL {
            let leaves = EVENTS.iter().any(|event| transition(state, *event).is_ok());
            assert_eq!(leaves, !state.is_terminal(), "{state}");
        }
    }

    #[test]
    fn a_preview_is_for_the_time_before_the_first_pass() {
        for state in RequestState::ALL {
            let has_begun = transition(state, RequestEvent::PassStarted(Pass::First)).is_err();
            let may_be_accepted = transition(state, RequestEvent::Accepted) == Ok(RequestState::Scheduled);
            let expected = !has_begun || (may_be_accepted && state != RequestState::Checking);
            assert_eq!(state.allows_preview(), expected, "{state}");
        }
    }

    #[test]
    fn text_and_json_agree() {
        for state in RequestState::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
        }
        assert_eq!("done".parse::<RequestState>(), Err(UnknownRequestState));
    }
}
