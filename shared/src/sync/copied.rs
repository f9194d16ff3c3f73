//! How much a worker got done, for the speed of its server.

use std::time::Duration;

use crate::domain::speed::{Amount, Sample};
use crate::imap::Compression;

/// What a worker copied in a run, and the time it took it.
#[derive(Debug, Default)]
pub(super) struct Copied {
    /// Whether anything was.
    pub(super) any: bool,
    amount: Amount,
    time: Duration,
}

impl Copied {
    /// Adds what a chunk has got since it was as `before`.
    pub(super) fn add(&mut self, before: (usize, i64), after: (usize, i64), time: Duration) {
        let messages = u64::try_from(after.0.saturating_sub(before.0)).unwrap_or_default();
        let bytes = u64::try_from(after.1.saturating_sub(before.1)).unwrap_or_default();
        self.amount.messages += messages;
        self.amount.bytes += bytes;
        self.time += time;
    }

    /// What it tells of the server's speed, if it is enough to tell anything.
    pub(super) fn sample(&self, compression: Compression) -> Option<Sample> {
        let sample = Sample {
            amount: self.amount,
            millis: u64::try_from(self.time.as_millis()).unwrap_or(u64::MAX),
            compressed: compression == Compression::WhereOffered,
        };
        sample.is_telling().then_some(sample)
    }
}
