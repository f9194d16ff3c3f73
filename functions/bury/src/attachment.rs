//! Dead letters of an import.
//!
//! Judged as a lane's are: what moved on since the letter was sent gets another chance; while somebody holds the right
//! to work, the letter waits; else the attachment ends with the last reason.

use std::time::Duration;

use anyhow::bail;
use mailvan::clock::now;
use mailvan::domain::RequestId;
use mailvan::domain::patience::Faults;
use mailvan::imports::close_import;
use mailvan::queue::{ImportAttachment, Queue};
use mailvan::store::{AttachmentState, StaffCause, StoreError};
use mailvan::sync::tell_staff;

use crate::{Deps, given_up, settle};

/// Buries a letter, with the count of batches it was sent with.
pub async fn bury(deps: &Deps, id: RequestId, attachment: &str, done: u32) -> anyhow::Result<()> {
    let store = &deps.store;
    let Some(record) = store
        .attachment(id, attachment)
        .await?
        .filter(|record| record.state.is_open())
    else {
        return settle_if_there(deps, id).await;
    };
    let batches = record.progress.batches + record.undone_batches;
    if batches > done {
        tracing::warn!(request.id = %id, attachment, batches, "an import was cut off; it gets another chance");
        let next = ImportAttachment {
            request_id: id,
            attachment: attachment.to_owned(),
            done: batches,
            faults: Faults::NONE,
            not_before: 0,
        };
        return Ok(deps.queues.send(Queue::Import, &next).await?);
    }
    let (record, journal) = match store.lease_attachment(id, attachment, now(), now()).await {
        Err(StoreError::Conflict) => bail!("attachment {attachment} may be worked on; it is judged later"),
        leased => leased?,
    };
    let failure = given_up(record.error_code.clone(), record.error_message.clone());
    tell_staff(store, id, StaffCause::GivenUp, now()).await?;
    let failed = store
        .advance_attachment(&record, AttachmentState::Failed, Some(&failure), now())
        .await;
    journal.release().await?;
    match failed {
        Ok(()) | Err(StoreError::Conflict) => {}
        Err(error) => return Err(error.into()),
    }
    close_import(store, &deps.queues, id, attachment, Duration::ZERO).await?;
    settle_if_there(deps, id).await
}

/// The request may have waited for this file only.
async fn settle_if_there(deps: &Deps, id: RequestId) -> anyhow::Result<()> {
    match deps.store.find_request(id).await? {
        Some(_) => settle(deps, id).await,
        None => Ok(()),
    }
}
