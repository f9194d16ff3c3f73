//! The message of the look before the start.

use serde::{Deserialize, Serialize};

use crate::domain::RequestId;

/// "Look at the mailboxes of this request once more": to `trigger`, by the clock, some hours before its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookAgain {
    /// The request.
    pub request_id: RequestId,
    /// Before which start, in seconds since 1970: one that counts no more is not looked for.
    pub look_again: i64,
}
