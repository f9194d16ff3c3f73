//! `PATCH /v1/requests/{id}/mailboxes/{row}`: mends one row and has its mailbox checked again.
//!
//! Only what is given changes. It is for a mailbox that has not begun, or that failed in the first pass:
//! then the final one takes it as it is now, or the first, where that is begun again.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use jiff::Timestamp;
use mailvan::domain::{JobId, JobState, JobStatus, MailboxOrder, RequestState, Secret, Security};
use mailvan::intake::{FormMailbox, Intake, Policy, orders_from_form};
use mailvan::queue::{CheckMailbox, Queue};
use mailvan::store::check::MendedRow;
use mailvan::store::{JobRecord, RequestRecord, StoreError};
use serde::Deserialize;
use serde_json::json;

use crate::actions::refused;
use crate::problem::{Code, Problem};
use crate::status::Overview;
use crate::{Deps, body};

/// What is to be changed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    password: Option<Secret>,
    source_host: Option<String>,
    port: Option<i64>,
    security: Option<String>,
    #[serde(alias = "source_user")]
    username: Option<String>,
    destination_password: Option<Secret>,
}

/// Mends a row. Idempotency: a second call with the same body has the mailbox checked once more.
pub async fn mend(
    deps: &Deps,
    request: RequestRecord,
    row: u32,
    body: &[u8],
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let changes: Changes = body::parse(body)?;
    if changes.is_empty() {
        return Err(Problem::of_field("password", "empty_value", NOTHING_TO_CHANGE).into());
    }
    let id = JobId::new(request.request_id, request.generation, row);
    let job = match deps.store.job(id).await {
        Err(StoreError::Missing(_)) => {
            let detail = "There is no mailbox in this row: the status shows which there are.";
            return Err(Problem::new(Code::NoSuchMailbox, detail).into());
        }
        job => job?,
    };
    if !is_mendable(request.state, job.status) || request.is_past_its_time(now) {
        return Err(refused(Code::NotMendable, &Overview::load(deps, request).await?).into());
    }
    if request.state == RequestState::Checking && !request.checks_have_begun() {
        let detail = "Your file is still being read: send it again when its mailboxes are being checked.";
        return Err(Problem::new(Code::NotMendable, detail).into());
    }
    // Without a permit: its destination stays as it was.
    let order = changes.applied_to(&job, row, deps.terms(now).policy)?;
    if changes.keeps_the_password_for_another_server(&job, &order) {
        return Err(Problem::of_field("password", "empty_value", PASSWORD_NEEDED).into());
    }
    let key = deps.secrets.data_key(request.request_id).await?;
    let seal = |password: &Option<Secret>| password.as_ref().map(|password| key.seal(id, password)).transpose();
    let mended = MendedRow {
        source: order.source,
        seeks_source: order.seeks_source,
        source_user: order.source_user,
        sealed_password: seal(&changes.password)?.or_else(|| job.sealed_password.clone()),
        sealed_destination_password: seal(&changes.destination_password)?
            .or_else(|| job.sealed_destination_password.clone()),
    };
    match deps.store.mend_job(&job, &request, &mended, now).await {
        Err(StoreError::Conflict) => {
            let detail =
                "The request moved on while you asked: look at its status, and send it again if it is still wanted.";
            return Err(Problem::new(Code::ChangedMeanwhile, detail).into());
        }
        mended => mended?,
    }
    let check = CheckMailbox {
        job_id: id,
        check_round: job.check.round + 1,
        is_news: false,
    };
    deps.queues.send(Queue::Check, &check).await?;
    tracing::info!(job.id = %id, request.state = %request.state, "row mended");
    let request = deps.store.request(request.request_id).await?;
    Ok(Overview::load(deps, request)
        .await?
        .with_forecast(deps)
        .await?
        .response(202)?)
}

/// Whether a mailbox can still be begun with other values.
fn is_mendable(request: RequestState, job: JobStatus) -> bool {
    let is_open = matches!(
        request,
        RequestState::Checking
            | RequestState::NeedsAttention
            | RequestState::Scheduled
            | RequestState::FirstPass
            | RequestState::AwaitingCutover
    );
    let may_begin = match job.state() {
        JobState::Waiting => true,
        JobState::Failed => job.has_stopped(),
        _ => false,
    };
    is_open && may_begin
}

const PASSWORD_NEEDED: &str =
    "write the password too: the one that we have is only ever sent to the server that it was given for.";
const NOTHING_TO_CHANGE: &str =
    "give at least one of password, source_host, port, security, username and destination_password.";

impl Changes {
    fn is_empty(&self) -> bool {
        let Self {
            password,
            source_host,
            port,
            security,
            username,
            destination_password,
        } = self;
        let has_secret = password.is_some() || destination_password.is_some();
        !has_secret && source_host.is_none() && port.is_none() && security.is_none() && username.is_none()
    }

    /// Whether a password that was given for one server would be sent to another, or in the clear.
    fn keeps_the_password_for_another_server(&self, job: &JobRecord, order: &MailboxOrder) -> bool {
        let is_other = order.source.host != job.source.host;
        let is_bared = order.source.security == Security::None && job.source.security != Security::None;
        self.password.is_none() && (is_other || is_bared)
    }

    /// The row as it is then, checked as a new one would be. A port and a way of protection that are not
    /// given are those of before, unless the other of the two is, or the server is another.
    fn applied_to(&self, job: &JobRecord, row: u32, policy: Policy<'_>) -> Result<MailboxOrder, Problem> {
        let is_kept = self.port.is_none() && self.security.is_none();
        let same_server = self.source_host.is_none() && is_kept && !job.seeks_source;
        let form = FormMailbox {
            email: job.address.clone(),
            // What is not given stays sealed; the check of a row wants some text.
            password: self.password.clone().unwrap_or_else(|| Secret::from("kept")),
            source_host: self
                .source_host
                .clone()
                .or_else(|| job.named_source().map(|source| source.host.to_string())),
            port: self.port.or_else(|| same_server.then(|| i64::from(job.source.port))),
            security: self
                .security
                .clone()
                .or_else(|| same_server.then(|| job.source.security.to_string())),
            source_user: Some(self.username.clone().unwrap_or_else(|| job.source_user.clone())),
            destination_email: Some(job.destination.to_string()),
            destination_password: self.destination_password.clone(),
        };
        let Intake { rows, mut faults } = orders_from_form(&[form], policy);
        if let ([(_, order)], true) = (rows.as_slice(), faults.is_empty()) {
            return Ok(order.clone());
        }
        for fault in &mut faults {
            fault.row = row;
        }
        let problem = Problem::new(Code::InvalidRequest, "Mend what rows_refused names, and send it again.");
        Err(problem.with("faults", json!([])).with("rows_refused", json!(faults)))
    }
}

#[cfg(test)]
mod tests {
    use mailvan::domain::Pass;

    use super::*;
    use crate::samples;

    fn applied(changes: &str) -> Result<String, Problem> {
        let changes: Changes = serde_json::from_str(changes).unwrap();
        let job = samples::job(3, JobState::Waiting, None);
        let order = changes.applied_to(&job, 3, Policy::STRICT)?;
        Ok(format!("{} {}", order.source, order.source_user))
    }

    #[test]
    fn what_is_not_given_stays() {
        for (changes, expected) in [
            (r#"{"password": "new"}"#, "imap.example.com:993 (tls) user3@example.com"),
            (
                r#"{"source_host": "mail.example.com"}"#,
                "mail.example.com:993 (tls) user3@example.com",
            ),
            (r#"{"port": 143}"#, "imap.example.com:143 (starttls) user3@example.com"),
            (
                r#"{"security": "starttls"}"#,
                "imap.example.com:143 (starttls) user3@example.com",
            ),
            (r#"{"username": "u3"}"#, "imap.example.com:993 (tls) u3"),
        ] {
            assert_eq!(applied(changes).as_deref(), Ok(expected), "{changes}");
        }
    }

    #[test]
    fn a_row_whose_server_is_sought_goes_on_seeking_unless_one_is_named() {
        let mut job = samples::job(3, JobState::Waiting, None);
        job.seeks_source = true;
        let applied = |changes: &str| {
            let changes: Changes = serde_json::from_str(changes).unwrap();
            let order = changes.applied_to(&job, 3, Policy::STRICT).unwrap();
            (order.seeks_source, order.source.to_string())
        };
        assert_eq!(
            applied(r#"{"password": "new"}"#),
            (true, "example.com:993 (tls)".to_owned())
        );
        let named = r#"{"source_host": "mail.example.net", "password": "new", "port": 143}"#;
        assert_eq!(applied(named), (false, "mail.example.net:143 (starttls)".to_owned()));
    }

    /// Whoever has the token only must not learn the passwords.
    #[test]
    fn a_kept_password_goes_to_the_kept_server_only() {
        let keeps = |changes: &str| {
            let changes: Changes = serde_json::from_str(changes).unwrap();
            let job = samples::job(3, JobState::Waiting, None);
            let policy = Policy {
                plaintext_imap: true,
                ..Policy::STRICT
            };
            let order = changes.applied_to(&job, 3, policy).unwrap();
            changes.keeps_the_password_for_another_server(&job, &order)
        };
        assert!(keeps(r#"{"source_host": "mail.example.org"}"#) && keeps(r#"{"security": "none"}"#));
        assert!(!keeps(r#"{"source_host": "mail.example.org", "password": "new"}"#));
        assert!(!keeps(r#"{"port": 143}"#) && !keeps(r#"{"username": "u3"}"#));
    }

    #[test]
    fn mended_row_is_checked_like_a_new_one() {
        let problem = applied(r#"{"source_host": "https://example.com", "port": 70000}"#).unwrap_err();
        let document = problem.document();
        assert_eq!(document["code"], "invalid_request");
        let rows = document["rows_refused"].as_array().unwrap();
        assert!(
            rows.len() == 2 && rows.iter().all(|fault| fault["row"] == 3),
            "{document}"
        );
    }

    #[test]
    fn only_what_has_not_begun_or_failed_at_first_can_be_mended() {
        let status = |state, pass| JobStatus::new(state, pass).unwrap();
        let failed = |pass| status(JobState::Failed, pass);
        assert!(is_mendable(RequestState::NeedsAttention, JobStatus::WAITING));
        assert!(is_mendable(RequestState::AwaitingCutover, failed(Some(Pass::First))));
        assert!(is_mendable(RequestState::FirstPass, failed(None)));
        assert!(!is_mendable(RequestState::AwaitingCutover, failed(Some(Pass::Final))));
        let copying = status(JobState::Copying, Some(Pass::First));
        assert!(!is_mendable(RequestState::FirstPass, copying));
        assert!(!is_mendable(RequestState::FinalPass, failed(Some(Pass::First))));
        assert!(!is_mendable(RequestState::Cancelled, JobStatus::WAITING));
    }
}
