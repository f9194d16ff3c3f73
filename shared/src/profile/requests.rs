//! `[requests]`: how far ahead requests are made, and how long they are kept.

use jiff::SignedDuration;
use serde::Deserialize;

use super::{Fault, within};
use crate::domain::{LeadTimes, Retention};

/// The longest lead time, two weeks.
const LONGEST_LEAD_HOURS: u64 = 336;

/// The most days that a request is kept, all of its waiting together. What belongs to it is kept for a year from the
/// order, of which its time frame may take 104 days.
const MOST_DAYS: u32 = 260;

/// `[requests]`: how far ahead requests are made, and how long they are kept; every one has a default.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Requests {
    /// How many hours before its start a migration is ordered at the latest, 1 to 336.
    pub lead_hours: u32,
    /// The same before a start on a Saturday, a Sunday or a holiday; not less.
    pub weekend_lead_hours: u32,
    /// For how many days a request waits for its upload, for corrections or for a word of its customer's, 3 to 60.
    pub keep_waiting_days: u32,
    /// For how many days a copied request waits for the DNS change, 21 to 180.
    pub keep_cutover_days: u32,
    /// For how many days a request that has ended is kept, with its report and its certificates, 30 to 180.
    pub keep_ended_days: u32,
}

impl Default for Requests {
    fn default() -> Self {
        let Retention {
            waiting_days,
            cutover_days,
            ended_days,
        } = Retention::default();
        Self {
            lead_hours: 24,
            weekend_lead_hours: 48,
            keep_waiting_days: waiting_days,
            keep_cutover_days: cutover_days,
            keep_ended_days: ended_days,
        }
    }
}

impl Requests {
    /// How far ahead a time frame has to begin.
    pub fn lead_times(&self) -> LeadTimes {
        LeadTimes {
            ordinary: SignedDuration::from_hours(self.lead_hours.into()),
            weekend: SignedDuration::from_hours(self.weekend_lead_hours.into()),
        }
    }

    /// How long requests are kept.
    pub fn retention(&self) -> Retention {
        Retention {
            waiting_days: self.keep_waiting_days,
            cutover_days: self.keep_cutover_days,
            ended_days: self.keep_ended_days,
        }
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        within("requests.lead_hours", self.lead_hours.into(), 1..=LONGEST_LEAD_HOURS)?;
        within(
            "requests.weekend_lead_hours",
            self.weekend_lead_hours.into(),
            self.lead_hours.into()..=LONGEST_LEAD_HOURS,
        )?;
        within("requests.keep_waiting_days", self.keep_waiting_days.into(), 3..=60)?;
        within("requests.keep_cutover_days", self.keep_cutover_days.into(), 21..=180)?;
        within("requests.keep_ended_days", self.keep_ended_days.into(), 30..=180)?;
        if self.keep_waiting_days + self.keep_cutover_days + self.keep_ended_days > MOST_DAYS {
            return Err((
                "requests.keep_ended_days",
                format!(
                    "write less here, in keep_cutover_days or in keep_waiting_days: together they may have {MOST_DAYS} days"
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
