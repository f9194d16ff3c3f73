//! The message that has a ticket system told.

use serde::{Deserialize, Serialize};

use crate::domain::{RequestId, TicketSystem};
use crate::store::NoticeKind;

/// "Tell this ticket system what this notice tells": to `ticket`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TellTicket {
    /// The request.
    pub request_id: RequestId,
    /// Which notice.
    pub tell: NoticeKind,
    /// Whom.
    pub system: TicketSystem,
    /// How often it was tried before. A message with fewer tries than the outbox counts came twice, and is dropped.
    #[serde(default)]
    pub tries: u32,
    /// Staff want it begun anew that was given up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}
