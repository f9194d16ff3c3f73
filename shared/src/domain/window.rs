//! The time frame a customer wants the copying in.
//!
//! A time is written with its offset (`2026-11-25T22:00:00+01:00`) or as the clock on the wall in
//! the frame's zone shows it (`2026-11-25T22:00`). A wall time that the change of the clocks leaves
//! out is refused with the next one that exists; one that comes twice means the earlier. Whether
//! the start is far enough ahead is not known here but in [`super::lead`].

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{AfterEnd, Zone};

/// The shortest frame that is taken: in a shorter one a night is over before much was copied.
pub const MIN_LENGTH: SignedDuration = SignedDuration::from_hours(1);
/// The longest frame.
pub const MAX_LENGTH: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How far ahead a frame may start.
pub const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A time frame: it starts at an instant, in whole seconds, and may have an end after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Window {
    start: Timestamp,
    end: Option<Timestamp>,
    zone: Zone,
    after_end: AfterEnd,
}

/// Why a time frame is refused, in words for the person who asked for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The zone is not in the IANA database.
    #[error("time_zone: {0}")]
    Zone(#[from] super::UnknownZone),
    /// Not a time.
    #[error(
        "{field}: write the time as 2026-11-25T22:00 (in the time zone of the frame) or with its offset as 2026-11-25T22:00:00+01:00"
    )]
    Time {
        /// `start` or `end`.
        field: &'static str,
    },
    /// The clocks jump over it.
    #[error("{field}: the clocks in {zone} are put forward over this time; the next that exists is {next}")]
    Gap {
        /// `start` or `end`.
        field: &'static str,
        /// The zone whose clocks change.
        zone: String,
        /// The first wall time after the change.
        next: DateTime,
    },
    /// The end is not after the start.
    #[error("end: the end of the frame has to be after its start")]
    EndBeforeStart,
    /// Longer than [`MAX_LENGTH`].
    #[error("end: a frame can be 14 days long at most")]
    TooLong,
    /// Starts later than [`MAX_AHEAD`] from now.
    #[error("start: a frame can start 90 days from now at the latest, which is {latest}")]
    TooFarAhead {
        /// The latest start.
        latest: Timestamp,
    },
}

impl Window {
    /// Reads a frame as a customer writes it; fractions of a second are dropped.
    ///
    /// # Errors
    /// [`WindowError`], of which [`WindowError::code`] is for programs and the text for people.
    pub fn parse(start: &str, end: Option<&str>, time_zone: &str, now: Timestamp) -> Result<Self, WindowError> {
        let zone: Zone = time_zone.parse()?;
        let start = instant("start", start, &zone)?;
        let end = end.map(|end| instant("end", end, &zone)).transpose()?;
        let latest = now.checked_add(MAX_AHEAD).unwrap_or(Timestamp::MAX);
        if start > latest {
            let latest = Timestamp::from_second(latest.as_second()).unwrap_or(latest);
            return Err(WindowError::TooFarAhead { latest });
        }
        Self::new(start, end, zone)
    }

    fn new(start: Timestamp, end: Option<Timestamp>, zone: Zone) -> Result<Self, WindowError> {
        if let Some(end) = end {
            if end <= start {
                return Err(WindowError::EndBeforeStart);
            }
            if end.duration_since(start) > MAX_LENGTH {
                return Err(WindowError::TooLong);
            }
        }
        Ok(Self {
            start,
            end,
            zone,
            after_end: AfterEnd::default(),
        })
    }

    /// When the first pass may start.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// When the frame is over, if it ever is.
    pub fn end(&self) -> Option<Timestamp> {
        self.end
    }

    /// What becomes of what is not copied by the end.
    pub fn after_end(&self) -> AfterEnd {
        self.after_end
    }

    /// The same frame with another wish about its end.
    #[must_use]
    pub fn with_after_end(self, after_end: AfterEnd) -> Self {
        Self { after_end, ..self }
    }

    /// The same frame at another time; none where that cannot be one.
    pub(super) fn with_bounds(&self, start: Timestamp, end: Option<Timestamp>) -> Option<Self> {
        let frame = Self::new(start, end, self.zone.clone()).ok()?;
        Some(frame.with_after_end(self.after_end))
    }

    /// How long it is, if it has an end.
    pub fn length(&self) -> Option<SignedDuration> {
        Some(self.end?.duration_since(self.start))
    }

    /// The zone the customer thinks in; what is shown to them is shown in it.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }
}

impl WindowError {
    /// The kind of fault, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Zone(_) => "bad_time_zone",
            Self::Time { .. } => "bad_time",
            Self::Gap { .. } => "time_does_not_exist",
            Self::EndBeforeStart => "end_before_start",
            Self::TooLong => "window_too_long",
            Self::TooFarAhead { .. } => "start_too_far_ahead",
        }
    }
}

fn instant(field: &'static str, text: &str, zone: &Zone) -> Result<Timestamp, WindowError> {
    let text = text.trim();
    let instant = if let Some(wall) = wall_time(text) {
        let ambiguous = zone.rules().to_ambiguous_timestamp(wall);
        if let AmbiguousOffset::Gap { before, .. } = ambiguous.offset() {
            let next = end_of_gap(wall, before, zone.rules()).ok_or(WindowError::Time { field })?;
            return Err(WindowError::Gap {
                field,
                zone: zone.to_string(),
                next,
            });
        }
        ambiguous.earlier().ok()
    } else {
        // With an offset; jiff refuses a text that has none.
        text.parse::<Timestamp>().ok()
    };
    instant
        .and_then(|instant| Timestamp::from_second(instant.as_second()).ok())
        .ok_or(WindowError::Time { field })
}

/// The wall time in `YYYY-MM-DDTHH:MM` or `YYYY-MM-DDTHH:MM:SS`. The shape is looked at first,
/// because jiff's civil parser overlooks an offset.
fn wall_time(text: &str) -> Option<DateTime> {
    let pattern = b"0000-00-00T00:00:00";
    let shape = matches!(text.len(), 16 | 19)
        && text.bytes().zip(pattern).all(|(byte, wanted)| {
            if *wanted == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == *wanted
            }
        });
    shape.then(|| text.parse().ok()).flatten()
}

/// The first wall time after the gap that `wall` is in. Read by the offset before the gap, `wall`
/// is an instant at or after the change.
fn end_of_gap(wall: DateTime, before: jiff::tz::Offset, zone: &TimeZone) -> Option<DateTime> {
    let inside = before
        .to_timestamp(wall)
        .ok()?
        .checked_add(SignedDuration::from_nanos(1))
        .ok()?;
    let change = zone.preceding(inside).next()?.timestamp();
    Some(zone.to_datetime(change))
}

#[derive(Serialize, Deserialize)]
struct Stored {
    start: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<Timestamp>,
    time_zone: Zone,
    #[serde(default, skip_serializing_if = "AfterEnd::is_default")]
    after_end: AfterEnd,
}

impl TryFrom<Stored> for Window {
    type Error = WindowError;

    fn try_from(stored: Stored) -> Result<Self, WindowError> {
        let window = Self::new(stored.start, stored.end, stored.time_zone)?;
        Ok(window.with_after_end(stored.after_end))
    }
}

impl From<Window> for Stored {
    fn from(window: Window) -> Self {
        Self {
            start: window.start,
            end: window.end,
            time_zone: window.zone,
            after_end: window.after_end,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-09-22T12:00:00Z".parse().unwrap()
    }

    fn start(text: &str, zone: &str) -> Result<String, WindowError> {
        Window::parse(text, None, zone, now()).map(|window| window.start().to_string())
    }

    #[test]
    fn wall_times_are_read_in_the_zone_and_offsets_as_they_are() {
        for (text, zone, instant) in [
            ("2026-11-25T22:00", "Europe/Berlin", "2026-11-25T21:00:00Z"),
            ("2026-11-25T22:00:30", "Europe/Berlin", "2026-11-25T21:00:30Z"),
            (" 2026-11-25T22:00 ", "America/New_York", "2026-11-26T03:00:00Z"),
            ("2026-11-25T22:00:00+01:00", "America/New_York", "2026-11-25T21:00:00Z"),
            ("2026-11-25T22:00:00.999Z", "Europe/Berlin", "2026-11-25T22:00:00Z"),
            ("2026-11-25T22:00+01:00", "Europe/Berlin", "2026-11-25T21:00:00Z"),
        ] {
            assert_eq!(start(text, zone).as_deref(), Ok(instant), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-11-25",
            "22:00",
            "2026-13-25T22:00",
            "2026-11-25T25:00",
            "2026-11-25T22:0",
            "2026-11-25T22:00:00+27:00",
            "25.11.2026 22:00",
        ] {
            assert_eq!(
                start(text, "Europe/Berlin"),
                Err(WindowError::Time { field: "start" }),
                "{text}"
            );
        }
        assert_eq!(start("2026-11-25T22:00", "Berlin").unwrap_err().code(), "bad_time_zone");
    }

    #[test]
    fn a_time_the_clocks_jump_over_is_refused_with_the_next() {
        let spring = "2027-02-01T00:00:00Z".parse().unwrap();
        for text in ["2027-03-28T02:00", "2027-03-28T02:30", "2027-03-28T02:59:59"] {
            let error = Window::parse(text, None, "Europe/Berlin", spring).unwrap_err();
            assert_eq!(
                error.to_string(),
                "start: the clocks in Europe/Berlin are put forward over this time; the next that exists is 2027-03-28T03:00:00"
            );
        }
        assert!(Window::parse("2027-03-28T03:00", None, "Europe/Berlin", spring).is_ok());
        // Half an hour only.
        let error = Window::parse("2026-10-04T02:10", None, "Australia/Lord_Howe", now()).unwrap_err();
        assert_eq!(error.code(), "time_does_not_exist");
        assert!(error.to_string().ends_with("2026-10-04T02:30:00"));
    }

    #[test]
    fn a_time_that_comes_twice_is_the_earlier() {
        assert_eq!(
            start("2026-10-25T02:30", "Europe/Berlin").as_deref(),
            Ok("2026-10-25T00:30:00Z")
        );
    }

    #[test]
    fn the_end_is_after_the_start_and_not_too_far() {
        let end = |end| Window::parse("2026-11-25T22:00", Some(end), "Europe/Berlin", now());
        assert_eq!(
            end("2026-11-26T06:00").unwrap().end().unwrap().to_string(),
            "2026-11-26T05:00:00Z"
        );
        assert_eq!(end("2026-11-25T22:00"), Err(WindowError::EndBeforeStart));
        assert_eq!(end("2026-11-25T06:00"), Err(WindowError::EndBeforeStart));
        assert!(end("2026-12-09T22:00").is_ok());
        assert_eq!(end("2026-12-09T22:01"), Err(WindowError::TooLong));
        assert_eq!(end("6 o'clock"), Err(WindowError::Time { field: "end" }));
    }

    #[test]
    fn a_start_beyond_ninety_days_is_refused_with_the_latest() {
        assert!(start("2026-12-21T12:00:00Z", "UTC").is_ok());
        let error = start("2026-12-21T12:00:01Z", "UTC").unwrap_err();
        assert_eq!(
            error.to_string(),
            "start: a frame can start 90 days from now at the latest, which is 2026-12-21T12:00:00Z"
        );
    }

    #[test]
    fn a_frame_is_stored_and_read_back() {
        let window = Window::parse("2026-11-25T22:00", Some("2026-11-26T06:00"), "Europe/Berlin", now()).unwrap();
        let json = serde_json::to_string(&window).unwrap();
        assert_eq!(
            json,
            r#"{"start":"2026-11-25T21:00:00Z","end":"2026-11-26T05:00:00Z","time_zone":"Europe/Berlin"}"#
        );
        assert_eq!(serde_json::from_str::<Window>(&json).unwrap(), window);
        let reversed = r#"{"start":"2026-11-25T21:00:00Z","end":"2026-11-25T05:00:00Z","time_zone":"Europe/Berlin"}"#;
        assert!(serde_json::from_str::<Window>(reversed).is_err());
    }

    proptest! {
        #[test]
        fn a_wall_time_is_kept_or_does_not_exist(
            second in 0_i64..90 * 86_400,
            name in prop::sample::select(vec!["Europe/Zurich", "America/New_York", "Australia/Lord_Howe"]),
        ) {
            let zone: Zone = name.parse().unwrap();
            let wall = DateTime::constant(2026, 9, 22, 12, 0, 0, 0).checked_add(SignedDuration::from_secs(second)).unwrap();
            match Window::parse(&wall.to_string(), None, name, now()) {
                Ok(window) => prop_assert_eq!(zone.rules().to_datetime(window.start()), wall),
                Err(WindowError::Gap { next, .. }) => {
                    prop_assert!(next > wall);
                    prop_assert!(Window::parse(&next.to_string(), None, name, now()).is_ok());
                }
                Err(WindowError::TooFarAhead { .. }) => prop_assert!(second > 89 * 86_400),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(start: String, end: Option<String>, zone: String) {
            let _ = Window::parse(&start, end.as_deref(), &zone, now());
            let _ = Window::parse(&start, end.as_deref(), "Europe/Berlin", now());
        }
    }
}
