//! Values in words for a customer.

use jiff::Timestamp;

use super::german;
use crate::domain::speed::Seconds;
use crate::domain::{Language, Zone};

/// The longest ticket reference shown, in characters.
const LONGEST_TICKET: usize = 64;

/// A text as one line: line breaks and tabs become spaces, characters that steer a terminal, a
/// header or the direction of writing are removed, runs of spaces become one.
pub(super) fn one_line(text: &str) -> String {
    let shown = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let words = text
        .split_whitespace()
        .map(|word| word.chars().filter(|c| shown(*c)).collect::<String>());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A text as a sentence: with a capital letter, unless it begins with a name of a server or the like, and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = text.split(' ').next().unwrap_or_default();
    let is_name = first.trim_end_matches([',', ':']).contains(['.', '@', '_', '/']);
    let begun = match chars.next() {
        Some(letter) if !is_name => letter.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    };
    let is_open = begun.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | ']' | '"' | '\'' | '“' | '”'));
    if is_open { begun + "." } else { begun }
}

/// A ticket reference for the brackets of a subject: without brackets and a leading # of its own.
pub(super) fn bracketed(ticket: &str) -> String {
    let inner: String = ticket
        .chars()
        .filter(|c| !matches!(c, '[' | ']'))
        .take(LONGEST_TICKET)
        .collect();
    inner.trim().trim_start_matches('#').to_owned()
}

/// A moment on the clock of a zone: `Wednesday, 25 November 2026, 22:00 (Europe/Berlin, UTC+01:00)`.
pub(super) fn moment(at: Timestamp, zone: &Zone, language: Language) -> String {
    let at = at.to_zoned(zone.rules().clone());
    let words = match language {
        Language::English => at.strftime("%A, %-d %B %Y, %H:%M").to_string(),
        Language::German => german::day_and_time(&at),
    };
    format!("{words} ({zone}, UTC{})", at.strftime("%:z"))
}

/// The marks between thousands and before decimals.
fn marks(language: Language) -> (char, char) {
    match language {
        Language::English => (',', '.'),
        Language::German => ('.', ','),
    }
}

/// A number with marks between thousands; never below zero, since it counts something.
pub(super) fn number(count: i64, language: Language) -> String {
    let (thousands, _) = marks(language);
    let digits = count.max(0).to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            shown.push(thousands);
        }
        shown.push(digit);
    }
    shown
}

/// A number and what it counts: `1 mailbox`, `1,200 mailboxes`.
pub(super) fn counted(count: i64, one: &str, many: &str, language: Language) -> String {
    format!("{} {}", number(count, language), if count == 1 { one } else { many })
}

/// A length in bytes in the unit that reads best, to a tenth: `1.4 GB`. Units are decimal.
pub(super) fn size(bytes: i64, language: Language) -> String {
    let bytes = bytes.max(0);
    let mut unit = ("bytes", 1);
    for larger in [
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
    ] {
        if bytes >= larger.1 {
            unit = larger;
        }
    }
    let (name, unit) = unit;
    if unit == 1 {
        return match language {
            Language::English => counted(bytes, "byte", "bytes", language),
            Language::German => counted(bytes, "Byte", "Byte", language),
        };
    }
    let (_, decimal) = marks(language);
    let tenths = bytes / (unit / 10);
    format!("{}{decimal}{} {name}", number(tenths / 10, language), tenths % 10)
}

/// A range of time: `20 minutes to 3 hours`, `2 days`.
pub(super) fn lasting(seconds: Seconds, language: Language) -> String {
    let (low, high) = (
        length(seconds.low, language),
        length(seconds.high.max(seconds.low), language),
    );
    let to = match language {
        Language::English => "to",
        Language::German => "bis",
    };
    if low == high { low } else { format!("{low} {to} {high}") }
}

/// A length of time in the unit that reads best; a started one counts.
pub(super) fn length(seconds: u64, language: Language) -> String {
    let [minutes, hours, days] = match language {
        Language::English => [["minute", "minutes"], ["hour", "hours"], ["day", "days"]],
        Language::German => [["Minute", "Minuten"], ["Stunde", "Stunden"], ["Tag", "Tage"]],
    };
    let (unit, [one, many]) = match seconds {
        0..=5_400 => (60, minutes),
        5_401..=172_800 => (3_600, hours),
        _ => (86_400, days),
    };
    let count = i64::try_from(seconds.div_ceil(unit).max(1)).unwrap_or(i64::MAX);
    counted(count, one, many, language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_without_steering_characters() {
        for (text, line) in [
            ("a\r\nBcc: b@example.com", "a Bcc: b@example.com"),
            ("a\u{2028}b\u{2029}c\u{85}d\te", "a b c d e"),
            ("\u{1b}[31mred\0\u{7f}", "[31mred"),
            ("\u{202e}gpj.exe\u{feff}", "gpj.exe"),
            ("  \u{200b}  ", ""),
        ] {
            assert_eq!(one_line(text), line);
        }
    }

    #[test]
    fn sentences_begin_and_end_as_such_and_names_stay() {
        for (text, shown) in [
            ("the mailbox is full", "The mailbox is full."),
            ("über 300 Nachrichten (Ordner)", "Über 300 Nachrichten (Ordner)."),
            ("It is full.", "It is full."),
            ("imap.example.org refused it", "imap.example.org refused it."),
            ("why?", "Why?"),
            ("", ""),
        ] {
            assert_eq!(sentence(text), shown);
        }
    }

    #[test]
    fn a_ticket_cannot_close_its_brackets() {
        assert_eq!(bracketed("#4711"), "4711");
        assert_eq!(bracketed("1] [#2"), "1 #2");
        assert_eq!(bracketed(&"x".repeat(100)).len(), LONGEST_TICKET);
    }

    #[test]
    fn moments_are_shown_in_their_zone_on_both_sides_of_the_clock_change() {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        for (at, shown) in [
            (
                "2026-10-25T00:30:00Z",
                "Sunday, 25 October 2026, 02:30 (Europe/Berlin, UTC+02:00)",
            ),
            (
                "2026-10-25T01:30:00Z",
                "Sunday, 25 October 2026, 02:30 (Europe/Berlin, UTC+01:00)",
            ),
            (
                "2026-12-31T23:00:00Z",
                "Friday, 1 January 2027, 00:00 (Europe/Berlin, UTC+01:00)",
            ),
        ] {
            assert_eq!(moment(at.parse().unwrap(), &zone, Language::English), shown);
        }
    }

    #[test]
    fn numbers_and_sizes_read_well() {
        for (count, shown) in [
            (-1, "0"),
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(count, Language::English), shown);
        }
        for (bytes, shown) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (1_449_999_999, "1.4 GB"),
            (999_999, "999.9 kB"),
            (i64::MAX, "9,223,372.0 TB"),
        ] {
            assert_eq!(size(bytes, Language::English), shown);
        }
    }

    #[test]
    fn german_has_its_own_marks_days_and_months() {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        assert_eq!(
            moment("2026-03-01T21:05:00Z".parse().unwrap(), &zone, Language::German),
            "Sonntag, 1. März 2026, 22:05 Uhr (Europe/Berlin, UTC+01:00)"
        );
        assert_eq!(number(1_234_567, Language::German), "1.234.567");
        assert_eq!(size(1_449_999_999, Language::German), "1,4 GB");
        assert_eq!(size(1, Language::German), "1 Byte");
    }
    #[test]
    fn ranges_of_time_are_told_in_the_unit_that_reads_best() {
        for (low, high, english, german) in [
            (0, 1, "1 minute", "1 Minute"),
            (61, 5_400, "2 minutes to 90 minutes", "2 Minuten bis 90 Minuten"),
            (3_000, 5_401, "50 minutes to 2 hours", "50 Minuten bis 2 Stunden"),
            (3_600, 172_801, "60 minutes to 3 days", "60 Minuten bis 3 Tage"),
            // One that cannot be: the higher counts.
            (7_200, 60, "2 hours", "2 Stunden"),
        ] {
            let seconds = Seconds { low, high };
            assert_eq!(lasting(seconds, Language::English), english);
            assert_eq!(lasting(seconds, Language::German), german);
        }
    }
}
