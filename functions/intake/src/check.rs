//! What was found when a mailbox was looked at before its copying, for the status.

use mailvan::domain::{Check, CheckFault, CheckState, TooLarge};
use serde::Serialize;

/// What was found before the copying.
#[derive(Serialize)]
pub struct CheckView<'a> {
    state: CheckState,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<&'a str>,
    /// The first of the faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a CheckFault>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    faults: &'a [CheckFault],
    #[serde(skip_serializing_if = "Option::is_none")]
    folders: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<i64>,
    /// The largest message that the new mailbox takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_limit_bytes: Option<u64>,
    /// What is larger than that.
    #[serde(skip_serializing_if = "Option::is_none")]
    too_large: Option<&'a TooLarge>,
}

/// What was found, as clients get it.
pub fn view(check: &Check) -> CheckView<'_> {
    let servers = check.servers.as_deref();
    CheckView {
        state: check.state,
        checked_at: check.at.as_deref(),
        fault: check.faults.first(),
        faults: &check.faults,
        folders: check.size.map(|size| size.folders),
        messages: check.size.map(|size| size.messages),
        bytes: check.size.map(|size| size.bytes),
        message_limit_bytes: servers.and_then(|servers| servers.message_limit),
        too_large: servers
            .map(|servers| &servers.too_large)
            .filter(|large| !large.is_empty()),
    }
}
