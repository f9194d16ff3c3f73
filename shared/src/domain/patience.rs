//! Faults in a row: how long to wait after each, and when to give up.
//!
//! A server that is down for an hour of the night is no reason to fail a mailbox, so what counts is
//! the time without anything done, and not the number of tries alone. Workers that are cut off without
//! a word are counted with them, because nobody else notices them.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The pause after the first fault: the folder that the worker held is free again by then.
const FIRST_PAUSE: Duration = Duration::from_secs(11);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// By how many seconds clocks may differ.
const CLOCKS: i64 = 10;

/// Fewer faults than this are not believed, however far apart they are.
const FEWEST: u32 = 5;

/// So many refused logins are believed: the first may be about the number of connections, because another worker has
/// just logged in with the same password.
const REFUSALS_BELIEVED: u32 = 2;

/// What a fault says about trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// It may pass.
    Passing,
    /// A login was refused, and not for a reason that passes.
    RefusedLogin,
    /// Only a person can mend it.
    Hopeless,
}

/// The faults that were met since something was done last. Travels in the messages of a work that
/// continues itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faults {
    /// How many, those of runs that were cut off included.
    count: u32,
    /// How many runs were cut off.
    cut_off: u32,
    /// When the first was met, in seconds since 1970.
    since: i64,
}

impl Faults {
    /// None.
    pub const NONE: Self = Self {
        count: 0,
        cut_off: 0,
        since: 0,
    };

    /// These and the one that a run ended with, or that one alone where the run had done something before it.
    #[must_use]
    pub fn and_end_of_run(self, progressed: bool, at: Timestamp) -> Self {
        let before = if progressed { Self::NONE } else { self };
        before.and_one(at)
    }

    /// These and one more.
    #[must_use]
    pub fn and_one(self, at: Timestamp) -> Self {
        self.and(1, 0, at)
    }

    /// These and so many runs that were cut off without a word.
    #[must_use]
    pub fn and_cut_off(self, runs: u32, at: Timestamp) -> Self {
        self.and(runs, runs, at)
    }

    fn and(self, count: u32, cut_off: u32, at: Timestamp) -> Self {
        Self {
            since: if self.count == 0 { at.as_second() } else { self.since },
            count: self.count.saturating_add(count),
            cut_off: self.cut_off.saturating_add(cut_off),
        }
    }

    /// The same after a pause in which nothing could be tried, because others were at work: it is no time
    /// without anything done.
    #[must_use]
    pub fn waited(self, pause: Duration) -> Self {
        let pause = i64::try_from(pause.as_secs()).unwrap_or(i64::MAX);
        Self {
            since: self.since.saturating_add(pause),
            ..self
        }
    }

    /// These, if they were met since work began; else none: they are of a work that was given up, and has been begun anew.
    #[must_use]
    pub fn met_since(self, begun: Timestamp) -> Self {
        if self.since.saturating_add(CLOCKS) < begun.as_second() {
            Self::NONE
        } else {
            self
        }
    }

    /// How many there were.
    pub fn count(self) -> u32 {
        self.count
    }

    /// How many runs were cut off.
    pub fn cut_off(self) -> u32 {
        self.cut_off
    }

    /// How long to wait before the next try: twice as long each time, and five minutes at most.
    pub fn pause(self) -> Duration {
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.count.saturating_sub(1).min(16));
        doubled.min(LONGEST_PAUSE)
    }

    /// Whether to give up after them, by what the last one says.
    pub fn are_final(self, last: Prospect, patience: Duration, at: Timestamp) -> bool {
        let is_believed = match last {
            Prospect::Passing => false,
            Prospect::RefusedLogin => self.count >= REFUSALS_BELIEVED,
            Prospect::Hopeless => true,
        };
        is_believed || self.outlast(patience, at)
    }

    /// Whether they have lasted for longer than one is patient.
    pub fn outlast(self, patience: Duration, at: Timestamp) -> bool {
        let lasted = u64::try_from(at.as_second().saturating_sub(self.since)).unwrap_or_default();
        self.count >= FEWEST && Duration::from_secs(lasted) >= patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_mins(30);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn a_server_that_is_down_for_less_than_one_is_patient_is_waited_for() {
        let mut faults = Faults::NONE;
        let mut second = 0;
        let mut tries = 0;
        while !faults.outlast(PATIENCE, at(second)) {
            faults = faults.and_one(at(second));
            second += i64::try_from(faults.pause().as_secs()).unwrap();
            tries += 1;
        }
        assert!((1_800..2_200).contains(&second), "{second} s");
        assert!((6..=14).contains(&tries), "{tries} tries");
    }

    #[test]
    fn a_few_faults_far_apart_are_no_reason() {
        let faults = Faults::NONE.and_one(at(0)).and_one(at(40_000));
        assert!(!faults.outlast(PATIENCE, at(80_000)));
    }

    #[test]
    fn time_in_which_nobody_could_try_does_not_count() {
        let faults = (0..6).fold(Faults::NONE, |faults, second| faults.and_one(at(second)));
        assert!(faults.outlast(PATIENCE, at(2_000)));
        let waited = faults.waited(Duration::from_mins(20));
        assert!(!waited.outlast(PATIENCE, at(2_000)) && waited.outlast(PATIENCE, at(3_000)));
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let mut faults = Faults::NONE;
        let pauses = [11, 22, 44, 88, 176, 300, 300].map(|seconds| {
            faults = faults.and_one(at(0));
            (faults.pause().as_secs(), seconds)
        });
        assert!(pauses.iter().all(|(pause, wanted)| pause == wanted), "{pauses:?}");
        assert_eq!(faults.and_cut_off(u32::MAX, at(0)).pause(), LONGEST_PAUSE);
    }

    #[test]
    fn runs_that_were_cut_off_count_as_faults() {
        let faults = Faults::NONE.and_one(at(0)).and_cut_off(4, at(1));
        assert_eq!((faults.count(), faults.cut_off()), (5, 4));
        assert!(!faults.outlast(PATIENCE, at(1_799)) && faults.outlast(PATIENCE, at(1_800)));
    }
}
