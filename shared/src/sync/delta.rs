//! Changes of flags between the passes, three-way: as last carried over, at the source now, at the
//! destination now, flag by flag. What changed at the source is carried over; what the user changed
//! at the destination is left as it is.

use std::collections::BTreeMap;

use super::SyncError;
use super::chunk::OpenFolder;
use crate::domain::flags::FlagSet;
use crate::domain::uid::UidSet;
use crate::imap::fetch::{self, Metadata};
use crate::store::{ChunkRecord, Ledger};

/// Flags of one message on the three sides.
#[derive(Clone, Debug)]
pub(super) struct ThreeWay {
    /// Its UID at the destination.
    pub(super) destination_uid: u32,
    /// As last carried over.
    pub(super) base: FlagSet,
    /// At the source now.
    pub(super) source: FlagSet,
    /// At the destination now.
    pub(super) destination: FlagSet,
}

/// One STORE command's worth of change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FlagChange {
    /// Destination UIDs.
    pub(super) uids: UidSet,
    /// `+` or `-`.
    pub(super) sign: char,
    /// The flags.
    pub(super) flags: Vec<String>,
}

/// The changes to make at the destination; messages with the same change share a command.
/// `permanent` is the destination folder's PERMANENTFLAGS.
pub(super) fn flag_changes(messages: &[ThreeWay], permanent: Option<&[String]>) -> Vec<FlagChange> {
    let mut changes: BTreeMap<(char, Vec<String>), Vec<u32>> = BTreeMap::new();
    for message in messages {
        let kept = |flags: &FlagSet| flags.permitted(permanent);
        let (base, source, here) = (kept(&message.base), kept(&message.source), kept(&message.destination));
        let added = source.minus(&base).minus(&here);
        let removed = base.minus(&source);
        // What the user has taken away at the destination need not be taken away again.
        let removed = removed.minus(&removed.minus(&here));
        for (sign, flags) in [('+', added), ('-', removed)] {
            if !flags.is_empty() {
                changes
                    .entry((sign, flags.words()))
                    .or_default()
                    .push(message.destination_uid);
            }
        }
    }
    let change = |((sign, flags), mut uids): ((char, Vec<String>), Vec<u32>)| {
        uids.sort_unstable();
        FlagChange {
            uids: UidSet::from_sorted(uids),
            sign,
            flags,
        }
    };
    changes.into_iter().map(change).collect()
}

impl<L: Ledger> OpenFolder<'_, L> {
    /// Carries the changes of flags over to the destination. Repeating it changes nothing.
    pub(super) async fn carry_flags_over(
        &mut self,
        chunk: &mut ChunkRecord,
        found: &[Metadata],
    ) -> Result<(), SyncError> {
        let mapped: Vec<(&Metadata, u32)> = found
            .iter()
            .filter_map(|message| Some((message, chunk.map.get(message.uid)?)))
            .collect();
        let mut uids: Vec<u32> = mapped.iter().map(|(_, destination)| *destination).collect();
        uids.sort_unstable();
        let here = fetch::metadata(self.destination, &UidSet::from_sorted(uids))
            .await
            .map_err(SyncError::Destination)?;
        let here: BTreeMap<u32, FlagSet> = here
            .into_iter()
            .map(|message| (message.uid, FlagSet::new(&message.flags)))
            .collect();
        let three_ways: Vec<ThreeWay> = mapped
            .iter()
            .filter_map(|(message, destination_uid)| {
                Some(ThreeWay {
                    destination_uid: *destination_uid,
                    base: chunk.flags.get(message.uid)?,
                    source: FlagSet::new(&message.flags),
                    destination: here.get(destination_uid)?.clone(),
                })
            })
            .collect();
        for change in flag_changes(&three_ways, self.selected.permanent_flags.as_deref()) {
            fetch::store_flags(self.destination, &change.uids, change.sign, &change.flags)
                .await
                .map_err(SyncError::Destination)?;
        }
        for (message, _) in mapped {
            chunk.flags.insert(message.uid, &FlagSet::new(&message.flags));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three(destination_uid: u32, base: &str, source: &str, destination: &str) -> ThreeWay {
        let set = |text: &str| FlagSet::new(text.split(' '));
        ThreeWay {
            destination_uid,
            base: set(base),
            source: set(source),
            destination: set(destination),
        }
    }

    fn shown(changes: &[FlagChange]) -> Vec<String> {
        changes
            .iter()
            .map(|change| format!("{} {}{}", change.uids, change.sign, change.flags.join(" ")))
            .collect()
    }

    #[test]
    fn changes_at_the_source_are_carried_over_together() {
        let messages = [
            three(5, "", "\\Seen", ""),
            three(6, "", "\\Seen", ""),
            three(9, "\\Flagged", "\\Seen", "\\Flagged"),
        ];
        assert_eq!(shown(&flag_changes(&messages, None)), ["5:6,9 +\\Seen", "9 -\\Flagged"]);
    }

    #[test]
    fn change_at_the_destination_stays() {
        let both = [
            three(5, "\\Flagged", "\\Flagged \\Seen", "$mine"),
            three(6, "\\Seen", "", "\\Seen $mine"),
        ];
        assert_eq!(shown(&flag_changes(&both, None)), ["5 +\\Seen", "6 -\\Seen"]);
    }

    #[test]
    fn half_of_a_change_is_completed() {
        assert_eq!(
            shown(&flag_changes(
                &[three(5, "\\Flagged", "\\Seen", "\\Flagged \\Seen")],
                None
            )),
            ["5 -\\Flagged"]
        );
    }

    #[test]
    fn unchanged_source_changes_nothing() {
        assert_eq!(flag_changes(&[three(5, "\\Seen", "\\seen", "")], None), []);
    }

    #[test]
    fn flags_the_folder_cannot_keep_are_no_change() {
        let permanent = ["\\Seen".to_owned()];
        assert_eq!(flag_changes(&[three(5, "", "$Label1", "")], Some(&permanent)), []);
    }
}
