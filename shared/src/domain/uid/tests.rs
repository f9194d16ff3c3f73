use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use super::*;

#[test]
fn sets_are_written_as_imap_writes_them() {
    let set = UidSet::from_sorted([1, 2, 3, 7, 9, 10]);
    assert_eq!(set.to_string(), "1:3,7,9:10");
    assert_eq!((set.len(), set.contains(7), set.contains(8)), (6, true, false));
}

#[test]
fn order_of_a_set_is_kept_and_nothing_in_it_is_overlooked() {
    let set: UidSet = "9:10,1:3".parse().unwrap();
    assert_eq!(set.iter().collect::<Vec<_>>(), [9, 10, 1, 2, 3]);
    assert!(set.contains(2) && set.contains(9) && !set.contains(5));
}

#[test]
fn hostile_text_is_refused() {
    for text in ["0", "5:3", "a", "1,,2", "4294967296"] {
        assert_eq!(text.parse::<UidSet>(), Err(BadUids), "{text}");
    }
    assert_eq!("1:3=4294967295".parse::<UidMap>(), Err(BadUids));
}

#[test]
fn runs_reach_to_the_last_uid_there_is() {
    let mut map: UidMap = "1:4294967295=1".parse().unwrap();
    assert_eq!((map.get(u32::MAX), map.get(0)), (Some(u32::MAX), None));
    assert_eq!(map.remove(u32::MAX), Some(u32::MAX));
    assert_eq!(map.to_string(), "1:4294967294=1");
    map.insert(u32::MAX, u32::MAX);
    assert_eq!(map.to_string(), "1:4294967295=1");
}

#[test]
fn a_million_messages_in_order_are_one_run() {
    let mut map = UidMap::default();
    let mut uids = UidRuns::default();
    for uid in 1..=1_000_000 {
        map.insert(uid, uid + 70);
        uids.insert(1_000_001 - uid);
    }
    assert_eq!(map.to_string(), "1:1000000=71");
    assert_eq!(uids.to_set().to_string(), "1:1000000");
}

/// What is done to a set or map: add (with a destination), or take away.
fn steps() -> impl Strategy<Value = Vec<(bool, u32, u32, u32)>> {
    vec((prop::bool::weighted(0.7), 1_u32..60, 0_u32..6, 1_u32..60), 0..80)
}

proptest! {
    #[test]
    fn sets_survive_their_text(uids in btree_set(1_u32.., 0..200)) {
        let set = UidSet::from_sorted(uids.iter().copied());
        prop_assert_eq!(set.to_string().parse::<UidSet>().unwrap(), set.clone());
        prop_assert_eq!(set.iter().collect::<Vec<_>>(), uids.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn sets_hold_what_was_put_in(runs in vec((1_u32..90, 0_u32..9), 0..12)) {
        let text: Vec<_> = runs.iter().map(|(first, more)| format!("{first}:{}", first + more)).collect();
        let set: UidSet = text.join(",").parse().unwrap();
        for uid in 0..110 {
            prop_assert_eq!(set.contains(uid), runs.iter().any(|(first, more)| (*first..=first + more).contains(&uid)));
        }
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

    /// Whatever is done in whatever order, a map of runs is the map of single UIDs.
    #[test]
    fn maps_of_runs_are_maps(steps in steps()) {
        let (mut map, mut model) = (UidMap::default(), BTreeMap::new());
        for (add, source, more, destination) in steps {
            for source in source..=source + more {
                if add {
                    map.insert(source, destination + source);
                    model.insert(source, destination + source);
                } else {
                    prop_assert_eq!(map.remove(source), model.remove(&source));
                }
            }
            prop_assert_eq!(map.len(), model.len());
        }
        prop_assert_eq!(map.iter().collect::<Vec<_>>(), model.iter().map(|(a, b)| (*a, *b)).collect::<Vec<_>>());
        for source in 0..70 {
            prop_assert_eq!(map.get(source), model.get(&source).copied());
        }
        let destinations: Vec<u32> = map.destinations().flatten().collect();
        prop_assert_eq!(destinations, model.into_values().collect::<Vec<_>>());
        // Canonical: what is equal is equal in its runs.
        let mut again = UidMap::default();
        let pairs: Vec<_> = map.iter().collect();
        pairs.iter().rev().for_each(|(source, destination)| again.insert(*source, *destination));
        prop_assert_eq!(again, map);
    }

    /// Whatever is done in whatever order, runs are a set.
    #[test]
    fn runs_are_sets(steps in steps()) {
        let (mut runs, mut model) = (UidRuns::default(), BTreeSet::new());
        for (add, first, more, _) in steps {
            match (add, more) {
                (true, 0) => prop_assert_eq!(runs.insert(first), model.insert(first)),
                (false, 0) => prop_assert_eq!(runs.remove(first), model.remove(&first)),
                (true, _) => {
                    runs.insert_range(first..=first + more);
                    model.extend(first..=first + more);
                }
                (false, _) => {
                    runs.remove_range(first..=first + more);
                    model.retain(|uid| !(first..=first + more).contains(uid));
                }
            }
            prop_assert_eq!(runs.len(), model.len() as u64);
        }
        for uid in 0..70 {
            prop_assert_eq!(runs.contains(uid), model.contains(&uid));
        }
        prop_assert_eq!(runs.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(runs.to_set(), UidSet::from_sorted(model.iter().copied()));
        prop_assert_eq!(&UidRuns::from(&runs.to_set()), &runs);
        prop_assert_eq!(model.into_iter().rev().collect::<UidRuns>(), runs);
    }
}
