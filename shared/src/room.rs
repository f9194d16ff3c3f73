//! Whether a request has room in the time frame that it wants, beside all that is promised to others.
//!
//! The rule is in [`crate::domain::capacity`]; here it is asked with what the table knows, and answered in
//! words. Two requests that ask at the same moment may both be promised the last room: it is a plan.

use jiff::{SignedDuration, Timestamp};

use crate::domain::capacity::summed_up;
use crate::domain::{Capacity, Fit, LeadTimes, Load, Loads, RequestId, Reservation, Window, Zone, check_start};
use crate::profile::Provider;
use crate::store::job::Failure;
use crate::store::{JobRecord, Store, StoreError};

/// What is asked with.
#[derive(Clone, Debug)]
pub struct Room {
    /// The job table.
    pub store: Store,
    /// How much there is.
    pub capacity: Capacity,
    /// The provider, whose working days a start that is proposed has to respect.
    pub provider: Provider,
    /// How far ahead it has to be.
    pub lead_times: LeadTimes,
    /// How long a frame has to be.
    pub shortest_frame: SignedDuration,
}

/// Where a request finds its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// When, and how much.
    pub reservation: Reservation,
    /// Why it does not fit there.
    pub refusal: Option<NoRoom>,
}

/// A frame that a request does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRoom {
    code: &'static str,
    why: String,
    /// The next frame that it fits, if there is one.
    pub next: Option<Window>,
}

impl NoRoom {
    /// For a customer who has not ordered yet: what is wrong, and what to do.
    pub fn in_words(&self) -> String {
        match &self.next {
            Some(next) => format!("{} The next frame with room is {}.", self.why, words(next)),
            None => format!("{} No frame like it has room: ask for a longer one.", self.why),
        }
    }

    /// For the customer of a request that waits for it.
    pub fn failure(&self) -> Failure {
        Failure {
            code: self.code.to_owned(),
            message: format!(
                "{} Choose another frame, or go on with this one nevertheless: what is not copied in it waits for the \
                 next night's.",
                self.in_words()
            ),
        }
    }
}

/// Whether a failure of a request is that it has no room.
pub fn is_no_room(code: Option<&str>) -> bool {
    matches!(code, Some("frame_full" | "frame_too_short"))
}

/// No mailbox is planned as larger than this, whatever a server says: 200 GB.
const BELIEVED_BYTES: i64 = 200_000_000_000;

/// What a request has to move, as far as its checks tell: mailboxes that cannot be copied are left out.
pub fn loads_of(jobs: &[JobRecord]) -> Loads {
    let mut loads = Loads::new();
    for job in jobs.iter().filter(|job| job.check.obstacle().is_none()) {
        let load = Load {
            mailboxes: 1,
            bytes: job.check.size.map_or(0, |size| size.bytes.min(BELIEVED_BYTES)),
        };
        let sum = loads.entry(job.source.host.as_str().to_owned()).or_default();
        *sum = sum.and(load);
    }
    summed_up(loads)
}

impl Room {
    /// Finds the place of a request, or of an order that is none yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn place(
        &self,
        id: Option<RequestId>,
        window: Option<&Window>,
        loads: &Loads,
        now: Timestamp,
    ) -> Result<Place, StoreError> {
        let others = self.store.reservations_beside(id, now).await?;
        let (reservation, fit) = self.capacity.place(window, loads, &others, now);
        let (code, why) = match fit {
            Fit::Fits => {
                return Ok(Place {
                    reservation,
                    refusal: None,
                });
            }
            Fit::Full => (
                "frame_full",
                "Others are moved in this time frame, and there is no room left in it.".to_owned(),
            ),
            Fit::TooLong(needed) => (
                "frame_too_short",
                format!(
                    "Copying this takes {} at least, and the time frame is shorter.",
                    hours(needed)
                ),
            ),
        };
        let is_taken = |frame: &Window| {
            let is_long = frame.length().is_none_or(|length| length >= self.shortest_frame);
            is_long && check_start(frame.start(), now, self.provider.workdays(), self.lead_times).is_ok()
        };
        let next = window.and_then(|window| self.capacity.next_that_fits(window, loads, &others, now, is_taken));
        Ok(Place {
            reservation,
            refusal: Some(NoRoom { code, why, next }),
        })
    }
}

fn hours(time: SignedDuration) -> String {
    match time.as_hours() {
        0 => "less than an hour".to_owned(),
        1 => "more than an hour".to_owned(),
        hours => format!("more than {hours} hours"),
    }
}

/// A frame for people, such as `Wednesday, 25 November 2026, 22:00 to Thursday, 26 November 2026, 06:00
/// (Europe/Berlin)`.
fn words(window: &Window) -> String {
    let zone = window.zone();
    let start = moment(window.start(), zone);
    match window.end() {
        Some(end) => format!("{start} to {} ({zone})", moment(end, zone)),
        None => format!("{start} ({zone})"),
    }
}

fn moment(at: Timestamp, zone: &Zone) -> String {
    at.to_zoned(zone.rules().clone())
        .strftime("%A, %-d %B %Y, %H:%M")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_says_why_and_what_to_do() {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let next = Window::parse("2026-11-25T22:00", Some("2026-11-26T06:00"), "Europe/Berlin", now).unwrap();
        let full = NoRoom {
            code: "frame_full",
            why: "There is no room.".to_owned(),
            next: Some(next),
        };
        assert_eq!(
            full.in_words(),
            "There is no room. The next frame with room is Wednesday, 25 November 2026, 22:00 to Thursday, \
             26 November 2026, 06:00 (Europe/Berlin)."
        );
        assert!(is_no_room(Some(&full.failure().code)) && !is_no_room(Some("gave_up")) && !is_no_room(None));
        let none = NoRoom { next: None, ..full };
        assert!(
            none.failure()
                .message
                .contains("ask for a longer one. Choose another frame, or go on")
        );
    }
}
