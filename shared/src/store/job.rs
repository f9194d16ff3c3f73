//! Mailbox jobs in the table. How they get on is in `advance.rs`.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::{BeforeLook, Item, Looked, OwnerMail, Store, StoreError, belonging, request, stamp};
use crate::domain::source::route;
use crate::domain::{
    Check, ClassCounts, CopyOptions, EmailAddress, Endpoint, FoundBy, JobId, JobState, JobStatus, MailboxOrder, Pass,
    RequestId, RequestState, Rest, is_zero,
};

/// One mailbox of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Its id.
    pub job_id: JobId,
    /// The request it belongs to.
    pub request_id: RequestId,
    /// Where it is on its way, with the pass.
    #[serde(flatten)]
    pub status: JobStatus,
    /// Since when.
    pub state_since: String,
    /// When it was accepted.
    pub created_at: String,
    /// The address at the previous provider, lower case: what staff look for.
    pub address: String,
    /// The address's domain.
    pub domain: String,
    /// The user name there.
    pub source_user: String,
    /// The server there; while it is sought, the likeliest.
    pub source: Endpoint,
    /// The customer has named no server, and none has been found yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seeks_source: bool,
    /// How the server was found, where the customer has named none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_found_by: Option<FoundBy>,
    /// The password there, sealed; gone as soon as nothing needs it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_password: Option<String>,
    /// The address here.
    pub destination: EmailAddress,
    /// The password here, sealed, where the row gives one; gone as soon as nothing needs it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_destination_password: Option<String>,
    /// Whether the row gave a password here that is gone now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub had_destination_password: bool,
    /// What is to be copied, and how: those of the request.
    #[serde(default, skip_serializing_if = "CopyOptions::is_default")]
    pub options: CopyOptions,
    /// What was found when it was looked at before the copying.
    #[serde(flatten)]
    pub check: Check,
    /// How many folders the mailbox has.
    pub folders: u32,
    /// How many of them the running pass still waits for.
    pub open_folders: u32,
    /// How many there was work in when the running pass had been planned.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pass_folders: u32,
    /// Messages at the source, as planned.
    pub messages_total: i64,
    /// Of those, how many are at the destination.
    pub messages_copied: i64,
    /// Bytes at the source, as planned.
    pub bytes_total: i64,
    /// Of those, how many are at the destination.
    pub bytes_copied: i64,
    /// How many messages and folders are not at the destination as they are at the source.
    pub exceptions: i64,
    /// How many folders are named otherwise at the destination, and messages are there repaired or
    /// without some of their flags: nothing is missing, but the report tells.
    #[serde(default)]
    pub notes: i64,
    /// The certificate, once it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateNote>,
    /// How it was when its last later pass began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_look: Option<BeforeLook>,
    /// What its last later pass brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Looked>,
    /// Why it failed, or what went wrong last: a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The same in words for a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The rest it took last because its previous provider gave out no more for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// The mail to its owner.
    #[serde(flatten)]
    pub owner: OwnerMail,
}

impl JobRecord {
    /// The rest that it takes now, while it is worked on.
    pub fn resting(&self, now: Timestamp) -> Option<Rest> {
        let is_at_work = matches!(self.status.state(), JobState::Planning | JobState::Copying);
        self.rest.filter(|rest| is_at_work && rest.left(now).is_some())
    }
}

/// What the table keeps of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateNote {
    /// When it was made.
    pub made_at: String,
    /// After which pass: what was found then is what it was made of.
    #[serde(default = "Pass::only_certified")]
    pub pass: Pass,
    /// Whether both sides are the same.
    pub agrees: bool,
    /// How many of its exceptions were refused for what; of the others it says nothing.
    #[serde(default, skip_serializing_if = "ClassCounts::is_empty")]
    pub classes: ClassCounts,
}

/// How a mailbox ends after its last pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// After which pass.
    pub pass: Pass,
    /// How many messages and folders are not as they should be; with any, it is not completed.
    pub exceptions: i64,
    /// The certificate; none where none could be made.
    pub certificate: Option<CertificateNote>,
    /// What was found at the end; none where nothing is beyond what is noted already.
    pub failure: Option<Failure>,
}

/// Why a mailbox failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word.
    pub code: String,
    /// Words for a customer, without anything secret.
    pub message: String,
}

/// What planning found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanTotals {
    /// Folders of the mailbox.
    pub folders: u32,
    /// Of those, how many there is work in.
    pub open_folders: u32,
    /// Messages at the source.
    pub messages: i64,
    /// Of those, how many are at the destination already.
    pub messages_copied: i64,
    /// Bytes at the source.
    pub bytes: i64,
    /// Of those, how many are at the destination already.
    pub bytes_copied: i64,
    /// Folders that could not be copied, and messages that were refused.
    pub exceptions: i64,
    /// See [`JobRecord::notes`].
    pub notes: i64,
}

pub(super) fn keys(id: JobId) -> (String, String) {
    (
        request::partition(id.request()),
        format!("{}{:05}", prefix(id.generation()), id.row()),
    )
}

fn prefix(generation: u32) -> String {
    format!("JOB#{generation}#")
}

impl JobRecord {
    /// The record of a mailbox that has just been accepted; nothing is done for it yet. The sealed
    /// passwords have to be those of the order, sealed for this very job.
    pub fn accepted(
        job_id: JobId,
        order: &MailboxOrder,
        sealed_password: String,
        sealed_destination_password: Option<String>,
        options: &CopyOptions,
        now: Timestamp,
    ) -> Self {
        Self {
            job_id,
            request_id: job_id.request(),
            status: JobStatus::WAITING,
            state_since: stamp(now),
            created_at: stamp(now),
            address: order.address.key(),
            domain: order.address.domain().to_owned(),
            source_user: order.source_user.clone(),
            source: order.source.clone(),
            seeks_source: order.seeks_source,
            source_found_by: None,
            sealed_password: Some(sealed_password),
            destination: order.destination.clone(),
            sealed_destination_password,
            had_destination_password: false,
            options: options.clone(),
            check: Check::default(),
            folders: 0,
            open_folders: 0,
            pass_folders: 0,
            messages_total: 0,
            messages_copied: 0,
            bytes_total: 0,
            bytes_copied: 0,
            exceptions: 0,
            notes: 0,
            certificate: None,
            before_look: None,
            looked: None,
            error_code: None,
            error_message: None,
            rest: None,
            owner: OwnerMail::default(),
        }
    }

    /// The server there, where it is known.
    pub fn named_source(&self) -> Option<&Endpoint> {
        (!self.seeks_source).then_some(&self.source)
    }

    /// From where to where it is copied.
    pub fn route(&self) -> String {
        route(&self.source, &self.source_user, &self.destination.to_string())
    }

    /// Where the certificate is, once it is made: a path of the API.
    pub fn certificate_path(&self) -> Option<String> {
        self.certificate.as_ref()?;
        let (id, row) = (self.request_id, self.job_id.row());
        Some(format!("/v1/requests/{id}/mailboxes/{row}/certificate"))
    }

    fn item(&self) -> Result<Item, StoreError> {
        let (pk, sk) = keys(self.job_id);
        let mut item = belonging(self.request_id, pk, sk, self)?;
        item.insert(
            "entity_state".to_owned(),
            AttributeValue::S(entity_state(self.status.state())),
        );
        Ok(item)
    }
}

impl Store {
    /// Puts the accepted mailboxes of a request. Idempotency key: the job ids. Only while the
    /// request is being checked, so that a late second call cannot set jobs back that have begun.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the request has moved on.
    pub async fn put_jobs(&self, jobs: &[JobRecord]) -> Result<(), StoreError> {
        let mut puts = Vec::with_capacity(jobs.len());
        for job in jobs {
            puts.push(job.item()?);
        }
        let Some(first) = jobs.first() else { return Ok(()) };
        let fence = ConditionCheck::builder()
            .table_name(&self.table)
            .key("PK", AttributeValue::S(request::partition(first.request_id)))
            .key("SK", AttributeValue::S("REQUEST".to_owned()))
            .condition_expression("#state = :checking AND generation = :generation")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(
                ":checking",
                AttributeValue::S(RequestState::Checking.as_str().to_owned()),
            )
            .expression_attribute_values(":generation", AttributeValue::N(first.job_id.generation().to_string()))
            .build()?;
        self.put_fenced(&fence, puts).await
    }

    /// The mailboxes of a request's generation, in the order of their rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn jobs(&self, id: RequestId, generation: u32) -> Result<Vec<JobRecord>, StoreError> {
        self.query(&request::partition(id), &prefix(generation)).await
    }

    /// Deletes the mailboxes, previews and refused rows of all generations. None may have started.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_generations(&self, id: RequestId) -> Result<(), StoreError> {
        let pk = request::partition(id);
        for prefix in ["JOB#", super::preview::ALL, super::refused::ALL] {
            self.delete_all(&pk, prefix).await?;
        }
        Ok(())
    }

    /// A mailbox that must be there.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where it is not.
    pub async fn job(&self, id: JobId) -> Result<JobRecord, StoreError> {
        let (pk, sk) = keys(id);
        self.get(pk, sk)
            .await?
            .ok_or_else(|| StoreError::Missing(format!("mailbox job {id}")))
    }
}

impl Failure {
    /// The change that notes it at an item.
    pub(super) fn change(&self) -> Change {
        Change::default()
            .set("error_code", self.code.clone())
            .set("error_message", self.message.clone())
    }
}

pub(super) fn entity_state(state: JobState) -> String {
    format!("job#{}", state.as_str())
}
