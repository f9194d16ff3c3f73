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
