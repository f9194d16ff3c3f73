//! Which destination UID each source UID became.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::runs::{RunValue, Runs};
use super::{BadUids, run, stored_as_text};

/// Which destination UID each source UID became.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UidMap(Runs<Destination>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Destination(u32);

impl RunValue for Destination {
    fn after(self, steps: u32) -> Option<Self> {
        self.0.checked_add(steps).map(Self)
    }
}

stored_as_text!(UidMap);

impl UidMap {
    /// Notes that a message arrived.
    pub fn insert(&mut self, source: u32, destination: u32) {
        self.0.put(source..=source, Destination(destination));
    }

    /// Forgets a message; gives the destination UID it had.
    pub fn remove(&mut self, source: u32) -> Option<u32> {
        let destination = self.get(source);
        self.0.remove(source..=source);
        destination
    }

    /// The destination UID of a source UID.
    pub fn get(&self, source: u32) -> Option<u32> {
        self.0.get(source).map(|destination| destination.0)
    }

    /// All pairs, ascending by source UID.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        self.0
            .iter()
            .flat_map(|run| (run.first..=run.last).map(|source| (source, run.value.0 + (source - run.first))))
    }

    /// The source UIDs in runs, ascending.
    pub fn sources(&self) -> impl Iterator<Item = RangeInclusive<u32>> {
        self.0.iter().map(|run| run.first..=run.last)
    }

    /// The destination UIDs in runs, in the order of the source UIDs.
    pub fn destinations(&self) -> impl Iterator<Item = RangeInclusive<u32>> {
        self.0
            .iter()
            .map(|run| run.value.0..=run.value.0 + (run.last - run.first))
    }

    /// How many messages arrived.
    pub fn len(&self) -> usize {
        usize::try_from(self.0.len()).unwrap_or(usize::MAX)
    }

    /// Whether nothing arrived yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for UidMap {
    /// `1:5=101,9=106`: source runs and where each begins at the destination.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, run) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let (first, last, to) = (run.first, run.last, run.value.0);
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
        let mut map = Runs::default();
        for entry in text.split(',').filter(|entry| !entry.is_empty()) {
            let (sources, to) = entry.split_once('=').ok_or(BadUids)?;
            let (first, last) = run(sources)?;
            let to = Destination(to.parse().map_err(|_| BadUids)?);
            // The last one has to have a UID too.
            to.after(last - first).ok_or(BadUids)?;
            map.put(first..=last, to);
        }
        Ok(Self(map))
    }
}
