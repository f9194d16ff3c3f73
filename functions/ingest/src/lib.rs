//! `ingest`: an uploaded CSV becomes accepted mailboxes and a report of the refused rows.
//!
//! Passwords are sealed as soon as they are read, and the upload is deleted. Idempotency key: the
//! request and its upload's generation. Dying anywhere, the next delivery goes on: while the upload
//! is there it is read again; when it is gone, the table holds what was in it.

use anyhow::Context as _;
use aws_lambda_events::event::s3::S3Event;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use mailvan::admission::Admission;
use mailvan::clock::now;
use mailvan::config::Config;
use mailvan::domain::{Fault, FaultCode, JobId, MailboxOrder, RequestEvent, RequestId, RequestState};
use mailvan::intake::{Intake, MAX_FILE_BYTES, Policy, read_csv};
use mailvan::queue::{CheckRequest, decode, each_message};
use mailvan::secrets::Secrets;
use mailvan::store::request::RequestChange;
use mailvan::store::{JobRecord, StoreError};
use mailvan::upload::UploadKey;
use serde::Deserialize;
use zeroize::Zeroizing;

/// What the function works with.
pub struct Deps {
    admission: Admission,
    secrets: Secrets,
    s3: aws_sdk_s3::Client,
    bucket: String,
    policy: Policy,
}

/// What S3 sends when its notification is set up.
#[derive(Deserialize)]
struct StorageTest {
    #[serde(rename = "Event")]
    event: String,
}

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), Error> {
    let config = Config::load().await?;
    let deps = &Deps {
        admission: Admission {
            store: config.store(),
            queues: config.queues(),
            schedules: config.schedules(),
        },
        secrets: config.secrets(),
        s3: aws_sdk_s3::Client::new(&config.aws),
        bucket: config.bucket.clone(),
        policy: Policy {
            plaintext_imap: config.rules.plaintext_imap,
        },
    };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(handle(deps, event.payload).await)
    }))
    .await
}

/// Reads the uploads, and checks the forms, of a batch of messages.
pub async fn handle(deps: &Deps, event: SqsEvent) -> SqsBatchResponse {
    each_message(event, async |message| ingest(deps, &message).await).await
}

async fn ingest(deps: &Deps, message: &SqsMessage) -> anyhow::Result<()> {
    if let Ok(CheckRequest {
        request_id,
        generation,
        good_rows_only,
    }) = decode(message)
    {
        return Ok(deps
            .admission
            .admit(request_id, generation, good_rows_only, now())
            .await?);
    }
    if let Ok(StorageTest { event }) = decode(message)
        && event == "s3:TestEvent"
    {
        return Ok(());
    }
    let event: S3Event = decode(message).context("neither an upload nor a request to check")?;
    for record in event.records {
        let key = record.s3.object.key.as_deref().and_then(|key| key.parse().ok());
        if let Some(key) = key {
            read_upload(deps, key).await?;
        } else {
            tracing::warn!("an object that is no upload was reported");
        }
    }
    Ok(())
}

async fn read_upload(deps: &Deps, key: UploadKey) -> anyhow::Result<()> {
    let UploadKey { request_id, generation } = key;
    let store = &deps.admission.store;
    let current = store
        .find_request(request_id)
        .await?
        .filter(|request| request.generation == generation);
    let is_wanted = |state| {
        matches!(
            state,
            RequestState::AwaitingUpload | RequestState::NeedsAttention | RequestState::Checking
        )
    };
    if current.is_some_and(|request| is_wanted(request.state))
        && let Some(bytes) = fetch(deps, key).await?
    {
        let change = RequestChange {
            if_generation: Some(generation),
            ..RequestChange::default()
        };
        match store
            .advance_request(request_id, RequestEvent::UploadReceived, now(), change)
            .await
        {
            Ok(_) => keep(deps, key, &bytes).await?,
            // Another upload took over, or the request has ended.
            Err(StoreError::Conflict | StoreError::Illegal(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    delete(deps, key).await?;
    deps.admission.admit(request_id, generation, false, now()).await?;
    Ok(())
}

/// What was in the upload; `None` where it is gone, since an earlier delivery has read it.
async fn fetch(deps: &Deps, key: UploadKey) -> anyhow::Result<Option<Upload>> {
    let got = deps
        .s3
        .get_object()
        .bucket(&deps.bucket)
        .key(key.to_string())
        .send()
        .await;
    let object = match got {
        Ok(object) => object,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(aws_sdk_s3::operation::get_object::GetObjectError::is_no_such_key) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error).context("the upload cannot be read"),
    };
    if usize::try_from(object.content_length.unwrap_or_default()).unwrap_or(usize::MAX) > MAX_FILE_BYTES {
        return Ok(Some(Upload::TooLarge));
    }
    let bytes = object.body.collect().await.context("the upload broke off")?;
    Ok(Some(Upload::Bytes(Zeroizing::new(bytes.to_vec()))))
}

/// An upload's content.
enum Upload {
    /// Beyond [`MAX_FILE_BYTES`]; not read.
    TooLarge,
    /// Its bytes, wiped after use.
    Bytes(Zeroizing<Vec<u8>>),
}

/// Puts rows and faults into the table; those of the upload before go.
async fn keep(deps: &Deps, key: UploadKey, upload: &Upload) -> anyhow::Result<()> {
    let UploadKey { request_id, generation } = key;
    let Intake { rows, faults } = match upload {
        Upload::Bytes(bytes) => read_csv(bytes, deps.policy),
        Upload::TooLarge => {
            let message = format!(
                "the file is too large: {} MiB at most; please split it",
                MAX_FILE_BYTES >> 20
            );
            Intake {
                rows: Vec::new(),
                faults: vec![Fault::of_file(FaultCode::FileTooLarge, message)],
            }
        }
    };
    let store = &deps.admission.store;
    for earlier in 1..generation {
        store.delete_generation(request_id, earlier).await?;
    }
    let jobs = seal(deps, request_id, generation, &rows).await?;
    tracing::info!(request.id = %request_id, generation, accepted = jobs.len(), faults = faults.len(), "upload read");
    store.put_faults(request_id, generation, &faults).await?;
    match store.put_jobs(&jobs).await {
        // An earlier delivery has brought the request on already.
        Ok(()) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn seal(
    deps: &Deps,
    request_id: RequestId,
    generation: u32,
    rows: &[(u32, MailboxOrder)],
) -> anyhow::Result<Vec<JobRecord>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let data_key = deps.secrets.data_key(request_id).await?;
    let now = now();
    let mut jobs = Vec::with_capacity(rows.len());
    for (row, order) in rows {
        let id = JobId::new(request_id, generation, *row);
        let password = data_key.seal(id, &order.password)?;
        let destination_password = order
            .destination_password
            .as_ref()
            .map(|password| data_key.seal(id, password))
            .transpose()?;
        jobs.push(JobRecord::accepted(id, order, password, destination_password, now));
    }
    Ok(jobs)
}

async fn delete(deps: &Deps, key: UploadKey) -> anyhow::Result<()> {
    deps.s3
        .delete_object()
        .bucket(&deps.bucket)
        .key(key.to_string())
        .send()
        .await
        .context("the upload cannot be deleted")?;
    Ok(())
}
