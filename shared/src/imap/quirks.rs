//! What a server is known to do wrong, told by its greeting.

/// What has to be done otherwise with a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quirks {
    /// EXAMINE makes up a UIDVALIDITY, another one each second, and UIDs for new messages, until the
    /// folder has been opened by SELECT once (Courier-IMAP, in its source of 2026).
    pub(super) examine_is_made_up: bool,
    /// NAMESPACE may end the connection, and never says more than that folders are at the top, cut
    /// by `/` (Exchange and Microsoft 365, 2026).
    pub(super) namespace_disconnects: bool,
}

impl Quirks {
    pub(super) fn of_greeting(words: &str) -> Self {
        Self {
            examine_is_made_up: words.contains("Courier-IMAP"),
            namespace_disconnects: words.contains("Microsoft Exchange"),
        }
    }
}
