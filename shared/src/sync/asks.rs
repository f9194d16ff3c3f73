//! What is asked of a source folder: what is new in it, and what may have changed or gone.

use super::folder_plan::FolderPlan;
use super::look::{Aim, Budget, Course};
use crate::domain::Pass;
use crate::imap::folder::FolderStatus;
use crate::imap::survey::Ask;
use crate::store::Listing;

/// How much there may be in a folder that is not known yet.
struct Expected {
    /// The source's numbers, where the folder was listed as the one that is known.
    listed: Option<FolderStatus>,
    /// From which UID on messages are new.
    from: u32,
    /// How many new messages there are at most.
    most_new: u32,
    /// Whether all messages that were known are still there, and all new ones have come: the numbers
    /// leave no other way.
    is_whole: bool,
}

impl Expected {
    fn of(plan: &FolderPlan, course: Course) -> Self {
        let known = plan.known().filter(|_| course == Course::Onward);
        let from = known.map_or(1, |known| known.last_uid.saturating_add(1));
        let is_listed =
            |there: &FolderStatus| known.is_none_or(|known| known.source_uid_validity == there.uid_validity);
        let listed = plan.there.filter(is_listed);
        // Nothing has a UID from UIDNEXT on.
        let most_new = match (listed, course) {
            (Some(there), Course::Onward) => there.uid_next.saturating_sub(from),
            (Some(there), Course::Anew) => there.messages,
            (None, _) => u32::MAX,
        };
        let is_whole = listed.is_some_and(|there| {
            let expected = plan.accounted().len() + u64::from(most_new);
            u64::from(there.messages) == expected && known.is_some_and(|known| known.error.is_none())
        });
        Self {
            listed,
            from,
            most_new,
            is_whole,
        }
    }
}

/// Whether messages may have gone from a folder since it was planned last.
pub(super) fn may_have_lost(plan: &FolderPlan) -> bool {
    plan.known().is_some() && !Expected::of(plan, plan.course()).is_whole
}

/// What is asked of a folder, whose new messages have been listed as far as `resumed` says.
pub(super) fn asks(
    plan: &FolderPlan,
    course: Course,
    aim: Aim,
    resumed: Option<Listing>,
    budget: &mut Budget,
) -> Vec<Ask> {
    let known = plan.known().filter(|_| course == Course::Onward);
    let Expected {
        listed,
        from,
        most_new,
        is_whole,
    } = Expected::of(plan, course);
    let mut asks = Vec::new();
    if let Some(known) = known.filter(|known| known.last_uid > 0) {
        let last = known.last_uid;
        let before = known.seen.and_then(|seen| seen.highest_modseq);
        let now = listed.and_then(|there| there.highest_modseq);
        let since = before.filter(|before| aim.tells_changes && now.is_some_and(|now| now >= *before));
        match since {
            Some(since) if is_whole || aim.tells_presence => {
                if now != Some(since) {
                    let since = Some(since);
                    asks.push(Ask::Changes { last, since });
                }
            }
            _ => asks.push(Ask::Changes { last, since: None }),
        }
        if !is_whole && aim.tells_presence {
            asks.push(Ask::Present { last, briefly: true });
        }
    }
    if most_new == 0 && known.is_some() {
        return asks;
    }
    if aim.pass != Pass::First && resumed.is_none() && most_new <= aim.most_identities.min(budget.0) {
        budget.0 -= most_new;
        asks.push(Ask::IdentitiesFrom(from));
    } else {
        let from = resumed.map_or(from, |listing| from.max(listing.last_uid.saturating_add(1)));
        let dated = !aim.dates.is_open();
        asks.push(Ask::Sizes {
            from,
            dated,
            sized: aim.asks_sizes,
        });
    }
    asks
}
