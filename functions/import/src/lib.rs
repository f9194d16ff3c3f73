//! `import`: uploaded contacts and calendars become objects on the provider's CardDAV and CalDAV server; or what an
//! import made is taken back.
//!
//! Continues itself by a new message when time runs short. Idempotency key: the attachment; any message may come twice,
//! and of two runs one waits.

mod object;
mod work;

use std::time::Duration;

use anyhow::Context as _;
use aws_lambda_events::event::sqs::SqsMessage;
use jiff::Timestamp;
use mailvan::clock::{Deadline, now, time_until};
use mailvan::config::Config;
use mailvan::domain::patience::Faults;
use mailvan::imap::Connector;
use mailvan::imports::close_import;
use mailvan::profile::Profile;
use mailvan::queue::{
    ImportAttachment, LONGEST_DELAY, Queue, Queues, causes, decode, reported_keys, serve, times_received,
};
use mailvan::secrets::Secrets;
use mailvan::store::job::Failure;
use mailvan::store::{AttachmentRecord, AttachmentState, Store, StoreError};
use mailvan::upload::AttachmentKey;

use crate::object::Objects;
use crate::work::Outcome;

/// How long a second run waits for the first.
const WAIT_FOR_OTHER: Duration = Duration::from_secs(20);

/// What the function works with.
struct Deps {
    store: Store,
    secrets: Secrets,
    queues: Queues,
    objects: Objects,
    profile: Profile,
    connector: Connector,
}

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let config = Config::load().await?;
    let deps = &Deps {
        store: config.store(),
        secrets: config.secrets(),
        queues: config.queues(),
        objects: Objects::new(aws_sdk_s3::Client::new(&config.aws), config.bucket.clone()),
        profile: config.profile.clone(),
        connector: config.destination.clone(),
    };
    serve(async |message, deadline| import(deps, &message, deadline).await).await
}

async fn import(deps: &Deps, message: &SqsMessage, deadline: Deadline) -> anyhow::Result<()> {
    if let Ok(wish) = decode::<ImportAttachment>(message) {
        // A delivery before this one ended without a word: it was cut off.
        let faults = wish.faults.and_cut_off(times_received(message) - 1, now());
        return work(deps, ImportAttachment { faults, ..wish }, deadline).await;
    }
    for key in reported_keys(message).context("neither an upload nor an attachment to import")? {
        if let Ok(AttachmentKey { request_id, attachment }) = key.parse() {
            let wish = ImportAttachment {
                request_id,
                attachment,
                done: 0,
                not_before: 0,
                faults: Faults::NONE.and_cut_off(times_received(message) - 1, now()),
            };
            work(deps, wish, deadline).await?;
        } else {
            tracing::warn!("an object that is no attachment was reported");
        }
    }
    Ok(())
}

/// Does what is to be done with an attachment now.
async fn work(deps: &Deps, wish: ImportAttachment, deadline: Deadline) -> anyhow::Result<()> {
    let (id, name) = (wish.request_id, wish.attachment.as_str());
    let record = deps.store.attachment(id, name).await?;
    if !record.is_some_and(|record| record.state.is_open()) {
        return close(deps, &wish).await;
    }
    if let Some(left) = time_until(wish.not_before, now()) {
        return Ok(deps.queues.send_later(Queue::Import, &wish, left).await?);
    }
    let until = deadline.lease_end();
    let (record, journal) = match deps.store.lease_attachment(id, name, now(), until).await {
        Err(StoreError::Conflict) => {
            return next(deps, &wish, wish.faults.waited(WAIT_FOR_OTHER), WAIT_FOR_OTHER).await;
        }
        leased => leased?,
    };
    // Boxed: the futures of the SDK nest deeper than the compiler lays out.
    let done = match record.state {
        AttachmentState::AwaitingUpload | AttachmentState::Importing => {
            Box::pin(work::import(deps, record, &journal, deadline)).await
        }
        AttachmentState::Undoing => Box::pin(work::undo(deps, record, &journal, deadline)).await,
        _ => Ok(Outcome::Ended),
    };
    if let Err(error) = journal.release().await {
        tracing::warn!(request.id = %id, attachment = name, %error, "the next run has to wait");
    }
    match done {
        Ok(Outcome::Ended) => close(deps, &wish).await,
        Ok(Outcome::Left) => Ok(()),
        Ok(Outcome::Later(delay)) => next(deps, &wish, wish.faults.waited(delay), delay).await,
        Ok(Outcome::Continue) => next(deps, &wish, Faults::NONE, Duration::ZERO).await,
        Err(failed) => {
            let faults = wish.faults.and_end_of_run(failed.progressed, now());
            // What the server asks for is no time in which nothing can be done.
            let faults = failed.wait.map_or(faults, |wait| faults.waited(wait));
            tracing::warn!(request.id = %id, attachment = name, faults = faults.count(), error = causes(&*failed.error), "the import broke off");
            if faults.are_final(failed.prospect, deps.profile.limits.patience(), now()) {
                fail(deps, &wish, &failed.failure).await
            } else {
                if let Some(record) = deps.store.attachment(id, name).await? {
                    note(deps, &record, &failed.failure).await?;
                }
                next(deps, &wish, faults, failed.wait.unwrap_or_default().max(faults.pause())).await
            }
        }
    }
}

/// Ends an attachment with the reason.
async fn fail(deps: &Deps, wish: &ImportAttachment, failure: &Failure) -> anyhow::Result<()> {
    if let Some(record) = deps.store.attachment(wish.request_id, &wish.attachment).await?
        && record.state.is_open()
    {
        match deps
            .store
            .advance_attachment(&record, AttachmentState::Failed, Some(failure), now())
            .await
        {
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    close(deps, wish).await
}

/// What follows the end of an attachment: its customer is told, its file goes, and a request that only waited for it ends.
/// May be repeated.
async fn close(deps: &Deps, wish: &ImportAttachment) -> anyhow::Result<()> {
    let wait = deps.profile.notices.files_wait();
    close_import(&deps.store, &deps.queues, wish.request_id, &wish.attachment, wait).await?;
    deps.objects.delete(&key_of(wish)).await
}

async fn note(deps: &Deps, record: &AttachmentRecord, failure: &Failure) -> anyhow::Result<()> {
    match deps.store.note_attachment_trouble(record, failure).await {
        Ok(()) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Sends the next message. Dying before it is sent, the message at hand comes again.
async fn next(deps: &Deps, wish: &ImportAttachment, faults: Faults, delay: Duration) -> anyhow::Result<()> {
    let record = deps.store.attachment(wish.request_id, &wish.attachment).await?;
    let done = record.map_or(wish.done, |record| record.progress.batches + record.undone_batches);
    let next = ImportAttachment {
        done,
        faults,
        not_before: not_before(delay, now()),
        ..wish.clone()
    };
    Ok(deps.queues.send_later(Queue::Import, &next, delay).await?)
}

/// What a message says that is to wait so long: the queue's own delay says it, where that is long enough.
fn not_before(delay: Duration, now: Timestamp) -> i64 {
    let at = i64::try_from(delay.as_secs()).map_or(0, |delay| now.as_second().saturating_add(delay));
    if delay > LONGEST_DELAY { at } else { 0 }
}

fn key_of(wish: &ImportAttachment) -> AttachmentKey {
    AttachmentKey {
        request_id: wish.request_id,
        attachment: wish.attachment.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_is_longer_than_the_queue_knows_is_kept_over_several_messages() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let hour = not_before(Duration::from_hours(1), at(0));
        let mut now = 0;
        let mut messages = 0;
        while let Some(left) = time_until(hour, at(now)) {
            now += i64::try_from(left.min(LONGEST_DELAY).as_secs()).unwrap();
            messages += 1;
        }
        assert_eq!((now, messages), (3_600, 4));
        // What the queue can hold back comes when it comes, also where a clock is slow.
        assert_eq!(not_before(LONGEST_DELAY, at(0)), 0);
        assert_eq!(
            not_before(LONGEST_DELAY + Duration::from_secs(1), at(0)),
            at(901).as_second()
        );
        for not_before in [0, at(-1).as_second(), at(0).as_second()] {
            assert_eq!(time_until(not_before, at(0)), None);
        }
    }
}
