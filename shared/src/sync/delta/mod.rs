//! The final pass: what changed between the passes is carried over, three-way. Later ones only fetch.
//!
//! ```text
//! here       looks at the destination's folders
//! known      new mail that is at the destination already, or must not come back
//! flags      what changed at the source and not at the destination
//! moves      messages that moved within the source move at the destination
//! deletions  messages that were deleted at the source, where the customer asked for it
//! tidied     what later passes leave alone
//! ```
//!
//! All this is done before anything is written down, and can be done again: what has been done by
//! then is seen as done. New mail is left to the chunks. The base of all comparisons is what was
//! carried over last, which the chunks hold; it is brought up to date with the plan.

mod deletions;
mod flags;
mod here;
mod known;
mod moves;
mod tidied;

use here::Here;
pub(super) use known::MOST_GONE;

use super::SyncError;
use super::item::Item;
use super::planner::Planner;
use super::small;
use crate::domain::flags::FlagTable;
use crate::domain::uid::UidRuns;
use crate::imap::ImapError;
use crate::imap::append::{Refusal, RefusalClass};
use crate::imap::store::{FolderChanges, store_all};
use crate::store::Ledger;
use crate::store::job::Failure;

/// Where more messages than this have gone from the source, they are not looked for among the new
/// ones: what tells them from others has to be held.
const MOST_VANISHED: u64 = 20_000;

/// Carries over what changed in these folders, and notes in them what is to be written down.
///
/// # Errors
/// [`SyncError`]; what has been carried over until then is seen as such the next time.
pub(super) async fn carry_over<L: Ledger>(planner: &mut Planner<'_, L>, items: &mut [Item]) -> Result<(), SyncError> {
    let only_fetches = planner.pass.is_later();
    let deletes = planner.mailbox.options.carry_deletions && !only_fetches;
    let mut vanished: Vec<UidRuns> = items.iter().map(Item::vanished).collect();
    let count: u64 = vanished.iter().map(UidRuns::len).sum();
    if only_fetches {
        tidied::prepare(items, count);
    }
    let has_new = items.iter().any(|item| item.find.wanted() > 0);
    let is_of_use = deletes || (has_new && count <= MOST_VANISHED);
    if !is_of_use {
        vanished = items.iter().map(|_| UidRuns::default()).collect();
    }
    let capabilities = planner.destination.capabilities();
    let tells_presence = capabilities.has("ESEARCH");
    let to_copy = small::choose(items, capabilities, planner.mailbox.limits, planner.deadline);
    for (item, is_small) in items.iter_mut().zip(&to_copy) {
        item.is_small = *is_small;
    }
    let heres = items
        .iter()
        .zip(&vanished)
        .map(|(item, vanished)| Here::of(item, vanished, tells_presence));
    let heres = heres.collect();
    let (mut heres, bodies) = tokio::try_join!(
        here::look(&mut planner.destination, items, heres),
        small::read(&planner.mailbox.source, &mut planner.source, items),
    )?;
    for ((item, here), bodies) in items.iter_mut().zip(&mut heres).zip(bodies) {
        item.bodies = bodies;
        item.selected = here.selected.clone();
        if let Some(error) = here.fault.take() {
            *here = Here::default();
            give_up(item, error)?;
        }
    }
    known::find_arrived(planner, items, &mut heres).await?;
    let moved = moves::find_moved(planner, items, &heres).await?;
    if only_fetches {
        tidied::leave_out(items, &moved);
        known::keep_out_gone(items, &heres, Some(&moved));
        return Ok(());
    }
    known::keep_out_gone(items, &heres, None);
    store_flags(planner, items, &mut heres).await?;
    moves::carry_moves(planner, items, moved).await?;
    if deletes {
        deletions::carry_deletions(planner, items, &heres).await?;
    }
    Ok(())
}

/// A folder whose changes cannot be carried over; the others can. A server that is busy is asked again
/// another time.
fn give_up(item: &mut Item, error: ImapError) -> Result<(), SyncError> {
    let is_passing = match &error {
        ImapError::Refused {
            command: "STORE",
            code,
            text,
        } => Refusal::new(code, text).class() == RefusalClass::Passing,
        _ => !error.is_about_one_folder(),
    };
    let error = SyncError::Destination(error);
    if is_passing {
        return Err(error);
    }
    let failure = error.failure();
    tracing::warn!(
        folder = item.plan.number,
        code = failure.code,
        "changes not carried over"
    );
    item.bodies.clear();
    item.find.changed = FlagTable::default();
    let title = &item.plan.mapping.title;
    item.trouble = Some(Failure {
        code: "destination_command_refused".to_owned(),
        message: format!(
            "what changed in the folder {title} was not carried over: {}",
            failure.message
        ),
    });
    Ok(())
}

/// Stores the changes of flags, and notes what the source's flags are now.
async fn store_flags<L: Ledger>(
    planner: &mut Planner<'_, L>,
    items: &mut [Item],
    heres: &mut [Here],
) -> Result<(), SyncError> {
    let mut owners = Vec::new();
    let mut folders = Vec::new();
    for (at, (item, here)) in items.iter().zip(heres).enumerate() {
        let changes = std::mem::take(&mut here.changes).into_changes();
        if !changes.is_empty() {
            owners.push(at);
            folders.push(FolderChanges {
                wire_name: item.plan.mapping.destination_name.clone(),
                uid_validity: item.target.uid_validity,
                changes,
            });
        }
    }
    let stored = store_all(&mut planner.destination, &folders)
        .await
        .map_err(SyncError::Destination)?;
    for (at, stored) in owners.into_iter().zip(stored) {
        if let (Err(error), Some(item)) = (stored, items.get_mut(at)) {
            give_up(item, error)?;
        }
    }
    for item in items.iter_mut().filter(|item| item.goes_on()) {
        let changed = std::mem::take(&mut item.find.changed);
        for uid in changed.uids() {
            if let (Some(flags), Some(chunk)) = (changed.get(uid), item.holder(uid)) {
                chunk.flags.insert(uid, flags);
            }
        }
    }
    Ok(())
}
