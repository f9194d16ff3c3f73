//! New mail that is not new: what lies at the destination already, and what must not come back.

use std::collections::BTreeSet;

use super::here::Here;
use super::moves::{MOST_DIGESTED_BYTES, Moved, bytes_in_doubt, is_marked_deleted, read_digests};
use crate::domain::flags::FlagSet;
use crate::domain::prints::{Print, PrintList};
use crate::store::Ledger;
use crate::sync::SyncError;
use crate::sync::chunks::Chunks;
use crate::sync::item::{Arrived, Item};
use crate::sync::look::Course;
use crate::sync::matching::{Candidates, Side, match_messages};
use crate::sync::planner::Planner;

/// How many messages that must not come back are remembered with a folder, at most.
pub(in crate::sync) const MOST_GONE: usize = 20_000;

/// Finds new messages that lie in their destination folders already: from an earlier run, or from
/// somewhere else.
pub(super) async fn find_arrived<L: Ledger>(
    planner: &mut Planner<'_, L>,
    items: &mut [Item],
    heres: &mut [Here],
) -> Result<(), SyncError> {
    for (item, here) in items.iter_mut().zip(heres) {
        let Some(new) = item.find.identities.as_ref().filter(|new| !new.is_empty()) else {
            continue;
        };
        if !here.has_candidates || item.trouble.is_some() {
            continue;
        }
        let (mut source, mut destination) = (Side::new(new.clone()), Side::new(here.candidates.clone()));
        let mut matches = match_messages(&source, &destination, Candidates::AnyMail);
        if matches.in_doubt() {
            if bytes_in_doubt(&source, &destination, &matches) > MOST_DIGESTED_BYTES {
                // Whoever copies the chunks matches them.
                continue;
            }
            let names = (&item.plan.mapping.source_name, &item.plan.mapping.destination_name);
            (source.digests, destination.digests) = tokio::try_join!(
                read_digests(
                    &mut planner.source,
                    names.0,
                    source.of(&matches.doubtful_sources),
                    SyncError::Source
                ),
                read_digests(
                    &mut planner.destination,
                    names.1,
                    destination.of(&matches.doubtful_destinations),
                    SyncError::Destination
                ),
            )?;
            matches = match_messages(&source, &destination, Candidates::AnyMail);
        }
        for (ours, theirs) in matches.pairs {
            if let Some(message) = source.message(ours) {
                let flags = FlagSet::new(&message.flags);
                item.arrived.push(Arrived {
                    message: message.clone(),
                    destination: theirs,
                    flags,
                    digest: None,
                });
            }
        }
        item.match_from = None;
    }
    Ok(())
}

/// Notes with the folders that new mail comes to which messages must not come back by it: those whose
/// copies the user has moved or deleted; with `left_out`, which is found again already, all others that have gone from
/// where they were.
pub(super) fn keep_out_gone(items: &mut [Item], heres: &[Here], left_out: Option<&[Moved]>) {
    let mut gone: Vec<Print> = Vec::new();
    let mut own: Vec<Vec<Print>> = Vec::new();
    for (at, (item, here)) in items.iter().zip(heres).enumerate() {
        let untouched = here.copies.iter().filter(|copy| !is_marked_deleted(item, here, copy));
        let there: BTreeSet<u32> = match left_out {
            None => untouched.map(|copy| copy.uid).collect(),
            Some(moved) => moved.iter().filter_map(|one| one.copy_in(at)).collect(),
        };
        let missing = here.vanished.iter().filter(|(copy, _)| !there.contains(copy));
        gone.extend(missing.filter_map(|(_, uid)| print(item, uid)));
        own.push(gone_before_restart(item, here));
    }
    for (item, own) in items.iter_mut().zip(own) {
        if item.find.wanted() > (item.arrived.len() + item.left_out.len()) as u64 {
            let all: Vec<Print> = gone.iter().copied().chain(own).take(MOST_GONE).collect();
            item.gone = PrintList::default();
            item.gone.extend(all);
        }
    }
}

fn print(item: &Item, uid: u32) -> Option<Print> {
    let chunks = &item.plan.chunks;
    chunks.get(Chunks(chunks).coverer(uid)?)?.prints.get(uid)
}

/// What the user had removed from a folder that begins anew because it is another one at the source.
fn gone_before_restart(item: &Item, here: &Here) -> Vec<Print> {
    if item.find.course != Course::Anew || item.is_rebuilt || item.plan.known().is_none() {
        return Vec::new();
    }
    let candidates: BTreeSet<u32> = here.candidates.iter().map(|message| message.uid).collect();
    let is_there = |uid: u32| match &here.present {
        Some(present) => present.contains(uid),
        None => candidates.contains(&uid) || !(here.has_candidates || item.target.messages == 0),
    };
    let chunks = item.plan.chunks.iter();
    let gone = chunks.flat_map(|chunk| {
        chunk
            .map
            .iter()
            .filter(|(_, copy)| !is_there(*copy))
            .map(move |pair| (chunk, pair.0))
    });
    gone.filter_map(|(chunk, uid)| chunk.prints.get(uid)).collect()
}
