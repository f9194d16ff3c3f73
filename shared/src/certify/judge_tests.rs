use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::domain::tally::body_digest;

/// What became of a message that was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Well,
    Undated,
    Rewritten,
    Redated,
    GoneHere,
    GoneThere,
    GoneBoth,
    NeverArrived,
    Withheld,
    RewrittenAndGoneThere,
    Repaired,
}

const FATES: [Fate; 11] = [
    Fate::Well,
    Fate::Undated,
    Fate::Rewritten,
    Fate::Redated,
    Fate::GoneHere,
    Fate::GoneThere,
    Fate::GoneBoth,
    Fate::NeverArrived,
    Fate::Withheld,
    Fate::RewrittenAndGoneThere,
    Fate::Repaired,
];

/// The destination's UIDs are those of the source and this.
const SHIFT: u32 = 1000;
const UID_NEXT: u32 = 5000;

/// A chunk whose messages met these fates; with those that the copying did not read.
struct Chunk {
    fates: BTreeMap<u32, Fate>,
    map: UidMap,
    tally: Tally,
    untallied: UidRuns,
    repaired: UidRuns,
    here: Readings,
    /// What reading the source would give.
    source: Readings,
}

fn seen(uid: u32, body: &str) -> Seen {
    Seen {
        body: body_digest(format!("{body}{}", uid % 3).as_bytes()),
        size_bytes: 10,
        date: Timestamp::from_second(1_700_000_000).ok(),
    }
}

impl Chunk {
    fn new(fates: &[(Fate, bool)]) -> Self {
        let mut chunk = Self {
            fates: BTreeMap::new(),
            map: UidMap::default(),
            tally: Tally::default(),
            untallied: UidRuns::default(),
            repaired: UidRuns::default(),
            here: Readings::default(),
            source: Readings::default(),
        };
        let mut untallied = Vec::new();
        for ((fate, is_tallied), uid) in fates.iter().zip(1..) {
            let destination = if *fate == Fate::NeverArrived {
                UID_NEXT + uid
            } else {
                uid + SHIFT
            };
            let mut there = seen(uid, "body");
            let mut here = there;
            match fate {
                Fate::Undated => there.date = None,
                Fate::Rewritten | Fate::RewrittenAndGoneThere => here = seen(uid, "other"),
                Fate::Redated => here.date = Timestamp::from_second(7).ok(),
                _ => {}
            }
            if *fate == Fate::Repaired {
                chunk.tally.merge(&here.tally());
                chunk.repaired.insert(uid);
                there = seen(uid, "broken");
            } else if *is_tallied {
                chunk.tally.merge(&there.tally());
            } else {
                untallied.push(uid);
            }
            let there = match fate {
                Fate::GoneThere | Fate::GoneBoth | Fate::RewrittenAndGoneThere => Reading::Gone,
                _ => Reading::Seen(there),
            };
            let here = match fate {
                Fate::GoneHere | Fate::GoneBoth | Fate::NeverArrived => Reading::Gone,
                Fate::Withheld => Reading::Withheld,
                _ => Reading::Seen(here),
            };
            chunk.fates.insert(uid, *fate);
            chunk.map.insert(uid, destination);
            chunk.here.note(destination, here);
            chunk.source.note(uid, there);
        }
        chunk.untallied = untallied.into_iter().collect();
        chunk
    }

    /// What is found, and what had to be read at the source for it.
    fn judged(&self, source: SourceState) -> (Found, Readings) {
        self.judged_again(source, false)
    }

    /// The same where it was certified before, or not.
    fn judged_again(&self, source: SourceState, was_certified: bool) -> (Found, Readings) {
        let mut there = Readings::default();
        for _ in 0..4 {
            let evidence = Evidence {
                map: &self.map,
                tally: self.tally,
                untallied: &self.untallied,
                repaired: &self.repaired,
                uid_next: UID_NEXT,
                was_certified,
                here: &self.here,
                there: &there,
                source,
            };
            match judge(&evidence) {
                Judgement::Found(found) => return (found, there),
                Judgement::Read(uids) => uids
                    .iter()
                    .for_each(|uid| there.note(uid, self.source.get(uid).unwrap())),
            }
        }
        panic!("the same is asked again and again");
    }

    fn with(&self, wanted: &[Fate]) -> Vec<u32> {
        let found = self.fates.iter().filter(|(_, fate)| wanted.contains(fate));
        found.map(|(uid, _)| *uid).collect()
    }
}

fn of_code(found: &Found, (code, _): Code) -> Vec<u32> {
    let wanted = found.discrepancies.iter().filter(|one| one.code == code);
    wanted.flat_map(|one| one.uids.iter().collect::<Vec<_>>()).collect()
}

fn listed(uids: &UidSet) -> Vec<u32> {
    uids.iter().collect()
}

#[test]
fn what_arrived_whole_needs_nothing_of_the_source() {
    let chunk = Chunk::new(&[(Fate::Well, true); 5]);
    for source in [SourceState::There, SourceState::Gone, SourceState::Unreachable] {
        let (found, there) = chunk.judged(source);
        assert!(there.is_empty());
        assert_eq!((found.source, found.destination), (chunk.tally, chunk.tally));
        assert!(found.discrepancies.is_empty());
    }
}

#[test]
fn only_what_the_copying_did_not_read_is_read_while_the_sums_agree() {
    let chunk = Chunk::new(&[(Fate::Well, true), (Fate::Well, false), (Fate::GoneThere, false)]);
    let (found, there) = chunk.judged(SourceState::There);
    assert_eq!(there.unasked(1..4).to_string(), "1");
    assert_eq!((found.source.messages, found.destination.messages), (2, 2));
    assert_eq!(listed(&found.unverified), [3]);
}

#[test]
fn messages_that_left_the_source_are_compared_as_what_is_left_of_the_sum() {
    let well = Chunk::new(&[
        (Fate::Well, true),
        (Fate::GoneThere, true),
        (Fate::GoneHere, true),
        (Fate::GoneThere, true),
    ]);
    let (found, _) = well.judged(SourceState::There);
    assert_eq!(found.source, found.destination);
    assert_eq!((found.source.messages, found.discrepancies.len()), (3, 0));
    assert_eq!(listed(&found.gone_since), [3]);

    let ill = Chunk::new(&[
        (Fate::Well, true),
        (Fate::GoneThere, true),
        (Fate::RewrittenAndGoneThere, true),
    ]);
    let (found, _) = ill.judged(SourceState::There);
    assert_eq!(of_code(&found, code::NOT_AS_COPIED), [2, 3]);
    assert_ne!(found.source, found.destination);
}

#[test]
fn with_a_message_gone_on_both_sides_those_gone_from_the_source_stay_unverified() {
    let chunk = Chunk::new(&[(Fate::Well, true), (Fate::GoneThere, true), (Fate::GoneBoth, true)]);
    let (found, _) = chunk.judged(SourceState::There);
    assert_eq!(
        (listed(&found.unverified), listed(&found.gone_since)),
        (vec![2], vec![3])
    );
    assert_eq!((found.source, found.discrepancies.len()), (found.destination, 0));
}

#[test]
fn without_the_source_what_cannot_be_compared_is_said() {
    let chunk = Chunk::new(&[(Fate::Well, true), (Fate::GoneHere, true), (Fate::Well, false)]);
    let (found, there) = chunk.judged(SourceState::Unreachable);
    assert!(there.is_empty());
    assert_eq!(of_code(&found, code::UNCOMPARED), [1, 3]);
    assert_eq!(listed(&found.gone_since), [2]);
    assert_eq!(found.source, found.destination);
    // What was compared before, and moved or deleted by its user since, is no fault.
    let (found, _) = chunk.judged_again(SourceState::Unreachable, true);
    assert_eq!((listed(&found.unverified), found.discrepancies.len()), (vec![1, 3], 0));
}

#[test]
fn a_repaired_message_is_compared_as_it_was_sent() {
    let well = Chunk::new(&[(Fate::Well, true), (Fate::Repaired, true), (Fate::GoneHere, true)]);
    let (found, there) = well.judged(SourceState::There);
    assert_eq!(there.unasked(1..4).to_string(), "2");
    assert_eq!((found.source.messages, found.discrepancies.len()), (2, 0));
    assert_eq!(found.source, found.destination);
}

#[test]
fn a_tally_of_other_messages_than_the_map_proves_nothing() {
    let mut chunk = Chunk::new(&[(Fate::Well, true), (Fate::GoneThere, true)]);
    chunk.tally = Tally::default();
    let (found, there) = chunk.judged(SourceState::There);
    assert_eq!(there.len(), 2);
    assert_eq!(listed(&found.unverified), [2]);
    assert!(found.discrepancies.is_empty());
}

#[test]
fn a_source_without_dates_is_no_difference_even_where_it_has_gone() {
    let undated = Chunk::new(&[(Fate::Undated, true), (Fate::Undated, true)]);
    for source in [SourceState::There, SourceState::Gone] {
        let (found, _) = undated.judged(source);
        assert_eq!(
            (found.source, found.discrepancies.len()),
            (found.destination, 0),
            "{source:?}"
        );
    }
}

proptest! {
    /// Every message is in just one class, and in the right one.
    #[test]
    fn every_message_is_classed_as_what_became_of_it(fates in prop::collection::vec((prop::sample::select(FATES.to_vec()), any::<bool>()), 0..25)) {
        let chunk = Chunk::new(&fates);
        let (found, there) = chunk.judged(SourceState::There);
        prop_assert_eq!(of_code(&found, code::REWRITTEN), chunk.with(&[Fate::Rewritten]));
        prop_assert_eq!(of_code(&found, code::REDATED), chunk.with(&[Fate::Redated]));
        prop_assert_eq!(of_code(&found, code::MISSING), chunk.with(&[Fate::NeverArrived]));
        prop_assert_eq!(of_code(&found, code::WITHHELD), chunk.with(&[Fate::Withheld]));
        prop_assert_eq!(listed(&found.gone_since), chunk.with(&[Fate::GoneHere, Fate::GoneBoth]));

        let tallied = |uids: Vec<u32>| uids.into_iter().filter(|uid| !chunk.untallied.contains(*uid)).collect::<Vec<_>>();
        let lone = chunk.with(&[Fate::GoneThere, Fate::RewrittenAndGoneThere, Fate::Repaired]);
        let is_lost = !tallied(chunk.with(&[Fate::GoneBoth])).is_empty();
        let altered = !tallied(chunk.with(&[Fate::RewrittenAndGoneThere])).is_empty();
        let expected = if altered && !is_lost { tallied(lone.clone()) } else { Vec::new() };
        prop_assert_eq!(of_code(&found, code::NOT_AS_COPIED), expected);
        let compared: Vec<u32> = if is_lost { Vec::new() } else { tallied(lone.clone()) };
        let unverified: Vec<u32> = lone.into_iter().filter(|uid| !compared.contains(uid)).collect();
        prop_assert_eq!(listed(&found.unverified), unverified);

        prop_assert_eq!(found.source == found.destination, found.discrepancies.is_empty());
        if fates.iter().all(|(fate, _)| *fate == Fate::Well) {
            prop_assert_eq!(there.len() as u64, chunk.untallied.len());
        }
    }

    /// Without the source nothing is found that is not so, and nothing that is wrong is passed over.
    #[test]
    fn without_the_source_nothing_wrong_is_passed_over(fates in prop::collection::vec((prop::sample::select(FATES.to_vec()), any::<bool>()), 0..25)) {
        let chunk = Chunk::new(&fates);
        let (found, _) = chunk.judged(SourceState::Unreachable);
        let mut told: Vec<u32> = found.discrepancies.iter().flat_map(|one| listed(&one.uids)).collect();
        told.extend(found.gone_since.iter());
        let changed = chunk.with(&[Fate::Rewritten, Fate::Redated, Fate::RewrittenAndGoneThere, Fate::NeverArrived, Fate::Withheld]);
        prop_assert!(changed.iter().all(|uid| told.contains(uid)), "{changed:?} {found:?}");
        let well = fates.iter().all(|(fate, is_tallied)| *is_tallied && matches!(fate, Fate::Well | Fate::GoneThere | Fate::Repaired));
        prop_assert!(!well || told.is_empty());
    }
}
