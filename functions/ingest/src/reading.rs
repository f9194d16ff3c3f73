//! One step of reading an upload into the table.
//!
//! A step takes as many rows as fit a run; a message to ourselves brings the next. Each step fetches
//! and reads the file again, which costs little, and writes from the row that the mark in the table
//! says. Every write may be repeated: the same bytes give the same rows and faults.

use std::time::Duration;

use jiff::Timestamp;
use mailvan::clock::{Deadline, now};
use mailvan::domain::{CopyOptions, Grants, JobId, MailboxOrder};
use mailvan::intake::{Intake, Policy, read_file, too_large};
use mailvan::secrets::DataKey;
use mailvan::store::{JobRecord, RequestRecord, StoreError};
use mailvan::upload::UploadKey;

use crate::Deps;
use crate::object::{Content, Object};

/// How many rows are sealed and written before the mark is set.
const ROWS_A_MARK: usize = 990;

/// How many rows a step takes at most.
const ROWS_A_STEP: usize = 5_000;

/// What a step leaves of its run for what follows: the object's deletion, the message, the admission.
const KEPT_BACK: Duration = Duration::from_secs(20);

/// How far a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All of the file is in the table.
    Whole,
    /// So many of its rows are; there is more.
    Part(u32),
}

/// Puts rows and faults into the table; those of the uploads before go, and those of a file that
/// was read before under the same URL. The request is being checked: no mailbox has begun. The right
/// to read that lasts until `until` is held.
pub async fn read_step(
    deps: &Deps,
    key: UploadKey,
    object: &Object,
    request: &RequestRecord,
    until: Timestamp,
    deadline: Deadline,
) -> anyhow::Result<Progress> {
    let UploadKey { request_id, generation } = key;
    let store = &deps.admission.store;
    let Intake { rows, faults } = match &object.content {
        Content::Bytes(bytes) => {
            // A request that was made before permits were asked for has none, and may bring nothing new.
            let nothing = deps.needs_permit.then(Grants::none);
            let policy = Policy {
                plaintext_imap: deps.plaintext_imap,
                grants: request.grants.as_ref().or(nothing.as_ref()),
            };
            read_file(bytes, policy)
        }
        Content::TooLarge => Intake {
            rows: Vec::new(),
            faults: vec![too_large()],
        },
    };
    let file = format!("{generation} {}", object.e_tag.as_deref().unwrap_or_default());
    let mark = store.reading_mark(request_id).await?;
    let mut written = if mark.file.as_deref() == Some(file.as_str()) {
        usize::try_from(mark.rows)?
    } else {
        store.delete_generations(request_id).await?;
        store.put_faults(request_id, generation, &faults).await?;
        store.mark_reading(request_id, until, &file, 0).await?;
        tracing::info!(request.id = %request_id, generation, accepted = rows.len(), faults = faults.len(), "upload read");
        0
    };
    let begun_at = written;
    let mut data_key = None;
    while let Some(rest) = rows.get(written..).filter(|rest| !rest.is_empty()) {
        if written > begun_at && is_enough(written - begun_at, deadline.remaining()) {
            return Ok(Progress::Part(u32::try_from(written)?));
        }
        let batch = rest.get(..rest.len().min(ROWS_A_MARK)).unwrap_or_default();
        let data_key = match &data_key {
            Some(known) => known,
            None => data_key.insert(deps.secrets.data_key(request_id).await?),
        };
        match store.put_jobs(&seal(data_key, key, batch, &request.options)?).await {
            Ok(()) => {}
            // The request has ended meanwhile.
            Err(StoreError::Conflict) => return Ok(Progress::Whole),
            Err(error) => return Err(error.into()),
        }
        written += batch.len();
        store
            .mark_reading(request_id, until, &file, u32::try_from(written)?)
            .await?;
    }
    store.end_reading(request_id, until).await?;
    Ok(Progress::Whole)
}

/// Whether a step ends here. It takes one batch at least, so that it always gets on.
fn is_enough(taken: usize, remaining: Duration) -> bool {
    taken >= ROWS_A_STEP || remaining < KEPT_BACK
}

fn seal(
    data_key: &DataKey,
    UploadKey { request_id, generation }: UploadKey,
    rows: &[(u32, MailboxOrder)],
    options: &CopyOptions,
) -> anyhow::Result<Vec<JobRecord>> {
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
        jobs.push(JobRecord::accepted(
            id,
            order,
            password,
            destination_password,
            options,
            now,
        ));
    }
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_ends_with_its_rows_or_its_time() {
        let plenty = Duration::from_secs(50);
        assert!(!is_enough(ROWS_A_MARK, plenty));
        assert!(is_enough(ROWS_A_STEP, plenty));
        assert!(is_enough(ROWS_A_MARK, Duration::from_secs(19)));
    }
}
