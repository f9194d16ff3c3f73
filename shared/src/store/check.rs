//! Checks of mailboxes in the table: begun, found, mended, begun again.
//!
//! While a request is being checked its `open_jobs` counts the mailboxes whose check is under way;
//! what brings it to zero has the request admitted. A mailbox's `check_round` counts how often its row
//! was mended: what was found out about an earlier form is dropped.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use jiff::Timestamp;

use super::expression::Change;
use super::{JobRecord, RequestRecord, Store, StoreError, attribute, job, request, stamp};
use crate::domain::job::transition as transition_of_job;
use crate::domain::request::transition;
use crate::domain::{Check, CheckState, Endpoint, JobEvent, JobId, RequestEvent, RequestState};

/// A row that has been mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MendedRow {
    /// The server.
    pub source: Endpoint,
    /// It is still to be found.
    pub seeks_source: bool,
    /// The user name there.
    pub source_user: String,
    /// The password there, sealed.
    pub sealed_password: Option<String>,
    /// The password here, sealed.
    pub sealed_destination_password: Option<String>,
}

impl Store {
    /// Begins the checks of a request's generation, so many as there are mailboxes to check. Says
    /// whether this call began them; they begin once for each file that was read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_checks(&self, request: &RequestRecord, mailboxes: u32) -> Result<bool, StoreError> {
        let change = Change::default()
            .if_equal("state", RequestState::Checking.as_str())
            .if_equal("state_since", request.state_since.clone())
            .if_equal("generation", i64::from(request.generation))
            .if_equal("open_jobs", 0)
            .if_not("checks_begun", request.state_since.clone())
            .set("open_jobs", i64::from(mailboxes))
            .set("checks_begun", request.state_since.clone());
        let (pk, sk) = request::keys(request.request_id);
        self.change_if(change, pk, sk).await
    }

    /// Takes the right to look at a mailbox until a time, and notes that it is looked at. Says whether this
    /// call has it: each look is a login, and too many wrong ones lock mailboxes, so a second message for
    /// the same mailbox has to find it taken.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease_check(
        &self,
        id: JobId,
        check: &Check,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (pk, sk) = job::keys(id);
        let change = written(check)?
            .if_at_most("check_until", now.as_second())
            .set("check_until", until.as_second());
        self.change_if(change, pk, sk).await
    }

    /// Notes that the check of a mailbox goes on, with what was found so far and is not believed yet, and
    /// that it rests until a time.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the row has been mended meanwhile.
    pub async fn note_check(&self, id: JobId, check: &Check, rests_until: Timestamp) -> Result<(), StoreError> {
        let (pk, sk) = job::keys(id);
        let change = written(check)?.set("check_until", rests_until.as_second());
        self.change(change, pk, sk).await
    }

    /// Ends the check of a mailbox, and counts it at its request while that is being checked. Gives how
    /// many checks the request still waits for, `None` where it waits for none. Idempotency key: the
    /// mailbox and its round.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_check(&self, id: JobId, check: &Check) -> Result<Option<u32>, StoreError> {
        let (pk, sk) = job::keys(id);
        loop {
            let job = self.job(id).await?;
            let request = self.request(id.request()).await?;
            let is_waited_for = request.state == RequestState::Checking && request.open_jobs > 0;
            if job.check.round != check.round {
                return Ok(None);
            }
            if job.check.state.is_open() {
                let change = written(check)?.if_equal("check_state", job.check.state.as_str());
                let update = change.update(&self.table, pk.clone(), sk.clone())?;
                let mut items = vec![TransactWriteItem::builder().update(update).build()];
                if is_waited_for {
                    let count = Change::default()
                        .if_equal("state", RequestState::Checking.as_str())
                        .if_at_least("open_jobs", 1)
                        .add("open_jobs", -1);
                    let (pk, sk) = request::keys(id.request());
                    let update = count.update(&self.table, pk, sk)?;
                    items.push(TransactWriteItem::builder().update(update).build());
                }
                match self.transact(items).await {
                    // Another delivery ended it, the row was mended, or the request moved on: look again.
                    Err(StoreError::Conflict) => continue,
                    written => written?,
                }
            } else if request.state == RequestState::Scheduled {
                // Looked at once more before the start.
                let change = written(check)?;
                match self.change(change, pk, sk).await {
                    Ok(()) | Err(StoreError::Conflict) => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
            let now = self.request(id.request()).await?;
            let is_counted = now.state == RequestState::Checking && now.checks_have_begun();
            return Ok(is_counted.then_some(now.open_jobs));
        }
    }

    /// Writes a mended row, and has its mailbox checked again. Before the request is scheduled it goes
    /// back to being checked in the same write, and waits for it; a mailbox that failed in the first pass waits again
    /// then. Idempotency key: the round that the
    /// mailbox was in.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where mailbox or request have changed since they were read, and while the rows
    /// of the request are still being read.
    pub async fn mend_job(
        &self,
        job: &JobRecord,
        request: &RequestRecord,
        row: &MendedRow,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let source: AttributeValue = serde_dynamo::to_attribute_value(&row.source)?;
        let (pk, sk) = job::keys(job.job_id);
        let change = Change::default()
            .if_equal("state", job.status.state().as_str())
            .if_equal("check_round", i64::from(job.check.round))
            .if_equal("check_state", job.check.state.as_str())
            .set("source", source)
            .set_or_remove("seeks_source", row.seeks_source.then_some(AttributeValue::Bool(true)))
            .remove("source_found_by")
            .set("source_user", row.source_user.clone())
            .set_or_remove("sealed_password", row.sealed_password.clone())
            .set_or_remove("sealed_destination_password", row.sealed_destination_password.clone())
            .set("check_state", CheckState::Waiting.as_str())
            .set("check_round", i64::from(job.check.round) + 1)
            .remove("check_faults")
            .remove("check_times")
            .remove("check_servers")
            .remove("check_was_right")
            .remove("check_until");
        let again = transition_of_job(job.status, JobEvent::TriedAgain).ok();
        let change = match again.filter(|_| waiting_for(request.state).is_some()) {
            Some(next) => change
                .set("state", next.state().as_str())
                .set_or_remove("pass", next.pass())
                .set("entity_state", job::entity_state(next.state()))
                .set("state_since", stamp(now))
                .remove("error_code")
                .remove("error_message"),
            None => change,
        };
        let mut items = vec![
            TransactWriteItem::builder()
                .update(change.update(&self.table, pk, sk)?)
                .build(),
        ];
        let (pk, sk) = request::keys(request.request_id);
        let fence = Change::default()
            .if_equal("state", request.state.as_str())
            .if_equal("generation", i64::from(request.generation))
            .if_equal("open_jobs", i64::from(request.open_jobs));
        let fence = match waiting_for(request.state) {
            Some(next) if next != request.state => fence
                .add("open_jobs", 1)
                .set("state", next.as_str())
                .set("entity_state", request::entity_state(next))
                .set("state_since", stamp(now))
                .set("checks_begun", stamp(now))
                .remove("error_code")
                .remove("error_message")
                .set_or_remove("expires_at", self.kept_until(request, next, now)),
            // One whose check has been counted before is waited for already. Before the checks have begun the
            // rows are still being read.
            Some(_) if job.check.state.is_open() => has_begun(fence, request).set("mended_at", stamp(now)),
            Some(_) => has_begun(fence, request).add("open_jobs", 1),
            None => fence.set("mended_at", stamp(now)),
        };
        items.push(
            TransactWriteItem::builder()
                .update(fence.update(&self.table, pk, sk)?)
                .build(),
        );
        self.transact(items).await
    }
}

/// Only while the checks of the request as it was read have begun.
fn has_begun(fence: Change, request: &RequestRecord) -> Change {
    fence.if_equal("checks_begun", request.state_since.clone())
}

/// The change that writes what a check found, while the row is as it was looked at.
fn written(check: &Check) -> Result<Change, StoreError> {
    let faults: Option<AttributeValue> = (!check.faults.is_empty())
        .then(|| serde_dynamo::to_attribute_value(&check.faults))
        .transpose()?;
    let (servers, size) = (attribute(check.servers.as_ref())?, attribute(check.size.as_ref())?);
    Ok(Change::default()
        .if_there()
        .if_equal("check_round", i64::from(check.round))
        .set("check_state", check.state.as_str())
        .set("check_times", i64::from(check.times))
        .set_or_remove("checked_at", check.at.clone())
        .set_or_remove("check_faults", faults)
        .set_or_remove("check_size", size)
        .set_or_remove("check_servers", servers)
        .set_or_remove("check_was_right", check.was_right.then_some(AttributeValue::Bool(true))))
}

/// The state of a request of which a row is mended, where it then waits for the row's check.
fn waiting_for(state: RequestState) -> Option<RequestState> {
    match transition(state, RequestEvent::RowMended) {
        Ok(next) => Some(next),
        Err(illegal) => illegal.already_there().then_some(state),
    }
}
