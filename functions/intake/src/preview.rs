//! `/v1/requests/{id}/preview`: what the first pass would do with each folder, before it begins.

use std::collections::HashMap;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use jiff::{SignedDuration, Timestamp};
use mailvan::domain::{FolderPreview, JobId};
use mailvan::queue::{PreviewMailboxes, Queue};
use mailvan::store::preview::AT_MOST_EVERY;
use mailvan::store::{JobRecord, PreviewRecord, Previews, RequestRecord, StoreError, stamp};
use serde::Serialize;

use crate::actions::refused;
use crate::problem::{Code, Problem};
use crate::status::{ErrorView, Overview};
use crate::{Deps, response};

/// Folders of so many bytes are shown at once, or those of one mailbox. What Lambda hands on is 6 MB.
const MOST_BYTES: usize = 3 * 1024 * 1024;

/// A preview that has not come by then does not come any more: many mailboxes take a while, but their
/// rows may also have been replaced.
const PENDING_AT_MOST: SignedDuration = SignedDuration::from_hours(2);

/// When a preview was asked for, in seconds since 1970, and whether more of it may come.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: i64,
    is_awaited: bool,
}

/// The preview of a request as clients get it.
#[derive(Serialize)]
struct View<'a> {
    asked_at: String,
    mailboxes: Vec<MailboxView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_row: Option<u32>,
}

/// The preview of one mailbox.
#[derive(Serialize)]
struct MailboxView<'a> {
    row: u32,
    email: &'a str,
    destination: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    made_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folders: Option<&'a [FolderPreview]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folders_left_out: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView<'a>>,
}

/// `POST`: asks for a preview. Repeating it makes it anew, once a minute at most.
pub async fn ask(deps: &Deps, request: RequestRecord, now: Timestamp) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let overview = Overview::load(deps, request).await?;
    let request = &overview.request;
    if !request.state.allows_preview() || overview.jobs.is_empty() {
        return Err(refused(Code::NotPreviewable, &overview).into());
    }
    if let Some(seconds) = seconds_to_wait(request, now) {
        return Err(too_soon(seconds).into());
    }
    let asked = match deps.store.ask_preview(request, now).await {
        Err(StoreError::Conflict) => {
            let detail = "The request moved on or another preview was asked for while you asked: look at both, and ask again if you still need one.";
            return Err(Problem::new(Code::ChangedMeanwhile, detail).into());
        }
        asked => asked?,
    };
    let message = PreviewMailboxes {
        request_id: request.request_id,
        generation: request.generation,
        preview_asked: asked,
    };
    deps.queues.send(Queue::Plan, &message).await?;
    tracing::info!(request.id = %request.request_id, "preview asked for");
    let none = Previews::default();
    let asked = Asked {
        at: asked,
        is_awaited: true,
    };
    Ok(response::json(202, &view(&overview.jobs, asked, 0, &none))?)
}

/// `GET`: shows the preview that was asked for last, from a row on.
pub async fn show(
    deps: &Deps,
    request: RequestRecord,
    from_row: u32,
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let Some(asked) = request.preview_asked else {
        let detail = "No preview of this request has been asked for: ask for one by POST to this path.";
        return Err(Problem::new(Code::NoPreview, detail).into());
    };
    let (id, generation) = (request.request_id, request.generation);
    let (jobs, previews) = tokio::try_join!(
        deps.store.jobs(id, generation),
        deps.store.previews(id, generation, from_row, MOST_BYTES)
    )?;
    Ok(response::json(
        200,
        &view(&jobs, Asked::of(&request, asked, now), from_row, &previews),
    )?)
}

/// The row of the query, from which on mailboxes are shown.
pub fn from_row(event: &ApiGatewayV2httpRequest) -> Result<u32, Problem> {
    let Some(text) = event.query_string_parameters.first("from_row") else {
        return Ok(0);
    };
    text.parse().ok().filter(|row| *row <= 99_999).ok_or_else(|| {
        let message = "write the number of a row, such as next_row of the answer before, or leave it out.";
        Problem::of_field("from_row", "out_of_range", message)
    })
}

impl Asked {
    fn of(request: &RequestRecord, at: i64, now: Timestamp) -> Self {
        let is_recent = now.as_second() - at < PENDING_AT_MOST.as_secs();
        Self {
            at,
            is_awaited: request.state.allows_preview() && is_recent,
        }
    }
}

/// How long to wait until another may be asked for.
fn seconds_to_wait(request: &RequestRecord, now: Timestamp) -> Option<i64> {
    let since = now.as_second() - request.preview_asked?;
    Some(AT_MOST_EVERY.as_secs() - since).filter(|seconds| *seconds > 0)
}

fn too_soon(seconds: i64) -> Problem {
    let detail = format!(
        "A preview can be asked for once a minute: look at the one that is being made, or wait {seconds} seconds."
    );
    Problem::new(Code::PreviewTooSoon, detail).with_header("retry-after", seconds.to_string())
}

fn view<'a>(jobs: &'a [JobRecord], asked: Asked, from_row: u32, previews: &'a Previews) -> View<'a> {
    let made: HashMap<JobId, &PreviewRecord> = previews
        .records
        .iter()
        .filter(|record| record.asked == asked.at)
        .map(|record| (record.job_id, record))
        .collect();
    let is_shown = |job: &&JobRecord| {
        let row = job.job_id.row();
        row >= from_row && previews.next_row.is_none_or(|next| row < next)
    };
    let mailbox = |job: &'a JobRecord| mailbox(job, made.get(&job.job_id).copied(), asked.is_awaited);
    View {
        asked_at: Timestamp::from_second(asked.at).map(stamp).unwrap_or_default(),
        mailboxes: jobs.iter().filter(is_shown).map(mailbox).collect(),
        next_row: previews.next_row,
    }
}

fn mailbox<'a>(job: &'a JobRecord, made: Option<&'a PreviewRecord>, is_awaited: bool) -> MailboxView<'a> {
    let not_made = ErrorView {
        code: "not_made",
        message: "the preview was not made in time: ask for another, if the copying has not begun",
    };
    let error = match made {
        Some(record) => record.error_code.as_deref().map(|code| ErrorView {
            code,
            message: record.error_message.as_deref().unwrap_or_default(),
        }),
        None => (!is_awaited).then_some(not_made),
    };
    let ready = made.filter(|_| error.is_none());
    MailboxView {
        row: job.job_id.row(),
        email: &job.address,
        destination: job.destination.to_string(),
        state: match (&error, ready) {
            (Some(_), _) => "failed",
            (None, Some(_)) => "ready",
            (None, None) => "pending",
        },
        made_at: made.map(|record| record.made_at.as_str()),
        folders: ready.map(|record| record.folders.as_slice()),
        folders_left_out: ready.map(|record| record.left_out).filter(|count| *count > 0),
        error,
    }
}

#[cfg(test)]
mod tests {
    use mailvan::domain::{JobState, RequestState};
    use mailvan::store::job::Failure;
    use serde_json::{Value, json};

    use super::*;
    use crate::samples;

    const ASKED: i64 = 1_795_510_800;

    fn folder(source: &str) -> FolderPreview {
        FolderPreview {
            source: source.to_owned(),
            destination: Some("Sent".to_owned()),
            messages: Some(3),
            exists: true,
            ..FolderPreview::default()
        }
    }

    fn shown(state: RequestState, records: Vec<PreviewRecord>, from_row: u32, next_row: Option<u32>) -> Value {
        let jobs: Vec<_> = (2..6).map(|row| samples::job(row, JobState::Waiting, None)).collect();
        let previews = Previews { records, next_row };
        let asked = Asked::of(&samples::request(state), ASKED, samples::now());
        serde_json::to_value(view(&jobs, asked, from_row, &previews)).unwrap()
    }

    fn job_id(row: u32) -> JobId {
        samples::job(row, JobState::Waiting, None).job_id
    }

    #[test]
    fn each_mailbox_is_pending_ready_or_failed() {
        let failure = Failure {
            code: "source_login".to_owned(),
            message: "refused".to_owned(),
        };
        let mut late = PreviewRecord::ready(job_id(4), ASKED, vec![folder("Gesendet")], samples::now());
        late.asked -= 60;
        let records = vec![
            PreviewRecord::ready(job_id(2), ASKED, vec![folder("Gesendet")], samples::now()),
            PreviewRecord::failed(job_id(3), ASKED, &failure, samples::now()),
            late,
        ];
        let document = shown(RequestState::Scheduled, records.clone(), 0, None);
        assert_eq!(document["asked_at"], "2026-11-24T09:00:00Z");
        assert_eq!(
            document["mailboxes"][0],
            json!({
                "row": 2, "email": "user2@example.com", "destination": "user2@example.com", "state": "ready",
                "made_at": "2026-11-24T09:00:00Z",
                "folders": [{"source": "Gesendet", "destination": "Sent", "messages": 3, "exists": true}],
            })
        );
        assert_eq!(
            (
                &document["mailboxes"][1]["state"],
                &document["mailboxes"][1]["error"]["code"]
            ),
            (&json!("failed"), &json!("source_login"))
        );
        for row in [2, 3] {
            assert_eq!(document["mailboxes"][row]["state"], "pending");
            assert_eq!(document["mailboxes"][row]["folders"], Value::Null);
        }
        let document = shown(RequestState::FirstPass, records, 0, None);
        assert_eq!(document["mailboxes"][0]["state"], "ready");
        assert_eq!(document["mailboxes"][2]["error"]["code"], "not_made");
    }

    #[test]
    fn rows_are_shown_from_one_on_and_before_the_next() {
        let rows = |document: Value| -> Vec<u64> {
            let mailboxes = document["mailboxes"].as_array().unwrap().clone();
            mailboxes
                .iter()
                .map(|mailbox| mailbox["row"].as_u64().unwrap())
                .collect()
        };
        assert_eq!(rows(shown(RequestState::Scheduled, Vec::new(), 3, Some(5))), [3, 4]);
        assert_eq!(rows(shown(RequestState::Scheduled, Vec::new(), 4, None)), [4, 5]);
    }

    #[test]
    fn what_has_not_come_for_hours_is_not_waited_for() {
        let request = samples::request(RequestState::Scheduled);
        let awaited = |hours| Asked::of(&request, ASKED, samples::now() + SignedDuration::from_hours(hours)).is_awaited;
        assert!(awaited(0) && awaited(1) && !awaited(2));
    }

    #[test]
    fn the_row_to_begin_with_is_a_number() {
        let mut event = samples::event("GET", "/v1/requests/x/preview", None);
        assert_eq!(from_row(&event).unwrap(), 0);
        for (text, row) in [("7", Some(7)), ("-1", None), ("x", None), ("100000", None)] {
            let query = HashMap::from([("from_row".to_owned(), vec![text.to_owned()])]);
            event.query_string_parameters = query.into();
            assert_eq!(from_row(&event).ok(), row, "{text}");
        }
    }

    #[test]
    fn a_second_preview_has_to_wait_for_a_minute() {
        let mut request = samples::request(RequestState::Scheduled);
        let wait = |request: &RequestRecord| seconds_to_wait(request, Timestamp::from_second(ASKED).unwrap());
        assert_eq!(wait(&request), None);
        for (before, expected) in [(0, Some(60)), (59, Some(1)), (60, None), (3600, None)] {
            request.preview_asked = Some(ASKED - before);
            assert_eq!(wait(&request), expected);
        }
        let answer = too_soon(59).response();
        assert_eq!(
            (answer.status_code, answer.headers["retry-after"].to_str().unwrap()),
            (429, "59")
        );
    }
}
