//! Times as clients see them: RFC 3339 for programs, words for people, in the customer's own zone.

use jiff::Timestamp;
use mailvan::domain::Zone;

/// The time in RFC 3339 with the zone's offset at that time.
pub fn rfc3339(at: Timestamp, zone: &Zone) -> String {
    at.to_zoned(zone.rules().clone())
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// The time for people, such as `Wednesday, 25 November 2026, 22:00 (Europe/Berlin)`.
pub fn words(at: Timestamp, zone: &Zone) -> String {
    format!(
        "{} ({zone})",
        at.to_zoned(zone.rules().clone()).strftime("%A, %-d %B %Y, %H:%M")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_zone() {
        let (at, zone) = (
            "2026-07-05T21:30:00Z".parse().unwrap(),
            "Europe/Berlin".parse().unwrap(),
        );
        assert_eq!(rfc3339(at, &zone), "2026-07-05T23:30:00+02:00");
        assert_eq!(words(at, &zone), "Sunday, 5 July 2026, 23:30 (Europe/Berlin)");
        assert_eq!(rfc3339(at, &"UTC".parse().unwrap()), "2026-07-05T21:30:00+00:00");
    }
}
