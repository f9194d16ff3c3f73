//! `GET /v1/requests/{id}`: how far a request is, from the table's records.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use mailvan::domain::{
    Check, CheckFault, CheckState, CopyOptions, EmailAddress, Fault, JobState, Pass, RequestId, RequestState, Window,
};
use mailvan::store::{JobRecord, RequestRecord, Store, StoreError};
use serde::Serialize;

use crate::next::next_step;
use crate::{moment, response};

/// A request with what belongs to its present generation.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The request.
    pub request: RequestRecord,
    /// Its mailboxes, in the order of the rows.
    pub jobs: Vec<JobRecord>,
    /// The faults of its refused rows, in the order of the rows.
    pub faults: Vec<Fault>,
}

/// The status as clients get it.
#[derive(Serialize)]
struct View<'a> {
    id: RequestId,
    state: RequestState,
    state_since: &'a str,
    created_at: &'a str,
    next: String,
    contact_email: &'a EmailAddress,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    window: Option<WindowView<'a>>,
    options: &'a CopyOptions,
    counts: Counts,
    mailboxes: Vec<MailboxView<'a>>,
    rows_refused: &'a [Fault],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView<'a>>,
}

#[derive(Serialize)]
struct WindowView<'a> {
    start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    time_zone: &'a str,
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

#[derive(Serialize)]
struct MailboxView<'a> {
    row: u32,
    email: &'a str,
    state: JobState,
    pass: Option<Pass>,
    folders: u32,
    messages_total: i64,
    messages_copied: i64,
    bytes_total: i64,
    bytes_copied: i64,
    exceptions: i64,
    notes: i64,
    check: CheckView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView<'a>>,
}

/// What was found before the copying.
#[derive(Serialize)]
struct CheckView<'a> {
    state: CheckState,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<&'a str>,
    /// The first of the faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a CheckFault>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    faults: &'a [CheckFault],
    #[serde(skip_serializing_if = "Option::is_none")]
    folders: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<i64>,
}

/// A certificate that has been made, and where it is.
#[derive(Serialize)]
struct CertificateView<'a> {
    url: String,
    made_at: &'a str,
    agrees: bool,
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
    /// Reads what belongs to a request.
    pub async fn load(store: &Store, request: RequestRecord) -> Result<Self, StoreError> {
        let (id, generation) = (request.request_id, request.generation);
        let (jobs, faults) = tokio::try_join!(store.jobs(id, generation), store.faults(id, generation))?;
        Ok(Self { request, jobs, faults })
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

    /// The response that shows it.
    pub fn response(&self, status: u16) -> Result<ApiGatewayV2httpResponse, serde_json::Error> {
        response::json(status, &self.view())
    }

    fn view(&self) -> View<'_> {
        let request = &self.request;
        View {
            id: request.request_id,
            state: request.state,
            state_since: &request.state_since,
            created_at: &request.created_at,
            next: next_step(self),
            contact_email: &request.contact_email,
            ticket: request.ticket.as_deref(),
            window: request.window.as_ref().map(window),
            options: &request.options,
            counts: self.counts(),
            mailboxes: self.jobs.iter().map(mailbox).collect(),
            rows_refused: &self.faults,
            error: error(request.error_code.as_deref(), request.error_message.as_deref()),
        }
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

fn window(window: &Window) -> WindowView<'_> {
    let zone = window.zone();
    WindowView {
        start: moment::rfc3339(window.start(), zone),
        end: window.end().map(|end| moment::rfc3339(end, zone)),
        time_zone: zone.name(),
    }
}

fn mailbox(job: &JobRecord) -> MailboxView<'_> {
    MailboxView {
        row: job.job_id.row(),
        email: &job.address,
        state: job.status.state(),
        pass: job.status.pass(),
        folders: job.folders,
        messages_total: job.messages_total,
        messages_copied: job.messages_copied,
        bytes_total: job.bytes_total,
        bytes_copied: job.bytes_copied,
        exceptions: job.exceptions,
        notes: job.notes,
        check: check(&job.check),
        certificate: certificate(job),
        error: error(job.error_code.as_deref(), job.error_message.as_deref()),
    }
}

fn check(check: &Check) -> CheckView<'_> {
    CheckView {
        state: check.state,
        checked_at: check.at.as_deref(),
        fault: check.faults.first(),
        faults: &check.faults,
        folders: check.size.map(|size| size.folders),
        messages: check.size.map(|size| size.messages),
        bytes: check.size.map(|size| size.bytes),
    }
}

fn certificate(job: &JobRecord) -> Option<CertificateView<'_>> {
    let note = job.certificate.as_ref()?;
    Some(CertificateView {
        url: job.certificate_path()?,
        made_at: &note.made_at,
        agrees: note.agrees,
    })
}

fn error<'a>(code: Option<&'a str>, message: Option<&'a str>) -> Option<ErrorView<'a>> {
    code.map(|code| ErrorView {
        code,
        message: message.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use mailvan::domain::FaultCode;
    use mailvan::store::job::CertificateNote;
    use serde_json::{Value, json};

    use super::*;
    use crate::samples;

    fn shown(overview: &Overview) -> Value {
        let response = overview.response(200).unwrap();
        serde_json::from_slice(&response.body.unwrap()).unwrap()
    }

    #[test]
    fn a_status_shows_each_mailbox_and_each_refused_row() {
        let mut failed = samples::job(3, JobState::Failed, Some(Pass::First));
        failed.certificate = Some(CertificateNote {
            made_at: "2026-11-24T09:00:00Z".to_owned(),
            agrees: true,
        });
        failed.check = samples::wrong_password();
        failed.error_code = Some("source_login".to_owned());
        failed.error_message = Some("the password is wrong".to_owned());
        let jobs = vec![samples::job(2, JobState::Copying, Some(Pass::First)), failed];
        let faults = vec![Fault::at(4, "port", FaultCode::BadPort, "write a number")];
        let document = shown(&Overview {
            request: samples::request(RequestState::FirstPass),
            jobs,
            faults,
        });
        assert_eq!(document["id"], json!(samples::id()));
        assert_eq!(document["state"], "first_pass");
        assert_eq!(document["window"], Value::Null);
        assert_eq!(
            document["options"],
            json!({"include": [], "exclude": [], "since": null, "before": null, "repair": false, "carry_deletions": false})
        );
        assert_eq!(document["counts"]["mailboxes"], 2);
        assert_eq!(
            (&document["counts"]["copying"], &document["counts"]["failed"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(
            document["mailboxes"][0],
            json!({
                "row": 2, "email": "user2@example.com", "state": "copying", "pass": "first", "folders": 3, "messages_total": 10,
                "messages_copied": 4, "bytes_total": 1000, "bytes_copied": 400, "exceptions": 0, "notes": 0,
                "check": {"state": "waiting"},
            })
        );
        let url = format!("/v1/requests/{}/mailboxes/3/certificate", samples::id());
        assert_eq!(
            document["mailboxes"][1]["certificate"],
            json!({"url": url, "made_at": "2026-11-24T09:00:00Z", "agrees": true})
        );
        assert_eq!(
            document["mailboxes"][1]["error"],
            json!({"code": "source_login", "message": "the password is wrong"})
        );
        let fault =
            json!({"code": "source_wrong_password", "message": "The password is wrong", "remedy": "Correct it"});
        assert_eq!(
            document["mailboxes"][1]["check"],
            json!({"state": "failed", "fault": fault, "faults": [fault]})
        );
        assert_eq!(
            document["rows_refused"],
            json!([{"row": 4, "column": "port", "code": "bad_port", "message": "write a number"}])
        );
    }

    #[test]
    fn a_window_is_shown_in_its_own_zone() {
        let mut request = samples::request(RequestState::Scheduled);
        let window = Window::parse(
            "2026-11-25T22:00",
            Some("2026-11-26T06:00"),
            "Europe/Berlin",
            samples::now(),
        );
        request.window = Some(window.unwrap());
        let document = shown(&Overview {
            request,
            jobs: Vec::new(),
            faults: Vec::new(),
        });
        let expected = json!({"start": "2026-11-25T22:00:00+01:00", "end": "2026-11-26T06:00:00+01:00", "time_zone": "Europe/Berlin"});
        assert_eq!(document["window"], expected);
    }

    #[test]
    fn nothing_secret_is_shown() {
        let mut request = samples::request(RequestState::Checking);
        request.data_key = Some("sealed-key".to_owned());
        let jobs = vec![samples::job(2, JobState::Waiting, None)];
        let text = shown(&Overview {
            request,
            jobs,
            faults: Vec::new(),
        })
        .to_string();
        for secret in ["sealed", "token", "hash", "data_key", "password"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}
