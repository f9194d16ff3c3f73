//! The message that has contacts and calendars imported.

use serde::{Deserialize, Serialize};

use crate::domain::RequestId;
use crate::domain::patience::Faults;

/// "Import this attachment, or take it back": to `import`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportAttachment {
    /// The request.
    pub request_id: RequestId,
    /// The attachment's name within it.
    pub attachment: String,
    /// How many batches were done when this was sent: a dead letter that was sent before the last one was done is sent
    /// again instead of failing the attachment.
    pub done: u32,
    /// What was met since a batch was done last.
    #[serde(default)]
    pub faults: Faults,
    /// Not to be looked at before, in seconds since 1970: a queue delays a message by a quarter of an hour at most, and a
    /// server may ask for longer.
    #[serde(default)]
    pub not_before: i64,
}
