//! Patterns over the paths of folders, by which customers say what to copy and what to leave.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest pattern, in characters.
pub const MAX_PATTERN_CHARS: usize = 200;

/// A pattern over a folder's readable path, its parts joined by `/`.
///
/// `*` stands for any characters within a part, none included; `**` for any characters, `/`
/// included; and `**/` at the beginning of a part for any number of whole parts, none included. All
/// other characters stand for themselves, in either case. The whole path has to match, so a folder
/// does not bring its children with it.
///
/// ```
/// use mailvan::domain::FolderPattern;
///
/// let below: FolderPattern = "projekte/**".parse()?;
/// assert!(below.matches(&["Projekte".to_owned(), "2024".to_owned(), "Alt".to_owned()]));
/// assert!(!below.matches(&["Projekte".to_owned()]));
///
/// let anywhere: FolderPattern = "**/Newsletter*".parse()?;
/// assert!(anywhere.matches(&["Newsletters".to_owned()]));
/// assert!(anywhere.matches(&["INBOX".to_owned(), "Newsletter".to_owned()]));
/// # Ok::<(), mailvan::domain::PatternError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FolderPattern {
    text: String,
    steps: Vec<Step>,
}

/// Why a text is no pattern; the words are for customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing is in it.
    #[error("it is empty: write the path of a folder, such as Projects/2024, or leave it out")]
    Empty,
    /// Too long.
    #[error("it can have {MAX_PATTERN_CHARS} characters at most: use * for a part of the path")]
    TooLong,
    /// A control character.
    #[error("it has an invisible character in it: type it in again, or use * for the character")]
    BadCharacter,
    /// A `/` at an end, or two in a row.
    #[error("a path has a / between two names only: take away the one at the beginning, at the end or beside another")]
    EmptyPart,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// This character, case folded.
    One(char),
    /// Any characters but `/`.
    WithinPart,
    /// Any characters.
    AcrossParts,
    /// The two steps after this one, or neither.
    Perhaps,
}

impl FolderPattern {
    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it means the folder of this path.
    pub fn matches(&self, path: &[String]) -> bool {
        let mut at = vec![false; self.steps.len() + 1];
        self.reach(&mut at, 0);
        for c in folded(&path.join("/")) {
            let mut next = vec![false; at.len()];
            let reached = self
                .steps
                .iter()
                .zip(&at)
                .enumerate()
                .filter(|(_, (_, reached))| **reached);
            for (index, (step, _)) in reached {
                match step {
                    Step::One(own) if *own == c => self.reach(&mut next, index + 1),
                    Step::WithinPart if c != '/' => self.reach(&mut next, index),
                    Step::AcrossParts => self.reach(&mut next, index),
                    Step::One(_) | Step::WithinPart | Step::Perhaps => {}
                }
            }
            if !next.contains(&true) {
                return false;
            }
            at = next;
        }
        at.last() == Some(&true)
    }

    /// Marks a step as reached, and those that are reached from it without a character.
    fn reach(&self, at: &mut [bool], index: usize) {
        let Some(reached) = at.get_mut(index).filter(|reached| !**reached) else {
            return;
        };
        *reached = true;
        match self.steps.get(index) {
            Some(Step::WithinPart | Step::AcrossParts) => self.reach(at, index + 1),
            Some(Step::Perhaps) => {
                self.reach(at, index + 1);
                self.reach(at, index + 3);
            }
            Some(Step::One(_)) | None => {}
        }
    }
}

/// The characters of a text without regard to case: equal for texts that people take for the same.
/// `ß` is `ss`, as in capitals.
pub fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut begins_part = true;
    while let Some(c) = rest.chars().next() {
        let after = rest.trim_start_matches('*');
        match rest.len() - after.len() {
            0 => {
                steps.extend(folded(c.encode_utf8(&mut [0; 4])).map(Step::One));
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
            1 => {
                steps.push(Step::WithinPart);
                rest = after;
            }
            _ => {
                if begins_part && after.starts_with('/') {
                    steps.push(Step::Perhaps);
                }
                steps.push(Step::AcrossParts);
                rest = after;
            }
        }
        begins_part = c == '/';
    }
    steps
}

impl FromStr for FolderPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.chars().count() > MAX_PATTERN_CHARS {
            return Err(PatternError::TooLong);
        }
        if text.contains(char::is_control) {
            return Err(PatternError::BadCharacter);
        }
        if text.split('/').any(str::is_empty) {
            return Err(PatternError::EmptyPart);
        }
        Ok(Self {
            text: text.to_owned(),
            steps: steps(text),
        })
    }
}

impl TryFrom<String> for FolderPattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<FolderPattern> for String {
    fn from(pattern: FolderPattern) -> Self {
        pattern.text
    }
}

impl fmt::Debug for FolderPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        let path: Vec<String> = path.split('/').map(str::to_owned).collect();
        pattern.parse::<FolderPattern>().unwrap().matches(&path)
    }

    #[test]
    fn stars_stand_for_a_part_or_for_many() {
        for (pattern, paths, others) in [
            ("inbox", ["INBOX", "Inbox", "inbox"], ["INBOX/a", "a/INBOX", "INBOX2"]),
            (
                "INBOX/*",
                ["INBOX/a", "INBOX/ä b", "inbox/A"],
                ["INBOX", "INBOX/a/b", "x/INBOX/a"],
            ),
            ("*", ["INBOX", "a", "Größe"], ["a/b", "a/b/c", "INBOX/x"]),
            ("**", ["INBOX", "a/b", "a/b/c"], ["", "", ""]),
            ("a/**", ["a/b", "A/b/c", "a/b/c/d"], ["a", "ab/c", "b/a/c"]),
            ("**/x", ["x", "a/x", "a/b/X"], ["ax", "a/bx", "x/a"]),
            ("a/**/x", ["a/x", "a/b/x", "a/b/c/x"], ["ax", "a/bx", "b/x"]),
            ("a**x", ["ax", "a/x", "abc/d/x"], ["a", "x", "ba/x"]),
            ("*e*e*", ["Weg ebene", "ee", "GeE"], ["e", "e/e", "We"]),
            ("Straße", ["STRASSE", "straße", "Strasse"], ["Strase", "Straẞe2", "Str"]),
            ("ΟΔΌΣ*", ["οδός", "ΟΔΌΣ", "οδόσα"], ["οδ", "οδος", "x"]),
        ] {
            for path in paths {
                assert!(matches(pattern, path), "{pattern} {path}");
            }
            for path in others.into_iter().filter(|path| !path.is_empty()) {
                assert!(!matches(pattern, path), "{pattern} {path}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, error) in [
            (" ", PatternError::Empty),
            ("a\nb", PatternError::BadCharacter),
            ("/a", PatternError::EmptyPart),
            ("a//b", PatternError::EmptyPart),
            ("a/", PatternError::EmptyPart),
        ] {
            assert_eq!(text.parse::<FolderPattern>(), Err(error), "{text:?}");
        }
        assert!("ä".repeat(200).parse::<FolderPattern>().is_ok());
        assert_eq!("ä".repeat(201).parse::<FolderPattern>(), Err(PatternError::TooLong));
    }

    #[test]
    fn many_stars_on_a_long_path_come_to_an_end() {
        let path = vec!["a".repeat(1000)];
        let pattern: FolderPattern = format!("{}b", "*a".repeat(99)).parse().unwrap();
        assert!(!pattern.matches(&path));
    }

    /// Whether a pattern without `**` matches, by its definition.
    fn within(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => {
                within(rest, text)
                    || text
                        .split_first()
                        .is_some_and(|(c, text)| *c != '/' && within(pattern, text))
            }
            Some((own, rest)) => text
                .split_first()
                .is_some_and(|(c, text)| c == own && within(rest, text)),
        }
    }

    proptest! {
        #[test]
        fn single_stars_match_by_their_definition(pattern in "[ab*](/?[ab*]){0,6}", path in "[ab](/?[ab]){0,6}") {
            prop_assume!(!pattern.contains("**"));
            let expected = within(&pattern.chars().collect::<Vec<_>>(), &path.chars().collect::<Vec<_>>());
            prop_assert_eq!(matches(&pattern, &path), expected);
        }

        #[test]
        fn a_pattern_survives_its_text(text in "[a-cß*/ ]{1,20}") {
            if let Ok(pattern) = text.parse::<FolderPattern>() {
                let json = serde_json::to_string(&pattern).unwrap();
                prop_assert_eq!(serde_json::from_str::<FolderPattern>(&json).unwrap(), pattern);
            }
        }
    }
}
