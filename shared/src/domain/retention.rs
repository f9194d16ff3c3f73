//! How long a request is kept.

use jiff::{SignedDuration, Timestamp};

use super::RequestState;

/// What belongs to a request is kept for a year from its order.
const DAYS_OF_ALL: u32 = 364;

/// However long a request has waited by then, each of its waits has so many days.
const DAYS_AT_LEAST: u32 = 3;

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

/// Whether a request that waits for its customer has waited for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overstay {
    /// No, or it goes on by itself.
    None,
    /// It will have in some days.
    Soon {
        /// When, in seconds since 1970.
        until: i64,
    },
    /// It has.
    Over,
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
    /// When a request that was made then and comes into a state now is forgotten, in seconds since 1970. Never while it
    /// goes on by itself. All of its waits together leave time for what is kept after its end.
    pub fn expires_at(self, state: RequestState, made: Timestamp, now: Timestamp) -> Option<i64> {
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
        let at = |from: Timestamp, days: u32| from.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok();
        let kept = at(now, days)?;
        if state.is_terminal() {
            return Some(kept.as_second());
        }
        let longest = at(made, DAYS_OF_ALL.saturating_sub(self.ended_days))?;
        Some(kept.min(longest.max(at(now, DAYS_AT_LEAST)?)).as_second())
    }
}

impl Retention {
    /// Whether a request in this state that is kept until then, in seconds since 1970, is forgotten now, or soon.
    pub fn overstay(self, state: RequestState, kept_until: Option<i64>, now: Timestamp) -> Overstay {
        let days = match state {
            RequestState::AwaitingUpload | RequestState::Checking | RequestState::NeedsAttention => {
                if self.waiting_days > 6 { 3 } else { 1 }
            }
            RequestState::AwaitingCutover => 7,
            _ => return Overstay::None,
        };
        match kept_until.map(|until| (until, until.saturating_sub(now.as_second()))) {
            Some((_, ..=0)) => Overstay::Over,
            Some((until, left)) if left <= days * 86_400 => Overstay::Soon { until },
            _ => Overstay::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_again_and_again_ends_before_what_belongs_to_a_request_is_forgotten() {
        let retention = Retention::default();
        let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        for (state, now, forgotten) in [
            (RequestState::NeedsAttention, 200, 214),
            (RequestState::NeedsAttention, 268, 274),
            // However late it is, whoever comes back is not turned away at once.
            (RequestState::AwaitingUpload, 273, 276),
            (RequestState::AwaitingCutover, 100, 220),
            (RequestState::AwaitingCutover, 160, 274),
            (RequestState::Completed, 276, 366),
        ] {
            let at = retention.expires_at(state, day(0), day(now));
            assert_eq!(at, Some(forgotten * 86_400), "{state} from day {now}");
        }
    }

    #[test]
    fn who_is_waited_for_is_told_some_days_before() {
        let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        let usual = Retention::default();
        let short = Retention {
            waiting_days: 3,
            ..usual
        };
        let (upload, cutover) = (RequestState::AwaitingUpload, RequestState::AwaitingCutover);
        let soon = Overstay::Soon { until: 100 * 86_400 };
        for (retention, state, now, expected) in [
            (usual, upload, 96, Overstay::None),
            (usual, upload, 97, soon),
            (usual, upload, 99, soon),
            (usual, upload, 100, Overstay::Over),
            (short, upload, 98, Overstay::None),
            (short, upload, 99, soon),
            (short, cutover, 92, Overstay::None),
            (short, cutover, 93, soon),
            (short, cutover, 101, Overstay::Over),
            (usual, RequestState::Completed, 101, Overstay::None),
        ] {
            let found = retention.overstay(state, Some(100 * 86_400), day(now));
            assert_eq!(found, expected, "{state} on day {now}");
        }
        assert_eq!(usual.overstay(upload, None, day(1)), Overstay::None);
    }

    #[test]
    fn a_request_is_forgotten_unless_it_goes_on_by_itself() {
        let other = Retention {
            waiting_days: 5,
            cutover_days: 30,
            ended_days: 40,
        };
        for (retention, [waiting, cutover, ended]) in [(Retention::default(), [14, 120, 90]), (other, [5, 30, 40])] {
            for state in RequestState::ALL {
                let days = retention
                    .expires_at(state, Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH)
                    .map(|at| at / 86_400);
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
