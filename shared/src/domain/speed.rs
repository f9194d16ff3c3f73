//! How fast a previous provider's server is, by what was measured at it, and how long something will take.
//!
//! All is of one connection. What a sample tells of mail of another kind, of larger or smaller messages, is a
//! range: the time is between that for as many bytes and that for as many messages.

use serde::{Deserialize, Serialize};

/// How many samples are kept; the oldest go first.
const SAMPLES: usize = 24;

/// With fewer than this a guess is made twice as wide.
const FEW: usize = 4;

/// What is believed of a server at which nothing was measured: bytes and messages a second, when it is slow
/// and when it is fast.
const UNKNOWN_SLOW: (u64, u64) = (300_000, 8);
const UNKNOWN_FAST: (u64, u64) = (8_000_000, 300);

/// A connection that carries fewer bytes a second than this is worth compressing, if anything is: inflating takes a
/// hundredth of a processor then.
const SLOW_LINE: u64 = 4_000_000;

/// So many samples of a way tell how fast it is.
const ENOUGH: usize = 3;

/// How much there is to copy, or was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What one connection copied, and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// How much.
    #[serde(flatten)]
    pub amount: Amount,
    /// How long, in milliseconds.
    pub millis: u64,
    /// Whether the connection was to be compressed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compressed: bool,
}

/// What is known of a server's speed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speed {
    /// The latest samples, the oldest first.
    #[serde(default)]
    pub samples: Vec<Sample>,
}

/// A time that something takes, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seconds {
    /// At least.
    pub low: u64,
    /// At most, as far as can be told.
    pub high: u64,
}

impl Sample {
    /// Whether it is enough to tell anything.
    pub fn is_telling(&self) -> bool {
        self.millis >= 100 && (self.amount.bytes >= 1 << 20 || self.amount.messages >= 100)
    }

    /// A compressed connection that broke before it had carried anything.
    pub fn broken() -> Self {
        Self {
            amount: Amount::default(),
            millis: 0,
            compressed: true,
        }
    }

    /// Bytes a second, where there were enough to tell them from the time that messages take.
    fn rate(&self) -> Option<u64> {
        (*self == Self::broken() || self.amount.bytes >= 1 << 20)
            .then(|| self.amount.bytes.saturating_mul(1_000) / self.millis.max(1))
    }

    /// How long this much takes, in milliseconds: by the one measure and by the other.
    fn time_for(&self, amount: Amount) -> Seconds {
        let part = |wanted: u64, done: u64| {
            let millis = u128::from(self.millis) * u128::from(wanted) / u128::from(done.max(1));
            u64::try_from(millis).unwrap_or(u64::MAX)
        };
        let by_bytes = part(amount.bytes, self.amount.bytes);
        let by_messages = part(amount.messages, self.amount.messages);
        Seconds {
            low: by_bytes.min(by_messages),
            high: by_bytes.max(by_messages),
        }
    }
}

impl Speed {
    /// With one sample more.
    #[must_use]
    pub fn with(mut self, sample: Sample) -> Self {
        self.samples.push(sample);
        let surplus = self.samples.len().saturating_sub(SAMPLES);
        self.samples.drain(..surplus);
        self
    }

    /// Whether the next connection is to be compressed: where plain ones are slow, and compressed ones are faster or not
    /// tried yet. Samples go with time, so each way is tried anew now and then.
    pub fn favours_compression(&self) -> bool {
        self.usual_rate(false)
            .is_some_and(|plain| plain < SLOW_LINE && self.usual_rate(true).is_none_or(|compressed| compressed > plain))
    }

    /// The median of the bytes a second of one way, where there are samples enough.
    fn usual_rate(&self, compressed: bool) -> Option<u64> {
        let of_kind = self.samples.iter().filter(|sample| sample.compressed == compressed);
        let mut rates: Vec<u64> = of_kind.filter_map(Sample::rate).collect();
        rates.sort_unstable();
        (rates.len() >= ENOUGH).then(|| rates.get(rates.len() / 2).copied())?
    }

    /// How long one connection takes for this much.
    pub fn time_for(&self, amount: Amount) -> Seconds {
        let telling: Vec<&Sample> = self.samples.iter().filter(|sample| sample.is_telling()).collect();
        let millis = match telling.len() {
            0 => {
                let at = |(bytes, messages): (u64, u64)| {
                    (amount.bytes.saturating_mul(1_000) / bytes).max(amount.messages.saturating_mul(1_000) / messages)
                };
                Seconds {
                    low: at(UNKNOWN_FAST),
                    high: at(UNKNOWN_SLOW),
                }
            }
            count => {
                let times = telling.iter().map(|sample| sample.time_for(amount));
                let (mut lows, mut highs): (Vec<u64>, Vec<u64>) = times.map(|time| (time.low, time.high)).unzip();
                lows.sort_unstable();
                highs.sort_unstable();
                // Without the fastest and the slowest tenth.
                let off = count / 10;
                let low = lows.get(off).copied().unwrap_or_default();
                let high = highs.get(count - 1 - off).copied().unwrap_or_default();
                if count < FEW {
                    Seconds {
                        low: low / 2,
                        high: high.saturating_mul(2),
                    }
                } else {
                    Seconds { low, high }
                }
            }
        };
        Seconds {
            low: millis.low / 1_000,
            high: millis.high.div_ceil(1_000),
        }
    }
}

impl Seconds {
    /// One after the other.
    #[must_use]
    pub fn then(self, other: Self) -> Self {
        Self {
            low: self.low.saturating_add(other.low),
            high: self.high.saturating_add(other.high),
        }
    }

    /// The longer of both.
    #[must_use]
    pub fn beside(self, other: Self) -> Self {
        Self {
            low: self.low.max(other.low),
            high: self.high.max(other.high),
        }
    }

    /// By how much something that took so long was not in this range, in per cent of the bound that it
    /// crossed; less than none where it was done earlier.
    pub fn missed_by(self, actual: u64) -> i64 {
        let per_cent = |from: u64, to: u64| {
            let share = u128::from(to.abs_diff(from)) * 100 / u128::from(from.max(1));
            i64::try_from(share).unwrap_or(i64::MAX)
        };
        if actual > self.high {
            per_cent(self.high, actual)
        } else if actual < self.low {
            -per_cent(self.low, actual)
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(messages: u64, bytes: u64) -> Amount {
        Amount { messages, bytes }
    }

    fn sample(messages: u64, bytes: u64, millis: u64) -> Sample {
        Sample {
            amount: amount(messages, bytes),
            millis,
            compressed: false,
        }
    }

    /// Samples of ten megabytes, at so many bytes a second.
    fn at(speed: Speed, times: usize, rate: u64, compressed: bool) -> Speed {
        let sample = Sample {
            compressed,
            ..sample(100, 10_000_000, 10_000_000_000 / rate)
        };
        (0..times).fold(speed, |speed, _| speed.with(sample))
    }

    #[test]
    fn slow_line_is_compressed_where_that_is_faster() {
        let fast = at(Speed::default(), 3, 5_000_000, false);
        assert!(!fast.favours_compression());
        assert!(!Speed::default().favours_compression());
        let slow = at(Speed::default(), 3, 1_000_000, false);
        assert!(slow.favours_compression(), "it is tried");
        assert!(!at(slow.clone(), 3, 900_000, true).favours_compression());
        let broken = (0..3).fold(slow.clone(), |speed, _| speed.with(Sample::broken()));
        assert!(
            !broken.favours_compression(),
            "servers that break with it are left alone"
        );
        let much = amount(1_000, 100_000_000);
        assert_eq!(broken.time_for(much), slow.time_for(much));
        let compressed = at(slow, 3, 1_400_000, true);
        assert!(compressed.favours_compression());
        // Of the plain ones too few are left to tell.
        assert!(!at(compressed, 19, 1_400_000, true).favours_compression());
    }

    #[test]
    fn same_mail_takes_the_same_time_and_other_mail_a_range() {
        let speed = (0..10).fold(Speed::default(), |speed, _| speed.with(sample(100, 10_000_000, 10_000)));
        assert_eq!(
            speed.time_for(amount(1_000, 100_000_000)),
            Seconds { low: 100, high: 100 }
        );
        // Ten times the messages in as many bytes.
        assert_eq!(
            speed.time_for(amount(10_000, 100_000_000)),
            Seconds { low: 100, high: 1_000 }
        );
    }

    #[test]
    fn one_slow_run_of_many_does_not_count_and_a_few_samples_are_doubted() {
        let fast = (0..10).fold(Speed::default(), |speed, _| speed.with(sample(100, 10_000_000, 10_000)));
        let speed = fast.with(sample(100, 10_000_000, 1_000_000));
        assert_eq!(speed.time_for(amount(100, 10_000_000)), Seconds { low: 10, high: 10 });
        let two = Speed::default()
            .with(sample(100, 10_000_000, 10_000))
            .with(sample(100, 10_000_000, 20_000));
        assert_eq!(two.time_for(amount(100, 10_000_000)), Seconds { low: 5, high: 40 });
    }

    #[test]
    fn nothing_known_is_a_wide_range() {
        let time = Speed::default().time_for(amount(10_000, 1_200_000_000));
        assert_eq!(time, Seconds { low: 150, high: 4_000 });
    }

    #[test]
    fn miss_is_told_from_the_bound_that_was_crossed() {
        let range = Seconds { low: 100, high: 400 };
        assert_eq!(
            [99, 50, 100, 400, 600].map(|actual| range.missed_by(actual)),
            [-1, -50, 0, 0, 50]
        );
    }

    proptest! {
        #[test]
        fn range_is_one_and_more_takes_longer(
            samples in prop::collection::vec((0_u64..100_000, 0_u64..1 << 40, 1_u64..10_000_000), 0..40),
            messages in 0_u64..1_000_000,
            bytes in 0_u64..1 << 45,
        ) {
            let speed = samples.iter().fold(Speed::default(), |speed, (m, b, t)| speed.with(sample(*m, *b, *t)));
            prop_assert!(speed.samples.len() <= SAMPLES);
            let time = speed.time_for(amount(messages, bytes));
            prop_assert!(time.low <= time.high);
            let more = speed.time_for(amount(messages * 2, bytes * 2));
            prop_assert!(time.low <= more.low && time.high <= more.high);
        }
    }
}
