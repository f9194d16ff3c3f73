//! How long a request will take, from what the table knows.
//!
//! The reckoning is in [`crate::domain::estimate`]; here it is asked with the jobs of a request. Before the
//! first pass it is from sizes and speeds, during it from how far each mailbox is.

use std::collections::HashMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use crate::check::Provider;
use crate::domain::estimate::{Places, Work, all_of, days_between_parts, done};
use crate::domain::speed::{Amount, Seconds, Speed};
use crate::domain::{Capacity, Estimate, Host, JobState, Pass, RequestState, Reservation};
use crate::profile::Profile;
use crate::store::{JobRecord, RequestRecord, Store, StoreError};

/// The most servers whose speeds are read; of others nothing is known.
const MOST_HOSTS: usize = 50;

/// How many are read at the same time.
const AT_ONCE: usize = 8;

/// What a forecast is made with, besides the request.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The speeds of the servers, by their names in lower case.
    pub speeds: HashMap<String, Speed>,
    /// What is promised to others.
    pub others: Vec<Reservation>,
    /// Folders of a mailbox that are copied at the same time.
    pub lanes: u8,
    /// How much there is.
    pub capacity: Capacity,
}

/// When a request and its mailboxes will be done with the first pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The request.
    pub request: Estimate,
    /// How long it takes.
    pub seconds: Seconds,
    /// The mailboxes that are still to be copied, by their rows.
    pub mailboxes: HashMap<u32, Estimate>,
    /// What makes it last for days, if something does.
    pub daily_cap: Option<DailyCap>,
}

/// Mailboxes that have more than their provider gives out of one in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyCap {
    /// The provider; of several that of the mailbox that takes longest.
    pub provider: &'static str,
    /// How much it gives out of a mailbox in a day.
    pub bytes: u64,
    /// How many mailboxes have more.
    pub mailboxes: usize,
    /// How many days pass until the last of the largest can be fetched.
    pub days: u64,
}

impl DailyCap {
    /// That of a mailbox of which so much is left; none where it comes in a day.
    fn of(host: &Host, left: u64) -> Option<Self> {
        let provider = Provider::of(host.as_str())?;
        let bytes = provider.daily_bytes?;
        let days = days_between_parts(left, bytes);
        (days > 0).then_some(Self {
            provider: provider.name,
            bytes,
            mailboxes: 1,
            days,
        })
    }

    fn and(self, other: Self) -> Self {
        let longest = if other.days > self.days { other } else { self };
        Self {
            mailboxes: self.mailboxes + other.mailboxes,
            ..longest
        }
    }

    /// The same for the customer.
    pub fn in_words(&self) -> String {
        let (provider, megabytes, days) = (self.provider, self.bytes / 1_000_000, self.days.saturating_add(1));
        // Whole sentences, for whoever translates them.
        match self.mailboxes {
            1 => format!(
                "{provider} gives out {megabytes} MB of a mailbox a day: 1 mailbox has more, and takes {days} days at least."
            ),
            more => format!(
                "{provider} gives out {megabytes} MB of a mailbox a day: {more} mailboxes have more, and the largest \
                 takes {days} days at least."
            ),
        }
    }
}

impl Known {
    /// Reads what a request's forecast is made with; nothing where none is made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(
        store: &Store,
        profile: &Profile,
        request: &RequestRecord,
        jobs: &[JobRecord],
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut known = Self {
            lanes: profile.limits.lanes,
            capacity: profile.capacity,
            ..Self::default()
        };
        if !is_told(request.state) {
            return Ok(known);
        }
        let mut hosts: Vec<&Host> = jobs.iter().map(|job| &job.source.host).collect();
        hosts.sort_unstable_by_key(|host| host.as_str());
        hosts.dedup();
        hosts.truncate(MOST_HOSTS);
        let speeds = stream::iter(hosts).map(async |host| {
            let speed = store.speed(host).await?;
            Ok::<_, StoreError>((host.as_str().to_owned(), speed))
        });
        known.speeds = speeds.buffer_unordered(AT_ONCE).try_collect().await?;
        if request.state == RequestState::Scheduled {
            known.others = store.reservations_beside(Some(request.request_id), now).await?;
        }
        Ok(known)
    }

    /// When the first pass will be done; none where it is not ahead or under way, or no size is known.
    pub fn forecast(&self, request: &RequestRecord, jobs: &[JobRecord], now: Timestamp) -> Option<Forecast> {
        if !is_told(request.state) {
            return None;
        }
        let window = request.window.as_ref();
        let start = match request.state {
            RequestState::Scheduled => request.wait_for_start(now).unwrap_or(now),
            _ => now,
        };
        let usual = usual_size(jobs)?;
        let unknown = Speed::default();
        let waiting = jobs.iter().filter(|job| is_ahead(job));
        let ahead: Vec<(u32, Seconds, Option<DailyCap>)> = waiting
            .map(|job| {
                let left = left(job, usual);
                let work = Work {
                    left,
                    lanes: lanes(job, self.lanes),
                    speed: self.speeds.get(job.source.host.as_str()).unwrap_or(&unknown),
                    pace: pace(job, request, now),
                };
                let cap = DailyCap::of(&job.source.host, left.bytes);
                (job.job_id.row(), with_dates(job, work.seconds()), cap)
            })
            .collect();
        let places = Places {
            least: self.capacity.mailboxes_left(&self.others, start).into(),
            most: self.capacity.mailboxes.into(),
        };
        let each: Vec<Seconds> = ahead.iter().map(|(_, seconds, _)| *seconds).collect();
        let all = all_of(&each, places);
        let mut whole = done(all, window, start);
        let mut mailboxes = HashMap::with_capacity(ahead.len());
        for (row, seconds, cap) in &ahead {
            let alone = done(*seconds, window, start);
            let alone = cap.map_or(alone, |cap| alone.after_days(cap.days, window, start));
            whole.from = whole.from.max(alone.from);
            whole.until = whole.until.max(alone.until);
            mailboxes.insert(*row, alone);
        }
        // Nobody knows which of them comes last.
        for estimate in mailboxes.values_mut() {
            estimate.until = whole.until;
        }
        let caps = ahead.iter().filter_map(|(_, _, cap)| *cap);
        Some(Forecast {
            request: whole,
            seconds: all,
            mailboxes,
            daily_cap: caps.reduce(DailyCap::and),
        })
    }
}

/// The states in which there is a forecast.
fn is_told(state: RequestState) -> bool {
    matches!(state, RequestState::Scheduled | RequestState::FirstPass)
}

/// Whether a mailbox is still to be copied in the first pass.
fn is_ahead(job: &JobRecord) -> bool {
    match job.status.state() {
        JobState::Waiting => job.check.obstacle().is_none(),
        JobState::Planning | JobState::Copying => job.status.pass() == Some(Pass::First),
        _ => false,
    }
}

fn amount(messages: i64, bytes: i64) -> Amount {
    Amount {
        messages: messages.max(0).unsigned_abs(),
        bytes: bytes.max(0).unsigned_abs(),
    }
}

fn size(job: &JobRecord) -> Option<Amount> {
    let planned = amount(job.messages_total, job.bytes_total);
    match job.status.state() {
        JobState::Copying => Some(planned),
        _ => job.check.size.map(|size| amount(size.messages, size.bytes)),
    }
}

/// The mean of the sizes that are known, for those that are not.
fn usual_size(jobs: &[JobRecord]) -> Option<Amount> {
    let sizes: Vec<Amount> = jobs.iter().filter_map(size).collect();
    let count = u64::try_from(sizes.len()).ok().filter(|count| *count > 0)?;
    Some(Amount {
        messages: sizes.iter().map(|size| size.messages).sum::<u64>() / count,
        bytes: sizes.iter().map(|size| size.bytes).sum::<u64>() / count,
    })
}

fn left(job: &JobRecord, usual: Amount) -> Amount {
    if job.status.state() == JobState::Copying {
        amount(
            job.messages_total - job.messages_copied,
            job.bytes_total - job.bytes_copied,
        )
    } else {
        size(job).unwrap_or(usual)
    }
}

fn lanes(job: &JobRecord, lanes: u8) -> u64 {
    let folders = job.check.size.map_or(1, |size| size.folders.max(1));
    u64::from(lanes).min(folders.into())
}

/// What was copied since the mailbox's copying began, in the time that its frame was open.
fn pace(job: &JobRecord, request: &RequestRecord, now: Timestamp) -> Option<(Amount, SignedDuration)> {
    if job.status.state() != JobState::Copying {
        return None;
    }
    let since: Timestamp = job.state_since.parse().ok()?;
    let time = request.open_time(since, now);
    Some((amount(job.messages_copied, job.bytes_copied), time))
}

/// Where only some days are wanted, nobody knows how much of it that is before it is planned.
fn with_dates(job: &JobRecord, seconds: Seconds) -> Seconds {
    let is_part = job.status.state() != JobState::Copying && !job.options.dates.is_open();
    Seconds {
        low: if is_part { seconds.low.min(3) } else { seconds.low },
        ..seconds
    }
}

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;
