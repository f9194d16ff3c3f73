//! What a look before the copying learnt of a mailbox's two servers, beside what is wrong with them.

use serde::{Deserialize, Serialize};

/// So many folders with messages that are too large are named; of others only the messages are counted.
const MOST_FOLDERS: usize = 5;

/// Of a folder's name so much is kept.
const MOST_CHARS: usize = 120;

/// The capabilities that copying depends on, in upper case. Of others nothing is kept, so it stays small.
pub const CAPABILITIES: [&str; 16] = [
    "COMPRESS=DEFLATE",
    "CONDSTORE",
    "ESEARCH",
    "ID",
    "IMAP4REV2",
    "LITERAL+",
    "LITERAL-",
    "MOVE",
    "MULTIAPPEND",
    "NAMESPACE",
    "QRESYNC",
    "QUOTA",
    "SPECIAL-USE",
    "STATUS=SIZE",
    "UIDPLUS",
    "UTF8=ACCEPT",
];

/// Both servers of a mailbox, as they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Servers {
    /// Which of the [`CAPABILITIES`] the previous provider's server has, separated by spaces.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The same of the new provider's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub destination: String,
    /// The largest message that the new provider's server takes, in bytes, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_limit: Option<u64>,
    /// Messages at the previous provider that are larger than that.
    #[serde(default, skip_serializing_if = "TooLarge::is_empty")]
    pub too_large: TooLarge,
}

/// Messages that the new provider's server will not take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TooLarge {
    /// How many there are, as far as they were looked for.
    pub messages: u64,
    /// Where, the folders with the most first.
    pub folders: Vec<TooLargeIn>,
}

/// How many messages of a folder are too large.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TooLargeIn {
    /// The folder, as people read it.
    pub folder: String,
    /// How many.
    pub messages: u64,
}

impl TooLarge {
    /// Those of some folders, which come in any order.
    pub fn of(folders: impl Iterator<Item = (String, u64)>) -> Self {
        let mut folders: Vec<TooLargeIn> = folders
            .filter(|(_, messages)| *messages > 0)
            .map(|(folder, messages)| TooLargeIn {
                folder: folder.chars().take(MOST_CHARS).collect(),
                messages,
            })
            .collect();
        folders.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.folder.cmp(&b.folder)));
        let messages = folders.iter().map(|folder| folder.messages).sum();
        folders.truncate(MOST_FOLDERS);
        Self { messages, folders }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_small_and_counts_all() {
        let many = (0..500).map(|n| (format!("{n}{}", "ä".repeat(900)), n));
        let large = TooLarge::of(many);
        assert_eq!(large.messages, (0..500).sum::<u64>());
        assert_eq!((large.folders.len(), large.folders[0].messages), (MOST_FOLDERS, 499));
        let servers = Servers {
            source: CAPABILITIES.join(" "),
            destination: CAPABILITIES.join(" "),
            message_limit: Some(u64::MAX),
            too_large: large,
        };
        assert!(serde_json::to_string(&servers).unwrap().len() < 2 * 1024);
        assert!(TooLarge::of([("INBOX".to_owned(), 0)].into_iter()).is_empty());
        assert_eq!(serde_json::to_string(&Servers::default()).unwrap(), "{}");
    }
}
