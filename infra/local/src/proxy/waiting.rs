//! Cuts that wait for a connection: which one each takes, and where.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Cut, Direction, Ending, State};

/// A cut that waits for a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waiting {
    /// For one over which so many bytes go.
    Bytes(Cut),
    /// For one on which the server answers to so many bytes.
    Answer { to_bytes: u64, ending: Ending },
    /// For any.
    Any(Ending),
}

impl Waiting {
    pub(super) fn ending(self) -> Ending {
        match self {
            Self::Bytes(Cut { ending, .. }) | Self::Answer { ending, .. } | Self::Any(ending) => ending,
        }
    }
}

/// One direction of a connection, which may be cut.
pub(super) struct Candidate<'a> {
    state: &'a State,
    direction: Direction,
    /// Bytes that went to the server since it last said something.
    unanswered: &'a AtomicU64,
    /// How many bytes had gone when this connection learnt of each cut.
    known: BTreeMap<u64, u64>,
    written: u64,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(state: &'a State, direction: Direction, unanswered: &'a AtomicU64) -> Self {
        Self {
            state,
            direction,
            unanswered,
            known: BTreeMap::new(),
            written: 0,
        }
    }

    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    /// How many of `bytes` that are about to go still arrive, where a cut takes this connection now.
    pub(super) fn cut(&mut self, bytes: usize) -> Option<(usize, Ending)> {
        let waiting = self.state.waiting();
        self.known.retain(|number, _| waiting.contains_key(number));
        for (number, waiting) in waiting {
            let before = *self.known.entry(number).or_insert(self.written);
            let left = match waiting {
                Waiting::Bytes(cut) if cut.direction == self.direction => {
                    usize::try_from((before + cut.after_bytes).saturating_sub(self.written)).unwrap_or(usize::MAX)
                }
                Waiting::Answer { to_bytes, .. }
                    if self.direction == Direction::ToClient && self.unanswered.load(Ordering::Relaxed) >= to_bytes =>
                {
                    0
                }
                Waiting::Any(_) => 0,
                Waiting::Bytes(_) | Waiting::Answer { .. } => continue,
            };
            if left <= bytes && self.state.take_waiting_cut(number) {
                return Some((left, waiting.ending()));
            }
        }
        None
    }

    /// Notes that so many bytes have gone.
    pub(super) fn gone(&mut self, bytes: usize) {
        self.written += bytes as u64;
        match self.direction {
            Direction::ToServer => self.unanswered.fetch_add(bytes as u64, Ordering::Relaxed),
            Direction::ToClient => self.unanswered.swap(0, Ordering::Relaxed),
        };
    }
}
