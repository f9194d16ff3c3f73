//! One difference between two accounts, in words that name the folder and the message.

use std::collections::BTreeSet;
use std::fmt;

use super::MessageView;

/// Which message a difference is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The folder's name at the destination.
    pub folder: String,
    /// The UID at the side that has the message; at the source if both have it.
    pub uid: u32,
    /// Its `Message-ID`, if any.
    pub message_id: Option<String>,
}

impl Label {
    pub(super) fn new(folder: &str, message: &MessageView) -> Self {
        let (uid, message_id) = (message.uid, message.message_id.clone());
        Self {
            folder: folder.to_owned(),
            uid,
            message_id,
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message_id = self.message_id.as_deref().unwrap_or("no Message-ID");
        write!(f, "{}: UID {} ({message_id})", self.folder, self.uid)
    }
}

/// What is not as it should be. Folder names are the destination's unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A message that the destination lacks.
    Missing {
        /// Named by its UID at the source.
        message: Label,
    },
    /// A message that the source does not have, or not that often.
    Surplus {
        /// Named by its UID at the destination.
        message: Label,
    },
    /// Other flags or keywords.
    Flags {
        /// The message.
        message: Label,
        /// At the source.
        source: BTreeSet<String>,
        /// At the destination.
        destination: BTreeSet<String>,
    },
    /// Another INTERNALDATE.
    Date {
        /// The message.
        message: Label,
        /// At the source, in seconds since 1970.
        source_unix: i64,
        /// At the destination, in seconds since 1970.
        destination_unix: i64,
    },
    /// The same Message-ID and date, but other bytes.
    Bytes {
        /// The message.
        message: Label,
        /// The size in the source's store.
        source_bytes: u64,
        /// The size in the destination's store.
        destination_bytes: u64,
    },
    /// A folder that the destination lacks, with all its messages.
    FolderMissing {
        /// The name expected at the destination.
        folder: String,
        /// How many messages should be in it.
        messages: usize,
    },
    /// A folder that should not be at the destination.
    FolderSurplus {
        /// Its name.
        folder: String,
        /// How many messages are in it.
        messages: usize,
    },
    /// A source folder that the table of expected names does not hold.
    UnexpectedSourceFolder {
        /// Its name at the source.
        folder: String,
    },
    /// A folder subscribed to at the source only.
    SubscriptionMissing {
        /// The name expected at the destination.
        folder: String,
    },
    /// A folder subscribed to at the destination only.
    SubscriptionSurplus {
        /// Its name.
        folder: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |flags: &BTreeSet<String>| flags.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        match self {
            Self::Missing { message } => write!(f, "{message}: missing"),
            Self::Surplus { message } => write!(f, "{message}: surplus"),
            Self::Flags {
                message,
                source,
                destination,
            } => {
                write!(
                    f,
                    "{message}: flags ({}) became ({})",
                    words(source),
                    words(destination)
                )
            }
            Self::Date {
                message,
                source_unix,
                destination_unix,
            } => {
                write!(f, "{message}: INTERNALDATE {source_unix} became {destination_unix}")
            }
            Self::Bytes {
                message,
                source_bytes,
                destination_bytes,
            } => write!(
                f,
                "{message}: other bytes, {source_bytes} of them became {destination_bytes}"
            ),
            Self::FolderMissing { folder, messages } => {
                write!(f, "{folder}: folder missing, {messages} messages with it")
            }
            Self::FolderSurplus { folder, messages } => {
                write!(f, "{folder}: surplus folder with {messages} messages")
            }
            Self::UnexpectedSourceFolder { folder } => {
                write!(f, "{folder}: at the source, but not among the expected folders")
            }
            Self::SubscriptionMissing { folder } => write!(f, "{folder}: subscription missing"),
            Self::SubscriptionSurplus { folder } => write!(f, "{folder}: surplus subscription"),
        }
    }
}
