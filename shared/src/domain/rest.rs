//! The rest that a mailbox takes when its previous provider gives out no more for a while: Gmail and Yahoo allow so
//! much a day. It is no fault, and nobody has to do anything.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The first rest; each further one in which nothing was copied is twice as long.
const FIRST: SignedDuration = SignedDuration::from_mins(30);

/// The longest rest: the provider's day may end at any time.
const LONGEST: SignedDuration = SignedDuration::from_hours(6);

/// A mailbox of which nothing was given out for so long does not wait any longer: no day is that long.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(3 * 24);

/// A mailbox's rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// Since when nothing was copied because of it, in seconds since 1970.
    since: i64,
    /// When it ends, in seconds since 1970.
    until: i64,
    /// How many rests there were since then, this one included.
    count: u32,
    /// How many messages had been copied when it began.
    copied: i64,
}

impl Rest {
    /// The rest that begins now that the previous provider gives out no more; the one that is, where it has not ended yet.
    /// `None` where nothing was copied for so long that it is given up.
    pub fn next(before: Option<Self>, copied: i64, now: Timestamp) -> Option<Self> {
        if let Some(before) = before.filter(|before| before.left(now).is_some()) {
            return Some(before);
        }
        let at = now.as_second();
        let before = before.filter(|before| before.copied >= copied);
        let since = before.map_or(at, |before| before.since);
        if at.saturating_sub(since) >= GIVEN_UP_AFTER.as_secs() {
            return None;
        }
        let count = before.map_or(0, |before| before.count);
        let length = FIRST
            .as_secs()
            .saturating_mul(1 << count.min(16))
            .min(LONGEST.as_secs());
        Some(Self {
            since,
            until: at.saturating_add(length),
            count: count.saturating_add(1),
            copied,
        })
    }

    /// How long it still lasts; `None` where it is over.
    pub fn left(self, now: Timestamp) -> Option<Duration> {
        let left = u64::try_from(self.until.saturating_sub(now.as_second())).unwrap_or_default();
        (left > 0).then(|| Duration::from_secs(left))
    }

    /// When it ends.
    pub fn until(self) -> Timestamp {
        Timestamp::from_second(self.until).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    #[test]
    fn rests_grow_to_six_hours_and_end_after_three_days_without_a_message() {
        let (mut rest, mut minute, mut lengths) = (None, 0, Vec::new());
        while let Some(next) = Rest::next(rest, 7, at(minute)) {
            let length = i64::try_from(next.left(at(minute)).unwrap().as_secs()).unwrap() / 60;
            lengths.push(length);
            minute += length;
            rest = Some(next);
        }
        assert_eq!(lengths[..6], [30, 60, 120, 240, 360, 360]);
        assert!((3 * 24 * 60..3 * 24 * 60 + 360).contains(&minute), "{minute}");
    }

    #[test]
    fn whatever_was_copied_begins_the_rests_anew() {
        let mut rest = Rest::next(None, 0, at(0));
        // Twenty days of a little mail each.
        for day in 1..20 {
            rest = Rest::next(rest, day, at(day * 24 * 60));
            assert_eq!(rest.unwrap().left(at(day * 24 * 60)), Some(Duration::from_mins(30)));
        }
    }

    #[test]
    fn all_lanes_that_meet_the_end_take_the_same_rest() {
        let rest = Rest::next(None, 0, at(0));
        assert_eq!(Rest::next(rest, 3, at(1)), rest);
        assert_eq!(rest.unwrap().left(at(30)), None);
        assert_eq!(rest.unwrap().until(), at(30));
    }
}
