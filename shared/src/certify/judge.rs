//! Comparing one chunk, by what has been read: which messages are as they were, and what became of
//! the others.
//!
//! Nothing is read here. Where something has to be read at the source before it can be told, that is
//! the answer ([`Judgement::Read`]), and the question comes again.
//!
//! What the copying read is known as a sum only ([`Tally`]), so a message that has gone from the
//! source cannot be compared by itself. But all those of a chunk together can: what is left of the sum
//! without the others must be what the destination holds.

use std::collections::BTreeMap;

use super::code::{self, Code, discrepancy};
use crate::domain::reading::{Reading, Readings, Seen};
use crate::domain::tally::Tally;
use crate::domain::uid::{UidMap, UidRuns, UidSet};
use crate::store::{Discrepancy, SourceState};

/// What is known of a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    /// Which source UID became which destination UID.
    pub(super) map: &'a UidMap,
    /// The messages in the map but the untallied, as the copying read them.
    pub(super) tally: Tally,
    /// Source UIDs in the map that the copying did not read.
    pub(super) untallied: &'a UidRuns,
    /// Source UIDs of messages that the copying repaired before it could send them: they are in the
    /// tally as they were sent, and reading them at the source tells nothing.
    pub(super) repaired: &'a UidRuns,
    /// The destination's UIDNEXT; no message was ever given a higher UID, or this.
    pub(super) uid_next: u32,
    /// Whether all this was compared after an earlier pass, while the source could be asked.
    pub(super) was_certified: bool,
    /// All messages of the map as they were read at the destination, by destination UID.
    pub(super) here: &'a Readings,
    /// Messages that were read at the source for comparing, by source UID.
    pub(super) there: &'a Readings,
    /// What became of the folder at the source.
    pub(super) source: SourceState,
}

/// What is to be done, or what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// These source UIDs have to be read first.
    Read(UidSet),
    /// All is known.
    Found(Found),
}

/// What a comparison found. The sides' tallies are equal unless a discrepancy says why not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Messages that can be compared, as the source held them.
    pub(super) source: Tally,
    /// The same as the destination holds them.
    pub(super) destination: Tally,
    /// What is not as it should be.
    pub(super) discrepancies: Vec<Discrepancy>,
    /// Source UIDs of messages that are not at the destination any more.
    pub(super) gone_since: UidSet,
    /// Source UIDs of messages that nothing is left to be compared with.
    pub(super) unverified: UidSet,
}

/// Compares a chunk.
pub(super) fn judge(evidence: &Evidence<'_>) -> Judgement {
    let unread = evidence.unread(evidence.untallied_in_map());
    if !unread.is_empty() {
        return Judgement::Read(unread);
    }
    if let Some(found) = evidence.as_a_whole() {
        return Judgement::Found(found);
    }
    let unread = evidence.unread(evidence.not_gone());
    if !unread.is_empty() {
        return Judgement::Read(unread);
    }
    // What is left of the sum tells something only where the others are known.
    if evidence.has_lone() {
        let unread = evidence.unread(evidence.map.iter().map(|pair| pair.0));
        if !unread.is_empty() {
            return Judgement::Read(unread);
        }
    }
    Judgement::Found(evidence.one_by_one())
}

impl Evidence<'_> {
    /// What can still be read at the source.
    fn unread(&self, uids: impl Iterator<Item = u32>) -> UidSet {
        match self.source {
            SourceState::There => self.there.unasked(uids.filter(|uid| !self.repaired.contains(*uid))),
            SourceState::Gone | SourceState::Replaced | SourceState::Unreachable => UidSet::default(),
        }
    }

    /// A message as the source holds it, where that is to be compared.
    fn at_source(&self, uid: u32) -> Option<&Seen> {
        self.there.seen(uid).filter(|_| !self.repaired.contains(uid))
    }

    fn untallied_in_map(&self) -> impl Iterator<Item = u32> {
        let sources = self.map.iter().map(|pair| pair.0);
        sources.filter(|uid| self.untallied.contains(*uid))
    }

    /// Source UIDs of messages that the user has not removed at the destination.
    fn not_gone(&self) -> impl Iterator<Item = u32> {
        let stays = |destination| destination >= self.uid_next || self.here.get(destination) != Some(Reading::Gone);
        let pairs = self.map.iter().filter(move |pair| stays(pair.1));
        pairs.map(|pair| pair.0)
    }

    /// Whether messages that the copying read are only at the destination now.
    fn has_lone(&self) -> bool {
        let is_lone = |source, destination| {
            !self.untallied.contains(source)
                && self.at_source(source).is_none()
                && self.here.seen(destination).is_some()
        };
        self.map
            .iter()
            .any(|(source, destination)| is_lone(source, destination))
    }

    /// Whether the tally is of just the messages it should be of.
    fn tally_counts(&self) -> bool {
        let untallied = self.untallied_in_map().count();
        u64::try_from(self.map.len() - untallied).is_ok_and(|tallied| self.tally.messages == tallied)
    }

    /// The usual case: everything is there, and the sums are equal.
    fn as_a_whole(&self) -> Option<Found> {
        let mut found = Found {
            source: self.tally,
            ..Found::default()
        };
        let mut lone = Vec::new();
        for (source, destination) in self.map.iter() {
            let here = self.here.seen(destination)?;
            match (self.untallied.contains(source), self.at_source(source)) {
                (true, None) => {
                    lone.push(source);
                    continue;
                }
                (true, Some(there)) => found.source.merge(&there.tally()),
                (false, _) => {}
            }
            found.destination.merge(&here.tally());
        }
        if !self.tally_counts() || found.source != found.destination {
            return None;
        }
        self.note_lone(&mut found, lone);
        Some(found)
    }

    /// Messages that are at the destination and no longer at the source, with nothing else left to
    /// compare them with. That they went is no fault; that the source cannot be asked is one, unless they were compared
    /// before.
    fn note_lone(&self, found: &mut Found, lone: Vec<u32>) {
        if lone.is_empty() {
            return;
        }
        let uids = UidSet::from_sorted(lone);
        match self.source {
            _ if self.was_certified => found.unverified = uids,
            SourceState::There | SourceState::Gone => found.unverified = uids,
            SourceState::Replaced | SourceState::Unreachable => {
                found.discrepancies.push(discrepancy(code::UNCOMPARED, &uids));
            }
        }
    }

    /// Message by message, as far as they are there.
    fn one_by_one(&self) -> Found {
        let mut found = Found::default();
        let mut wrong: BTreeMap<Code, Vec<u32>> = BTreeMap::new();
        let (mut gone_since, mut lone) = (Vec::new(), Vec::new());
        // What is left of the copying's sum, of messages that are no longer at the source.
        let mut left = self.tally;
        let mut is_known = self.tally_counts();
        for (uid, destination) in self.map.iter() {
            let is_tallied = !self.untallied.contains(uid);
            let there = self.at_source(uid);
            if let (true, Some(there)) = (is_tallied, there) {
                left.take_out(&there.tally());
            }
            let fault = match (there, self.here.get(destination)) {
                (Some(there), Some(Reading::Seen(here))) => {
                    found.source.merge(&there.tally());
                    found.destination.merge(&dated_alike(&here, there).tally());
                    difference(there, &here)
                }
                (None, Some(Reading::Seen(here))) => {
                    lone.push((uid, here));
                    None
                }
                (there, here) => {
                    is_known &= there.is_some() || !is_tallied;
                    let was_here = destination < self.uid_next;
                    let fault = match here {
                        Some(Reading::Withheld) => Some(code::WITHHELD),
                        _ if was_here => None,
                        _ => Some(code::MISSING),
                    };
                    match fault {
                        // Where its bytes are not known any more, it counts all the same.
                        Some(_) => found.source.merge(&there.map_or_else(unknown, Seen::tally)),
                        None => gone_since.push(uid),
                    }
                    fault
                }
            };
            if let Some(code) = fault {
                wrong.entry(code).or_default().push(uid);
            }
        }
        self.settle_lone(&mut found, lone, is_known.then_some(left));
        let all = wrong
            .into_iter()
            .map(|(code, uids)| discrepancy(code, &UidSet::from_sorted(uids)));
        found.discrepancies.extend(all);
        found.gone_since = UidSet::from_sorted(gone_since);
        found
    }

    /// Messages that are only at the destination. Those that the copying read are together what is
    /// `left` of its sum.
    fn settle_lone(&self, found: &mut Found, lone: Vec<(u32, Seen)>, left: Option<Tally>) {
        let (untallied, tallied): (Vec<_>, Vec<_>) =
            lone.into_iter().partition(|(uid, _)| self.untallied.contains(*uid));
        let mut incomparable: Vec<u32> = untallied.into_iter().map(|(uid, _)| uid).collect();
        match left {
            Some(left) if !tallied.is_empty() => {
                let sum = |dated: bool| {
                    tallied.iter().fold(Tally::default(), |mut sum, (_, seen)| {
                        let date = seen.date.filter(|_| dated);
                        sum.merge(&Seen { date, ..*seen }.tally());
                        sum
                    })
                };
                // A source without dates has none of any message.
                let here = [sum(true), sum(false)];
                let same = here.into_iter().find(|here| *here == left);
                found.source.merge(&left);
                found.destination.merge(&same.unwrap_or(here[0]));
                if same.is_none() {
                    let uids = UidSet::from_sorted(tallied.into_iter().map(|(uid, _)| uid));
                    found.discrepancies.push(discrepancy(code::NOT_AS_COPIED, &uids));
                }
            }
            _ => incomparable.extend(tallied.into_iter().map(|(uid, _)| uid)),
        }
        incomparable.sort_unstable();
        self.note_lone(found, incomparable);
    }
}

/// How a message that is on both sides differs.
fn difference(there: &Seen, here: &Seen) -> Option<Code> {
    if there.body != here.body || there.size_bytes != here.size_bytes {
        Some(code::REWRITTEN)
    } else if dated_alike(here, there).date != there.date {
        Some(code::REDATED)
    } else {
        None
    }
}

/// A message that has no date at the source was dated by the destination, which is no difference.
fn dated_alike(here: &Seen, there: &Seen) -> Seen {
    Seen {
        date: here.date.filter(|_| there.date.is_some()),
        ..*here
    }
}

/// A message of which nothing is known but that it was there.
fn unknown() -> Tally {
    let mut tally = Tally::default();
    tally.messages = 1;
    tally
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
