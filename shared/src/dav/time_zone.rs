//! Definitions of time zones that a file refers to and does not hold: made from the tz database, whose names most
//! programs use.
//!
//! A definition has each change of the clock from 1970 to 2037 as a date of its own, because rules cannot tell which
//! of them were kept.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// 2038-01-01T00:00:00Z.
const UNTIL: i64 = 2_145_916_800;

/// How the clock is set from some moment on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Observance {
    is_daylight: bool,
    from_seconds: i32,
    to_seconds: i32,
    abbreviation: String,
}

/// The definition of a time zone of this name; nothing where the database does not know it.
pub fn definition(name: &str) -> Option<String> {
    let zone = known(name)?;
    let first = zone.to_offset_info(Timestamp::UNIX_EPOCH);
    let mut offset = first.offset();
    let mut observances: BTreeMap<Observance, Vec<String>> = BTreeMap::new();
    let begin = Observance {
        is_daylight: first.dst().is_dst(),
        from_seconds: offset.seconds(),
        to_seconds: offset.seconds(),
        abbreviation: first.abbreviation().to_owned(),
    };
    observances.insert(begin, vec!["19700101T000000".to_owned()]);
    let changes = zone.following(Timestamp::UNIX_EPOCH);
    for change in changes.take_while(|change| change.timestamp().as_second() < UNTIL) {
        // What the clock shows that has not been set yet (RFC 5545, section 3.6.5).
        let shown = offset
            .to_datetime(change.timestamp())
            .strftime("%Y%m%dT%H%M%S")
            .to_string();
        let observance = Observance {
            is_daylight: change.dst().is_dst(),
            from_seconds: offset.seconds(),
            to_seconds: change.offset().seconds(),
            abbreviation: change.abbreviation().to_owned(),
        };
        observances.entry(observance).or_default().push(shown);
        offset = change.offset();
    }
    let mut text = format!("BEGIN:VTIMEZONE\r\nTZID:{name}\r\n");
    for (observance, times) in observances {
        observance.write(&times, &mut text);
    }
    text.push_str("END:VTIMEZONE\r\n");
    Some(text)
}

/// The zone of this name, also where a program has put its own before it, as in `/example.org/Europe/Berlin`.
fn known(name: &str) -> Option<TimeZone> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+' | '.');
    if !name.chars().all(is_plain) {
        return None;
    }
    let parts: Vec<&str> = name.split('/').collect();
    let names = (0..parts.len())
        .filter_map(|n| parts.get(n..))
        .map(|parts| parts.join("/"));
    names
        .filter(|name| !name.is_empty())
        .find_map(|name| TimeZone::get(&name).ok())
        .filter(|zone| !zone.is_unknown())
}

impl Observance {
    fn write(&self, times: &[String], text: &mut String) {
        let name = if self.is_daylight { "DAYLIGHT" } else { "STANDARD" };
        let (from, to) = (clock(self.from_seconds), clock(self.to_seconds));
        let abbreviation = &self.abbreviation;
        let first = times.first().map_or("19700101T000000", String::as_str);
        // Writing into a String does not fail.
        let _ = write!(
            text,
            "BEGIN:{name}\r\nTZNAME:{abbreviation}\r\nTZOFFSETFROM:{from}\r\nTZOFFSETTO:{to}\r\nDTSTART:{first}\r\n"
        );
        if times.len() > 1 {
            let _ = write!(text, "RDATE:{}\r\n", times.join(","));
        }
        let _ = write!(text, "END:{name}\r\n");
    }
}

fn clock(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match rest {
        0 => format!("{sign}{hours:02}{minutes:02}"),
        rest => format!("{sign}{hours:02}{minutes:02}{rest:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_zones_have_all_their_changes_and_unknown_ones_no_definition() {
        let berlin = definition("Europe/Berlin").unwrap();
        // 25 March 2029 at 2 o'clock to 3; 28 October 2029 at 3 o'clock to 2.
        let observance = |name: &str, time: &str| {
            let parts: Vec<&str> = berlin.split("BEGIN:").filter(|part| part.starts_with(name)).collect();
            parts
                .into_iter()
                .find(|part| part.contains(time))
                .unwrap_or_default()
                .to_owned()
        };
        let summer = observance("DAYLIGHT", "20290325T020000");
        assert!(
            summer.contains("TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n"),
            "{berlin}"
        );
        let winter = observance("STANDARD", "20291028T030000");
        assert!(
            winter.contains("TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n"),
            "{berlin}"
        );

        let other = definition("/freeassociation.sourceforge.net/Europe/Berlin").unwrap();
        assert_eq!(other.replace("/freeassociation.sourceforge.net/", ""), berlin);
        assert!(definition("Asia/Kolkata").unwrap().contains("TZOFFSETTO:+0530"));
        assert!(definition("UTC").unwrap().contains("TZOFFSETTO:+0000"));
        for unknown in ["W. Europe Standard Time", "Home", "", "Etc/Unknown", "a\r\nb", "../x"] {
            assert_eq!(definition(unknown), None, "{unknown}");
        }
    }
}
