//! `ingest`: an uploaded file becomes accepted mailboxes and a report of the refused rows.
//!
//! Passwords are sealed as soon as they are read, and the upload is deleted. Idempotency key: the
//! request and its upload's generation. A large file is read in steps (`reading`). Dying anywhere,
//! the next delivery goes on: while the upload is there it is read on from the mark in the table; when
//! it is gone, the table holds what was in it.
//!
//! A URL takes more than one file, and an event may come twice. One worker at a time reads a
//! generation, from before it fetches the file until the request is admitted or refused:
//!
//! - the same event again, later or at the same time: the file is gone by then, and nothing is read;
//! - another file after the first was refused: its rows and faults replace those of the first;
//! - another file while the first is read: the first deletes only what it has read, so the second is
//!   read after it, if the first was refused, and deleted unread, if it was accepted.

use anyhow::Context as _;
use aws_lambda_events::event::sqs::SqsMessage;
use jiff::Timestamp;
use mailvan::admission::Admission;
use mailvan::clock::{Deadline, now};
use mailvan::config::Config;
use mailvan::domain::{RequestEvent, RequestId, RequestState};
use mailvan::queue::{CheckRequest, Queue, ReadOn, decode, reported_keys, serve};
use mailvan::secrets::Secrets;
use mailvan::store::request::RequestChange;
use mailvan::store::{Advance, NoticeKind, Store, StoreError};
use mailvan::upload::UploadKey;

mod object;
mod reading;

use object::Objects;
use reading::{Progress, read_step};

/// What the function works with.
struct Deps {
    admission: Admission,
    secrets: Secrets,
    objects: Objects,
    plaintext_imap: bool,
    needs_permit: bool,
}

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let config = Config::load().await?;
    let deps = &Deps {
        admission: Admission {
            store: config.store(),
            queues: config.queues(),
            schedules: config.schedules(),
            room: config.room(),
        },
        secrets: config.secrets(),
        objects: Objects::new(aws_sdk_s3::Client::new(&config.aws), config.bucket.clone()),
        plaintext_imap: config.rules.plaintext_imap,
        needs_permit: config.profile.orders.permit_secret.is_some(),
    };
    serve(async |message, deadline| ingest(deps, &message, deadline).await).await
}

async fn ingest(deps: &Deps, message: &SqsMessage, deadline: Deadline) -> anyhow::Result<()> {
    if let Ok(ReadOn {
        request_id, generation, ..
    }) = decode(message)
    {
        let key = UploadKey { request_id, generation };
        return take_upload(deps, key, deadline).await;
    }
    if let Ok(CheckRequest {
        request_id,
        generation,
        good_rows_only,
        wished_in,
    }) = decode(message)
    {
        if let Some(since) = wished_in
            && has_stopped_since(&deps.admission.store, request_id, &since).await?
        {
            tracing::info!(request.id = %request_id, "a wish of before the first pass came once more");
            return Ok(());
        }
        return Ok(deps
            .admission
            .admit(request_id, generation, good_rows_only, now())
            .await?);
    }
    for key in reported_keys(message).context("neither an upload nor a request to check")? {
        if let Ok(key) = key.parse() {
            take_upload(deps, key, deadline).await?;
        } else {
            tracing::warn!("an object that is no upload was reported");
        }
    }
    Ok(())
}

/// Whether a request waits for its customer again, and not since the moment in which something was wished of it.
async fn has_stopped_since(store: &Store, id: RequestId, since: &str) -> Result<bool, StoreError> {
    let request = store.find_request(id).await?;
    Ok(request.is_some_and(|request| request.state == RequestState::NeedsAttention && request.state_since != since))
}

/// Takes an upload that is wanted, and deletes any other.
async fn take_upload(deps: &Deps, key: UploadKey, deadline: Deadline) -> anyhow::Result<()> {
    let UploadKey { request_id, generation } = key;
    let store = &deps.admission.store;
    let request = store.find_request(request_id).await?;
    let Some(request) = request.filter(|request| request.generation == generation) else {
        return deps.objects.delete(key).await;
    };
    if !is_wanted(request.state) {
        deps.objects.delete(key).await?;
        // An earlier delivery may have died on its way.
        return Ok(deps.admission.admit(request_id, generation, false, now()).await?);
    }
    let until = deadline.lease_end();
    store
        .lease_reading(request_id, generation, now(), until)
        .await
        .context("another delivery reads this upload")?;
    let read = read_upload(deps, key, until, deadline).await;
    if let Err(error) = store.release_reading(request_id, until).await {
        tracing::warn!(request.id = %request_id, %error, "the next reader has to wait");
    }
    if let Progress::Part(rows_read) = read? {
        // Not before the right to read is free again: the next step would find it taken.
        let next = ReadOn {
            request_id,
            generation,
            rows_read,
        };
        deps.admission.queues.send(Queue::Ingest, &next).await?;
    }
    Ok(())
}

/// Whether a file may still come for a request.
fn is_wanted(state: RequestState) -> bool {
    matches!(
        state,
        RequestState::AwaitingUpload | RequestState::NeedsAttention | RequestState::Checking
    )
}

/// Tells the customer that the file is being read, once: of the first one only.
async fn tell_that_it_arrived(deps: &Deps, request_id: RequestId) -> anyhow::Result<()> {
    let Admission { store, queues, .. } = &deps.admission;
    if store.queue_notice(request_id, NoticeKind::Received, now()).await? {
        queues.send_notices(request_id, &[NoticeKind::Received]).await?;
    }
    Ok(())
}

/// Reads a step of an upload into the table, and admits the request after the last one. The right to
/// read is held.
async fn read_upload(deps: &Deps, key: UploadKey, until: Timestamp, deadline: Deadline) -> anyhow::Result<Progress> {
    let UploadKey { request_id, generation } = key;
    // Without a file, an earlier delivery has read it, and the table holds what was in it.
    if let Some(object) = deps.objects.fetch(key).await? {
        let change = RequestChange {
            if_generation: Some(generation),
            ..RequestChange::default()
        };
        let store = &deps.admission.store;
        match store
            .advance_request(request_id, RequestEvent::UploadReceived, now(), change)
            .await
        {
            // Its mailboxes are looked at already: it was read, and another file came under its URL.
            Ok(Advance::AlreadyThere(request)) if request.checks_have_begun() => deps.objects.delete(key).await?,
            Ok(Advance::Changed(request) | Advance::AlreadyThere(request))
                if request.state == RequestState::Checking =>
            {
                tell_that_it_arrived(deps, request_id).await?;
                let progress = read_step(deps, key, &object, &request, until, deadline).await?;
                if let Progress::Part(_) = progress {
                    return Ok(progress);
                }
                deps.objects.delete_read(key, &object).await?;
            }
            // Another upload took over, or the request has ended.
            Ok(_) | Err(StoreError::Conflict | StoreError::Illegal(_)) => deps.objects.delete(key).await?,
            Err(error) => return Err(error.into()),
        }
    }
    deps.admission.admit(request_id, generation, false, now()).await?;
    Ok(Progress::Whole)
}
