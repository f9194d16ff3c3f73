//! How long before its start a migration has to be ordered.
//!
//! Support promises to look at a request before it begins: by default 24 hours ahead, and 48 before a start on
//! a Saturday, a Sunday or a holiday of the provider's, in its time zone. Hours are elapsed hours: across a change of
//! the clocks 24 hours stay 24 hours, though the clock on the wall shows 23 or 25 more.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The days on which somebody is there.
#[derive(Clone, Copy, Debug)]
pub struct Workdays<'a> {
    /// The provider's zone.
    pub zone: &'a TimeZone,
    /// Its holidays.
    pub holidays: &'a [Date],
}

/// The least time between the order and the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadTimes {
    /// Before a start on Monday to Friday that is no holiday.
    pub ordinary: SignedDuration,
    /// Before a start on any other day.
    pub weekend: SignedDuration,
}

/// A start that is too early, with the earliest that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a start at {wanted} is too early, the earliest is {earliest}")]
pub struct TooEarly {
    /// The start that was asked for.
    pub wanted: Timestamp,
    /// The first full minute that is allowed.
    pub earliest: Timestamp,
}

impl LeadTimes {
    /// What is kept where the profile says nothing else: 24 hours, 48 before a weekend start.
    pub const KEPT: Self = Self {
        ordinary: SignedDuration::from_hours(24),
        weekend: SignedDuration::from_hours(48),
    };
    /// No lead at all, for the local stack: every start is allowed, and one in the past means now.
    pub const WAIVED: Self = Self {
        ordinary: SignedDuration::ZERO,
        weekend: SignedDuration::ZERO,
    };

    /// Whether the rules about starts and frames hold.
    pub fn are_kept(self) -> bool {
        self != Self::WAIVED
    }
}

/// Says whether an order made at `now` may start at `start`.
///
/// # Errors
/// [`TooEarly`] with the earliest start that is allowed.
pub fn check_start(start: Timestamp, now: Timestamp, days: Workdays<'_>, lead: LeadTimes) -> Result<(), TooEarly> {
    if is_allowed(start, now, days, lead) {
        Ok(())
    } else {
        Err(TooEarly {
            wanted: start,
            earliest: earliest_start(now, days, lead),
        })
    }
}

/// The first full minute an order made at `now` may start at.
///
/// That is the ordinary lead from now; where that falls on a weekend or a holiday, the weekend lead from
/// now or the beginning of the next working day, whichever is first.
pub fn earliest_start(now: Timestamp, days: Workdays<'_>, lead: LeadTimes) -> Timestamp {
    let ordinary = full_minute(later(now, lead.ordinary));
    if !days.is_free(ordinary) {
        return ordinary;
    }
    let weekend = full_minute(later(now, lead.weekend)).max(ordinary);
    days.next_working_day(ordinary)
        .map_or(weekend, |start| weekend.min(full_minute(start)))
}

fn is_allowed(start: Timestamp, now: Timestamp, days: Workdays<'_>, lead: LeadTimes) -> bool {
    if !lead.are_kept() {
        return true;
    }
    start >= later(now, lead.ordinary) && (start >= later(now, lead.weekend) || !days.is_free(start))
}

impl Workdays<'_> {
    /// Whether nobody is there on this day.
    fn is_free(&self, at: Timestamp) -> bool {
        self.is_free_day(self.zone.to_datetime(at).date())
    }

    fn is_free_day(&self, day: Date) -> bool {
        matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) || self.holidays.contains(&day)
    }

    /// The beginning of the next working day after `at`: not always 00:00, where the clocks change at
    /// midnight.
    fn next_working_day(&self, at: Timestamp) -> Option<Timestamp> {
        let mut day = self.zone.to_datetime(at).date().tomorrow().ok()?;
        while self.is_free_day(day) {
            day = day.tomorrow().ok()?;
        }
        let start = day.to_zoned(self.zone.clone()).ok()?.start_of_day().ok()?;
        Some(start.timestamp())
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn full_minute(at: Timestamp) -> Timestamp {
    let seconds = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    let minutes = seconds.div_euclid(60) + i64::from(seconds.rem_euclid(60) > 0);
    Timestamp::from_second(minutes.saturating_mul(60)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn days(zone: &TimeZone) -> Workdays<'_> {
        Workdays { zone, holidays: &[] }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_earliest_start_of_known_days() {
        let berlin = zone("Europe/Berlin");
        for (now, earliest, why) in [
            (
                "2026-11-24T10:00:00+01:00",
                "2026-11-25T10:00:00+01:00",
                "a Tuesday: a day later",
            ),
            (
                "2026-11-24T10:00:01+01:00",
                "2026-11-25T10:01:00+01:00",
                "up to the full minute",
            ),
            (
                "2026-11-27T10:00:00+01:00",
                "2026-11-29T10:00:00+01:00",
                "Friday: Sunday, 48 hours later",
            ),
            (
                "2026-11-28T10:00:00+01:00",
                "2026-11-30T00:00:00+01:00",
                "Saturday: Monday at midnight",
            ),
            (
                "2026-11-26T23:59:00+01:00",
                "2026-11-27T23:59:00+01:00",
                "late on Thursday: late on Friday",
            ),
            (
                "2026-11-26T23:59:30+01:00",
                "2026-11-28T23:59:30+01:00",
                "rounding up reaches Saturday: 48 hours",
            ),
            (
                "2026-11-29T00:00:00+01:00",
                "2026-11-30T00:00:00+01:00",
                "Sunday at midnight: Monday at midnight",
            ),
            (
                "2026-03-27T10:00:00+01:00",
                "2026-03-29T11:00:00+02:00",
                "48 elapsed hours over the start of summer time",
            ),
            (
                "2026-10-24T10:00:00+02:00",
                "2026-10-26T00:00:00+01:00",
                "Monday at midnight after the end of summer time",
            ),
        ] {
            let expected = full_minute(at(earliest));
            assert_eq!(
                earliest_start(at(now), days(&berlin), LeadTimes::KEPT),
                expected,
                "{why}"
            );
        }
    }

    #[test]
    fn the_weekend_is_the_provider_s() {
        let now = at("2026-11-26T22:00:00Z");
        // In Berlin 24 hours later is still Friday, in Auckland it is Saturday.
        assert_eq!(
            earliest_start(now, days(&zone("Europe/Berlin")), LeadTimes::KEPT),
            at("2026-11-27T22:00:00Z")
        );
        assert_eq!(
            earliest_start(now, days(&zone("Pacific/Auckland")), LeadTimes::KEPT),
            at("2026-11-28T22:00:00Z")
        );
    }

    #[test]
    fn holidays_are_like_weekends() {
        let zone = zone("Europe/Berlin");
        // Christmas of 2026 is on Friday and Saturday.
        let holidays = ["2026-12-25", "2026-12-26"].map(|day| day.parse::<Date>().unwrap());
        let days = Workdays {
            zone: &zone,
            holidays: &holidays,
        };
        for (now, earliest) in [
            ("2026-12-22T10:00:00+01:00", "2026-12-23T10:00:00+01:00"),
            ("2026-12-24T10:00:00+01:00", "2026-12-26T10:00:00+01:00"),
            ("2026-12-27T10:00:00+01:00", "2026-12-28T10:00:00+01:00"),
        ] {
            assert_eq!(earliest_start(at(now), days, LeadTimes::KEPT), at(earliest), "{now}");
        }
    }

    #[test]
    fn a_refusal_names_the_earliest_start() {
        let now = at("2026-11-27T09:00:00Z");
        let refused = check_start(
            at("2026-11-28T21:00:00Z"),
            now,
            days(&zone("Europe/Berlin")),
            LeadTimes::KEPT,
        );
        assert_eq!(
            refused,
            Err(TooEarly {
                wanted: at("2026-11-28T21:00:00Z"),
                earliest: at("2026-11-29T09:00:00Z")
            })
        );
    }

    #[test]
    fn waived_lead_times_let_anything_start() {
        let now = at("2026-11-28T09:00:00Z");
        for start in ["2026-11-28T08:59:59Z", "2026-11-28T09:00:00Z"] {
            assert_eq!(
                check_start(at(start), now, days(&zone("Europe/Berlin")), LeadTimes::WAIVED),
                Ok(())
            );
        }
        assert_eq!(
            earliest_start(now, days(&zone("Europe/Berlin")), LeadTimes::WAIVED),
            now
        );
    }

    #[test]
    fn the_end_of_time_is_no_panic() {
        for now in [Timestamp::MAX, Timestamp::MIN] {
            let earliest = earliest_start(now, days(&zone("Europe/Berlin")), LeadTimes::KEPT);
            assert!(earliest >= now);
        }
    }

    const ZONES: [&str; 7] = [
        "Europe/Zurich",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "America/Santiago",
        "Asia/Kathmandu",
        "Pacific/Kiritimati",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn the_earliest_is_allowed_and_no_earlier_minute_is(
            second in 1_767_225_600_i64..1_893_456_000, // 2026 to 2029
            nano in prop::sample::select(vec![0_i32, 1, 999_999_999]),
            name in prop::sample::select(ZONES.to_vec()),
            (ordinary, more) in prop::sample::select(vec![(24, 24), (24, 24), (1, 0), (72, 24), (48, 120)]),
        ) {
            let (now, zone) = (Timestamp::new(second, nano).unwrap(), zone(name));
            let lead = LeadTimes {
                ordinary: SignedDuration::from_hours(ordinary),
                weekend: SignedDuration::from_hours(ordinary + more),
            };
            let earliest = earliest_start(now, days(&zone), lead);
            prop_assert_eq!(earliest.as_second() % 60, 0);
            prop_assert_eq!(check_start(earliest, now, days(&zone), lead), Ok(()));
            let mut minute = earliest;
            while minute > now {
                minute = minute.checked_sub(SignedDuration::from_mins(1)).unwrap();
                prop_assert!(check_start(minute, now, days(&zone), lead).is_err(), "{} {}", now, minute);
            }
        }

        #[test]
        fn an_allowed_start_is_a_day_away_and_two_before_a_weekend(
            second in 1_767_225_600_i64..1_893_456_000,
            ahead in 0_i64..400_000,
            name in prop::sample::select(ZONES.to_vec()),
        ) {
            let (now, start, zone) = (Timestamp::from_second(second).unwrap(), Timestamp::from_second(second + ahead).unwrap(), zone(name));
            let weekday = start.to_zoned(zone.clone()).weekday();
            let weekend = weekday == Weekday::Saturday || weekday == Weekday::Sunday;
            let hours = if weekend { 48 } else { 24 };
            prop_assert_eq!(check_start(start, now, days(&zone), LeadTimes::KEPT).is_ok(), ahead >= hours * 3600);
        }
    }
}
