//! Messages about previews.

use serde::{Deserialize, Serialize};

use crate::domain::{JobId, RequestId};

/// "Preview the mailboxes of this request's generation": to `plan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewMailboxes {
    /// The request.
    pub request_id: RequestId,
    /// Which upload, or 0 for a form.
    pub generation: u32,
    /// When it was asked for, in seconds since 1970.
    pub preview_asked: i64,
}

/// "Preview this mailbox": to `plan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewMailbox {
    /// The mailbox.
    pub job_id: JobId,
    /// When it was asked for, in seconds since 1970.
    pub preview_asked: i64,
}
