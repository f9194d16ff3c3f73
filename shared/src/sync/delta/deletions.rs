//! Messages that were deleted at the source after the first pass: where the customer asked for it, and
//! the user has not touched their copies, these are deleted too.

use std::collections::BTreeMap;

use super::here::Here;
use super::moves::digests_of;
use crate::domain::flags::FlagSet;
use crate::domain::uid::UidSet;
use crate::imap::ImapError;
use crate::imap::fetch::Metadata;
use crate::imap::remove::{can_remove, remove};
use crate::imap::store::{Change, FolderChanges, store_all};
use crate::store::Ledger;
use crate::sync::SyncError;
use crate::sync::chunks::Chunks;
use crate::sync::item::Item;
use crate::sync::matching::Digest;
use crate::sync::planner::Planner;

/// Deletes the copies of what was deleted at the source. Nothing is deleted because a whole folder is
/// gone there: that may be the server's doing.
pub(super) async fn carry_deletions<L: Ledger>(
    planner: &mut Planner<'_, L>,
    items: &mut [Item],
    heres: &[Here],
) -> Result<(), SyncError> {
    for (item, here) in items.iter_mut().zip(heres).filter(|(item, _)| !item.is_gone) {
        let untouched = untouched(item, here);
        if !untouched.is_empty() {
            delete(planner, item, untouched).await?;
        }
    }
    Ok(())
}

/// Copies that are as we left them, with their source UIDs.
fn untouched(item: &Item, here: &Here) -> Vec<(u32, Metadata)> {
    let permanent = item
        .selected
        .as_ref()
        .and_then(|selected| selected.permanent_flags.as_deref());
    let copies = here.copies.iter().filter_map(|copy| {
        let uid = here.vanished.get(copy.uid)?;
        // A message that has been moved is not in the map any more.
        let base = Chunks(&item.plan.chunks).base(uid)?;
        let is_as_left = base.permitted(permanent) == FlagSet::new(&copy.flags);
        is_as_left.then(|| (uid, copy.clone()))
    });
    copies.collect()
}

async fn delete<L: Ledger>(
    planner: &mut Planner<'_, L>,
    item: &mut Item,
    copies: Vec<(u32, Metadata)>,
) -> Result<(), SyncError> {
    let mut uids: Vec<u32> = copies.iter().map(|(_, copy)| copy.uid).collect();
    uids.sort_unstable();
    let uids = UidSet::from_sorted(uids);
    let removes = can_remove(&planner.destination);
    // Without UIDPLUS, EXPUNGE would remove whatever else is marked: it is left to the user.
    let mark = Change {
        uids: uids.clone(),
        sign: '+',
        flags: vec!["\\Deleted".to_owned()],
    };
    let folder = FolderChanges {
        wire_name: item.plan.mapping.destination_name.clone(),
        uid_validity: item.target.uid_validity,
        changes: if removes { Vec::new() } else { vec![mark] },
    };
    let mut opened = store_all(&mut planner.destination, &[folder])
        .await
        .map_err(SyncError::Destination)?;
    let metadata: Vec<&Metadata> = copies.iter().map(|(_, copy)| copy).collect();
    let mut digests = BTreeMap::new();
    let deleted = if let Some(Err(error)) = opened.pop() {
        Err(error)
    } else {
        digests = digests_of(&mut planner.destination, &metadata).await?;
        if removes {
            remove(&mut planner.destination, &uids).await
        } else {
            Ok(())
        }
    };
    match deleted {
        Ok(()) => {}
        Err(error @ (ImapError::Refused { .. } | ImapError::UidValidityChanged { .. })) => {
            tracing::warn!(job.id = %planner.mailbox.job_id, %error, messages = uids.len(), "messages could not be deleted");
            return Ok(());
        }
        Err(error) => return Err(SyncError::Destination(error)),
    }
    tracing::info!(job.id = %planner.mailbox.job_id, folder = item.plan.number, messages = uids.len(), "deleted as at the source");
    item.deleted += copies.len() as u64;
    for (uid, copy) in copies {
        item.forget(uid, &copy, digests.get(&copy.uid).map(Digest::exact));
    }
    Ok(())
}
