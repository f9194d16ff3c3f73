//! How much may be copied at once, and whether a request still has room in its time frame.
//!
//! What a request has to move is spread evenly over its frame. At no moment may all that is promised need
//! more than there is, in all and from each previous provider's server. It is a promise and no lock:
//! whatever is under way shares the connections nevertheless.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Window;
use super::window::{MAX_AHEAD, MAX_LENGTH};

/// What a mailbox takes however small it is: two logins, its plan, its turns in the queues.
const MAILBOX: SignedDuration = SignedDuration::from_secs(20);

/// The least time that anything is planned with.
const LEAST: SignedDuration = SignedDuration::from_mins(1);

/// The most nights that a request is spread over.
const MOST_NIGHTS: u128 = 60;

/// The whole of something, in the unit that shares of it are counted in.
const WHOLE: u128 = 1_000_000;

/// How much may be under way at once.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Capacity {
    /// Mailboxes.
    pub mailboxes: u32,
    /// Connections for copying to previous providers' servers, all together.
    pub connections: u32,
    /// Bytes that are moved in a second.
    pub bytes_per_second: u64,
    /// Mailboxes from one previous provider's server.
    pub host_mailboxes: u32,
    /// Bytes that one previous provider's server gives in a second.
    pub host_bytes_per_second: u64,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            mailboxes: 16,
            connections: 48,
            bytes_per_second: 50_000_000,
            host_mailboxes: 16,
            host_bytes_per_second: 10_000_000,
        }
    }
}

/// What is to be copied from a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Mailboxes.
    pub mailboxes: u32,
    /// Bytes, as far as they are known.
    pub bytes: i64,
}

/// What is to be copied, by the previous providers' servers.
pub type Loads = BTreeMap<String, Load>;

/// So many servers of a request are planned for one by one; an item of the table holds no more than some thousands.
const MOST_HOSTS: usize = 100;

/// The key of all other servers together: they count in the sum of all only.
const OTHER_HOSTS: &str = "";

/// The largest loads, and the others as one.
pub fn summed_up(mut loads: Loads) -> Loads {
    let others = loads.remove(OTHER_HOSTS);
    let mut by_size: Vec<(String, Load)> = loads.into_iter().collect();
    by_size.sort_by_key(|(_, load)| std::cmp::Reverse((load.bytes, load.mailboxes)));
    let small = by_size.split_off(by_size.len().min(MOST_HOSTS));
    let small = small.into_iter().map(|(_, load)| load).chain(others).reduce(Load::and);
    let small = small.map(|load| (OTHER_HOSTS.to_owned(), load));
    by_size.into_iter().chain(small).collect()
}

/// The servers that have a limit of their own, and all together.
fn limited(hosts: &Loads) -> impl Iterator<Item = Option<&str>> {
    let hosts = hosts.keys().map(String::as_str).filter(|host| *host != OTHER_HOSTS);
    hosts.map(Some).chain([None])
}

/// A time in which something is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

/// What is promised to a request: when, and how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its nights, in order.
    pub spans: Vec<Span>,
    /// What is copied in them together.
    pub hosts: Loads,
}

/// Whether a request fits the frame that it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Fits,
    /// Others have the room.
    Full,
    /// It takes so long, which is longer than the frame, were it alone.
    TooLong(SignedDuration),
}

impl Load {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            mailboxes: self.mailboxes.saturating_add(other.mailboxes),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// For how long it takes all there is, in milliseconds: of the mailboxes, and of the bytes.
    fn needs(self, mailboxes: u32, bytes_per_second: u64) -> [u128; 2] {
        let of_mailboxes =
            u128::from(self.mailboxes) * MAILBOX.as_millis().unsigned_abs() / u128::from(mailboxes.max(1));
        let bytes = u128::from(self.bytes.max(0).unsigned_abs());
        [of_mailboxes, bytes * 1_000 / u128::from(bytes_per_second.max(1))]
    }
}

impl Reservation {
    fn load(&self, host: Option<&str>) -> Load {
        match host {
            Some(host) => self.hosts.get(host).copied().unwrap_or_default(),
            None => self.hosts.values().copied().fold(Load::default(), Load::and),
        }
    }

    fn covers(&self, at: Timestamp) -> bool {
        self.spans.iter().any(|span| span.from <= at && at < span.until)
    }

    /// How long it is in all, in milliseconds.
    fn length(&self) -> u128 {
        let lengths = self
            .spans
            .iter()
            .map(|span| span.until.duration_since(span.from).as_millis());
        lengths.sum::<i128>().max(1).unsigned_abs()
    }

    /// When it is over.
    pub fn end(&self) -> Option<Timestamp> {
        self.spans.last().map(|span| span.until)
    }
}

impl Capacity {
    /// The same with no more mailboxes than there are connections for, in all and to one server: a mailbox takes one for
    /// each of its lanes.
    #[must_use]
    pub fn within_connections(self, lanes: u8, host_connections: u32) -> Self {
        let mailboxes = |connections: u32| (connections / u32::from(lanes.max(1))).max(1);
        Self {
            mailboxes: self.mailboxes.min(mailboxes(self.connections)),
            host_mailboxes: self.host_mailboxes.min(mailboxes(host_connections)),
            ..self
        }
    }

    /// What there is in all, or of one server.
    fn of(&self, host: Option<&str>) -> (u32, u64) {
        match host {
            Some(_) => (
                self.mailboxes.min(self.host_mailboxes),
                self.bytes_per_second.min(self.host_bytes_per_second),
            ),
            None => (self.mailboxes, self.bytes_per_second),
        }
    }

    /// How much of what there is a reservation takes while it lasts.
    fn share(&self, reservation: &Reservation, host: Option<&str>) -> [u128; 2] {
        let (mailboxes, bytes) = self.of(host);
        let needs = reservation.load(host).needs(mailboxes, bytes);
        needs.map(|need| need.saturating_mul(WHOLE) / reservation.length())
    }

    /// How long this takes with all there is.
    pub fn time_for(&self, hosts: &Loads) -> SignedDuration {
        let alone = Reservation {
            spans: Vec::new(),
            hosts: hosts.clone(),
        };
        let needs = limited(hosts).flat_map(|host| {
            let (mailboxes, bytes) = self.of(host);
            alone.load(host).needs(mailboxes, bytes)
        });
        let longest = i64::try_from(needs.max().unwrap_or_default()).unwrap_or(i64::MAX);
        SignedDuration::from_millis(longest).max(LEAST)
    }

    /// Whether this is never too much together with what is promised to others.
    fn has_room(&self, wanted: &Reservation, others: &[Reservation]) -> bool {
        // Of each limit: what is wanted, and what the others have.
        let shares_of = |host| {
            (
                self.share(wanted, host),
                others.iter().map(|other| self.share(other, host)).collect(),
            )
        };
        let limits: Vec<([u128; 2], Vec<[u128; 2]>)> = limited(&wanted.hosts).map(shares_of).collect();
        // It is most where something begins.
        let begins = others.iter().flat_map(|other| &other.spans).map(|span| span.from);
        let begins = begins.filter(|at| wanted.covers(*at));
        let moments: BTreeSet<Timestamp> = wanted.spans.iter().map(|span| span.from).chain(begins).collect();
        moments.iter().all(|at| {
            let active: Vec<bool> = others.iter().map(|other| other.covers(*at)).collect();
            limits.iter().all(|(own, shares)| {
                let shares = shares.iter().zip(&active).filter(|(_, active)| **active);
                let sum = shares.fold(*own, |[a, b], ([c, d], _)| [a.saturating_add(*c), b.saturating_add(*d)]);
                sum.iter().all(|share| *share <= WHOLE)
            })
        })
    }

    /// How many mailboxes others leave room for at a moment, one at least.
    pub fn mailboxes_left(&self, others: &[Reservation], at: Timestamp) -> u32 {
        let active = others.iter().filter(|other| other.covers(at));
        let shares = active.map(|other| self.share(other, None).into_iter().max().unwrap_or_default());
        let left = WHOLE.saturating_sub(shares.sum());
        let mailboxes = u128::from(self.mailboxes) * left / WHOLE;
        u32::try_from(mailboxes).unwrap_or(u32::MAX).max(1)
    }

    /// Where a request finds its place, and whether it fits there. Without a frame it begins at once, and
    /// nobody promised it an end.
    pub fn place(
        &self,
        window: Option<&Window>,
        hosts: &Loads,
        others: &[Reservation],
        now: Timestamp,
    ) -> (Reservation, Fit) {
        let needed = self.time_for(hosts);
        let from = |from: Timestamp| Span {
            from,
            // No plan is for longer than a frame may be.
            until: from.checked_add(needed.min(MAX_LENGTH)).unwrap_or(Timestamp::MAX),
        };
        let reservation = |spans| Reservation {
            spans,
            hosts: hosts.clone(),
        };
        let Some(window) = window else {
            return (reservation(vec![from(now)]), Fit::Fits);
        };
        let mut frames = window.frames(now).map(|(from, until)| Span { from, until }).peekable();
        let Some(first) = frames.peek().copied() else {
            let wanted = reservation(vec![from(window.start().max(now))]);
            let fit = if self.has_room(&wanted, others) {
                Fit::Fits
            } else {
                Fit::Full
            };
            return (wanted, fit);
        };
        let length = first.until.duration_since(first.from);
        if needed <= length {
            let wanted = reservation(vec![first]);
            let fit = if self.has_room(&wanted, others) {
                Fit::Fits
            } else {
                Fit::Full
            };
            return (wanted, fit);
        }
        let nights = needed
            .as_millis()
            .unsigned_abs()
            .div_ceil(length.as_millis().unsigned_abs().max(1));
        let nights = usize::try_from(nights.min(MOST_NIGHTS)).unwrap_or_default();
        (reservation(frames.take(nights).collect()), Fit::TooLong(needed))
    }

    /// The next frame that this fits, at the same time of a later day; one that is too short is made as
    /// long as it takes. Only one that is `allowed`.
    pub fn next_that_fits(
        &self,
        window: &Window,
        hosts: &Loads,
        others: &[Reservation],
        now: Timestamp,
        allowed: impl Fn(&Window) -> bool,
    ) -> Option<Window> {
        let window = match self.place(Some(window), hosts, others, now).1 {
            Fit::TooLong(needed) if needed <= MAX_LENGTH => window.lengthened(needed)?,
            Fit::TooLong(_) => return None,
            Fit::Fits | Fit::Full => window.clone(),
        };
        let latest = now.checked_add(MAX_AHEAD).ok()?;
        let days = MAX_AHEAD.as_hours() / 24;
        let candidates = (0..=days).filter_map(|days| window.days_later(days));
        let mut allowed = candidates.filter(|candidate| candidate.start() <= latest && allowed(candidate));
        allowed.find(|candidate| self.place(Some(candidate), hosts, others, now).1 == Fit::Fits)
    }
}

#[cfg(test)]
#[path = "capacity_tests.rs"]
mod tests;
