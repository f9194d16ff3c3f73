//! Mailbox jobs getting on: each change of state goes through the domain's transition function.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use jiff::Timestamp;

use super::expression::Change;
use super::job::{Failure, PlanTotals, Verdict, entity_state, keys};
use super::{Advance, JobRecord, Store, StoreError, attribute, request, stamp};
use crate::domain::job::transition;
use crate::domain::{JobEvent, JobId, JobState, Pass, Rest};

/// What a step is for the pass that its mailbox is in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// Its work goes on, or ends with its request's.
    Within,
    /// Its last: it is counted down. With this trouble, where there is any.
    Last(Option<&'a str>),
}

impl Store {
    /// Begins a pass for a mailbox. Idempotency key: job and pass.
    ///
    /// # Errors
    /// [`StoreError::Illegal`] where the mailbox takes no part in this pass.
    pub async fn start_job(&self, id: JobId, pass: Pass, now: Timestamp) -> Result<Advance<JobRecord>, StoreError> {
        // Another day, another cap.
        let change = Change::default()
            .remove("error_code")
            .remove("error_message")
            .remove("rest");
        let change = if pass.is_later() {
            let before: AttributeValue = serde_dynamo::to_attribute_value(self.job(id).await?.before_look_now())?;
            change.set("before_look", before)
        } else {
            change
        };
        self.advance_job(id, JobEvent::PassStarted(pass), now, change, Step::Within)
            .await
    }

    /// Ends the planning of a mailbox. Idempotency key: job and pass.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn plan_job(
        &self,
        id: JobId,
        pass: Pass,
        totals: PlanTotals,
        now: Timestamp,
    ) -> Result<Advance<JobRecord>, StoreError> {
        let change = Change::default()
            .set("folders", i64::from(totals.folders))
            .set("open_folders", i64::from(totals.open_folders))
            .set("pass_folders", i64::from(totals.open_folders))
            .set("messages_total", totals.messages)
            .set("messages_copied", totals.messages_copied)
            .set("bytes_total", totals.bytes)
            .set("bytes_copied", totals.bytes_copied)
            .set("exceptions", totals.exceptions)
            .set("notes", totals.notes);
        self.advance_job(id, JobEvent::Planned(pass), now, change, Step::Within)
            .await
    }

    /// Ends the pass of a mailbox. The end of the first counts its request's open mailboxes down in the
    /// same write; after the final one the mailbox is still to be certified. Idempotency key: job and
    /// pass.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_job(
        &self,
        job: &JobRecord,
        pass: Pass,
        now: Timestamp,
    ) -> Result<Advance<JobRecord>, StoreError> {
        // With exceptions, what is noted last says which.
        let change = match job.exceptions {
            0 => Change::default().remove("error_code").remove("error_message"),
            _ => Change::default(),
        };
        let step = match pass {
            Pass::First => Step::Last(None),
            Pass::Final | Pass::Later(_) => Step::Within,
        };
        self.advance_job(job.job_id, JobEvent::PassFinished(pass), now, change, step)
            .await
    }

    /// Ends a mailbox after its final pass, or a later one, and counts its request's open mailboxes down, in one
    /// write. Idempotency key: the job and the pass.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certify_job(
        &self,
        id: JobId,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<Advance<JobRecord>, StoreError> {
        let exceptions = verdict.exceptions > 0 || !verdict.certificate.as_ref().is_some_and(|note| note.agrees);
        let looked = match verdict.pass {
            Pass::Later(_) => self.job(id).await?.looked_by(&verdict, exceptions),
            Pass::First | Pass::Final => None,
        };
        let event = JobEvent::Certified {
            pass: verdict.pass,
            exceptions,
        };
        let certificate = attribute(verdict.certificate.as_ref())?;
        let change = match (&verdict.failure, verdict.exceptions) {
            (Some(failure), _) => failure.change(),
            (None, 0) => Change::default().remove("error_code").remove("error_message"),
            (None, _) => Change::default(),
        };
        let change = change
            .set("exceptions", verdict.exceptions)
            .set_or_remove("looked", attribute(looked.as_ref())?);
        let change = match (certificate, verdict.pass) {
            // The one that was made before still says what it said, and when.
            (None, Pass::Later(_)) => change,
            (certificate, _) => change.set_or_remove("certificate", certificate),
        };
        let trouble = looked.as_ref().and_then(|looked| looked.trouble.as_ref());
        let step = Step::Last(trouble.map(|failure| failure.code.as_str()));
        self.advance_job(id, event, now, change, step).await
    }

    /// Ends the pass of a mailbox as failed and counts its request's open mailboxes down, in one
    /// write. One that had been copied before a later pass does not fail with it. Idempotency key: the job;
    /// a mailbox that has ended otherwise stays as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fail_job(
        &self,
        id: JobId,
        failure: &Failure,
        now: Timestamp,
    ) -> Result<Advance<JobRecord>, StoreError> {
        let job = self.job(id).await?;
        match self.fail_look(&job, failure, now).await {
            Ok(None) => {}
            Ok(Some(ended)) => return Ok(ended),
            Err(StoreError::Illegal(_)) => return Ok(Advance::AlreadyThere(self.job(id).await?)),
            Err(error) => return Err(error),
        }
        let change = job.failed_before(failure).as_ref().unwrap_or(failure).change();
        let step = Step::Last(Some(&failure.code));
        match self.advance_job(id, JobEvent::Failed, now, change, step).await {
            Err(StoreError::Illegal(_)) => Ok(Advance::AlreadyThere(self.job(id).await?)),
            ended => ended,
        }
    }

    /// Has a mailbox wait again that failed in the first pass, because that pass is begun again; what was planned and
    /// copied of it stays. Idempotency key: the job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn wait_again(&self, id: JobId, now: Timestamp) -> Result<(), StoreError> {
        let change = Change::default().remove("error_code").remove("error_message");
        match self
            .advance_job(id, JobEvent::TriedAgain, now, change, Step::Within)
            .await
        {
            // Cancelled meanwhile, with its request.
            Ok(_) | Err(StoreError::Illegal(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends a mailbox because its request is cancelled. Idempotency key: the job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel_job(&self, id: JobId, now: Timestamp) -> Result<(), StoreError> {
        match self
            .advance_job(id, JobEvent::Cancelled, now, Change::default(), Step::Within)
            .await
        {
            Ok(_) | Err(StoreError::Illegal(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Notes what went wrong last, while the mailbox goes on being tried.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn note_failure(&self, id: JobId, failure: &Failure) -> Result<(), StoreError> {
        let (pk, sk) = keys(id);
        self.change(failure.change().if_there(), pk, sk).await
    }

    /// Notes that a mailbox rests because its previous provider gives out no more for a while.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_rest(&self, id: JobId, rest: Rest) -> Result<(), StoreError> {
        let (pk, sk) = keys(id);
        let rest: AttributeValue = serde_dynamo::to_attribute_value(rest)?;
        self.change(Change::default().if_there().set("rest", rest), pk, sk)
            .await
    }

    /// Moves a mailbox on; with what ends its work for good the sealed passwords go that nothing needs any more.
    pub(super) async fn advance_job(
        &self,
        id: JobId,
        event: JobEvent,
        now: Timestamp,
        change: Change,
        step: Step<'_>,
    ) -> Result<Advance<JobRecord>, StoreError> {
        loop {
            let before = self.job(id).await?;
            let next = match transition(before.status, event) {
                Ok(next) => next,
                Err(illegal) if illegal.already_there() => return Ok(Advance::AlreadyThere(before)),
                Err(illegal) => return Err(StoreError::Illegal(illegal.to_string())),
            };
            let change = change.clone().if_equal("state", before.status.state().as_str());
            // Passes repeat the states.
            let change = match before.status.pass() {
                Some(pass) => change.if_equal("pass", pass),
                None => change.if_absent("pass"),
            };
            let change = change
                .set("state", next.state().as_str())
                .set_or_remove("pass", next.pass())
                .set("entity_state", entity_state(next.state()))
                .set("state_since", stamp(now));
            let change = self.without_spent_passwords(change, &before, next, step, now).await?;
            let (pk, sk) = keys(id);
            let mut items = vec![
                TransactWriteItem::builder()
                    .update(change.update(&self.table, pk, sk)?)
                    .build(),
            ];
            // A mailbox that fails before its pass has begun was never counted.
            if matches!(step, Step::Last(_)) && before.status.state() != JobState::Waiting {
                let count = Change::default().if_at_least("open_jobs", 1).add("open_jobs", -1);
                let update = count.update(&self.table, request::partition(id.request()), "REQUEST".to_owned())?;
                items.push(TransactWriteItem::builder().update(update).build());
            }
            match self.transact(items).await {
                Ok(()) => return Ok(Advance::Changed(self.job(id).await?)),
                Err(StoreError::Conflict) if self.job(id).await?.status != before.status => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The change that goes with a chunk's end: counters of its mailbox.
    pub(super) fn job_counters(&self, id: JobId, counters: &[(&str, i64)]) -> Result<TransactWriteItem, StoreError> {
        let change = counters
            .iter()
            .filter(|(_, amount)| *amount != 0)
            .fold(Change::default().if_there(), |change, (name, amount)| {
                change.add(name, *amount)
            });
        let (pk, sk) = keys(id);
        Ok(TransactWriteItem::builder()
            .update(change.update(&self.table, pk, sk)?)
            .build())
    }
}
