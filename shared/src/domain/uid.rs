//! UIDs in the few forms copying needs: sets, the map from source to destination, flags as copied.
//!
//! All three are runs, because UIDs come in runs: a thousand messages take a line, not a kilobyte.
//! Their text forms are what the table holds.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
pub struct UidSet(Vec<(u32, u32)>);

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
        Self(runs)
    }

    /// All UIDs of a range.
    pub fn from_range(range: RangeInclusive<u32>) -> Self {
        Self(vec![(*range.start(), *range.end())])
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many UIDs it holds.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether it holds this UID.
    pub fn contains(&self, uid: u32) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&uid))
    }

    /// The UIDs in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// The set in pieces short enough for one command each, as sets.
    pub fn pieces(&self) -> Vec<Self> {
        self.commands().iter().filter_map(|piece| piece.parse().ok()).collect()
    }

    /// Puts a UID in; one that is in it already stays once.
    pub fn insert(&mut self, uid: u32) {
        if self.contains(uid) {
            return;
        }
        match self.0.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(uid) => *last = uid,
            _ => self.0.push((uid, uid)),
        }
    }

    /// The set in pieces short enough for one command each.
    pub fn commands(&self) -> Vec<String> {
        let mut commands: Vec<String> = Vec::new();
        for (first, last) in &self.0 {
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
        text.split(',').map(run).collect::<Result<_, _>>().map(Self)
    }
}

/// Which destination UID each source UID became.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UidMap(BTreeMap<u32, u32>);

impl UidMap {
    /// Notes that a message arrived.
    pub fn insert(&mut self, source: u32, destination: u32) {
        self.0.insert(source, destination);
    }

    /// The destination UID of a source UID.
    pub fn get(&self, source: u32) -> Option<u32> {
        self.0.get(&source).copied()
    }

    /// All pairs, ascending by source UID.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        self.0.iter().map(|(source, destination)| (*source, *destination))
    }

    /// How many messages arrived.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing arrived yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for UidMap {
    /// `1:5=101,9=106`: source runs and where each begins at the destination.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: Vec<(u32, u32, u32)> = Vec::new();
        for (source, destination) in self.iter() {
            match runs.last_mut() {
                Some((first, last, to)) if *last + 1 == source && *to + (source - *first) == destination => {
                    *last = source;
                }
                _ => runs.push((source, source, destination)),
            }
        }
        for (n, (first, last, to)) in runs.into_iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}={to}")?;
            } else {
                write!(f, "{comma}{first}:{last}={to}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for UidMap {
    type Err = BadUids;

    fn from_str(text: &str) -> Result<Self, BadUids> {
        let mut map = BTreeMap::new();
        for entry in text.split(',').filter(|entry| !entry.is_empty()) {
            let (sources, to) = entry.split_once('=').ok_or(BadUids)?;
            let (first, last) = run(sources)?;
            let to: u32 = to.parse().map_err(|_| BadUids)?;
            for source in first..=last {
                map.insert(source, to.checked_add(source - first).ok_or(BadUids)?);
            }
        }
        Ok(Self(map))
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
stored_as_text!(UidSet, UidMap);

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

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, btree_set};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sets_are_written_as_imap_writes_them() {
        let set = UidSet::from_sorted([1, 2, 3, 7, 9, 10]);
        assert_eq!(set.to_string(), "1:3,7,9:10");
        assert_eq!((set.len(), set.contains(7), set.contains(8)), (6, true, false));
    }

    #[test]
    fn hostile_text_is_refused() {
        for text in ["0", "5:3", "a", "1,,2", "4294967296"] {
            assert_eq!(text.parse::<UidSet>(), Err(BadUids), "{text}");
        }
        assert_eq!("1:3=4294967295".parse::<UidMap>(), Err(BadUids));
    }

    proptest! {
        #[test]
        fn sets_survive_their_text(uids in btree_set(1_u32.., 0..200)) {
            let set = UidSet::from_sorted(uids.iter().copied());
            prop_assert_eq!(set.to_string().parse::<UidSet>().unwrap(), set.clone());
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), uids.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn long_sets_are_cut_into_commands_that_lose_nothing(uids in btree_set(1_u32.., 400..900)) {
            let commands = UidSet::from_sorted(uids.iter().copied()).commands();
            prop_assert!(commands.iter().all(|command| command.len() <= SET_CHARACTERS + 22));
            prop_assert_eq!(commands.join(",").parse::<UidSet>().unwrap().len(), uids.len() as u64);
        }

        #[test]
        fn maps_survive_their_text(pairs in btree_map(1_u32..60, 1_u32..60, 0..40)) {
            let mut map = UidMap::default();
            for (source, destination) in &pairs {
                map.insert(*source, *destination);
            }
            prop_assert_eq!(map.to_string().parse::<UidMap>().unwrap(), map);
        }
    }
}
