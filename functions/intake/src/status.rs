//! `GET /v1/requests/{id}`: how far a request is, from the table's records.

use std::collections::BTreeMap;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use jiff::Timestamp;
use mailvan::clock;
use mailvan::domain::{
    AfterEnd, CopyOptions, EmailAddress, Estimate, Fault, JobState, RequestId, RequestState, Window,
};
use mailvan::forecast::{Forecast, Known};
use mailvan::store::{Doing, JobRecord, MailFate, RequestRecord, StoreError, stamp};
use serde::Serialize;

use crate::later::LaterLooksView;
use crate::mailbox::MailboxView;
use crate::next::next_step;
use crate::{Deps, later, mailbox, moment, response};

/// The most mailboxes of one answer.
const MOST_MAILBOXES: usize = 1_000;

/// The most faults of one answer; with a thousand mailboxes some 1.5 MB of Lambda's 6.
const MOST_FAULTS: usize = 2_000;

/// A request with what belongs to its present generation.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The request.
    pub request: RequestRecord,
    /// Its mailboxes, in the order of the rows.
    pub jobs: Vec<JobRecord>,
    /// The faults of its refused rows, in the order of the rows.
    pub faults: Vec<Fault>,
    /// When all this was read.
    pub read_at: Timestamp,
    /// When the first pass will be done, while it is ahead or under way.
    pub forecast: Option<Forecast>,
    /// What is done with those that are worked on.
    pub noted: Noted,
}

/// What the lanes of mailboxes noted last, by their rows.
pub type Noted = BTreeMap<u32, Vec<Doing>>;

/// The status as clients get it.
#[derive(Serialize)]
struct View<'a> {
    id: RequestId,
    state: RequestState,
    state_since: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<&'a str>,
    created_at: &'a str,
    next: String,
    contact_email: &'a EmailAddress,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_trouble: Option<ContactTrouble>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    window: Option<WindowView<'a>>,
    options: &'a CopyOptions,
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<EstimateView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    later_looks: Option<LaterLooksView>,
    mailboxes: Vec<MailboxView<'a>>,
    rows_refused: Vec<&'a Fault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_row: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView<'a>>,
}

/// What became of a mail to the customer that did not arrive.
#[derive(Serialize)]
struct ContactTrouble {
    kind: MailFate,
}

#[derive(Serialize)]
pub struct WindowView<'a> {
    start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    time_zone: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_end: Option<AfterEnd>,
    /// Until when the copying waits for the next night's frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until: Option<String>,
}

/// When the first pass will be done, in the zone of the time frame.
#[derive(Serialize)]
pub struct EstimateView {
    from: String,
    until: String,
    seconds_low: u64,
    seconds_high: u64,
    /// What makes it last, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// How many mailboxes there are, in all and in each state.
#[derive(Serialize)]
struct Counts {
    mailboxes: usize,
    waiting: usize,
    planning: usize,
    copying: usize,
    awaiting_cutover: usize,
    certifying: usize,
    completed: usize,
    completed_with_exceptions: usize,
    failed: usize,
    cancelled: usize,
}

/// Why something failed.
#[derive(Serialize)]
pub struct ErrorView<'a> {
    /// A stable word.
    pub code: &'a str,
    /// The same in words for people.
    pub message: &'a str,
}

impl Overview {
    /// Reads what belongs to a request, but for the forecast.
    pub async fn load(deps: &Deps, request: RequestRecord) -> Result<Self, StoreError> {
        let (store, now) = (&deps.store, clock::now());
        let (id, generation) = (request.request_id, request.generation);
        let (jobs, faults) = tokio::try_join!(store.jobs(id, generation), store.faults(id, generation))?;
        Ok(Self {
            forecast: None,
            noted: Noted::new(),
            request,
            jobs,
            faults,
            read_at: now,
        })
    }

    /// Adds how long it will take, for who is shown that.
    pub async fn with_forecast(self, deps: &Deps) -> Result<Self, StoreError> {
        let known = Known::load(&deps.store, &deps.profile, &self.request, &self.jobs, self.read_at).await?;
        Ok(Self {
            forecast: known.forecast(&self.request, &self.jobs, self.read_at),
            ..self
        })
    }

    /// Adds what is done with mailboxes at the moment, for who watches them.
    pub async fn with_doings(self, deps: &Deps) -> Result<Self, StoreError> {
        let (id, generation) = (self.request.request_id, self.request.generation);
        let at_work = self.in_state(JobState::Copying) + self.in_state(JobState::Certifying);
        let noted = match at_work {
            0 => Noted::new(),
            _ => deps.store.doings(id, generation).await?,
        };
        Ok(Self { noted, ..self })
    }

    /// How many mailboxes are in a state.
    pub fn in_state(&self, state: JobState) -> usize {
        self.jobs.iter().filter(|job| job.status.state() == state).count()
    }

    /// How many mailboxes can be copied, as far as their checks tell.
    pub fn good(&self) -> usize {
        self.jobs.iter().filter(|job| job.check.obstacle().is_none()).count()
    }

    /// How many mailboxes have something to mend.
    pub fn to_mend(&self) -> usize {
        self.jobs.iter().filter(|job| job.check.needs_attention()).count()
    }

    /// The response that shows it, with as many rows as fit.
    pub fn response(&self, status: u16) -> Result<ApiGatewayV2httpResponse, serde_json::Error> {
        self.response_from(status, 0)
    }

    /// The response that shows it, with as many rows as fit from this one on.
    pub fn response_from(&self, status: u16, from_row: u32) -> Result<ApiGatewayV2httpResponse, serde_json::Error> {
        response::json(status, &self.view(from_row))
    }

    /// The row at which an answer that begins with `from_row` has to end.
    fn next_row(&self, from_row: u32) -> Option<u32> {
        let jobs = self.jobs.iter().map(|job| job.job_id.row());
        let faults = self.faults.iter().map(|fault| fault.row);
        let jobs = jobs.filter(|row| *row >= from_row).nth(MOST_MAILBOXES);
        let faults = faults.filter(|row| *row >= from_row).nth(MOST_FAULTS);
        jobs.into_iter().chain(faults).min()
    }

    fn view(&self, from_row: u32) -> View<'_> {
        let request = &self.request;
        let next_row = self.next_row(from_row);
        let is_shown = |row: u32| row >= from_row && next_row.is_none_or(|next| row < next);
        View {
            id: request.request_id,
            state: request.state,
            state_since: &request.state_since,
            completed_at: request.completed_at.as_deref(),
            created_at: &request.created_at,
            next: next_step(self),
            contact_email: &request.contact_email,
            contact_trouble: request.fates.standing().map(|kind| ContactTrouble { kind }),
            ticket: request.ticket.as_deref(),
            window: request
                .window
                .as_ref()
                .map(|frame| window(frame, request.paused_until(self.read_at))),
            options: &request.options,
            counts: self.counts(),
            estimate: self.forecast.as_ref().map(|forecast| EstimateView {
                note: forecast.daily_cap.map(|cap| cap.in_words()),
                ..self.estimate(forecast.request)
            }),
            later_looks: later::view(request, &self.jobs),
            mailboxes: self
                .jobs
                .iter()
                .filter(|job| is_shown(job.job_id.row()))
                .map(|job| {
                    let forecast = self.forecast.as_ref();
                    let estimate = forecast.and_then(|forecast| forecast.mailboxes.get(&job.job_id.row()));
                    let estimate = estimate.map(|estimate| self.estimate(*estimate));
                    mailbox::view(job, self.doing(job), estimate, self.read_at)
                })
                .collect(),
            rows_refused: self.faults.iter().filter(|fault| is_shown(fault.row)).collect(),
            next_row,
            error: error(request.error_code.as_deref(), request.error_message.as_deref()),
        }
    }

    fn estimate(&self, estimate: Estimate) -> EstimateView {
        let zone = self.request.window.as_ref().map(Window::zone);
        let at = |at: Timestamp| zone.map_or_else(|| stamp(at), |zone| moment::rfc3339(at, zone));
        EstimateView {
            from: at(estimate.from),
            until: at(estimate.until),
            seconds_low: estimate.seconds_low,
            seconds_high: estimate.seconds_high,
            note: None,
        }
    }

    /// What is done with a mailbox now; nothing while the copying waits for the next night.
    fn doing(&self, job: &JobRecord) -> Option<Doing> {
        let noted = self.noted.get(&job.job_id.row())?;
        let is_paused = self.request.paused_until(self.read_at).is_some();
        job.doing(noted, self.read_at).filter(|_| !is_paused)
    }

    fn counts(&self) -> Counts {
        Counts {
            mailboxes: self.jobs.len(),
            waiting: self.in_state(JobState::Waiting),
            planning: self.in_state(JobState::Planning),
            copying: self.in_state(JobState::Copying),
            awaiting_cutover: self.in_state(JobState::AwaitingCutover),
            certifying: self.in_state(JobState::Certifying),
            completed: self.in_state(JobState::Completed),
            completed_with_exceptions: self.in_state(JobState::CompletedWithExceptions),
            failed: self.in_state(JobState::Failed),
            cancelled: self.in_state(JobState::Cancelled),
        }
    }
}

/// A time frame as clients get it.
pub fn window(window: &Window, paused_until: Option<Timestamp>) -> WindowView<'_> {
    let zone = window.zone();
    WindowView {
        start: moment::rfc3339(window.start(), zone),
        end: window.end().map(|end| moment::rfc3339(end, zone)),
        time_zone: zone.name(),
        after_end: window.end().map(|_| window.after_end()),
        paused_until: paused_until.map(|until| moment::rfc3339(until, zone)),
    }
}

/// Why something failed, where it did.
pub fn error<'a>(code: Option<&'a str>, message: Option<&'a str>) -> Option<ErrorView<'a>> {
    code.map(|code| ErrorView {
        code,
        message: message.unwrap_or_default(),
    })
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
