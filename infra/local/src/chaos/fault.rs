//! What goes wrong, and when: a sequence of faults that follows from its seed alone.

use std::fmt;
use std::time::Duration;

use crate::ministack::Refusal;
use crate::proxy::{Cut, Direction, Ending};
use crate::random::Random;

/// One of the two mail servers, with the line to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The previous provider's.
    Source,
    /// The new provider's.
    Destination,
}

/// When in a migration a fault is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// During the first pass.
    First,
    /// Between the passes.
    Between,
    /// During the final pass.
    Final,
    /// While it is certified what the destination holds.
    Certify,
    /// When all is done: old messages and what they wake.
    After,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A process of a function is killed so long after its work began.
    Kill {
        /// The function.
        function: &'static str,
        /// The time.
        after: Duration,
    },
    /// A connection ends.
    Cut {
        /// To which server.
        side: Side,
        /// Where and how.
        cut: Cut,
    },
    /// What the destination says to a batch does not arrive.
    LoseAnswer {
        /// How the connection ends.
        ending: Ending,
    },
    /// A batch on its way to the destination stands still and arrives after all, whatever has become of its sender.
    Late {
        /// For how long.
        length: Duration,
    },
    /// A server ends with all its connections and is back after a while.
    Restart {
        /// Which.
        side: Side,
        /// In good order, or as by a power cut.
        is_orderly: bool,
        /// For how long nobody answers.
        down: Duration,
    },
    /// A message comes a second time.
    DeliverAgain {
        /// The queue.
        queue: &'static str,
        /// The newest that was delivered at 0, the oldest at 100.
        age_percent: u8,
    },
    /// AWS refuses.
    Refuse {
        /// How.
        how: Refusal,
        /// How many calls of a hundred.
        percent: u8,
        /// For how long.
        length: Duration,
    },
    /// A line is slow.
    Slow {
        /// To which server.
        side: Side,
        /// There and back.
        round_trip: Duration,
        /// Bytes a second.
        bandwidth: u64,
        /// For how long.
        length: Duration,
    },
}

pub(super) const KILLED: &str = "function killed";
pub(super) const CUT: &str = "connection cut, or its answer lost";
pub(super) const LATE: &str = "mail arriving late";
const RESTARTED: &str = "server restarted";
const TWICE: &str = "message delivered twice";
const OLD: &str = "old message delivered again";
const THROTTLED: &str = "AWS throttled";
const FAILING: &str = "AWS failing or losing answers";
const SLOW: &str = "slow line";

/// Kinds of faults, for counting.
pub const KINDS: [&str; 9] = [KILLED, CUT, LATE, RESTARTED, TWICE, OLD, THROTTLED, FAILING, SLOW];

/// The longest time for which mail stands still: longer than the next worker waits before it looks for it.
pub(super) const LONGEST_LATE: Duration = Duration::from_secs(48);

/// An old message is one of which at least so many percent of all are newer.
const OLD_PERCENT: u8 = 50;

impl Fault {
    /// Its kind, one of [`KINDS`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Kill { .. } => KILLED,
            Self::Cut { .. } | Self::LoseAnswer { .. } => CUT,
            Self::Late { .. } => LATE,
            Self::Restart { .. } => RESTARTED,
            Self::DeliverAgain { age_percent, .. } if *age_percent >= OLD_PERCENT => OLD,
            Self::DeliverAgain { .. } => TWICE,
            Self::Refuse {
                how: Refusal::Throttled,
                ..
            } => THROTTLED,
            Self::Refuse { .. } => FAILING,
            Self::Slow { .. } => SLOW,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Destination => "destination",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { function, after } => write!(f, "{function} killed {after:?} into its work"),
            Self::Cut { side, cut } => {
                let way = match cut.direction {
                    Direction::ToServer => "to the",
                    Direction::ToClient => "from the",
                };
                write!(f, "{:?} after {} bytes {way} {side}", cut.ending, cut.after_bytes)
            }
            Self::LoseAnswer { ending } => write!(f, "{ending:?} in place of the destination's answer to mail"),
            Self::Late { length } => write!(f, "mail on its way to the destination stands still for {length:?}"),
            Self::Restart { side, is_orderly, down } => {
                let how = if *is_orderly { "stopped" } else { "killed" };
                write!(f, "{side} {how} for {down:?}")
            }
            Self::DeliverAgain { queue, age_percent } => {
                write!(f, "a message of {queue} again, {age_percent} % old")
            }
            Self::Refuse { how, percent, length } => write!(f, "AWS {how} for {length:?}, {percent} % of calls"),
            Self::Slow {
                side,
                round_trip,
                bandwidth,
                length,
            } => {
                write!(
                    f,
                    "slow line to the {side} for {length:?}: {round_trip:?}, {bandwidth} bytes/s"
                )
            }
        }
    }
}

/// `count` faults in their order, each with the phase it is made in.
pub fn sequence(seed: u64, count: usize) -> Vec<(Phase, Fault)> {
    let mut random = Random::new(seed ^ 0xfa17);
    let phase = |number: usize| match (number * 100).checked_div(count).unwrap_or(0) {
        0..58 => Phase::First,
        58..66 => Phase::Between,
        66..88 => Phase::Final,
        88..94 => Phase::Certify,
        _ => Phase::After,
    };
    (0..count)
        .map(|number| (phase(number), one(&mut random, phase(number))))
        .collect()
}

fn one(random: &mut Random, phase: Phase) -> Fault {
    match phase {
        Phase::First | Phase::Final if random.percent(4) => Fault::Late {
            length: LONGEST_LATE / 4 + milliseconds(random.below(36_000)),
        },
        Phase::First | Phase::Final => match random.below(100) {
            0..28 => kill(random, "sync", 4000),
            28..34 => kill(random, "plan", 2000),
            34..39 => kill_any(random, phase),
            39..60 => {
                let side = side(random);
                cut(random, side)
            }
            60..66 => Fault::LoseAnswer { ending: ending(random) },
            66..72 => restart(random),
            72..84 => deliver_again(random, phase),
            84..92 => refuse(random),
            _ => slow(random),
        },
        Phase::Between => match random.below(100) {
            0..30 => kill_any(random, phase),
            30..80 => deliver_again(random, phase),
            80..90 => refuse(random),
            _ => restart(random),
        },
        Phase::Certify => match random.below(100) {
            0..30 => kill(random, "certify", 4000),
            30..50 => cut(random, Side::Destination),
            50..60 => restart(random),
            60..80 => deliver_again(random, phase),
            80..90 => refuse(random),
            _ => slow(random),
        },
        Phase::After => match random.below(100) {
            0..30 => kill_any(random, phase),
            _ => deliver_again(random, phase),
        },
    }
}

/// The functions that a queue wakes and that have had a message by this phase.
fn woken(phase: Phase) -> &'static [&'static str] {
    match phase {
        Phase::First | Phase::Between => &["sync", "plan", "start", "ingest", "notify"],
        Phase::Final => &["sync", "plan", "start", "ingest", "notify", "cutover"],
        Phase::Certify | Phase::After => &["sync", "plan", "start", "ingest", "notify", "cutover", "certify"],
    }
}

fn kill(random: &mut Random, function: &'static str, within_ms: usize) -> Fault {
    // A third of them in the first moments.
    let within = if random.percent(33) { within_ms / 10 } else { within_ms };
    Fault::Kill {
        function,
        after: milliseconds(random.below(within)),
    }
}

fn kill_any(random: &mut Random, phase: Phase) -> Fault {
    match random.pick(woken(phase)) {
        "start" => kill(random, "trigger", 60),
        function => kill(random, function, 60),
    }
}

fn cut(random: &mut Random, side: Side) -> Fault {
    let direction = if random.percent(50) {
        Direction::ToServer
    } else {
        Direction::ToClient
    };
    // As likely among the first hundred bytes as among a hundred thousand; where no mail flows there are fewer.
    let has_mail = (side, direction) == (Side::Source, Direction::ToClient)
        || (side, direction) == (Side::Destination, Direction::ToServer);
    let digits = u32::try_from(random.below(if has_mail { 6 } else { 4 })).unwrap_or_default();
    let after_bytes = random.below(10_usize.pow(digits)) as u64;
    Fault::Cut {
        side,
        cut: Cut {
            after_bytes,
            direction,
            ending: ending(random),
            each: false,
        },
    }
}

fn ending(random: &mut Random) -> Ending {
    match random.below(3) {
        0 => Ending::Close,
        1 => Ending::Reset,
        _ => Ending::Silence,
    }
}

fn restart(random: &mut Random) -> Fault {
    Fault::Restart {
        side: side(random),
        is_orderly: random.percent(50),
        down: milliseconds(random.below(2000)),
    }
}

fn deliver_again(random: &mut Random, phase: Phase) -> Fault {
    let queue = match random.below(10) {
        0..6 => "sync",
        6..8 => "plan",
        _ => random.pick(woken(phase)),
    };
    Fault::DeliverAgain {
        queue,
        age_percent: u8::try_from(random.below(101)).unwrap_or(0),
    }
}

fn refuse(random: &mut Random) -> Fault {
    let how = match random.below(4) {
        0 | 1 => Refusal::Throttled,
        2 => Refusal::Failing,
        _ => Refusal::LosingAnswers,
    };
    Fault::Refuse {
        how,
        percent: u8::try_from(10 + random.below(91)).unwrap_or(100),
        length: milliseconds(200 + random.below(3000)),
    }
}

fn slow(random: &mut Random) -> Fault {
    Fault::Slow {
        side: side(random),
        round_trip: milliseconds(20 + random.below(800)),
        bandwidth: 20_000 + random.below(200_000) as u64,
        length: milliseconds(500 + random.below(4000)),
    }
}

fn side(random: &mut Random) -> Side {
    if random.percent(50) {
        Side::Source
    } else {
        Side::Destination
    }
}

fn milliseconds(number: usize) -> Duration {
    Duration::from_millis(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        assert_eq!(sequence(7, 200), sequence(7, 200));
        assert_ne!(sequence(7, 200), sequence(8, 200));
    }

    #[test]
    fn every_kind_and_phase_is_among_two_hundred() {
        let faults = sequence(1, 200);
        assert_eq!(faults.len(), 200);
        for kind in KINDS {
            assert!(faults.iter().any(|(_, fault)| fault.kind() == kind), "{kind}");
        }
        for phase in [Phase::First, Phase::Between, Phase::Final, Phase::Certify, Phase::After] {
            assert!(faults.iter().any(|(of, _)| *of == phase), "{phase:?}");
        }
    }
}
