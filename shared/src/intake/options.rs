//! The options of a request as a customer writes them.

use jiff::civil::Date;
use serde::Deserialize;

use crate::domain::options::MAX_PATTERNS;
use crate::domain::{CopyOptions, DateRange, FolderPattern, PatternError};

/// The options as the API takes them; only the JSON is checked when they are decoded.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WantedOptions {
    /// Patterns of the folders to copy.
    pub include: Vec<String>,
    /// Patterns of the folders to leave.
    pub exclude: Vec<String>,
    /// The first day, `2024-01-31`.
    pub since: Option<String>,
    /// The day after the last.
    pub before: Option<String>,
    /// See [`CopyOptions::repair`].
    pub repair: bool,
    /// See [`CopyOptions::carry_deletions`].
    pub carry_deletions: bool,
    /// See [`CopyOptions::tell_owners`].
    pub tell_owners: bool,
}

/// What is wrong with an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionFault {
    /// The field, with a dot.
    pub field: &'static str,
    /// The kind of fault, for programs.
    pub code: &'static str,
    /// What is wrong and what to do, for people; never the value.
    pub message: String,
}

/// Checks options.
///
/// # Errors
/// Every fault.
pub fn read_options(wanted: &WantedOptions) -> Result<CopyOptions, Vec<OptionFault>> {
    let mut faults = Vec::new();
    let count = wanted.include.len() + wanted.exclude.len();
    if count > MAX_PATTERNS {
        let field = if wanted.include.len() >= wanted.exclude.len() {
            "options.include"
        } else {
            "options.exclude"
        };
        faults.push(OptionFault {
            field,
            code: "too_many_patterns",
            message: format!(
                "there can be {MAX_PATTERNS} patterns at most, in include and exclude together: use * for folders with like names."
            ),
        });
    }
    let include = patterns(&wanted.include, "options.include", &mut faults);
    let exclude = patterns(&wanted.exclude, "options.exclude", &mut faults);
    let since = day(wanted.since.as_deref(), "options.since", &mut faults);
    let before = day(wanted.before.as_deref(), "options.before", &mut faults);
    if let (Some(since), Some(before)) = (since, before)
        && before <= since
    {
        faults.push(OptionFault {
            field: "options.before",
            code: "empty_range",
            message: "no day is before this one and not before since: write the day after the last one to copy."
                .to_owned(),
        });
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(CopyOptions {
        include,
        exclude,
        dates: DateRange { since, before },
        repair: wanted.repair,
        carry_deletions: wanted.carry_deletions,
        tell_owners: wanted.tell_owners,
    })
}

fn patterns(texts: &[String], field: &'static str, faults: &mut Vec<OptionFault>) -> Vec<FolderPattern> {
    let mut patterns = Vec::new();
    // The rest is refused for its number.
    for (position, text) in (1..).zip(texts.iter().take(MAX_PATTERNS)) {
        match text.parse() {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => faults.push(OptionFault {
                field,
                code: code(error),
                message: format!("pattern {position} of the list: {error}."),
            }),
        }
    }
    patterns
}

fn code(error: PatternError) -> &'static str {
    match error {
        PatternError::Empty => "empty_value",
        PatternError::TooLong => "too_long",
        PatternError::BadCharacter => "bad_character",
        PatternError::EmptyPart => "bad_pattern",
    }
}

/// Takes `2024-01-31` alone: a time beside it would be passed over silently.
fn day(text: Option<&str>, field: &'static str, faults: &mut Vec<OptionFault>) -> Option<Date> {
    let text = text?.trim();
    let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    if day.is_none() {
        faults.push(OptionFault {
            field,
            code: "bad_date",
            message: "this is not a day: write year, month and day as in 2024-01-31, without a time.".to_owned(),
        });
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(json: &str) -> WantedOptions {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn good_options_are_taken() {
        let options = read_options(&wanted(
            r#"{"include": [" INBOX ", "a/**"], "exclude": ["**/x"], "since": "2020-02-29", "before": "2024-01-01", "repair": true}"#,
        ))
        .unwrap();
        assert_eq!(
            options.include.iter().map(FolderPattern::as_str).collect::<Vec<_>>(),
            ["INBOX", "a/**"]
        );
        assert_eq!(
            options.dates.since.map(|day| day.to_string()).as_deref(),
            Some("2020-02-29")
        );
        assert!(options.repair && !options.carry_deletions);
        assert!(read_options(&WantedOptions::default()).unwrap().is_default());
    }

    #[test]
    fn all_faults_of_options_come_at_once_without_their_values() {
        let faults = read_options(&wanted(
            r#"{"include": ["hunter2/", "ok", ""], "exclude": ["hunter2\u0000"], "since": "2023-02-29", "before": "2024-01-01T00:00"}"#,
        ))
        .unwrap_err();
        let told: Vec<_> = faults.iter().map(|fault| (fault.field, fault.code)).collect();
        assert_eq!(
            told,
            [
                ("options.include", "bad_pattern"),
                ("options.include", "empty_value"),
                ("options.exclude", "bad_character"),
                ("options.since", "bad_date"),
                ("options.before", "bad_date"),
            ]
        );
        assert!(
            faults
                .iter()
                .any(|fault| fault.message.starts_with("pattern 3 of the list: "))
        );
        assert!(faults.iter().all(|fault| !fault.message.contains("hunter2")));
    }

    #[test]
    fn a_range_without_a_day_and_too_many_patterns_are_refused() {
        let range = read_options(&wanted(r#"{"since": "2024-01-01", "before": "2024-01-01"}"#)).unwrap_err();
        assert_eq!(
            range.iter().map(|fault| fault.code).collect::<Vec<_>>(),
            ["empty_range"]
        );
        let mut many = WantedOptions {
            include: vec!["a".to_owned(); 20],
            exclude: vec!["b".to_owned(); 30],
            ..WantedOptions::default()
        };
        assert!(read_options(&many).is_ok());
        many.exclude.push("b".to_owned());
        let fault = read_options(&many).unwrap_err().remove(0);
        assert_eq!((fault.field, fault.code), ("options.exclude", "too_many_patterns"));
    }
}
