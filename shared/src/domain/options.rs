//! What a customer wants to have copied, how, and who is told.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::FolderPattern;

/// The most patterns of a request, those to include and those to exclude together.
pub const MAX_PATTERNS: usize = 50;

/// The options of a request; they hold for each of its mailboxes. The default copies everything
/// as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CopyOptions {
    /// Only folders that one of these means; all, where there is none.
    pub include: Vec<FolderPattern>,
    /// No folder that one of these means, whatever `include` says.
    pub exclude: Vec<FolderPattern>,
    /// Only messages of these days.
    #[serde(flatten)]
    pub dates: DateRange,
    /// Whether a message that the destination refuses is mended and sent again.
    pub repair: bool,
    /// Whether what was deleted at the source after the first pass is deleted at the destination by
    /// the final one.
    pub carry_deletions: bool,
    /// Whether the owner of each mailbox is written to when it has moved.
    pub tell_owners: bool,
}

/// Days, from the first to the one before the last; open where a bound is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DateRange {
    /// The first day that is in it.
    pub since: Option<Date>,
    /// The first day after it.
    pub before: Option<Date>,
}

impl CopyOptions {
    /// Whether these are the options of a request that asks for nothing in particular.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a folder is to be copied; `INBOX` is a folder like the others. The path is the
    /// source's, without the prefix of its namespace.
    pub fn takes(&self, folder_path: &[String]) -> bool {
        let means = |pattern: &FolderPattern| pattern.matches(folder_path);
        (self.include.is_empty() || self.include.iter().any(means)) && !self.exclude.iter().any(means)
    }
}

impl DateRange {
    /// Whether every day is in it.
    pub fn is_open(&self) -> bool {
        self.since.is_none() && self.before.is_none()
    }

    /// Whether a message of this INTERNALDATE is in it, by the calendar day in UTC.
    ///
    /// IMAP's own SEARCH SINCE and BEFORE go by the day in the zone that the server happens to show
    /// (RFC 9051, section 6.4.4), which may be the day before or after. So they can be used to ask
    /// for less, with a day more on each side, but not to decide.
    ///
    /// ```
    /// use mailvan::domain::DateRange;
    ///
    /// let june = DateRange { since: "2024-06-01".parse().ok(), before: "2024-07-01".parse().ok() };
    /// assert!(june.contains("2024-06-30T23:59:59Z".parse()?));
    /// assert!(!june.contains("2024-07-01T01:30:00+01:00[Europe/London]".parse::<jiff::Zoned>()?.timestamp()));
    /// # Ok::<(), jiff::Error>(())
    /// ```
    pub fn contains(&self, instant: Timestamp) -> bool {
        if self.is_open() {
            return true;
        }
        let day = instant.to_zoned(TimeZone::UTC).date();
        self.since.is_none_or(|since| since <= day) && self.before.is_none_or(|before| day < before)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn options(include: &[&str], exclude: &[&str]) -> CopyOptions {
        let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        CopyOptions {
            include: patterns(include),
            exclude: patterns(exclude),
            ..CopyOptions::default()
        }
    }

    fn takes(options: &CopyOptions, path: &str) -> bool {
        options.takes(&path.split('/').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_said_takes_everything() {
        let all = CopyOptions::default();
        assert!(takes(&all, "INBOX") && takes(&all, "a/b"));
        assert!(all.dates.contains(Timestamp::MIN) && all.dates.contains(Timestamp::MAX));
    }

    #[test]
    fn to_exclude_counts_more_than_to_include() {
        let some = options(&["INBOX", "Projekte/**"], &["**/alt"]);
        for (path, taken) in [
            ("INBOX", true),
            ("Projekte", false),
            ("Projekte/2024", true),
            ("Projekte/Alt", false),
            ("Sent", false),
        ] {
            assert_eq!(takes(&some, path), taken, "{path}");
        }
        assert!(!takes(&options(&[], &["inbox"]), "INBOX"));
    }

    #[test]
    fn since_is_in_the_range_and_before_is_not() {
        let range = DateRange {
            since: "2024-01-31".parse().ok(),
            before: "2024-02-01".parse().ok(),
        };
        for (instant, inside) in [
            ("2024-01-30T23:59:59Z", false),
            ("2024-01-31T00:00:00Z", true),
            ("2024-01-31T23:59:59Z", true),
            ("2024-02-01T00:00:00Z", false),
            ("2024-02-01T00:30:00+01:00", true),
        ] {
            assert_eq!(range.contains(instant.parse().unwrap()), inside, "{instant}");
        }
    }

    #[test]
    fn options_survive_json_and_those_of_before_are_the_default() {
        let mut some = options(&["a*"], &["b"]);
        some.dates.since = "2024-01-31".parse().ok();
        some.repair = true;
        let json = serde_json::to_value(&some).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "include": ["a*"], "exclude": ["b"], "since": "2024-01-31", "before": null, "repair": true, "carry_deletions": false, "tell_owners": false
            })
        );
        assert_eq!(serde_json::from_value::<CopyOptions>(json).unwrap(), some);
        assert!(serde_json::from_str::<CopyOptions>("{}").unwrap().is_default());
    }

    proptest! {
        #[test]
        fn an_instant_is_on_one_side_of_each_day(second in -2_000_000_000_i64..4_000_000_000, day in "20[0-3][0-9]-0[1-9]-[12][0-8]") {
            let instant = Timestamp::from_second(second).unwrap();
            let day: Date = day.parse().unwrap();
            let from = DateRange { since: Some(day), before: None };
            let until = DateRange { since: None, before: Some(day) };
            prop_assert!(from.contains(instant) != until.contains(instant));
        }
    }
}
