//! A folder whose messages take longer to list than a run of planning lasts.

use serde::{Deserialize, Serialize};

use crate::domain::Pass;
use crate::domain::patience::Faults;

/// How far a folder's new messages have been listed. They are written down in chunks behind those that count, which
/// the next run goes on from; the folder is planned when the last of them has been listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// For which pass; another one begins anew.
    pub pass: Pass,
    /// UIDVALIDITY at the source; with another value it begins anew.
    pub source_uid_validity: u32,
    /// The highest source UID that was listed.
    pub last_uid: u32,
    /// The number of the next chunk.
    pub chunks: u32,
    /// How many new messages were listed.
    pub listed: u64,
    /// How many of them are to be copied.
    pub wanted: u64,
    /// The last runs, of which none came any further.
    #[serde(default)]
    pub faults: Faults,
}
