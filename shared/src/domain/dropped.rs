//! Flags that could not be carried over, for the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::flags::FlagSet;

/// The most flags that are told apart: those of a mailbox are few, and an odd one must not outgrow
/// its item.
pub const MOST_FLAGS: usize = 20;

/// How much of a flag is shown, in characters.
const SHOWN_CHARS: usize = 64;

/// Flags the destination does not keep, and of how many messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DroppedFlags {
    /// How many messages are without a flag they had.
    pub messages: i64,
    /// Of how many messages each flag was dropped, as it was first spelled.
    pub flags: BTreeMap<String, i64>,
    /// How often another flag was dropped, when there were [`MOST_FLAGS`] already.
    pub others: i64,
}

impl DroppedFlags {
    /// Notes that a message is at the destination without these flags.
    ///
    /// ```
    /// use mailvan::domain::dropped::DroppedFlags;
    /// use mailvan::domain::flags::FlagSet;
    ///
    /// let permanent = ["\\Seen".to_owned(), "\\Deleted".to_owned()];
    /// let mut dropped = DroppedFlags::default();
    /// dropped.note(&FlagSet::new(["\\Seen", "$Work"]).refused(Some(&permanent)));
    /// dropped.note(&FlagSet::new(["\\Seen"]).refused(Some(&permanent)));
    /// assert_eq!((dropped.messages, dropped.flags["$Work"]), (1, 1));
    /// ```
    pub fn note(&mut self, refused: &FlagSet) {
        if refused.is_empty() {
            return;
        }
        self.messages += 1;
        for flag in refused.words() {
            self.count(&flag, 1);
        }
    }

    /// Counts everything of another one in.
    pub fn merge(&mut self, other: &Self) {
        self.messages += other.messages;
        self.others += other.others;
        for (flag, messages) in &other.flags {
            self.count(flag, *messages);
        }
    }

    /// Whether nothing was dropped.
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }

    fn count(&mut self, flag: &str, messages: i64) {
        let shown: String = flag.chars().take(SHOWN_CHARS).collect();
        let is_full = self.flags.len() >= MOST_FLAGS;
        let mut known = self.flags.iter_mut();
        match known.find(|(known, _)| known.eq_ignore_ascii_case(&shown)) {
            Some((_, count)) => *count += messages,
            None if is_full => self.others += messages,
            None => {
                self.flags.insert(shown, messages);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dropped(messages: &[Vec<String>]) -> DroppedFlags {
        let mut dropped = DroppedFlags::default();
        for flags in messages {
            dropped.note(&FlagSet::new(flags));
        }
        dropped
    }

    #[test]
    fn flags_are_counted_by_message_in_any_case() {
        let dropped = dropped(&[
            vec!["$Work".to_owned(), "$Home".to_owned()],
            vec!["$WORK".to_owned()],
            vec![],
        ]);
        assert_eq!(dropped.messages, 2);
        assert_eq!(
            dropped.flags,
            BTreeMap::from([("$Home".to_owned(), 1), ("$Work".to_owned(), 2)])
        );
    }

    #[test]
    fn many_flags_and_long_ones_are_bounded() {
        let many: Vec<Vec<String>> = (0..100).map(|n| vec![format!("k{n}-{}", "x".repeat(500))]).collect();
        let dropped = dropped(&many);
        assert_eq!(
            (dropped.messages, dropped.flags.len(), dropped.others),
            (100, MOST_FLAGS, 80)
        );
        assert!(serde_json::to_string(&dropped).unwrap().len() < 2000);
    }

    proptest! {
        #[test]
        fn parts_together_are_the_whole(messages in prop::collection::vec(prop::collection::vec("[ab][cD]", 0..3), 0..20), cut in 0_usize..20) {
            let (first, rest) = messages.split_at(cut.min(messages.len()));
            let mut parts = dropped(first);
            parts.merge(&dropped(rest));
            let whole = dropped(&messages);
            prop_assert_eq!(parts.messages, whole.messages);
            prop_assert_eq!(parts.flags.values().sum::<i64>(), whole.flags.values().sum::<i64>());
        }
    }
}
