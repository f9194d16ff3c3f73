//! Counting what is in a folder without opening it (RFC 9051, section 6.3.11; RFC 8438).

use super::error::ImapError;
use super::open::status_item;
use super::session::{Session, quote};

/// How much a folder holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Its messages.
    pub messages: u64,
    /// Their bytes, where the server tells.
    pub bytes: Option<u64>,
}

/// Counts a folder. Nothing in it is changed, not even `\Recent`.
///
/// # Errors
/// [`ImapError::Refused`] where the server does not want it.
pub async fn count(session: &mut Session, wire_name: &str) -> Result<Count, ImapError> {
    let items = if session.capabilities().has("STATUS=SIZE") {
        "(MESSAGES SIZE)"
    } else {
        "(MESSAGES)"
    };
    let data = session
        .run("STATUS", &format!("STATUS {} {items}", quote(wire_name)))
        .await?;
    let answer = data.iter().find(|data| data.name == "STATUS");
    let messages = answer.and_then(|answer| status_item(answer, "MESSAGES"));
    Ok(Count {
        messages: messages.ok_or(ImapError::Unreadable {
            command: "STATUS",
            what: "MESSAGES is missing",
        })?,
        bytes: answer.and_then(|answer| status_item(answer, "SIZE")),
    })
}
