//! What can be wrong with what a destination holds: stable words and their meaning for a customer.

use crate::domain::uid::UidSet;
use crate::store::Discrepancy;

/// A kind of discrepancy: its word and what it means.
pub(super) type Code = (&'static str, &'static str);

pub(super) const REWRITTEN: Code = (
    "REWRITTEN",
    "the new provider's server holds other bytes than the message has at the previous provider",
);
pub(super) const REDATED: Code = (
    "REDATED",
    "the message has another date of arrival at the new provider than at the previous one",
);
pub(super) const MISSING: Code = (
    "MISSING",
    "the message is at the previous provider, and never arrived at the new one",
);
pub(super) const WITHHELD: Code = (
    "WITHHELD",
    "the new provider's server lists the message, and does not give it out",
);
pub(super) const NOT_AS_COPIED: Code = (
    "NOT_AS_COPIED",
    "at least one of these messages is not as it was read at the previous provider, where they are no longer",
);
pub(super) const UNCOMPARED: Code = (
    "UNCOMPARED",
    "the message is at the new provider, and could not be compared: the previous provider's folder cannot be read any more",
);
pub(super) const UNLOCATED: Code = (
    "UNLOCATED",
    "the new provider's server has taken the message, and it cannot be found there again",
);
pub(super) const DOUBLED: Code = (
    "DOUBLED",
    "the message is twice at the new provider, whose server cannot remove one alone",
);
pub(super) const FOLDER_NOT_COPIED: Code = ("FOLDER_NOT_COPIED", "");
pub(super) const FOLDER_REPLACED: Code = (
    "FOLDER_REPLACED",
    "the folder at the new provider is another one than the messages were copied to",
);
pub(super) const FOLDER_UNREADABLE: Code = (
    "FOLDER_UNREADABLE",
    "the new provider's server lists the folder, and does not open it",
);

/// The most UIDs that one discrepancy lists: more would not fit its item.
const MOST_LISTED: usize = 10_000;

/// A discrepancy of messages, or of a folder where there are none.
pub(super) fn discrepancy((code, text): Code, uids: &UidSet) -> Discrepancy {
    Discrepancy {
        code: code.to_owned(),
        text: text.to_owned(),
        messages: uids.len(),
        uids: UidSet::from_sorted(uids.iter().take(MOST_LISTED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discrepancy_of_very_many_messages_counts_all_and_fits_its_item() {
        let scattered = UidSet::from_sorted((1..500_000).map(|n| n * 7000));
        let missing = discrepancy(MISSING, &scattered);
        assert_eq!(missing.messages, 499_999);
        assert!(missing.uids.to_string().len() < 200_000);
    }
}
