//! What was made, what the recovery found, and how it ended.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::fault::{Fault, KINDS};
use crate::compare::Comparison;

/// What the workers' log says when they look for what a batch without an end left at the destination.
const LOOKED: &str = "looked for what had arrived";

/// How many faults of each kind were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    planned: BTreeMap<&'static str, usize>,
    happened: BTreeMap<&'static str, usize>,
    /// Calls of AWS that were refused.
    pub refused: u64,
    /// Second copies that came after they had been looked for, and were removed when it was certified.
    pub late_copies: u64,
}

/// What the recovery found at the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Batches without a known end that were looked for.
    pub batches: u64,
    /// Those of which all had arrived.
    pub whole: u64,
    /// Those of which a part had arrived.
    pub partly: u64,
    /// Messages found, which so were not sent again.
    pub messages: u64,
}

/// A round of chaos.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it follows from.
    pub seed: u64,
    /// What was made.
    pub tally: Tally,
    /// What the recovery found.
    pub recovery: Recovery,
    /// How the accounts compare in the end.
    pub comparisons: Vec<Comparison>,
    /// What is not as it should be; nothing in a good round.
    pub complaints: Vec<String>,
    /// How long the migration took.
    pub took: Duration,
}

impl Tally {
    pub(super) fn planned(&mut self, fault: &Fault) {
        *self.planned.entry(fault.kind()).or_default() += 1;
    }

    pub(super) fn happened(&mut self, kind: &'static str) {
        *self.happened.entry(kind).or_default() += 1;
    }

    /// How many have happened, by kind.
    pub fn counts(&self) -> Vec<(&'static str, usize)> {
        let count = |kind: &&'static str| (*kind, self.happened.get(*kind).copied().unwrap_or(0));
        KINDS.iter().map(count).collect()
    }

    /// How many have happened.
    pub fn total(&self) -> usize {
        self.happened.values().sum()
    }
}

impl Recovery {
    /// Reads it out of the emulator's log, which holds the functions' own.
    ///
    /// # Errors
    /// If there is no log.
    pub fn from_log(path: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Line {
            fields: Fields,
        }
        #[derive(Deserialize)]
        struct Fields {
            message: String,
            #[serde(default)]
            asked: u64,
            #[serde(default)]
            arrived: u64,
        }
        let log = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let log = String::from_utf8_lossy(&log);
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let mut found = Self::default();
        for fields in lines.map(|line| line.fields).filter(|fields| fields.message == LOOKED) {
            found.batches += 1;
            found.messages += fields.arrived;
            found.whole += u64::from(fields.arrived > 0 && fields.arrived == fields.asked);
            found.partly += u64::from(fields.arrived > 0 && fields.arrived < fields.asked);
        }
        Ok(found)
    }
}

impl Report {
    /// Whether all is as it should be.
    pub fn is_good(&self) -> bool {
        self.complaints.is_empty()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, happened) in self.counts() {
            let planned = self.planned.get(kind).copied().unwrap_or(0);
            writeln!(f, "  {kind:<34} {happened:>4} of {planned:>4}")?;
        }
        writeln!(f, "  {:<34} {:>4}", "all", self.total())?;
        writeln!(f, "  {} calls of AWS were refused", self.refused)?;
        write!(
            f,
            "  {} second copies came late and were removed again",
            self.late_copies
        )
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            batches,
            whole,
            partly,
            messages,
        } = self;
        let none = batches - whole - partly;
        write!(
            f,
            "{batches} batches without a known end were looked for at the destination: "
        )?;
        write!(f, "{whole} had arrived, {partly} in part, {none} not; ")?;
        write!(f, "{messages} messages were found there and not sent again")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {:.0} s", self.seed, self.took.as_secs_f32())?;
        writeln!(f, "{}\n  {}", self.tally, self.recovery)?;
        for comparison in &self.comparisons {
            writeln!(f, "  {comparison}")?;
        }
        for complaint in &self.complaints {
            writeln!(f, "  NOT AS IT SHOULD BE: {complaint}")?;
        }
        write!(f, "  {}", if self.is_good() { "good" } else { "bad" })
    }
}
