use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window(start: &str, end: &str, zone: &str) -> Window {
    let ordered = at(start).checked_sub(SignedDuration::from_hours(24 * 30)).unwrap();
    Window::parse(start, Some(end), zone, ordered).unwrap()
}

#[test]
fn frame_comes_again_the_next_night() {
    let frame = window(
        "2026-11-25T22:00:00+01:00",
        "2026-11-26T06:00:00+01:00",
        "Europe/Berlin",
    );
    for (now, opening) in [
        ("2026-11-25T21:59:30+01:00", Opening::Open { until: frame.end() }),
        ("2026-11-26T05:59:59+01:00", Opening::Open { until: frame.end() }),
        (
            "2026-11-26T06:00:00+01:00",
            Opening::Closed {
                until: at("2026-11-26T22:00:00+01:00"),
            },
        ),
        (
            "2026-11-26T22:00:00+01:00",
            Opening::Open {
                until: Some(at("2026-11-27T06:00:00+01:00")),
            },
        ),
        (
            "2026-12-25T03:00:00+01:00",
            Opening::Open {
                until: Some(at("2026-12-25T06:00:00+01:00")),
            },
        ),
        (
            "2027-06-25T12:00:00+02:00",
            Opening::Closed {
                until: at("2027-06-25T22:00:00+02:00"),
            },
        ),
    ] {
        assert_eq!(frame.opening(at(now)), opening, "{now}");
    }
    assert_eq!(
        frame.next_start(at("2026-11-26T03:00:00+01:00")),
        Some(at("2026-11-26T22:00:00+01:00"))
    );
}

#[test]
fn long_frame_comes_again_when_it_is_over() {
    // Friday evening to Monday morning.
    let frame = window(
        "2026-11-27T20:00:00+01:00",
        "2026-11-30T06:00:00+01:00",
        "Europe/Berlin",
    );
    let next = at("2026-11-30T20:00:00+01:00");
    assert_eq!(
        frame.opening(at("2026-11-30T12:00:00+01:00")),
        Opening::Closed { until: next }
    );
}

#[test]
fn frame_without_an_end_or_one_that_goes_on_is_always_open() {
    let frame = window(
        "2026-11-25T22:00:00+01:00",
        "2026-11-26T06:00:00+01:00",
        "Europe/Berlin",
    );
    let later = at("2026-11-26T12:00:00+01:00");
    let open = Opening::Open { until: None };
    assert_eq!(frame.clone().with_after_end(AfterEnd::Continue).opening(later), open);
    let endless = Window::parse("2026-11-25T22:00:00Z", None, "UTC", at("2026-11-20T00:00:00Z")).unwrap();
    assert_eq!((endless.opening(later), endless.next_start(later)), (open, None));
}

#[test]
fn clocks_that_change_move_the_bounds_to_the_change() {
    // 02:10 does not exist on the 28th of March; it is read as 03:00.
    let frame = window(
        "2027-03-26T02:10:00+01:00",
        "2027-03-26T05:00:00+01:00",
        "Europe/Berlin",
    );
    let night = at("2027-03-28T03:00:00+02:00");
    assert_eq!(
        frame.opening(at("2027-03-27T12:00:00+01:00")),
        Opening::Closed { until: night }
    );
    // A frame that lies in the hour that is left out does not take place.
    let frame = window(
        "2027-03-26T02:10:00+01:00",
        "2027-03-26T02:50:00+01:00",
        "Europe/Berlin",
    );
    let night = at("2027-03-29T02:10:00+02:00");
    assert_eq!(
        frame.opening(at("2027-03-27T12:00:00+01:00")),
        Opening::Closed { until: night }
    );
    // 02:30 comes twice on the 25th of October: the first one counts.
    let frame = window(
        "2026-10-23T02:30:00+02:00",
        "2026-10-23T04:00:00+02:00",
        "Europe/Berlin",
    );
    let night = at("2026-10-25T02:30:00+02:00");
    assert_eq!(
        frame.opening(at("2026-10-24T12:00:00+02:00")),
        Opening::Closed { until: night }
    );
}

#[test]
fn waits_of_less_than_a_minute_are_none() {
    let frame = window("2026-11-25T22:00:00Z", "2026-11-25T23:00:00Z", "UTC");
    let (wall, next) = (at, at("2026-11-26T22:00:00Z"));
    for (now, pause, first, waking) in [
        ("2026-11-25T21:58:59Z", None, Some(frame.start()), next),
        ("2026-11-25T21:59:00Z", None, None, next),
        ("2026-11-25T22:59:59Z", None, None, next),
        ("2026-11-25T23:00:00Z", Some(next), Some(next), next),
        ("2026-11-26T21:58:59Z", Some(next), Some(next), next),
        // The waking is the one after the frame that is about to open.
        ("2026-11-26T21:59:00Z", None, None, wall("2026-11-27T22:00:00Z")),
    ] {
        let now = wall(now);
        assert_eq!((frame.pause(now), frame.wait_for_start(now)), (pause, first), "{now}");
        if now >= frame.start() {
            assert_eq!(frame.next_waking(now), Some(waking), "{now}");
        }
    }
    let endless = window("2026-11-25T22:00:00Z", "2026-11-25T23:00:00Z", "UTC").with_after_end(AfterEnd::Continue);
    let later = wall("2026-11-26T12:00:00Z");
    assert_eq!(
        (
            endless.pause(later),
            endless.wait_for_start(later),
            endless.next_waking(later)
        ),
        (None, None, None)
    );
}

#[test]
fn open_time_is_counted_over_nights() {
    let frame = window("2026-11-25T22:00:00Z", "2026-11-26T06:00:00Z", "UTC");
    let hours = SignedDuration::from_hours;
    let open = |from, until| frame.open_time(at(from), at(until));
    assert_eq!(open("2026-11-25T23:00:00Z", "2026-11-26T02:00:00Z"), hours(3));
    assert_eq!(open("2026-11-25T22:00:00Z", "2026-11-27T23:00:00Z"), hours(17));
    assert_eq!(open("2026-11-26T08:00:00Z", "2026-11-26T20:00:00Z"), hours(0));
    for (time, reached) in [
        (0, "2026-11-25T22:00:00Z"),
        (8, "2026-11-26T06:00:00Z"),
        (9, "2026-11-26T23:00:00Z"),
    ] {
        assert_eq!(frame.after_open_time(frame.start(), hours(time)), at(reached));
    }
    let goes_on = frame.with_after_end(AfterEnd::Continue);
    assert_eq!(
        goes_on.after_open_time(goes_on.start(), hours(9)),
        at("2026-11-26T07:00:00Z")
    );
    assert_eq!(
        goes_on.open_time(at("2026-11-25T22:00:00Z"), at("2026-11-26T22:00:00Z")),
        hours(24)
    );
}

const ZONES: [&str; 4] = [
    "Europe/Zurich",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Years of days, told by another way of counting: what a clock on the wall shows. Days on which the
    /// clocks change, and those beside them, are left to the other tests.
    #[test]
    fn frame_is_open_at_its_hours_and_closed_at_all_others(
        start in 0_i32..24 * 60,
        minutes in 1_i32..24 * 60,
        day in 0_i64..3 * 365,
        minute in 0_i32..24 * 60,
        name in prop::sample::select(ZONES.to_vec()),
    ) {
        let zone = TimeZone::get(name).unwrap();
        let wall = |date: Date, minute: i32| {
            let (days, minute) = (minute.div_euclid(24 * 60), minute.rem_euclid(24 * 60));
            let time = jiff::civil::time(i8::try_from(minute / 60).unwrap(), i8::try_from(minute % 60).unwrap(), 0, 0);
            zone.to_timestamp(date.checked_add(Span::new().days(days)).unwrap().to_datetime(time)).unwrap()
        };
        // The clocks do not change in the middle of June and July, in none of the zones.
        let first = jiff::civil::date(2026, 6, 15);
        let frame = window(&wall(first, start).to_string(), &wall(first, start + minutes).to_string(), name);
        let today = first.checked_add(Span::new().days(2 + day)).unwrap();
        let around = |days: i64| {
            let noon = today.checked_add(Span::new().days(days)).unwrap().at(12, 0, 0, 0);
            zone.to_offset(zone.to_timestamp(noon).unwrap())
        };
        prop_assume!((-2..=2).all(|days| around(days) == around(0)));
        let is_open = (start..start + minutes).contains(&minute) || (start..start + minutes).contains(&(minute + 24 * 60));
        let opening = frame.opening(wall(today, minute));
        prop_assert_eq!(matches!(opening, Opening::Open { .. }), is_open, "{:?}", opening);
        match opening {
            Opening::Open { until: Some(until) } => {
                prop_assert_eq!(zone.to_datetime(until).time(), zone.to_datetime(frame.end().unwrap()).time());
            }
            Opening::Open { until: None } => prop_assert!(false, "no end"),
            Opening::Closed { until } => {
                prop_assert_eq!(zone.to_datetime(until).time(), zone.to_datetime(frame.start()).time());
            }
        }
    }

    /// A year of a frame: it opens and closes in turn, at the same times on the clock on the wall but
    /// on days on which the clocks change.
    #[test]
    fn frames_of_a_year_follow_each_other(
        second in 1_767_225_600_i64..1_798_761_600, // 2026
        minutes in 1_i64..3 * 24 * 60,
        name in prop::sample::select(ZONES.to_vec()),
    ) {
        let start = Timestamp::from_second(second - second % 60).unwrap();
        let end = start.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let frame = window(&start.to_string(), &end.to_string(), name);
        let zone = frame.zone().rules();
        let time = |at: Timestamp| zone.to_datetime(at).time();
        let changes = |at: Timestamp| {
            let day = at.to_zoned(zone.clone()).start_of_day().unwrap();
            let around = SignedDuration::from_hours(26);
            let before = day.timestamp().checked_sub(around).unwrap();
            zone.to_offset(before) != zone.to_offset(at.checked_add(around).unwrap())
        };
        let mut now = start;
        let year = start.checked_add(SignedDuration::from_hours(366 * 24)).unwrap();
        while now < year {
            let Opening::Open { until: Some(until) } = frame.opening(now) else {
                panic!("not open at {now}");
            };
            prop_assert!(until > now);
            if !changes(until) {
                prop_assert_eq!(time(until), time(end));
            }
            // It may follow at once.
            let next = frame.next_start(now).unwrap();
            prop_assert!(next >= until, "{next} begins before {until}");
            if next > until {
                prop_assert_eq!(frame.opening(until), Opening::Closed { until: next });
                let almost = next.checked_sub(SignedDuration::from_secs(1)).unwrap();
                prop_assert_eq!(frame.opening(almost), Opening::Closed { until: next });
            }
            if !changes(next) {
                prop_assert_eq!(time(next), time(start));
            }
            now = next;
        }
    }
}
