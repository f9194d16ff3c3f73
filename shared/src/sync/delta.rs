//! Changes of flags between the passes, three-way: as last carried over, at the source now, at the
//! destination now. What the user changed at the destination is never overwritten.

use std::collections::BTreeMap;

use crate::domain::flags::FlagSet;
use crate::domain::uid::UidSet;

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
        let (base, source) = (kept(&message.base), kept(&message.source));
        if base == source || kept(&message.destination) != base {
            continue;
        }
        for (sign, flags) in [('+', source.minus(&base)), ('-', base.minus(&source))] {
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
    fn change_at_the_destination_wins() {
        assert_eq!(flag_changes(&[three(5, "", "\\Seen", "\\Flagged")], None), []);
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
