//! `/v1/requests/{id}/attachments`: files with contacts and calendars for a mailbox, how far they are, and taking back
//! what one brought.

use std::time::Duration;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use mailvan::dav::import::CollectionCounts;
use mailvan::dav::{Kind, Problem as Told};
use mailvan::domain::patience::Faults;
use mailvan::domain::{JobId, RequestState};
use mailvan::profile::DestinationAuth;
use mailvan::queue::{ImportAttachment, Queue};
use mailvan::secrets;
use mailvan::store::{AttachmentRecord, AttachmentState, JobRecord, RequestRecord, StoreError};
use mailvan::upload::{LOOK_FOR_FILE, MAX_ATTACHMENT_BYTES};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::problem::{Code, FieldFault, Problem};
use crate::status::ErrorView;
use crate::{Deps, body, response};

/// The most attachments of a request.
const MAX_ATTACHMENTS: i64 = 200;

/// How many problems of each the list shows: with all of them it would outgrow an answer.
const LISTED_PROBLEMS: usize = 20;

/// The longest name of a file, in characters.
const MAX_NAME_CHARS: usize = 200;

/// After this a call is over: it may last for 29 seconds.
const AFTER_CALL: Duration = Duration::from_secs(45);

/// How long after its end a request takes files, where the provider's own user opens the mailboxes.
const TAKEN_AFTER_END: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A file as it is announced.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Announced {
    mailbox: u32,
    kind: Kind,
    bytes: u64,
    sha256: String,
    name: String,
    #[serde(default)]
    on_conflict: OnConflict,
}

/// What is done with an object that is there and says something else.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnConflict {
    #[default]
    Keep,
    Update,
}

/// An attachment as clients see it.
#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    mailbox: u32,
    kind: Kind,
    name: &'a str,
    state: AttachmentState,
    state_since: &'a str,
    created_at: &'a str,
    objects: u64,
    done: u64,
    imported: u64,
    existing: u64,
    updated: u64,
    kept: u64,
    failed: u64,
    removed: u64,
    changed_since: u64,
    collections: Vec<CollectionView<'a>>,
    problems: &'a [Told],
    problems_found: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView<'a>>,
}

/// What became of the objects of a collection.
#[derive(Serialize)]
struct CollectionView<'a> {
    kind: Kind,
    name: Option<&'a str>,
    made: bool,
    imported: u64,
    existing: u64,
    updated: u64,
    kept: u64,
    failed: u64,
}

/// `POST`: announces a file, and gives the address for it.
pub async fn announce(
    deps: &Deps,
    request: RequestRecord,
    body: &[u8],
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let announced: Announced = body::parse(body)?;
    let sha256 = check(&announced)?;
    may_take(deps, &request, now)?;
    if announced.on_conflict == OnConflict::Update && deps.profile.imap.auth != DestinationAuth::Password {
        let detail = "Entries that are there cannot be replaced: this provider opens mailboxes without their passwords, so \
                      nothing proves whose they are. Leave `on_conflict` out.";
        return Err(Problem::new(Code::NotAttachable, detail).into());
    }
    let job_id = JobId::new(request.request_id, request.generation, announced.mailbox);
    let job: Option<JobRecord> = match deps.store.job(job_id).await {
        Err(StoreError::Missing(_)) => None,
        job => Some(job?),
    };
    if job.is_none() {
        let detail = "There is no mailbox in this row of the request: the status shows which there are.";
        return Err(Problem::new(Code::NoSuchMailbox, detail).into());
    }
    let attachment = format!("{:016x}", u64::from_be_bytes(secrets::random::<8>()?));
    let record = AttachmentRecord {
        update: announced.on_conflict == OnConflict::Update,
        holds_request: deps.profile.imap.auth == DestinationAuth::Password,
        ..AttachmentRecord::announced(job_id, attachment, announced.kind, announced.name, announced.bytes, now)
    };
    let upload = deps.uploads.sign_attachment(&record, &sha256, now).await?;
    // Before it is there: one that nobody looked at would be awaited for ever, and its request with it.
    let look = wish(&record);
    deps.queues.send_later(Queue::Import, &look, LOOK_FOR_FILE).await?;
    match deps.store.create_attachment(&record, MAX_ATTACHMENTS).await {
        Err(StoreError::Conflict) => {
            let detail = format!("A request takes {MAX_ATTACHMENTS} files at most. Put several into one .zip.");
            return Err(Problem::new(Code::NotAttachable, detail).into());
        }
        created => created?,
    }
    tracing::info!(request.id = %record.request_id, attachment = record.attachment, "attachment announced");
    Ok(response::json(
        201,
        &json!({ "id": record.attachment, "upload": upload }),
    )?)
}

/// `GET`: how far the files are, with the first problems of each.
pub async fn list(deps: &Deps, request: RequestRecord) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let records = deps.store.attachments(request.request_id).await?;
    let views = records.iter().map(|record| view(record, LISTED_PROBLEMS));
    let views: Vec<View<'_>> = views.collect();
    Ok(response::json(200, &json!({ "attachments": views }))?)
}

/// `GET` of one: how far it is, with all its problems that are kept.
pub async fn show(deps: &Deps, request: RequestRecord, attachment: u64) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let record = find(deps, &request, attachment).await?;
    Ok(response::json(200, &view(&record, usize::MAX))?)
}

async fn find(deps: &Deps, request: &RequestRecord, attachment: u64) -> anyhow::Result<AttachmentRecord> {
    let name = format!("{attachment:016x}");
    let record = deps.store.attachment(request.request_id, &name).await?;
    let detail = "The request has no such attachment: GET .../attachments shows which there are.";
    Ok(record.ok_or_else(|| Problem::new(Code::NoSuchAttachment, detail))?)
}

/// The message that has import look at an attachment.
fn wish(record: &AttachmentRecord) -> ImportAttachment {
    ImportAttachment {
        request_id: record.request_id,
        attachment: record.attachment.clone(),
        done: record.progress.batches + record.undone_batches,
        faults: Faults::NONE,
        not_before: 0,
    }
}

/// `DELETE`: takes back what a file brought. May be repeated.
pub async fn take_back(
    deps: &Deps,
    request: RequestRecord,
    attachment: u64,
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let record = find(deps, &request, attachment).await?;
    if record.state != AttachmentState::Undone {
        may_take(deps, &request, now)?;
        if record.state != AttachmentState::Undoing {
            // Before it is said: one that nobody takes back would hold its request up for ever. It comes when this call
            // is over, whatever becomes of it.
            deps.queues
                .send_later(Queue::Import, &wish(&record), AFTER_CALL)
                .await?;
            match deps
                .store
                .advance_attachment(&record, AttachmentState::Undoing, None, now)
                .await
            {
                Err(StoreError::Conflict) => {
                    let detail = "The attachment moved on while you asked: look at it, and ask again.";
                    return Err(Problem::new(Code::ChangedMeanwhile, detail).into());
                }
                advanced => advanced?,
            }
        }
        deps.queues.send(Queue::Import, &wish(&record)).await?;
    }
    let record = find(deps, &request, attachment).await?;
    Ok(response::json(202, &view(&record, usize::MAX))?)
}

/// Checks what was announced; gives the digest in the one spelling that is signed.
fn check(announced: &Announced) -> Result<String, Problem> {
    let mut faults = Vec::new();
    let mut fault = |field, code, message: &str| {
        faults.push(FieldFault {
            field,
            code,
            message: message.to_owned(),
        });
    };
    if announced.bytes == 0 || announced.bytes > MAX_ATTACHMENT_BYTES {
        fault(
            "bytes",
            "out_of_range",
            "The file can have 1 to 104857600 bytes (100 MiB). Split a larger one.",
        );
    }
    let digest = STANDARD
        .decode(&announced.sha256)
        .ok()
        .filter(|digest| digest.len() == 32);
    if digest.is_none() {
        fault(
            "sha256",
            "bad_digest",
            "Give the SHA-256 of the file in base64, 44 characters.",
        );
    }
    let chars = announced.name.chars().count();
    if chars == 0 || chars > MAX_NAME_CHARS || announced.name.contains(char::is_control) {
        fault("name", "out_of_range", "Give the file's name, in 1 to 200 characters.");
    }
    match digest {
        Some(digest) if faults.is_empty() => Ok(STANDARD.encode(digest)),
        _ => {
            let detail = "Some values are refused; faults says which, and what to do.";
            Err(Problem::new(Code::InvalidRequest, detail).with("faults", json!(faults)))
        }
    }
}

/// Whether files may be imported for a request, or taken back.
fn may_take(deps: &Deps, request: &RequestRecord, now: Timestamp) -> Result<(), Problem> {
    let refused = |detail: &str| Err(Problem::new(Code::NotAttachable, detail));
    if deps.profile.dav.is_none() {
        return refused("The new provider has no server for contacts and calendars.");
    }
    let has_own_password = deps.profile.imap.auth == DestinationAuth::Password;
    match request.state {
        RequestState::Cancelled | RequestState::Failed => {
            refused("The request has ended. Make a new one for the mailbox.")
        }
        state if state.has_been_completed() && has_own_password => refused(
            "The request has ended: files are taken until then, because the mailboxes' passwords go with it. Make a new request for the mailbox.",
        ),
        state if state.has_been_completed() => {
            let since = request.completed_at.as_ref().unwrap_or(&request.state_since);
            let since: Option<Timestamp> = since.parse().ok();
            if since.is_some_and(|since| now.duration_since(since) > TAKEN_AFTER_END) {
                return refused("The request ended more than 30 days ago. Make a new one for the mailbox.");
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn view(record: &AttachmentRecord, most_problems: usize) -> View<'_> {
    let progress = &record.progress;
    let counts = progress.counts;
    View {
        id: &record.attachment,
        mailbox: record.job_id.row(),
        kind: record.kind,
        name: &record.name,
        state: record.state,
        state_since: &record.state_since,
        created_at: &record.created_at,
        objects: progress.objects,
        done: counts.all(),
        imported: counts.imported,
        existing: counts.existing,
        updated: counts.updated,
        kept: counts.kept,
        failed: counts.failed,
        removed: record.removed,
        changed_since: record.changed_since,
        collections: progress.collections.iter().map(collection).collect(),
        problems: progress.problems.get(..most_problems).unwrap_or(&progress.problems),
        problems_found: progress.problems_found,
        error: record.error_code.as_deref().map(|code| ErrorView {
            code,
            message: record.error_message.as_deref().unwrap_or_default(),
        }),
    }
}

fn collection(collection: &CollectionCounts) -> CollectionView<'_> {
    let counts = collection.counts;
    CollectionView {
        kind: collection.kind,
        name: collection.name.as_deref(),
        made: collection.made,
        imported: counts.imported,
        existing: counts.existing,
        updated: counts.updated,
        kept: counts.kept,
        failed: counts.failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_of_what_is_announced_are_told_at_once() {
        let read = |value: serde_json::Value| body::parse::<Announced>(value.to_string().as_bytes()).unwrap();
        let good =
            json!({"mailbox": 1, "kind": "contacts", "bytes": 5, "name": "a.vcf", "sha256": STANDARD.encode([0; 32])});
        assert!(check(&read(good)).is_ok());
        let bad = json!({"mailbox": 1, "kind": "calendar", "bytes": 0, "name": "a\n", "sha256": "AAAA"});
        let problem = check(&read(bad)).unwrap_err().document();
        let fields: Vec<&str> = problem["faults"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|f| f["field"].as_str())
            .collect();
        assert_eq!(fields, ["bytes", "sha256", "name"]);
    }
}
