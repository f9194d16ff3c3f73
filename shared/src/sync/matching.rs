//! Which messages at the destination are already a batch's.
//!
//! Asked when the end of a batch is unknown, and where a folder held mail before its first copy.
//! Messages are paired one to one, so two equal messages at the source need two at the destination.
//! Message-ID and date pair a message where nothing else has them; wherever that leaves a doubt the
//! digests of the exact bytes decide.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::tally::{BodyDigest, BodyDigester};
use crate::imap::date::InternalDate;
use crate::imap::fetch::Metadata;

/// What tells a message's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    /// SHA-256 of the exact bytes.
    exact: BodyDigest,
    /// SHA-256 of the bytes without what servers change: carriage returns, and NUL bytes, which
    /// Dovecot (2.3, 2022) gives out as 0x80.
    essential: BodyDigest,
}

/// The digest of a message whose bytes come in parts.
#[derive(Clone, Default)]
pub(super) struct Digester {
    exact: BodyDigester,
    essential: BodyDigester,
}

impl Digest {
    /// The digest of a message that is at hand as a whole.
    pub(super) fn of(body: &[u8]) -> Self {
        let mut digester = Digester::default();
        digester.update(body);
        digester.finish()
    }

    /// SHA-256 of the exact bytes.
    pub(super) fn exact(&self) -> &BodyDigest {
        &self.exact
    }
}

impl Digester {
    /// The next bytes.
    pub(super) fn update(&mut self, part: &[u8]) {
        self.exact.update(part);
        let kept = part.iter().filter(|byte| **byte != b'\r');
        let essential: Vec<u8> = kept.map(|byte| if *byte == 0 { 0x80 } else { *byte }).collect();
        self.essential.update(&essential);
    }

    /// The digest of all of them.
    pub(super) fn finish(self) -> Digest {
        Digest {
            exact: self.exact.finish(),
            essential: self.essential.finish(),
        }
    }
}

/// What is known of the messages of one side.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    /// Messages by UID.
    pub(super) messages: Vec<Metadata>,
    /// Digests, of those for which they were asked.
    pub(super) digests: BTreeMap<u32, Digest>,
    /// Messages that only take what is theirs: they come after the others.
    pub(super) others: BTreeSet<u32>,
}

/// Whose mail the destination's messages may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Candidates {
    /// What appeared since our batch was sent: a message the server wrote anew may be ours.
    SinceOurBatch,
    /// What was there before: besides Message-ID, date and size, only equal bytes make it the same.
    AnyMail,
}

/// What came of comparing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Matches {
    /// Source UID and destination UID of messages that arrived.
    pub(super) pairs: Vec<(u32, u32)>,
    /// Source UIDs whose digests are needed to tell.
    pub(super) doubtful_sources: BTreeSet<u32>,
    /// Destination UIDs whose digests are needed to tell.
    pub(super) doubtful_destinations: BTreeSet<u32>,
}

impl Side {
    /// Messages of which no digest is known yet.
    pub(super) fn new(messages: Vec<Metadata>) -> Self {
        Self {
            messages,
            digests: BTreeMap::new(),
            others: BTreeSet::new(),
        }
    }

    /// The messages with these UIDs.
    pub(super) fn of<'s>(&'s self, uids: &'s BTreeSet<u32>) -> impl Iterator<Item = &'s Metadata> {
        self.messages.iter().filter(|message| uids.contains(&message.uid))
    }

    /// The message with this UID.
    pub(super) fn message(&self, uid: u32) -> Option<&Metadata> {
        self.messages.iter().find(|message| message.uid == uid)
    }
}

impl Matches {
    /// Whether digests are needed to tell.
    pub(super) fn in_doubt(&self) -> bool {
        !self.doubtful_sources.is_empty()
    }
}

/// Pairs the messages of both sides. Messages without their digest are in doubt where they need it;
/// where all digests are known nothing is in doubt.
pub(super) fn match_messages(source: &Side, destination: &Side, candidates: Candidates) -> Matches {
    let mut matches = Matches::default();
    let all_theirs = grouped(&destination.messages);
    for (id, ours) in grouped(&source.messages) {
        let theirs = all_theirs.get(&id).map(Vec::as_slice).unwrap_or_default();
        let theirs: Vec<&Metadata> = theirs
            .iter()
            .copied()
            .filter(|theirs| ours.iter().any(|ours| may_be(ours, theirs)))
            .collect();
        if theirs.is_empty() {
            continue;
        }
        if let ([ours], [theirs], Some(_)) = (ours.as_slice(), theirs.as_slice(), id)
            && ours.size_bytes == theirs.size_bytes
        {
            matches.pairs.push((ours.uid, theirs.uid));
            continue;
        }
        let unknown =
            |side: &Side, group: &[&Metadata]| group.iter().any(|message| !side.digests.contains_key(&message.uid));
        if source.digests.is_empty() && (unknown(source, &ours) || unknown(destination, &theirs)) {
            matches.doubtful_sources.extend(ours.iter().map(|message| message.uid));
            matches
                .doubtful_destinations
                .extend(theirs.iter().map(|message| message.uid));
            continue;
        }
        let (mut unpaired, mut free) =
            pair_by_digest(&ours, &theirs, source, destination, &mut matches, |digest| digest.exact);
        if candidates == Candidates::SinceOurBatch {
            (unpaired, free) = pair_by_digest(&unpaired, &free, source, destination, &mut matches, |digest| {
                digest.essential
            });
        }
        // A server that writes messages anew changes their bytes: one left on each side, with the
        // same Message-ID and date, is the same message.
        if let ([ours], [theirs], Some(_), Candidates::SinceOurBatch) =
            (unpaired.as_slice(), free.as_slice(), id, candidates)
        {
            matches.pairs.push((ours.uid, theirs.uid));
        }
    }
    pair_by_bytes_alone(source, destination, &mut matches);
    matches.pairs.sort_unstable();
    matches
}

/// Pairs what is left on both sides with equal sizes and dates, and other Message-IDs: a server's word of the header and
/// the message that it gives out may disagree (Zimbra, 2023).
fn pair_by_bytes_alone(source: &Side, destination: &Side, matches: &mut Matches) {
    let (mut told, mut told_there) = (matches.doubtful_sources.clone(), matches.doubtful_destinations.clone());
    for (ours, theirs) in &matches.pairs {
        told.insert(*ours);
        told_there.insert(*theirs);
    }
    let mut by_size: BTreeMap<u64, Vec<&Metadata>> = BTreeMap::new();
    for message in destination
        .messages
        .iter()
        .filter(|message| !told_there.contains(&message.uid))
    {
        by_size.entry(message.size_bytes).or_default().push(message);
    }
    let (mut ours, mut theirs) = (Vec::new(), BTreeMap::new());
    for message in source.messages.iter().filter(|message| !told.contains(&message.uid)) {
        let equal = by_size.get(&message.size_bytes).into_iter().flatten();
        let mut equal = equal.filter(|other| may_be(message, other)).peekable();
        if equal.peek().is_some() {
            ours.push(message);
            theirs.extend(equal.map(|other| (other.uid, *other)));
        }
    }
    if ours.is_empty() {
        return;
    }
    let theirs: Vec<&Metadata> = theirs.into_values().collect();
    if source.digests.is_empty() {
        matches.doubtful_sources.extend(ours.iter().map(|message| message.uid));
        matches
            .doubtful_destinations
            .extend(theirs.iter().map(|message| message.uid));
        return;
    }
    pair_by_digest(&ours, &theirs, source, destination, matches, |digest| digest.exact);
}

/// Messages by Message-ID.
fn grouped(messages: &[Metadata]) -> BTreeMap<Option<&str>, Vec<&Metadata>> {
    let mut groups: BTreeMap<Option<&str>, Vec<&Metadata>> = BTreeMap::new();
    for message in messages {
        groups.entry(message.message_id.as_deref()).or_default().push(message);
    }
    groups
}

/// Whether the dates allow it: a message that has none at the source was dated by its header, or by the destination.
fn may_be(ours: &Metadata, theirs: &Metadata) -> bool {
    let instant = |message: &Metadata| message.date.as_ref().map(InternalDate::instant);
    ours.date.is_none() || instant(ours) == instant(theirs)
}

/// Pairs messages of equal digest; gives what is left on each side. Messages with a date go before those without,
/// which take any.
fn pair_by_digest<'a>(
    ours: &[&'a Metadata],
    theirs: &[&'a Metadata],
    source: &Side,
    destination: &Side,
    matches: &mut Matches,
    which: fn(&Digest) -> BodyDigest,
) -> (Vec<&'a Metadata>, Vec<&'a Metadata>) {
    let mut free = theirs.to_vec();
    let mut unpaired = Vec::new();
    let mut ours = ours.to_vec();
    ours.sort_by_key(|message| (source.others.contains(&message.uid), message.date.is_none()));
    for message in ours {
        let digest = source.digests.get(&message.uid).map(which);
        let is_same = |other: &&Metadata| {
            digest.is_some() && destination.digests.get(&other.uid).map(which) == digest && may_be(message, other)
        };
        match free.iter().position(is_same) {
            Some(at) => matches.pairs.push((message.uid, free.remove(at).uid)),
            None => unpaired.push(message),
        }
    }
    (unpaired, free)
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
