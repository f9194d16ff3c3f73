//! How long a request is kept.

use jiff::{SignedDuration, Timestamp};

use super::RequestState;

/// How many days the table keeps a request that is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// While it waits for its upload, for corrections, or for a word of its customer's.
    pub waiting_days: u32,
    /// While it waits for its cut-over: longer than anybody takes over it, but not for ever, because the key to
    /// the customer's passwords goes with it.
    pub cutover_days: u32,
    /// For questions, when it has ended.
    pub ended_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            waiting_days: 14,
            cutover_days: 120,
            ended_days: 90,
        }
    }
}

impl Retention {
    /// When the table forgets a request that comes into a state now, in seconds since 1970. Never while
    /// it goes on by itself.
    pub fn expires_at(self, state: RequestState, now: Timestamp) -> Option<i64> {
        let days = match state {
            RequestState::AwaitingUpload | RequestState::Checking | RequestState::NeedsAttention => self.waiting_days,
            RequestState::Scheduled | RequestState::FirstPass | RequestState::FinalPass | RequestState::LaterPass => {
                return None;
            }
            RequestState::AwaitingCutover => self.cutover_days,
            RequestState::Completed
            | RequestState::CompletedWithExceptions
            | RequestState::Cancelled
            | RequestState::Failed => self.ended_days,
        };
        let kept = SignedDuration::from_hours(24 * i64::from(days));
        now.checked_add(kept).ok().map(Timestamp::as_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_forgotten_unless_it_goes_on_by_itself() {
        let other = Retention {
            waiting_days: 5,
            cutover_days: 30,
            ended_days: 40,
        };
        for (retention, [waiting, cutover, ended]) in [(Retention::default(), [14, 120, 90]), (other, [5, 30, 40])] {
            for state in RequestState::ALL {
                let days = retention.expires_at(state, Timestamp::UNIX_EPOCH).map(|at| at / 86_400);
                let expected = match state {
                    RequestState::Scheduled
                    | RequestState::FirstPass
                    | RequestState::FinalPass
                    | RequestState::LaterPass => None,
                    RequestState::AwaitingCutover => Some(cutover),
                    state if state.is_terminal() => Some(ended),
                    _ => Some(waiting),
                };
                assert_eq!(days, expected, "{state}");
            }
        }
    }
}
