//! Messages that moved from one folder to another at the source: their copies move at the destination. One that only has
//! another UID in its own folder (Proton Bridge, 2026) keeps its copy.
//!
//! A message that has gone from one folder and the same message new in another: by Message-ID, date
//! and size, in doubt by its bytes, as it is read at the destination. Where the user has moved or
//! deleted the copy, it stays as the user left it, and does not come back by way of the other folder:
//! such a message is known again by its print, since nothing else is left of it.
//!
//! A move that was cut off is found done the next time, because new mail is matched first with what
//! has appeared in its own folder.

use std::collections::{BTreeMap, BTreeSet};

use super::flags::{FlagChanges, ThreeWay};
use super::here::Here;
use crate::domain::flags::FlagSet;
use crate::imap::fetch::Metadata;
use crate::imap::relocate::{can_move, relocate};
use crate::imap::store::{FolderChanges, store_all};
use crate::imap::{ImapError, Session};
use crate::store::Ledger;
use crate::sync::SyncError;
use crate::sync::chunks::Chunks;
use crate::sync::digests::digests;
use crate::sync::item::{Arrived, Item};
use crate::sync::matching::{Candidates, Digest, Matches, Side, match_messages};
use crate::sync::planner::Planner;

/// Where telling messages apart would take reading more than this, it is left undone.
pub(super) const MOST_DIGESTED_BYTES: u64 = 64 << 20;

/// A message that moved.
#[derive(Debug)]
pub(super) struct Moved {
    /// From which item's folder.
    from: usize,
    /// Its source UID there.
    uid: u32,
    /// Its copy.
    copy: Metadata,
    /// To which item's folder.
    pub(super) to: usize,
    /// What it is there.
    pub(super) message: Metadata,
}

impl Moved {
    /// The UID of its copy, where that is in this item's folder.
    pub(super) fn copy_in(&self, at: usize) -> Option<u32> {
        (self.from == at).then_some(self.copy.uid)
    }
}

/// Finds messages that have gone from one folder and are new in another, and whose copies the user has
/// left where they were; those that came back to their own folder too.
pub(super) async fn find_moved<L: Ledger>(
    planner: &mut Planner<'_, L>,
    items: &[Item],
    heres: &[Here],
) -> Result<Vec<Moved>, SyncError> {
    let goes_anywhere = planner.pass.is_later() || can_move(&planner.destination);
    let (mut new, mut copies) = (Vec::new(), Vec::new());
    for (at, (item, here)) in items.iter().zip(heres).enumerate() {
        let left_alone = here.copies.iter().filter(|copy| !is_marked_deleted(item, here, copy));
        copies.extend(left_alone.map(|copy| (at, copy.clone())));
        // Where new mail is still to be matched with what is in its own folder, that goes first.
        if item.match_from.is_none() && item.trouble.is_none() {
            let arrived: BTreeSet<u32> = item.arrived.iter().map(|arrived| arrived.message.uid).collect();
            let identities = item.find.identities.iter().flatten();
            let own = identities.filter(|message| !arrived.contains(&message.uid));
            new.extend(own.map(|message| (at, message.clone())));
        }
    }
    if new.is_empty() || copies.is_empty() {
        return Ok(Vec::new());
    }
    let (mut source, mut destination) = (numbered(&new), numbered(&copies));
    let mut matches = match_messages(&source, &destination, Candidates::AnyMail);
    if matches.in_doubt() && bytes_in_doubt(&source, &destination, &matches) <= MOST_DIGESTED_BYTES {
        let source_name = |item: &Item| item.plan.mapping.source_name.clone();
        let destination_name = |item: &Item| item.plan.mapping.destination_name.clone();
        (source.digests, destination.digests) = tokio::try_join!(
            digests_by_folder(
                &mut planner.source,
                items,
                source_name,
                &new,
                &matches.doubtful_sources,
                SyncError::Source
            ),
            digests_by_folder(
                &mut planner.destination,
                items,
                destination_name,
                &copies,
                &matches.doubtful_destinations,
                SyncError::Destination
            ),
        )?;
        matches = match_messages(&source, &destination, Candidates::AnyMail);
    }
    let moved = matches.pairs.into_iter().filter_map(|(ours, theirs)| {
        let (to, message) = new.get(ours as usize)?.clone();
        let (from, copy) = copies.get(theirs as usize)?.clone();
        let uid = heres.get(from)?.vanished.get(copy.uid)?;
        (from == to || goes_anywhere).then_some(Moved {
            from,
            uid,
            copy,
            to,
            message,
        })
    });
    Ok(moved.collect())
}

/// Whether the user has marked a copy as deleted.
pub(super) fn is_marked_deleted(item: &Item, here: &Here, copy: &Metadata) -> bool {
    let base = here
        .vanished
        .get(copy.uid)
        .and_then(|uid| Chunks(&item.plan.chunks).base(uid));
    let is_marked = |flags: &FlagSet| flags.contains("\\Deleted");
    is_marked(&FlagSet::new(&copy.flags)) && !base.is_some_and(is_marked)
}

/// Messages of several folders, told apart by numbers instead of UIDs.
fn numbered(messages: &[(usize, Metadata)]) -> Side {
    let numbered = (0..)
        .zip(messages)
        .map(|(uid, (_, message))| Metadata { uid, ..message.clone() });
    Side::new(numbered.collect())
}

/// The digests of messages of several folders, by their numbers.
async fn digests_by_folder(
    session: &mut Session,
    items: &[Item],
    wire_name: impl Fn(&Item) -> String,
    messages: &[(usize, Metadata)],
    wanted: &BTreeSet<u32>,
    side: fn(ImapError) -> SyncError,
) -> Result<BTreeMap<u32, Digest>, SyncError> {
    let mut folders: BTreeMap<usize, Vec<(u32, &Metadata)>> = BTreeMap::new();
    for (number, (at, message)) in (0..).zip(messages) {
        if wanted.contains(&number) {
            folders.entry(*at).or_default().push((number, message));
        }
    }
    let mut found = BTreeMap::new();
    for (at, messages) in folders {
        let Some(item) = items.get(at) else { continue };
        let own = messages.iter().map(|(_, message)| *message);
        let digests = read_digests(session, &wire_name(item), own, side).await?;
        found.extend(
            messages
                .iter()
                .filter_map(|(number, message)| Some((*number, *digests.get(&message.uid)?))),
        );
    }
    Ok(found)
}

pub(super) fn bytes_in_doubt(source: &Side, destination: &Side, matches: &Matches) -> u64 {
    let ours = source.of(&matches.doubtful_sources);
    let theirs = destination.of(&matches.doubtful_destinations);
    ours.chain(theirs).map(|message| message.size_bytes).sum()
}

pub(super) async fn read_digests<'m>(
    session: &mut Session,
    wire_name: &str,
    messages: impl Iterator<Item = &'m Metadata>,
    side: fn(ImapError) -> SyncError,
) -> Result<BTreeMap<u32, Digest>, SyncError> {
    session.select(wire_name).await.map_err(side)?;
    digests(session, messages).await.map_err(side)
}

/// Moves copies, and notes it in both folders.
pub(super) async fn carry_moves<L: Ledger>(
    planner: &mut Planner<'_, L>,
    items: &mut [Item],
    moved: Vec<Moved>,
) -> Result<(), SyncError> {
    let mut ways: BTreeMap<(usize, usize), Vec<Moved>> = BTreeMap::new();
    for one in moved {
        ways.entry((one.from, one.to)).or_default().push(one);
    }
    for ((from, to), moved) in ways {
        carry_way(planner, items, from, to, moved).await?;
    }
    Ok(())
}

/// Moves copies from one folder to another one.
async fn carry_way<L: Ledger>(
    planner: &mut Planner<'_, L>,
    items: &mut [Item],
    from: usize,
    to: usize,
    moved: Vec<Moved>,
) -> Result<(), SyncError> {
    let (Some(source), Some(target)) = (items.get(from), items.get(to)) else {
        return Ok(());
    };
    let mut changes = FlagChanges::default();
    let permanent = source
        .selected
        .as_ref()
        .and_then(|selected| selected.permanent_flags.clone());
    for one in &moved {
        let three = ThreeWay {
            base: Chunks(&source.plan.chunks).base(one.uid).cloned().unwrap_or_default(),
            source: FlagSet::new(&one.message.flags),
            destination: FlagSet::new(&one.copy.flags),
        };
        changes.add(one.copy.uid, &three, permanent.as_deref());
    }
    let folder = FolderChanges {
        wire_name: source.plan.mapping.destination_name.clone(),
        uid_validity: source.target.uid_validity,
        changes: changes.into_changes(),
    };
    let target_name = target.plan.mapping.destination_name.clone();
    let uid_next = target.target.uid_next;
    // Opens the folder, and makes sure that it is the one.
    let mut opened = store_all(&mut planner.destination, std::slice::from_ref(&folder))
        .await
        .map_err(SyncError::Destination)?;
    let copies: Vec<&Metadata> = moved.iter().map(|one| &one.copy).collect();
    let mut digests = BTreeMap::new();
    let mut uids: Vec<u32> = moved.iter().map(|one| one.copy.uid).collect();
    uids.sort_unstable();
    let uids = crate::domain::uid::UidSet::from_sorted(uids);
    let relocated = if let Some(Err(error)) = opened.pop() {
        Err(error)
    } else {
        digests = digests_of(&mut planner.destination, &copies).await?;
        if from == to {
            Ok(uids.iter().map(|uid| (uid, uid)).collect())
        } else {
            relocate(&mut planner.destination, &uids, &target_name).await
        }
    };
    let pairs: BTreeMap<u32, u32> = match relocated {
        Ok(pairs) => pairs.into_iter().collect(),
        // Then it is copied like other new mail, and the copy stays where it is.
        Err(error @ (ImapError::Refused { .. } | ImapError::UidValidityChanged { .. })) => {
            tracing::warn!(job.id = %planner.mailbox.job_id, %error, messages = uids.len(), "messages could not be moved");
            return Ok(());
        }
        Err(error) => return Err(SyncError::Destination(error)),
    };
    tracing::info!(job.id = %planner.mailbox.job_id, messages = uids.len(), "moved as at the source");
    for one in moved {
        let digest = digests.get(&one.copy.uid).map(Digest::exact);
        let from = items.get_mut(from);
        let is_same = from.is_some_and(|item| item.forget(one.uid, &one.copy, digest));
        let Some(target) = items.get_mut(to) else { continue };
        match pairs.get(&one.copy.uid) {
            Some(destination) => target.arrived.push(Arrived {
                flags: FlagSet::new(&one.message.flags),
                destination: *destination,
                message: one.message,
                digest: digest.filter(|_| is_same).copied(),
            }),
            // The server does not tell where it is: whoever copies the chunk finds it.
            None => target.match_from = Some(uid_next.max(1)),
        }
    }
    Ok(())
}

/// The digests of copies in the opened folder, unless that is too much to read.
pub(super) async fn digests_of(
    destination: &mut Session,
    copies: &[&Metadata],
) -> Result<BTreeMap<u32, Digest>, SyncError> {
    let bytes: u64 = copies.iter().map(|copy| copy.size_bytes).sum();
    if bytes > MOST_DIGESTED_BYTES {
        return Ok(BTreeMap::new());
    }
    digests(destination, copies.iter().copied())
        .await
        .map_err(SyncError::Destination)
}
