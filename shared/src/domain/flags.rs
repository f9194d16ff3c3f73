//! Flags: of one message, and of many as they were last carried over.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::uid::runs::{RunValue, Runs};
use super::uid::{BadUids, run, stored_as_text};

stored_as_text!(FlagTable);

/// The flags each message had when it was last looked at: what the final pass compares with.
///
/// Runs of messages with the same flags; each text of flags is held once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FlagTable {
    texts: Vec<(Box<str>, FlagSet)>,
    runs: Runs<Text>,
}

/// Which of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Text(u32);

impl RunValue for Text {
    fn after(self, _steps: u32) -> Option<Self> {
        Some(self)
    }
}

impl FlagTable {
    /// Notes the flags of a message.
    pub fn insert(&mut self, uid: u32, flags: &FlagSet) {
        let text = self.text(&flags.to_string());
        self.runs.put(uid..=uid, text);
    }

    /// Forgets a message.
    pub fn remove(&mut self, uid: u32) {
        self.runs.remove(uid..=uid);
    }

    /// The flags of a message, as noted.
    pub fn get(&self, uid: u32) -> Option<&FlagSet> {
        let (_, flags) = self.texts.get(self.runs.get(uid)?.0 as usize)?;
        Some(flags)
    }

    /// The messages of which flags are noted, ascending.
    pub fn uids(&self) -> impl Iterator<Item = u32> {
        self.runs.iter().flat_map(|run| run.first..=run.last)
    }

    /// The number of a text, which is kept if it is new.
    fn text(&mut self, flags: &str) -> Text {
        let known = self.texts.iter().position(|(text, _)| **text == *flags);
        let at = known.unwrap_or_else(|| {
            self.texts.push((flags.into(), FlagSet::new(flags.split(' '))));
            self.texts.len() - 1
        });
        // There are fewer texts than UIDs.
        Text(u32::try_from(at).unwrap_or(u32::MAX))
    }

    fn lines(&self) -> impl Iterator<Item = (u32, u32, &str)> {
        self.runs.iter().filter_map(|run| {
            let (text, _) = self.texts.get(run.value.0 as usize)?;
            Some((run.first, run.last, &**text))
        })
    }
}

impl PartialEq for FlagTable {
    fn eq(&self, other: &Self) -> bool {
        self.lines().eq(other.lines())
    }
}
impl Eq for FlagTable {}

impl fmt::Display for FlagTable {
    /// A line a run: `1:500 \Seen`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines()
            .try_for_each(|(first, last, flags)| writeln!(f, "{first}:{last} {flags}"))
    }
}

impl FromStr for FlagTable {
    type Err = BadUids;

    fn from_str(text: &str) -> Result<Self, BadUids> {
        let mut table = Self::default();
        for line in text.lines() {
            let (uids, flags) = line.split_once(' ').ok_or(BadUids)?;
            let (first, last) = run(uids)?;
            let text = table.text(flags);
            table.runs.put(first..=last, text);
        }
        Ok(table)
    }
}

/// The flags of one message: order and the case of letters do not matter (RFC 9051, section 2.3.2).
#[derive(Clone, Debug, Default)]
pub struct FlagSet(BTreeMap<String, String>);

impl FlagSet {
    /// The set of these flags, `\Recent` and empty words left out.
    pub fn new<S: AsRef<str>>(flags: impl IntoIterator<Item = S>) -> Self {
        let entry = |flag: S| {
            let flag = flag.as_ref();
            let key = flag.to_ascii_lowercase();
            (!flag.is_empty() && key != "\\recent").then(|| (key, flag.to_owned()))
        };
        Self(flags.into_iter().filter_map(entry).collect())
    }

    /// The flags as they are spelled.
    pub fn words(&self) -> Vec<String> {
        self.0.values().cloned().collect()
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(key, _)| !other.0.contains_key(*key))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        )
    }

    /// The system flags among them, which begin with a backslash.
    #[must_use]
    pub fn without_keywords(&self) -> Self {
        let system = self.0.iter().filter(|(key, _)| key.starts_with('\\'));
        Self(system.map(|(key, flag)| (key.clone(), flag.clone())).collect())
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it holds this flag, in any spelling.
    pub fn contains(&self, flag: &str) -> bool {
        self.0.contains_key(&flag.to_ascii_lowercase())
    }

    /// What a folder can keep. `permanent` is its PERMANENTFLAGS: `\*` allows new keywords, and a
    /// server that says nothing keeps everything (RFC 9051, section 7.1).
    #[must_use]
    pub fn permitted(&self, permanent: Option<&[String]>) -> Self {
        let Some(permanent) = permanent else {
            return self.clone();
        };
        let any_keyword = permanent.iter().any(|flag| flag == "\\*");
        let listed = |key: &str| permanent.iter().any(|flag| flag.eq_ignore_ascii_case(key));
        let keeps = |key: &str| listed(key) || (any_keyword && !key.starts_with('\\'));
        Self(
            self.0
                .iter()
                .filter(|(key, _)| keeps(key))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        )
    }

    /// What a folder cannot keep; `permanent` as for [`FlagSet::permitted`].
    #[must_use]
    pub fn refused(&self, permanent: Option<&[String]>) -> Self {
        self.minus(&self.permitted(permanent))
    }
}

impl PartialEq for FlagSet {
    fn eq(&self, other: &Self) -> bool {
        self.0.keys().eq(other.0.keys())
    }
}
impl Eq for FlagSet {}

impl fmt::Display for FlagSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn flags_are_the_same_in_any_order_and_case() {
        assert_eq!(
            FlagSet::new(["\\Seen", "$Forwarded"]),
            FlagSet::new(["$forwarded", "\\SEEN", "\\Recent"])
        );
    }

    #[test]
    fn only_what_the_folder_keeps_is_sent() {
        let flags = FlagSet::new(["\\Seen", "$Label1", "\\Odd"]);
        let permanent = |words: &[&str]| words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            flags.permitted(Some(&permanent(&["\\Seen", "\\*"]))).to_string(),
            "$Label1 \\Seen"
        );
        assert_eq!(flags.permitted(Some(&permanent(&["\\Seen"]))).to_string(), "\\Seen");
        assert_eq!(
            flags.refused(Some(&permanent(&["\\Seen"]))).to_string(),
            "$Label1 \\Odd"
        );
        assert_eq!(flags.refused(None), FlagSet::default());
        assert_eq!(flags.permitted(None), flags);
    }

    proptest! {
        #[test]
        fn flag_tables_survive_their_text(rows in btree_map(1_u32..40, prop::sample::subsequence(vec!["\\Seen", "\\Flagged", "$x"], 0..=3), 0..30)) {
            let mut table = FlagTable::default();
            for (uid, flags) in &rows {
                table.insert(*uid, &FlagSet::new(flags));
            }
            let read = table.to_string().parse::<FlagTable>().unwrap();
            for (uid, flags) in &rows {
                prop_assert_eq!(read.get(*uid), Some(&FlagSet::new(flags)));
            }
            prop_assert_eq!(read, table);
        }

        /// Whatever is done in whatever order, a table of runs is the table of single messages.
        #[test]
        fn tables_of_runs_are_tables(steps in vec((any::<bool>(), 1_u32..30, prop::sample::subsequence(vec!["\\Seen", "$x"], 0..=2)), 0..90)) {
            let (mut table, mut model) = (FlagTable::default(), BTreeMap::new());
            for (add, uid, flags) in steps {
                if add {
                    let flags = FlagSet::new(&flags);
                    table.insert(uid, &flags);
                    model.insert(uid, flags);
                } else {
                    table.remove(uid);
                    model.remove(&uid);
                }
            }
            for uid in 0..31 {
                prop_assert_eq!(table.get(uid), model.get(&uid));
            }
            let mut again = FlagTable::default();
            model.iter().rev().for_each(|(uid, flags)| again.insert(*uid, flags));
            prop_assert_eq!(again.to_string(), table.to_string());
            prop_assert_eq!(again, table);
        }
    }
}
