//! The one place that reads the clock, and the time a run has left.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How long after its run's end a worker's lease lasts: what it had sent has arrived by then.
const LEASE_GRACE: SignedDuration = SignedDuration::from_secs(10);

/// Now.
#[expect(clippy::disallowed_methods, reason = "this is the edge at which the clock is read")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// How long after `now` a moment comes that is given in seconds since 1970; `None` where it has come.
pub fn time_until(second: i64, now: Timestamp) -> Option<Duration> {
    let seconds = u64::try_from(second.saturating_sub(now.as_second())).ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// When the platform ends this run, whatever it is doing.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Timestamp);

impl Deadline {
    /// The deadline of an invocation, in milliseconds since 1970.
    pub fn from_unix_ms(ms: u64) -> Self {
        Self(
            i64::try_from(ms)
                .ok()
                .and_then(|ms| Timestamp::from_millisecond(ms).ok())
                .unwrap_or(Timestamp::MAX),
        )
    }

    /// The deadline that is so far away from now.
    pub fn after(length: Duration) -> Self {
        Self(
            SignedDuration::try_from(length)
                .ok()
                .and_then(|length| now().checked_add(length).ok())
                .unwrap_or(Timestamp::MAX),
        )
    }

    /// How long is left; zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.duration_since(now()).try_into().unwrap_or_default()
    }

    /// The moment a lease of this run ends: the platform has ended us by then, and what was on the
    /// wire has arrived.
    pub fn lease_end(self) -> Timestamp {
        self.0.checked_add(LEASE_GRACE).unwrap_or(Timestamp::MAX)
    }
}
