//! The message that has a mailbox certified.

use serde::{Deserialize, Serialize};

use crate::domain::JobId;
use crate::domain::patience::Faults;

/// "Compare what this mailbox holds now": to `certify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertifyMailbox {
    /// The mailbox.
    pub job_id: JobId,
    /// How much had been compared when this was sent, at least: a dead letter that was sent before
    /// the last comparison is sent again instead of ending the mailbox without a certificate.
    pub certified: i64,
    /// What was met since something was compared last.
    #[serde(default)]
    pub faults: Faults,
    /// The previous provider has been given up: only what was read there while copying counts.
    #[serde(default)]
    pub without_source: bool,
}

impl CertifyMailbox {
    /// The message that begins it.
    pub fn first(job_id: JobId) -> Self {
        Self {
            job_id,
            certified: 0,
            faults: Faults::NONE,
            without_source: false,
        }
    }
}
