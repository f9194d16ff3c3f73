//! Passes after the final one fetch, and repeat nothing: whoever has moved over tidies up the mailbox that is left behind,
//! and what is moved, marked or deleted there says nothing of the new one.
//!
//! Still a message that was moved over there is not new mail in the folder that it came to. It is left out: as
//! it is seen again, else by its print when it is about to be copied.

use super::MOST_VANISHED;
use super::moves::Moved;
use crate::domain::flags::FlagTable;
use crate::store::job::Failure;
use crate::store::later::TOO_MUCH_TIDIED_UP;
use crate::sync::item::Item;

const NOT_FETCHED: &str = "at the previous provider were not fetched, because so much was moved there that new mail cannot be told \
                           from it";

/// Before anything is looked at: `vanished` messages have gone from these folders. Of so many moved ones nothing can
/// be held, so that nothing is fetched from where moved mail ends.
pub(super) fn prepare(items: &mut [Item], vanished: u64) {
    for item in items {
        item.find.changed = FlagTable::default();
        if vanished > MOST_VANISHED && item.plan.is_bin {
            let new = item.find.cutter.wanted();
            tracing::info!(
                folder = item.plan.number,
                new,
                "too much was tidied up to fetch from it"
            );
            // Most of it was moved there; what else arrived is with the previous provider only.
            let title = &item.plan.mapping.title;
            let message =
                (new > 0).then(|| format!("{new} messages that appeared in the folder {title} {NOT_FETCHED}"));
            // What an earlier look did not fetch is still not here.
            let before = || {
                item.plan
                    .known()?
                    .error
                    .clone()
                    .filter(|error| error.ends_with(NOT_FETCHED))
            };
            item.trouble = message.or_else(before).map(|message| Failure {
                code: TOO_MUCH_TIDIED_UP.to_owned(),
                message,
            });
            item.find.identities = None;
            item.find.cutter.leave_all_out();
        }
    }
}

/// Leaves out what is known from another place.
pub(super) fn leave_out(items: &mut [Item], moved: &[Moved]) {
    for one in moved {
        if let Some(item) = items.get_mut(one.to) {
            item.left_out.insert(one.message.uid, one.message.size_bytes);
        }
    }
    for item in items.iter_mut().filter(|item| item.goes_on()) {
        // It is there, and not by us.
        let arrived = item.arrived.drain(..);
        item.left_out
            .extend(arrived.map(|arrived| (arrived.message.uid, arrived.message.size_bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DateRange, JobId, Pass, RequestId};
    use crate::imap::Capabilities;
    use crate::imap::fetch::Metadata;
    use crate::imap::folder::FolderStatus;
    use crate::profile::Limits;
    use crate::store::FolderRecord;
    use crate::sync::folder_plan::FolderPlan;
    use crate::sync::item::Arrived;
    use crate::sync::look::{Aim, Find};

    const PASS: Pass = Pass::Later(1);

    fn id() -> JobId {
        JobId::new(RequestId::from_parts(0, [0; 10]), 1, 2)
    }

    /// A folder in which the messages 11, 13 and 14 are new.
    fn item(is_bin: bool) -> Item {
        let folder = serde_json::json!({
            "job_id": id(), "folder": 0, "source_name": "Trash", "title": "Trash", "destination_name": "Trash",
            "source_uid_validity": 1, "destination_uid_validity": 1, "chunks": 0, "last_uid": 10,
            "planned_pass": "final", "done_pass": "final", "epoch": 0, "lease_until": 0,
        });
        let folder: FolderRecord = serde_json::from_value(folder).unwrap();
        let plan = FolderPlan {
            is_bin,
            ..FolderPlan::gone(folder)
        };
        let limits = Limits::default();
        let aim = Aim::new(PASS, limits, DateRange::default(), &Capabilities::default());
        let mut find = Find::nothing(&plan, aim);
        for uid in [11, 13, 14] {
            find.cutter.add(uid, 100, true);
        }
        let status = FolderStatus {
            messages: 0,
            uid_next: 1,
            uid_validity: 1,
            highest_modseq: None,
        };
        Item::new(plan, find, status)
    }

    fn message(uid: u32) -> Metadata {
        Metadata {
            uid,
            size_bytes: 100,
            date: None,
            flags: Vec::new(),
            message_id: None,
        }
    }

    /// What is left to be fetched of it, and whether anything is.
    fn planned(item: Item) -> (i64, i64, bool) {
        let planned = item.outcome(id(), PASS, &Limits::default()).planned;
        let chunk = planned.chunks.last().unwrap();
        assert_eq!(chunk.known().contains(13), chunk.messages == 0);
        (chunk.messages, chunk.bytes, planned.folder.is_open(PASS))
    }

    #[test]
    fn nothing_is_fetched_from_the_bins_of_a_mailbox_that_was_emptied_into_them() {
        for (is_bin, vanished, left) in [
            (true, MOST_VANISHED + 1, (0, 0, false)),
            (true, MOST_VANISHED, (3, 300, true)),
            (false, MOST_VANISHED + 1, (3, 300, true)),
        ] {
            let mut items = [item(is_bin)];
            prepare(&mut items, vanished);
            assert_eq!(items[0].trouble.is_some(), is_bin && left.0 == 0);
            assert_eq!(items.map(planned), [left], "{is_bin} {vanished}");
        }
    }

    #[test]
    fn what_a_look_did_not_fetch_is_missing_at_the_next() {
        for (error, is_kept) in [
            (format!("3 messages that appeared in Trash {NOT_FETCHED}"), true),
            ("no".to_owned(), false),
        ] {
            let mut items = [item(true)];
            items[0].find.cutter.leave_all_out();
            items[0].plan.before.as_mut().unwrap().error = Some(error);
            prepare(&mut items, MOST_VANISHED + 1);
            assert_eq!(items[0].trouble.is_some(), is_kept);
        }
    }

    #[test]
    fn what_is_there_already_is_not_counted_as_fetched() {
        let mut items = [item(false)];
        for uid in [11, 13, 14] {
            items[0].arrived.push(Arrived {
                message: message(uid),
                destination: uid,
                flags: crate::domain::flags::FlagSet::default(),
                digest: None,
            });
        }
        leave_out(&mut items, &[]);
        assert_eq!(items.map(planned), [(0, 0, false)]);
    }
}
