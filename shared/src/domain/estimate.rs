//! When a mailbox and its request will be done, as a range.
//!
//! From what the checks counted, the speed measured at each server, how many mailboxes go at once, and what
//! is promised to others at the same time; while it is copied, from how far it is. A frame that is over
//! interrupts it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Window;
use super::frame::Opening;
use super::speed::{Amount, Seconds, Speed};

/// What a mailbox takes besides its messages: queues, two logins, its plan.
const AROUND: Seconds = Seconds { low: 3, high: 60 };

/// What the pace of a mailbox so far tells of its rest, in tenths.
const PACE: (u64, u64) = (7, 15);

/// A pace counts when it was kept for so long.
const PACE_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// When something will be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// At the earliest.
    pub from: Timestamp,
    /// At the latest, as far as can be told.
    pub until: Timestamp,
    /// How many seconds of copying that is, at least.
    pub seconds_low: u64,
    /// And at most.
    pub seconds_high: u64,
}

/// A mailbox that is to be copied, or is being.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// What is left.
    pub left: Amount,
    /// How many of its folders can be copied at the same time, at most.
    pub lanes: u64,
    /// What is known of its server.
    pub speed: &'a Speed,
    /// What was copied of it already, and in how much time.
    pub pace: Option<(Amount, SignedDuration)>,
}

/// How many mailboxes go at once.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// At least, because others are copied too.
    pub least: u64,
    /// At most.
    pub most: u64,
}

impl Work<'_> {
    /// How long it takes.
    pub fn seconds(&self) -> Seconds {
        if self.left == Amount::default() {
            return Seconds {
                low: 0,
                high: AROUND.high,
            };
        }
        if let Some(rest) = self.pace.and_then(|(done, time)| self.by_pace(done, time)) {
            return rest;
        }
        let time = self.speed.time_for(self.left);
        // At worst all is in one folder, which one worker copies.
        let copying = Seconds {
            low: time.low / self.lanes.max(1),
            high: time.high,
        };
        copying.then(AROUND)
    }

    fn by_pace(&self, done: Amount, time: SignedDuration) -> Option<Seconds> {
        if time < PACE_AFTER || done == Amount::default() {
            return None;
        }
        let elapsed = time.as_secs().unsigned_abs();
        let rest = |left: u64, done: u64| {
            let seconds = u128::from(elapsed) * u128::from(left) / u128::from(done.max(1));
            u64::try_from(seconds).unwrap_or(u64::MAX)
        };
        let by_bytes = rest(self.left.bytes, done.bytes);
        let by_messages = rest(self.left.messages, done.messages);
        Some(Seconds {
            low: by_bytes.min(by_messages).saturating_mul(PACE.0) / 10,
            high: by_bytes.max(by_messages).saturating_mul(PACE.1) / 10 + AROUND.high,
        })
    }
}

/// How long all of them take together: as long as the longest, or as their sum over the places.
pub fn all_of(mailboxes: &[Seconds], places: Places) -> Seconds {
    let sum = mailboxes.iter().copied().fold(Seconds::default(), Seconds::then);
    let longest = mailboxes.iter().copied().fold(Seconds::default(), Seconds::beside);
    let count = u64::try_from(mailboxes.len()).unwrap_or(u64::MAX);
    let shared = Seconds {
        low: sum.low / places.most.min(count).max(1),
        high: sum.high.div_ceil(places.least.min(count).max(1)),
    };
    longest.beside(shared)
}

/// When what takes so long, and may begin at `start`, will be done.
pub fn done(seconds: Seconds, window: Option<&Window>, start: Timestamp) -> Estimate {
    let after = |seconds: u64| {
        let time = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        match window {
            Some(window) => window.after_open_time(start, time),
            None => start.checked_add(time).unwrap_or(Timestamp::MAX),
        }
    };
    Estimate {
        from: after(seconds.low),
        until: after(seconds.high),
        seconds_low: seconds.low,
        seconds_high: seconds.high,
    }
}

impl Estimate {
    /// The same where what is left comes in parts, between which so many days pass.
    #[must_use]
    pub fn after_days(self, days: u64, window: Option<&Window>, start: Timestamp) -> Self {
        let after = |days: u64| {
            let hours = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(24);
            let at = SignedDuration::try_from_hours(hours).and_then(|time| start.checked_add(time).ok());
            let at = at.unwrap_or(Timestamp::MAX);
            match window.map(|window| window.opening(at)) {
                Some(Opening::Closed { until }) => until,
                _ => at,
            }
        };
        Self {
            from: self.from.max(after(days)),
            // Nobody knows when its day begins, nor what others have fetched of it.
            until: self.until.max(after(days.saturating_add(1))),
            ..self
        }
    }
}

/// How many days pass between the first and the last part, where so many bytes come in a day.
pub fn days_between_parts(left: u64, daily: u64) -> u64 {
    left.saturating_sub(1) / daily.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(messages: u64, bytes: u64) -> Amount {
        Amount { messages, bytes }
    }

    #[test]
    fn lanes_help_at_best_and_one_large_folder_is_the_worst() {
        let speed = Speed::default();
        let work = Work {
            left: amount(1_000, 1_200_000_000),
            lanes: 3,
            speed: &speed,
            pace: None,
        };
        assert_eq!(work.seconds(), Seconds { low: 53, high: 4_060 });
    }

    #[test]
    fn what_was_copied_tells_the_rest_once_it_took_a_while() {
        let speed = Speed::default();
        let work = |seconds| Work {
            left: amount(300, 30_000_000),
            lanes: 3,
            speed: &speed,
            pace: Some((amount(100, 10_000_000), SignedDuration::from_secs(seconds))),
        };
        assert_eq!(work(100).seconds(), Seconds { low: 210, high: 510 });
        assert_eq!(work(29).seconds(), Work { pace: None, ..work(29) }.seconds());
    }

    #[test]
    fn mailboxes_share_the_places() {
        let each = [Seconds { low: 10, high: 20 }; 8];
        let places = Places { least: 2, most: 4 };
        assert_eq!(all_of(&each, places), Seconds { low: 20, high: 80 });
        let one = [Seconds { low: 10, high: 20 }];
        assert_eq!(all_of(&one, places), one[0]);
        // One that is longer than the sum.
        let long = [Seconds { low: 100, high: 500 }, Seconds { low: 1, high: 2 }];
        assert_eq!(all_of(&long, places), Seconds { low: 100, high: 500 });
        assert_eq!(all_of(&[], places), Seconds::default());
    }

    #[test]
    fn nights_that_end_put_it_off() {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let night = Window::parse("2026-11-25T22:00", Some("2026-11-26T06:00"), "UTC", now).unwrap();
        let hours = |low: u64, high: u64| Seconds {
            low: low * 3600,
            high: high * 3600,
        };
        let estimate = done(hours(7, 17), Some(&night), night.start());
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(
            (estimate.from, estimate.until),
            (at("2026-11-26T05:00:00Z"), at("2026-11-27T23:00:00Z"))
        );
        // In the morning between two nights.
        let estimate = done(hours(0, 1), Some(&night), at("2026-11-26T09:00:00Z"));
        assert_eq!(
            (estimate.from, estimate.until),
            (at("2026-11-26T22:00:00Z"), at("2026-11-26T23:00:00Z"))
        );
        let estimate = done(hours(1, 1), None, now);
        assert_eq!(estimate.from, at("2026-11-20T13:00:00Z"));
    }

    #[test]
    fn what_comes_by_the_day_puts_it_off_by_days() {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let hour = Seconds { low: 1800, high: 3600 };
        let parts = [0, 1, 1_000, 1_001, 2_000, 2_001].map(|left| days_between_parts(left, 1_000));
        assert_eq!(parts, [0, 0, 0, 1, 1, 2]);
        let capped = |days, window: Option<&Window>, start| done(hour, window, start).after_days(days, window, start);
        let estimate = capped(2, None, now);
        assert_eq!(
            (estimate.from, estimate.until, estimate.seconds_high),
            (at("2026-11-22T12:00:00Z"), at("2026-11-23T12:00:00Z"), 3600)
        );
        // Two days after an order in the morning it is night again at ten.
        let night = Window::parse("2026-11-25T22:00", Some("2026-11-26T06:00"), "UTC", now).unwrap();
        assert_eq!(capped(1, Some(&night), night.start()).from, at("2026-11-26T22:00:00Z"));
        assert_eq!(
            capped(1, Some(&night), at("2026-11-26T09:00:00Z")).from,
            at("2026-11-27T22:00:00Z")
        );
        assert_eq!(capped(u64::MAX, None, now).until, Timestamp::MAX);
    }
}
