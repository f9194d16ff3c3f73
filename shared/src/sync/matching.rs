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
mod tests {
    use proptest::prelude::*;

    use super::Candidates::{AnyMail, SinceOurBatch};
    use super::*;

    fn message(uid: u32, id: Option<&str>, size_bytes: u64) -> Metadata {
        let date = InternalDate::parse("07-Feb-2024 10:00:00 +0100");
        Metadata {
            uid,
            size_bytes,
            date,
            flags: Vec::new(),
            message_id: id.map(str::to_owned),
        }
    }

    fn side(messages: Vec<Metadata>, digests: &[(u32, u8)]) -> Side {
        Side {
            messages,
            digests: digests.iter().map(|(uid, byte)| (*uid, Digest::of(&[*byte]))).collect(),
            others: BTreeSet::new(),
        }
    }

    #[test]
    fn others_take_what_ours_leave_and_what_is_theirs_is_not_ours() {
        let undated = Metadata {
            date: None,
            ..message(1, Some("<a>"), 10)
        };
        let equal = Side {
            others: BTreeSet::from([2]),
            ..side(vec![undated, message(2, Some("<a>"), 10)], &[(1, 7), (2, 7)])
        };
        let destination = side(vec![message(71, Some("<a>"), 10)], &[(71, 7)]);
        assert_eq!(match_messages(&equal, &destination, SinceOurBatch).pairs, [(1, 71)]);
        let other = Side {
            others: BTreeSet::from([2]),
            ..side(
                vec![message(1, Some("<a>"), 10), message(2, Some("<a>"), 12)],
                &[(1, 8), (2, 7)],
            )
        };
        assert_eq!(match_messages(&other, &destination, SinceOurBatch).pairs, [(2, 71)]);
    }

    #[test]
    fn one_of_each_needs_no_digest() {
        let source = side(vec![message(1, Some("<a>"), 10), message(2, Some("<b>"), 10)], &[]);
        let destination = side(vec![message(71, Some("<b>"), 10)], &[]);
        assert_eq!(match_messages(&source, &destination, SinceOurBatch).pairs, [(2, 71)]);
    }

    #[test]
    fn two_equal_messages_need_two_at_the_destination() {
        let source = side(
            vec![message(1, Some("<a>"), 10), message(2, Some("<a>"), 10)],
            &[(1, 7), (2, 7)],
        );
        let destination = side(vec![message(71, Some("<a>"), 10)], &[(71, 7)]);
        assert_eq!(match_messages(&source, &destination, SinceOurBatch).pairs, [(1, 71)]);
    }

    #[test]
    fn equal_message_ids_with_different_bytes_are_different_messages() {
        let source = side(
            vec![message(1, Some("<a>"), 10), message(2, Some("<a>"), 10)],
            &[(1, 7), (2, 8)],
        );
        let destination = side(vec![message(71, Some("<a>"), 10)], &[(71, 8)]);
        let matches = match_messages(&source, &destination, SinceOurBatch);
        assert_eq!(matches.pairs, [(2, 71)]);
    }

    #[test]
    fn mail_without_message_id_is_told_apart_by_digest() {
        let source = side(vec![message(1, None, 10)], &[]);
        let destination = side(vec![message(71, None, 10)], &[]);
        assert!(match_messages(&source, &destination, SinceOurBatch).in_doubt());
        let other = side(destination.messages.clone(), &[(71, 9)]);
        let known = side(source.messages.clone(), &[(1, 7)]);
        assert_eq!(match_messages(&known, &other, SinceOurBatch).pairs, []);
    }

    #[test]
    fn message_that_the_server_wrote_anew_is_still_ours_but_no_old_mail() {
        let source = side(vec![message(1, Some("<a>"), 10)], &[(1, 7)]);
        let destination = side(vec![message(71, Some("<a>"), 12)], &[(71, 8)]);
        assert_eq!(match_messages(&source, &destination, SinceOurBatch).pairs, [(1, 71)]);
        assert_eq!(match_messages(&source, &destination, AnyMail).pairs, []);
    }

    /// Dovecot 2.3 makes one CR LF of CR CR LF (tried in 2026).
    #[test]
    fn messages_whose_line_ends_the_server_changed_are_still_ours() {
        let digests = |bodies: [&[u8]; 2]| (1..).zip(bodies.map(Digest::of)).collect();
        let source = Side {
            messages: vec![message(1, None, 7), message(2, None, 7)],
            digests: digests([b"one\r\r\n", b"two\r\r\n"]),
            ..Side::default()
        };
        let destination = Side {
            messages: vec![message(1, None, 6), message(2, None, 6)],
            digests: digests([b"two\r\n", b"one\r\n"]),
            ..Side::default()
        };
        assert_eq!(
            match_messages(&source, &destination, SinceOurBatch).pairs,
            [(1, 2), (2, 1)]
        );
        assert_eq!(match_messages(&source, &destination, AnyMail).pairs, []);
    }

    #[test]
    fn message_without_a_date_is_found_under_the_date_it_was_given() {
        let undated = Metadata {
            date: None,
            ..message(1, Some("<a>"), 10)
        };
        let destination = side(vec![message(71, Some("<a>"), 10)], &[]);
        assert_eq!(
            match_messages(&side(vec![undated], &[]), &destination, SinceOurBatch).pairs,
            [(1, 71)]
        );
    }

    #[test]
    fn equal_bytes_of_another_date_are_another_message() {
        let later = InternalDate::parse("08-Feb-2024 10:00:00 +0100");
        let source = side(
            vec![
                message(1, Some("<a>"), 10),
                Metadata {
                    date: later,
                    ..message(2, Some("<a>"), 10)
                },
            ],
            &[(1, 7), (2, 7)],
        );
        let destination = side(
            vec![Metadata {
                date: source.messages[1].date.clone(),
                ..message(71, Some("<a>"), 10)
            }],
            &[(71, 7)],
        );
        assert_eq!(match_messages(&source, &destination, AnyMail).pairs, [(2, 71)]);
    }

    /// Zimbra (2023) tells a Message-ID that is not the message's own.
    #[test]
    fn message_whose_header_is_told_otherwise_is_known_by_its_bytes() {
        for candidates in [SinceOurBatch, AnyMail] {
            let ours = || vec![message(1, Some("<told>"), 10), message(2, Some("<b>"), 10)];
            let theirs = || vec![message(71, Some("<own>"), 10), message(72, Some("<b>"), 10)];
            let matches = match_messages(&side(ours(), &[]), &side(theirs(), &[]), candidates);
            assert_eq!((&matches.pairs[..], matches.in_doubt()), (&[(2, 72)][..], true));
            let (ours, there) = (side(ours(), &[(1, 7)]), side(theirs(), &[(71, 7)]));
            assert_eq!(match_messages(&ours, &there, candidates).pairs, [(1, 71), (2, 72)]);
            let other = side(there.messages, &[(71, 8)]);
            assert_eq!(match_messages(&ours, &other, candidates).pairs, [(2, 72)]);
        }
    }

    proptest! {
        /// Whatever arrived of a batch is found, and nothing is found twice or missed.
        #[test]
        fn exactly_what_arrived_is_found(batch in prop::collection::vec((0_u8..3, 0_u8..3), 0..12), arrived in prop::collection::vec(any::<bool>(), 12)) {
            let id = |n: u8| (n > 0).then(|| format!("<{n}>"));
            let messages = |offset: u32, keep: &dyn Fn(usize) -> bool| {
                let kept = batch.iter().enumerate().filter(|(n, _)| keep(*n));
                let uids: Vec<_> = kept.map(|(n, (i, b))| (u32::try_from(n).unwrap() + offset, *i, *b)).collect();
                Side {
                    messages: uids.iter().map(|(uid, i, b)| message(*uid, id(*i).as_deref(), u64::from(*b))).collect(),
                    digests: uids.iter().map(|(uid, i, b)| (*uid, Digest::of(&[i * 16 + b + 32]))).collect(),
                    others: BTreeSet::new(),
                }
            };
            let (source, destination) = (messages(1, &|_| true), messages(101, &|n| arrived[n]));
            let matches = match_messages(&source, &destination, SinceOurBatch);
            prop_assert!(!matches.in_doubt());
            prop_assert_eq!(matches.pairs.len(), destination.messages.len());
            let digest_of = |side: &Side, uid: u32| side.digests[&uid];
            for (ours, theirs) in &matches.pairs {
                prop_assert_eq!(digest_of(&source, *ours), digest_of(&destination, *theirs));
            }
            let distinct: BTreeSet<_> = matches.pairs.iter().map(|pair| pair.1).collect();
            prop_assert_eq!(distinct.len(), matches.pairs.len());
        }
    }
}
