//! Messages about the change of the DNS.

use serde::{Deserialize, Serialize};

use crate::domain::RequestId;

/// "Look at the DNS": to `watch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "look", rename_all = "snake_case")]
pub enum WatchDns {
    /// Of all requests that are watched; the clock's message.
    All,
    /// Of this request.
    Request {
        /// The request.
        request_id: RequestId,
    },
}

/// "The DNS is changed", as the customer or the watch says, or "look at the previous provider once more": to
/// `cutover`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutOver {
    /// The request.
    pub request_id: RequestId,
    /// Which later pass is wished for, from 1, so that a wish that is heard twice starts one; the final pass
    /// where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<u32>,
}
