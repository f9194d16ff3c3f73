//! A time frame, night after night.
//!
//! What is not copied by the frame's end waits for the next one: the same times on the clock on the
//! wall, one day later (as many days later as it takes for a longer frame to be over). A bound that the
//! change of the clocks leaves out is the moment of the change; one that comes twice is the earlier. So
//! frames never overlap, and a frame that lies wholly in what is left out does not take place.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::Window;

/// Nights that are looked ahead for one that takes place.
const LOOK_AHEAD: i64 = 4;

/// The most frames that are counted through.
const MOST_FRAMES: usize = 1_000;

/// A wait that is not longer than this is none: a schedule has a precision of a minute.
pub const SHORT_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// What becomes of what is not copied by the frame's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterEnd {
    /// It waits for the next frame.
    #[default]
    NextNight,
    /// It is copied at once, as if the frame had no end.
    Continue,
}

/// Whether mail may be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It may, until then.
    Open {
        /// When the frame ends, if it does.
        until: Option<Timestamp>,
    },
    /// It may not, until then.
    Closed {
        /// When the next frame starts.
        until: Timestamp,
    },
}

impl AfterEnd {
    /// Whether it is what holds when nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Window {
    /// Whether mail may be copied at this time. Before the first start it may: whoever begins has
    /// waited for it.
    pub fn opening(&self, now: Timestamp) -> Opening {
        let Some(end) = self.end().filter(|_| self.after_end() == AfterEnd::NextNight) else {
            return Opening::Open { until: None };
        };
        if now < end {
            return Opening::Open { until: Some(end) };
        }
        let around = self.night_of(now);
        let nights = (around - 1).max(1)..=around + LOOK_AHEAD;
        let next = nights.filter_map(|night| self.night(night)).find(|(_, end)| now < *end);
        match next {
            Some((start, end)) if start <= now => Opening::Open { until: Some(end) },
            Some((start, _)) => Opening::Closed { until: start },
            // The end of time.
            None => Opening::Open { until: None },
        }
    }

    /// Since when the frame is open; none where it is ahead, or over for the night.
    pub fn open_since(&self, now: Timestamp) -> Option<Timestamp> {
        let start = if self.end().is_some() && self.after_end() == AfterEnd::NextNight {
            self.frames(now).next()?.0
        } else {
            self.start()
        };
        (start <= now).then_some(start)
    }

    /// Until when copying has to wait; none where it may go on, or may within a minute.
    pub fn pause(&self, now: Timestamp) -> Option<Timestamp> {
        match self.opening(now) {
            Opening::Open { .. } => None,
            Opening::Closed { until } => (until.duration_since(now) > SHORT_WAIT).then_some(until),
        }
    }

    /// When copying may begin for the first time, if that is to be waited for. Where the first frame has
    /// passed, as it can while rows are mended, the next night's counts.
    pub fn wait_for_start(&self, now: Timestamp) -> Option<Timestamp> {
        let start = match self.opening(now) {
            Opening::Open { .. } => self.start(),
            Opening::Closed { until } => until,
        };
        (start.duration_since(now) > SHORT_WAIT).then_some(start)
    }

    /// When copying that the end of the frame interrupts is to go on; none where it is not kept. Farther
    /// away than a short wait, during which it goes on anyway.
    pub fn next_waking(&self, now: Timestamp) -> Option<Timestamp> {
        self.next_start(now.checked_add(SHORT_WAIT).ok()?)
    }

    /// The frames that are not over at this time, one after the other; none where the end is not kept.
    pub fn frames(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let is_kept = self.after_end() == AfterEnd::NextNight;
        let mut at = is_kept.then_some(now);
        std::iter::from_fn(move || {
            let now = at?;
            let first = (self.night_of(now) - 1).max(0);
            let mut nights = (first..=first + 1 + LOOK_AHEAD).filter_map(|night| self.night(night));
            let frame = nights.find(|(_, end)| now < *end)?;
            at = Some(frame.1);
            Some(frame)
        })
    }

    /// The moment at which the frame has been open for so long since `start`.
    pub fn after_open_time(&self, start: Timestamp, time: SignedDuration) -> Timestamp {
        let mut left = time;
        let mut reached = start;
        for (from, until) in self.frames(start).take(MOST_FRAMES) {
            let from = from.max(start);
            let open = until.duration_since(from);
            if left <= open {
                return from.checked_add(left).unwrap_or(Timestamp::MAX);
            }
            left = left.saturating_sub(open);
            reached = until;
        }
        // Frames that are not kept, or more of them than anybody waits for.
        reached.checked_add(left).unwrap_or(Timestamp::MAX)
    }

    /// For how long the frame was open between two moments.
    pub fn open_time(&self, from: Timestamp, until: Timestamp) -> SignedDuration {
        let mut frames = self.frames(from).take(MOST_FRAMES).peekable();
        if frames.peek().is_none() {
            return until.duration_since(from);
        }
        let open = frames.map(|(start, end)| end.min(until).duration_since(start.max(from)));
        open.take_while(SignedDuration::is_positive)
            .fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// The same frame so many days later, on the clock on the wall.
    pub fn days_later(&self, days: i64) -> Option<Self> {
        let zone = self.zone().rules();
        let later = Span::new().try_days(days).ok()?;
        let at = |first: Timestamp| instant(zone.to_datetime(first).checked_add(later).ok()?, zone);
        let end = match self.end() {
            Some(end) => Some(at(end)?),
            None => None,
        };
        self.with_bounds(at(self.start())?, end)
    }

    /// The same frame with an end so much after its start, up to the full quarter of an hour.
    pub fn lengthened(&self, length: SignedDuration) -> Option<Self> {
        let end = self.start().checked_add(length).ok()?.as_second();
        let quarter = end.checked_add(899)?.div_euclid(900).checked_mul(900)?;
        self.with_bounds(self.start(), Some(Timestamp::from_second(quarter).ok()?))
    }

    /// When the next frame starts after this time; none where the frame has no end that is kept.
    pub fn next_start(&self, now: Timestamp) -> Option<Timestamp> {
        self.end().filter(|_| self.after_end() == AfterEnd::NextNight)?;
        let around = self.night_of(now);
        let nights = (around - 1).max(1)..=around + LOOK_AHEAD;
        nights
            .filter_map(|night| self.night(night))
            .map(|(start, _)| start)
            .find(|start| *start > now)
    }

    /// The frame of a night, counted from the first, which is 0; none where it does not take place.
    fn night(&self, night: i64) -> Option<(Timestamp, Timestamp)> {
        let end = self.end()?;
        if night == 0 {
            return Some((self.start(), end));
        }
        let zone = self.zone().rules();
        let later = Span::new().try_days(night.checked_mul(self.days()?)?).ok()?;
        let at = |first: Timestamp| instant(zone.to_datetime(first).checked_add(later).ok()?, zone);
        let (start, end) = (at(self.start())?, at(end)?);
        (start < end).then_some((start, end))
    }

    /// After how many days the frame comes again: as many as it takes to be over, on the clock on the
    /// wall.
    fn days(&self) -> Option<i64> {
        let zone = self.zone().rules();
        let (start, end) = (zone.to_datetime(self.start()), zone.to_datetime(self.end()?));
        let whole = days_between(start.date(), end.date());
        Some((whole + i64::from(end.time() > start.time())).max(1))
    }

    /// The night that this time is in or near.
    fn night_of(&self, now: Timestamp) -> i64 {
        let zone = self.zone().rules();
        let days = days_between(zone.to_datetime(self.start()).date(), zone.to_datetime(now).date());
        days.div_euclid(self.days().unwrap_or(1))
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

/// The instant of a wall time: of the change of the clocks where that leaves it out, of the earlier one
/// where it comes twice.
fn instant(wall: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { before, .. } => {
            let inside = before.to_timestamp(wall).ok()?;
            let inside = inside.checked_add(SignedDuration::from_nanos(1)).ok()?;
            Some(zone.preceding(inside).next()?.timestamp())
        }
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
