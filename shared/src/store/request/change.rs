//! What a step changes of a request besides its state, and what is said of a file before it is there.

use super::RequestRecord;
use crate::domain::speed::Seconds;
use crate::domain::{LaterLooks, RequestState};
use crate::store::job::Failure;
use crate::store::notice::NoticeKind;

/// What a customer says of a file before it is uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnouncedFile {
    /// Its exact length.
    pub bytes: Option<u64>,
    /// Its SHA-256 in base64.
    pub sha256: Option<String>,
}

/// What is changed together with a request's state.
#[derive(Clone, Debug, Default)]
pub struct RequestChange {
    /// A notice to put into the outbox.
    pub notice: Option<NoticeKind>,
    /// A new count of open mailboxes.
    pub open_jobs: Option<u32>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// How long it would take, as is told now.
    pub estimated: Option<Seconds>,
    /// Only while this is still the generation.
    pub if_generation: Option<u32>,
    /// Only while this is still the state: what was decided on was read in it.
    pub if_state: Option<RequestState>,
    /// Only in the state that began then: a pass that ended is not the same pass begun again.
    pub if_state_since: Option<String>,
    /// Where it is an end: only if no file with contacts or calendars is waited for, whose password would end with it.
    pub if_nothing_open: bool,
    /// The later looks as they are now; with some to come, an end keeps the data key.
    pub looks: Option<LaterLooks>,
    /// Only while the later looks are still these.
    pub if_looks: Option<LaterLooks>,
    /// Only while it is kept until then, in seconds since 1970: its customer has not come back.
    pub if_expires_at: Option<i64>,
    /// Only while it has been given another time frame so often: a start was decided on by this one.
    pub if_reschedules: Option<u32>,
}

impl RequestChange {
    /// Whether the request is still as what was decided on.
    pub(super) fn is_as_read(&self, record: &RequestRecord) -> bool {
        self.if_state.is_none_or(|state| state == record.state)
            && self
                .if_state_since
                .as_ref()
                .is_none_or(|since| *since == record.state_since)
            && self.if_reschedules.is_none_or(|times| times == record.reschedules)
            && self.if_expires_at.is_none_or(|at| record.expires_at == Some(at))
            && self
                .if_looks
                .as_ref()
                .is_none_or(|looks| record.looks.as_ref() == Some(looks))
    }

    pub(super) fn waits_for_attachments(&self, next: RequestState) -> bool {
        self.if_nothing_open && next.is_terminal()
    }
}
