//! Changes of flags between the passes, three-way: as last carried over, at the source now, at the
//! destination now, flag by flag. What changed at the source is carried over; what the user changed
//! at the destination is left as it is.

use std::collections::BTreeMap;

use crate::domain::flags::FlagSet;
use crate::domain::uid::UidRuns;
use crate::imap::store::Change;

/// Flags of one message on the three sides.
#[derive(Clone, Debug)]
pub(super) struct ThreeWay {
    /// As last carried over.
    pub(super) base: FlagSet,
    /// At the source now.
    pub(super) source: FlagSet,
    /// At the destination now.
    pub(super) destination: FlagSet,
}

/// The changes to make in a folder at the destination; messages with the same change share a command.
#[derive(Clone, Debug, Default)]
pub(super) struct FlagChanges(BTreeMap<(char, Vec<String>), UidRuns>);

impl FlagChanges {
    /// Adds what is to be changed of a message. `permanent` is the folder's PERMANENTFLAGS.
    pub(super) fn add(&mut self, destination_uid: u32, message: &ThreeWay, permanent: Option<&[String]>) {
        let kept = |flags: &FlagSet| flags.permitted(permanent);
        let (base, source, here) = (kept(&message.base), kept(&message.source), kept(&message.destination));
        let added = source.minus(&base).minus(&here);
        let removed = base.minus(&source);
        // What the user has taken away at the destination need not be taken away again.
        let removed = removed.minus(&removed.minus(&here));
        for (sign, flags) in [('+', added), ('-', removed)] {
            if !flags.is_empty() {
                self.0.entry((sign, flags.words())).or_default().insert(destination_uid);
            }
        }
    }

    /// The changes.
    pub(super) fn into_changes(self) -> Vec<Change> {
        let change = |((sign, flags), uids): ((char, Vec<String>), UidRuns)| Change {
            uids: uids.to_set(),
            sign,
            flags,
        };
        self.0.into_iter().map(change).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three(destination_uid: u32, base: &str, source: &str, destination: &str) -> (u32, ThreeWay) {
        let set = |text: &str| FlagSet::new(text.split(' '));
        let message = ThreeWay {
            base: set(base),
            source: set(source),
            destination: set(destination),
        };
        (destination_uid, message)
    }

    fn flag_changes(messages: &[(u32, ThreeWay)], permanent: Option<&[String]>) -> Vec<Change> {
        let mut changes = FlagChanges::default();
        for (uid, message) in messages {
            changes.add(*uid, message, permanent);
        }
        changes.into_changes()
    }

    fn shown(changes: &[Change]) -> Vec<String> {
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
