//! `[limits]`: how much is done at once.

use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use super::{Fault, within};
use crate::domain::window::MIN_LENGTH;

/// What a night takes besides: until the first fault shows, and from the last pause to the last try.
const BESIDE_PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// `[limits]`: how much is done at once; every one has a default.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections for each mailbox and side, 1 to 8.
    pub lanes: u8,
    /// Connections for copying from one previous provider's server, all mailboxes together, 1 to 500.
    pub host_connections: u32,
    /// Whether what previous providers' servers send is compressed, where they offer it.
    pub compress_sources: CompressSources,
    /// For how many minutes a server may be down before the mailbox fails, 1 to 1,440.
    pub patience_minutes: u32,
    /// Messages appended at once, 1 to 1,000.
    pub batch_messages: u32,
    /// Bytes appended at once, 64 KiB to 64 MiB; a single larger message still goes alone.
    pub batch_bytes: u64,
    /// Messages in a chunk, 1 to 2,000: what is known of them fits one item of the table.
    pub chunk_messages: u32,
    /// Bytes in a chunk, 64 KiB to 4 GiB; a single larger message still goes alone.
    pub chunk_bytes: u64,
}

/// `compress_sources`: COMPRESS=DEFLATE, RFC 4978.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CompressSources {
    /// Where connections to a server were found to be slow, and faster with it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lanes: 3,
            host_connections: 60,
            compress_sources: CompressSources::Auto,
            patience_minutes: 30,
            batch_messages: 200,
            batch_bytes: 8 << 20,
            chunk_messages: 1000,
            chunk_bytes: 32 << 20,
        }
    }
}

impl Limits {
    /// For how long nothing may get done before a mailbox fails.
    pub fn patience(&self) -> Duration {
        Duration::from_mins(self.patience_minutes.into())
    }

    /// The shortest time frame that is taken: a server that is down is given up within one, because each night
    /// tries anew.
    pub fn shortest_frame(&self) -> SignedDuration {
        let patience = SignedDuration::from_mins(self.patience_minutes.into());
        MIN_LENGTH.max(patience.saturating_add(BESIDE_PATIENCE))
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        within("limits.lanes", self.lanes.into(), 1..=8)?;
        within("limits.host_connections", self.host_connections.into(), 1..=500)?;
        within("limits.patience_minutes", self.patience_minutes.into(), 1..=1_440)?;
        within("limits.batch_messages", self.batch_messages.into(), 1..=1_000)?;
        within("limits.batch_bytes", self.batch_bytes, 64 << 10..=64 << 20)?;
        within("limits.chunk_messages", self.chunk_messages.into(), 1..=2_000)?;
        within("limits.chunk_bytes", self.chunk_bytes, 64 << 10..=4 << 30)
    }
}
