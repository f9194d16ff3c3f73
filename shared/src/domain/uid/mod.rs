//! UIDs in the few forms copying needs: sets, the map from source to destination, flags as copied.
//!
//! All are runs (`runs`), because UIDs come in runs: a million messages take a line, not megabytes.
//! Their text forms are what the table holds. [`UidSet`] is what is sent to servers, [`UidRuns`]
//! what is added to and taken from, [`UidMap`] what became of what; the table of flags is
//! [`super::flags::FlagTable`].

mod map;
pub(super) mod runs;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use map::UidMap;
use runs::Runs;

/// A stored text that is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of UIDs")]
pub struct BadUids;

/// How many characters of a set go into one command: RFC 7162 asks servers for 8192 a line, and
/// Exchange stops at about 10,000.
const SET_CHARACTERS: usize = 4000;

/// A set of UIDs, as IMAP writes it: `1:5,7`. Runs keep the order they were put in, because
/// APPENDUID's order carries meaning; sets made by [`UidSet::from_sorted`] are ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UidSet {
    runs: Vec<(u32, u32)>,
    /// Whether a run begins before the end of another one that stands before it.
    unordered: bool,
}

impl UidSet {
    /// The set of ascending UIDs.
    pub fn from_sorted(uids: impl IntoIterator<Item = u32>) -> Self {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for uid in uids {
            match runs.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(uid) => *last = uid,
                _ => runs.push((uid, uid)),
            }
        }
        Self::from_runs(runs)
    }

    /// All UIDs of a range.
    pub fn from_range(range: RangeInclusive<u32>) -> Self {
        Self::from_runs(vec![(*range.start(), *range.end())])
    }

    fn from_runs(runs: Vec<(u32, u32)>) -> Self {
        let unordered = !runs.is_sorted_by(|(_, last), (first, _)| last < first);
        Self { runs, unordered }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many UIDs it holds.
    pub fn len(&self) -> u64 {
        self.runs.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether it holds this UID.
    pub fn contains(&self, uid: u32) -> bool {
        let holds = |(first, last): &(u32, u32)| (*first..=*last).contains(&uid);
        if self.unordered {
            return self.runs.iter().any(holds);
        }
        let at = self.runs.partition_point(|(_, last)| *last < uid);
        self.runs.get(at).is_some_and(holds)
    }

    /// The UIDs in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.runs.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// The set in pieces short enough for one command each, as sets.
    pub fn pieces(&self) -> Vec<Self> {
        self.commands().iter().filter_map(|piece| piece.parse().ok()).collect()
    }

    /// The set in pieces short enough for one command each.
    pub fn commands(&self) -> Vec<String> {
        let mut commands: Vec<String> = Vec::new();
        for (first, last) in &self.runs {
            let run = if first == last {
                first.to_string()
            } else {
                format!("{first}:{last}")
            };
            match commands.last_mut() {
                Some(command) if command.len() + run.len() < SET_CHARACTERS => {
                    command.push(',');
                    command.push_str(&run);
                }
                _ => commands.push(run),
            }
        }
        commands
    }
}

impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.commands().join(","))
    }
}

impl FromStr for UidSet {
    type Err = BadUids;

    fn from_str(text: &str) -> Result<Self, BadUids> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(run).collect::<Result<_, _>>().map(Self::from_runs)
    }
}

/// UIDs that are added and taken away in any order, ascending whatever the order was.
///
/// ```
/// use mailvan::domain::uid::UidRuns;
///
/// let mut uids: UidRuns = [3, 1, 2, 9].into_iter().collect();
/// uids.remove(2);
/// assert_eq!(uids.to_set().to_string(), "1,3,9");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UidRuns(Runs<()>);

impl UidRuns {
    /// Adds a UID; whether it was missing.
    pub fn insert(&mut self, uid: u32) -> bool {
        let is_new = !self.contains(uid);
        self.0.put(uid..=uid, ());
        is_new
    }

    /// Adds all UIDs of a range.
    pub fn insert_range(&mut self, uids: RangeInclusive<u32>) {
        self.0.put(uids, ());
    }

    /// Takes a UID away; whether it was there.
    pub fn remove(&mut self, uid: u32) -> bool {
        let was_there = self.contains(uid);
        self.0.remove(uid..=uid);
        was_there
    }

    /// Takes all UIDs of a range away.
    pub fn remove_range(&mut self, uids: RangeInclusive<u32>) {
        self.0.remove(uids);
    }

    /// Whether it holds this UID.
    pub fn contains(&self, uid: u32) -> bool {
        self.0.get(uid).is_some()
    }

    /// How many UIDs it holds.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The UIDs, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.ranges().flatten()
    }

    /// The UIDs in runs, ascending.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = RangeInclusive<u32>> {
        self.0.iter().map(|run| run.first..=run.last)
    }

    /// The UIDs as a set to be sent or stored.
    pub fn to_set(&self) -> UidSet {
        UidSet::from_runs(self.0.iter().map(|run| (run.first, run.last)).collect())
    }
}

impl FromIterator<u32> for UidRuns {
    fn from_iter<I: IntoIterator<Item = u32>>(uids: I) -> Self {
        let mut runs = Self::default();
        runs.extend(uids);
        runs
    }
}

impl Extend<u32> for UidRuns {
    fn extend<I: IntoIterator<Item = u32>>(&mut self, uids: I) {
        uids.into_iter().for_each(|uid| self.0.put(uid..=uid, ()));
    }
}

impl Extend<RangeInclusive<u32>> for UidRuns {
    fn extend<I: IntoIterator<Item = RangeInclusive<u32>>>(&mut self, ranges: I) {
        ranges.into_iter().for_each(|range| self.insert_range(range));
    }
}

impl From<&UidSet> for UidRuns {
    fn from(set: &UidSet) -> Self {
        let mut runs = Self::default();
        runs.extend(set.runs.iter().map(|(first, last)| *first..=*last));
        runs
    }
}

impl fmt::Display for UidRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_set().fmt(f)
    }
}

impl FromStr for UidRuns {
    type Err = BadUids;

    fn from_str(text: &str) -> Result<Self, BadUids> {
        text.parse::<UidSet>().map(|set| Self::from(&set))
    }
}

/// What is written as text is stored as text.
macro_rules! stored_as_text {
    ($($name:ident),*) => {$(
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadUids;

            fn try_from(text: String) -> Result<Self, BadUids> {
                text.parse()
            }
        }
    )*};
}
pub(super) use stored_as_text;
stored_as_text!(UidSet, UidRuns);

/// `7` or `3:5`; never backwards and never 0.
pub(super) fn run(text: &str) -> Result<(u32, u32), BadUids> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let (first, last) = (first.parse().map_err(|_| BadUids)?, last.parse().map_err(|_| BadUids)?);
    if first == 0 || last < first {
        Err(BadUids)
    } else {
        Ok((first, last))
    }
}
