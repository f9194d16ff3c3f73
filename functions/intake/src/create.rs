//! `POST /v1/requests`: a new request, by form or for a file.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use jiff::Timestamp;
use mailvan::domain::{CopyOptions, JobId, MailboxOrder, RequestId, RequestState, Retention, Secret};
use mailvan::idempotency::IdempotencyKey;
use mailvan::permit::Permit;
use mailvan::queue::{CheckRequest, Queue};
use mailvan::secrets::{self, DataKey, SecretError};
use mailvan::store::request::AnnouncedFile;
use mailvan::store::{JobRecord, NoticeKind, RequestRecord, StoreError};
use serde_json::{Value, json};

use crate::order::{self, Mailboxes, Order};
use crate::repeated::{Identity, Repeatable, new_identity};
use crate::uploads::Upload;
use crate::window::has_room;
use crate::{Deps, response};

/// Takes an order. Everything is checked before anything is written. Idempotency key: the client's,
/// where it gives one; without one, an order that comes twice is two requests.
pub async fn create(
    deps: &Deps,
    key: Option<IdempotencyKey>,
    permit: Option<Permit>,
    body: &[u8],
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let repeatable = match key {
        Some(key) => Some(Repeatable::find(&deps.store, key, body, now).await?),
        None => None,
    };
    if let Some(repeatable) = &repeatable
        && let Some((request, token)) = repeatable.made(&deps.store).await?
    {
        return again(deps, &request, &token, now).await;
    }
    // Its lead time was right when it was made.
    let made_at = repeatable.as_ref().and_then(Repeatable::made_at).unwrap_or(now);
    let mut terms = deps.terms(made_at);
    terms.policy.grants = permit.as_ref().map(|permit| &permit.grants);
    terms.ticket = permit.as_ref().and_then(|permit| permit.ticket.as_deref());
    let order = order::read(body, terms)?;
    has_room(deps, None, order.window.as_ref(), &order.mailboxes.loads(), now).await?;
    let id = RequestId::from_parts(u64::try_from(now.as_millisecond())?, secrets::random::<10>()?);
    let Identity {
        id,
        token,
        may_be_there,
    } = match repeatable {
        Some(repeatable) => {
            let mailboxes = u32::try_from(order.mailboxes.count())?;
            repeatable.claim(&deps.store, id, body, mailboxes, now).await?
        }
        None => new_identity(id)?,
    };
    let retention = deps.profile.requests.retention();
    let record = record(id, &order, permit, secrets::token_hash(token.expose()), retention, now);
    let upload = match &order.mailboxes {
        Mailboxes::File(_) => {
            // Signed first: if that fails, nothing has been written.
            let upload = deps.uploads.sign_for(&record, now).await?;
            put(deps, &record, may_be_there).await?;
            Some(upload)
        }
        Mailboxes::Form(rows) => {
            accept(deps, &record, may_be_there, rows, now).await?;
            None
        }
    };
    tracing::info!(request.id = %id, request.state = %record.state, "request made");
    Ok(response::json(201, &created(&record, &token, upload.as_ref()))?)
}

/// The answer to an order that has been made before.
async fn again(
    deps: &Deps,
    request: &RequestRecord,
    token: &Secret,
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    if request.state == RequestState::Checking && request.generation == 0 {
        // Whoever wrote the mailboxes may have died before the message.
        deps.queues.send(Queue::Ingest, &check(request)).await?;
    }
    let upload = match request.state {
        RequestState::AwaitingUpload => Some(deps.uploads.sign_for(request, now).await?),
        _ => None,
    };
    Ok(response::json(201, &created(request, token, upload.as_ref()))?)
}

/// Writes a new request, unless an interrupted call with the same key has.
async fn put(deps: &Deps, record: &RequestRecord, may_be_there: bool) -> Result<(), StoreError> {
    match deps.store.create_request(record).await {
        Err(StoreError::Conflict) if may_be_there => Ok(()),
        put => put,
    }
}

fn check(request: &RequestRecord) -> CheckRequest {
    CheckRequest {
        request_id: request.request_id,
        generation: request.generation,
        good_rows_only: false,
        wished_in: None,
    }
}

/// Writes a request by form. A crash after each step leaves:
/// 1. the request: no mailboxes, and nobody has the token; the table forgets it;
/// 2. the data key: the same;
/// 3. the jobs: the same, with passwords that do not open once the request, and its data key with
///    it, is forgotten;
/// 4. the notice in the outbox: the same;
/// 5. the message: a request that goes on; only the answer is lost, and the notices tell the
///    customer of it.
async fn accept(
    deps: &Deps,
    record: &RequestRecord,
    may_be_there: bool,
    rows: &[(u32, MailboxOrder)],
    now: Timestamp,
) -> anyhow::Result<()> {
    let id = record.request_id;
    put(deps, record, may_be_there).await?;
    let key = deps.secrets.data_key(id).await?;
    let jobs: Vec<JobRecord> = rows
        .iter()
        .map(|(row, order)| job(JobId::new(id, 0, *row), order, &key, &record.options, now))
        .collect::<Result<_, _>>()?;
    deps.store.put_jobs(&jobs).await?;
    // Sent with what follows from the message.
    deps.store.queue_notice(id, NoticeKind::Received, now).await?;
    deps.queues.send(Queue::Ingest, &check(record)).await?;
    Ok(())
}

fn job(
    job_id: JobId,
    order: &MailboxOrder,
    key: &DataKey,
    options: &CopyOptions,
    now: Timestamp,
) -> Result<JobRecord, SecretError> {
    let password = key.seal(job_id, &order.password)?;
    let destination = order
        .destination_password
        .as_ref()
        .map(|password| key.seal(job_id, password))
        .transpose()?;
    Ok(JobRecord::accepted(job_id, order, password, destination, options, now))
}

fn record(
    id: RequestId,
    order: &Order,
    permit: Option<Permit>,
    token_hash: String,
    retention: Retention,
    now: Timestamp,
) -> RequestRecord {
    let (state, generation, file) = match &order.mailboxes {
        Mailboxes::File(file) => (RequestState::AwaitingUpload, 1, file.clone()),
        Mailboxes::Form(_) => (RequestState::Checking, 0, AnnouncedFile::default()),
    };
    RequestRecord {
        language: order.language,
        ticket: order.ticket.clone(),
        ticket_is_proven: order.ticket_is_proven,
        window: order.window.clone(),
        options: order.options.clone(),
        grants: permit.map(|permit| permit.grants),
        generation,
        csv_bytes: file.bytes,
        csv_sha256: file.sha256,
        expires_at: retention.expires_at(state, now, now),
        ..RequestRecord::made(id, state, order.contact_email.clone(), token_hash, now)
    }
}

/// The one answer that holds the token.
fn created(record: &RequestRecord, token: &Secret, upload: Option<&Upload>) -> Value {
    let mut document = json!({ "id": record.request_id, "token": token.expose(), "state": record.state });
    if let (Some(upload), Some(members)) = (upload, document.as_object_mut()) {
        members.insert("upload".to_owned(), json!(upload));
    }
    document
}

#[cfg(test)]
mod tests {
    use mailvan::domain::{Language, LeadTimes, Workdays};
    use mailvan::intake::Policy;

    use super::*;
    use crate::order::Terms;
    use crate::samples;

    fn order(body: &Value) -> Order {
        let zone: mailvan::domain::Zone = "Europe/Berlin".parse().unwrap();
        let terms = Terms {
            now: samples::now(),
            workdays: Workdays {
                zone: zone.rules(),
                holidays: &[],
            },
            languages: &Language::ALL,
            lead_times: LeadTimes::KEPT,
            shortest_frame: jiff::SignedDuration::ZERO,
            policy: Policy::STRICT,
            ticket: None,
        };
        order::read(body.to_string().as_bytes(), terms).unwrap()
    }

    fn made(order: &Order) -> RequestRecord {
        let (retention, hash) = (Retention::default(), "hash".to_owned());
        record(samples::id(), order, None, hash, retention, samples::now())
    }

    #[test]
    fn a_request_for_a_file_awaits_its_first_upload() {
        let order = order(&json!({"contact_email": "anna@example.com", "csv_bytes": 12}));
        let record = made(&order);
        assert_eq!(
            (record.state, record.generation, record.csv_bytes),
            (RequestState::AwaitingUpload, 1, Some(12))
        );
        assert_eq!(
            (record.created_at.as_str(), record.created_day.as_str()),
            ("2026-11-24T09:00:00Z", "2026-11-24")
        );
        assert_eq!(record.expires_at, Some(samples::now().as_second() + 14 * 24 * 3600));
    }

    #[test]
    fn a_request_by_form_is_being_checked() {
        let mailbox = json!({"email": "anna@example.com", "password": "hunter2", "source_host": "imap.example.com"});
        let order = order(&json!({"contact_email": "anna@example.com", "mailboxes": [mailbox]}));
        let record = made(&order);
        assert_eq!((record.state, record.generation), (RequestState::Checking, 0));
        let document = created(&record, &Secret::from("the-token"), None);
        assert_eq!(
            document,
            json!({"id": samples::id(), "token": "the-token", "state": "checking"})
        );
    }
}
