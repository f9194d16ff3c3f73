//! What certifying writes down: who may certify a mailbox, and what was found in each part of it. Second copies that the
//! first pass removes at its end stand there too.
//!
//! Findings stand beside the chunks and not in them, so that comparing writes nothing that copying
//! reads.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::folder::partition;
use super::{Ledger, Store, StoreError, belonging};
use crate::domain::reading::Readings;
use crate::domain::tally::Tally;
use crate::domain::uid::{UidMap, UidSet};
use crate::domain::{JobId, Pass};

/// Where it stands who may certify.
const LEASE_KEY: &str = "CERTIFICATE";

/// The right to certify a mailbox, until the lease ends.
#[derive(Clone, Copy, Debug)]
pub struct CertifyLease {
    job: JobId,
    pass: Pass,
    epoch: i64,
}

/// Messages that are not at the destination as they are or were at the source, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discrepancy {
    /// A stable word; what they are is in [`crate::certify::code`].
    pub code: String,
    /// The same in words for a customer.
    pub text: String,
    /// How many; 0 where it is about the folder.
    pub messages: u64,
    /// Their source UIDs, the first ten thousand.
    pub uids: UidSet,
}

/// What was found in a chunk, or in a folder beyond its chunks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The mailbox.
    pub job_id: JobId,
    /// The folder's number.
    pub folder: u32,
    /// The chunk's number; none for the folder as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u32>,
    /// After which pass it was found; what an earlier one's certificate was made of is found anew, and stays.
    #[serde(default = "Pass::only_certified")]
    pub pass: Pass,
    /// Whether it is whole. Until then it holds what has been read so far.
    pub done: bool,
    /// Copied messages that can be compared, as the source held them.
    #[serde(default)]
    pub source: Tally,
    /// The same messages as the destination holds them.
    #[serde(default)]
    pub destination: Tally,
    /// What is not as it should be.
    #[serde(default)]
    pub discrepancies: Vec<Discrepancy>,
    /// Source UIDs of messages that were copied and that the user has removed at the destination.
    #[serde(default)]
    pub gone_since: UidSet,
    /// Source UIDs of messages that are at the destination and cannot be compared, because they are
    /// no longer at the source.
    #[serde(default)]
    pub unverified: UidSet,
    /// Copied messages that are no longer at the source (of the folder).
    #[serde(default)]
    pub gone_at_source: u64,
    /// Messages that arrived at the source after the last pass was planned (of the folder).
    #[serde(default)]
    pub arrived_since: u64,
    /// Messages at the destination that this mailbox did not bring there (of the folder).
    #[serde(default)]
    pub others: u64,
    /// What became of the folder at the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_state: Option<SourceState>,
    /// Second copies that came late and are removed, or about to be: destination UID to source UID.
    #[serde(default)]
    pub late_copies: UidMap,
    /// What has been read at the source, while it is not done.
    #[serde(default, skip_serializing_if = "Readings::is_empty")]
    pub read_there: Readings,
    /// What has been read at the destination, while it is not done.
    #[serde(default, skip_serializing_if = "Readings::is_empty")]
    pub read_here: Readings,
}

/// How a folder is at the source when it is certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// It can be read.
    There,
    /// It is not there any more.
    Gone,
    /// It is there under another UIDVALIDITY, so its UIDs are of other messages.
    Replaced,
    /// It cannot be read; what was read there while copying is what counts.
    Unreachable,
}

impl Finding {
    /// What is known before anything has been looked at.
    pub fn new(job_id: JobId, pass: Pass, folder: u32, chunk: Option<u32>) -> Self {
        Self {
            job_id,
            pass,
            folder,
            chunk,
            done: false,
            source: Tally::default(),
            destination: Tally::default(),
            discrepancies: Vec::new(),
            gone_since: UidSet::default(),
            unverified: UidSet::default(),
            gone_at_source: 0,
            arrived_since: 0,
            others: 0,
            source_state: None,
            late_copies: UidMap::default(),
            read_there: Readings::default(),
            read_here: Readings::default(),
        }
    }

    /// What was found of a part after this pass before; where that is nothing, what is known before anything has been
    /// looked at.
    pub(crate) fn among(findings: &[Self], job_id: JobId, pass: Pass, folder: u32, chunk: Option<u32>) -> Self {
        let mut findings = findings.iter();
        let found = findings.find(|known| (known.pass, known.folder, known.chunk) == (pass, folder, chunk));
        found.cloned().unwrap_or_else(|| Self::new(job_id, pass, folder, chunk))
    }

    /// Notes second copies that are about to be removed, beside those that were.
    pub(crate) fn note_late_copies(&mut self, copies: &UidMap) {
        for (copy_uid, uid) in copies.iter() {
            self.late_copies.insert(copy_uid, uid);
        }
    }

    fn sort_key(&self) -> String {
        let folder = format!("{}{:05}", prefix(self.pass), self.folder);
        match self.chunk {
            Some(chunk) => format!("{folder}#{chunk:05}"),
            None => folder,
        }
    }
}

/// What the sort keys of what was found after a pass begin with.
fn prefix(pass: Pass) -> String {
    format!("{LEASE_KEY}#{pass}#")
}

impl CertifyLease {
    /// The right of the worker that counted the epoch up to this.
    pub fn new(job: JobId, pass: Pass, epoch: i64) -> Self {
        Self { job, pass, epoch }
    }

    /// After which pass it is certified.
    pub fn pass(&self) -> Pass {
        self.pass
    }

    /// How often the right was taken, this time included.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }
}

/// Findings of mailboxes. What is written is durable on return.
pub trait Findings: Ledger {
    /// All that was found in a mailbox after a pass: what is of a folder as a whole before what is of its chunks.
    fn findings(&self, job: JobId, pass: Pass) -> impl Future<Output = Result<Vec<Finding>, StoreError>> + Send;

    /// Puts a finding, in place of what was known before. Idempotency key: pass, folder and chunk.
    /// [`StoreError::Conflict`] where the right to certify has been lost.
    fn put_finding(
        &self,
        lease: CertifyLease,
        finding: &Finding,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl Findings for Store {
    async fn findings(&self, job: JobId, pass: Pass) -> Result<Vec<Finding>, StoreError> {
        self.query(&partition(job), &prefix(pass)).await
    }

    async fn put_finding(&self, lease: CertifyLease, finding: &Finding) -> Result<(), StoreError> {
        let pk = partition(lease.job);
        let item = belonging(lease.job.request(), pk.clone(), finding.sort_key(), finding)?;
        let fence = ConditionCheck::builder()
            .table_name(&self.table)
            .key("PK", AttributeValue::S(pk))
            .key("SK", AttributeValue::S(LEASE_KEY.to_owned()))
            .condition_expression("epoch = :epoch")
            .expression_attribute_values(":epoch", AttributeValue::N(lease.epoch.to_string()))
            .build()?;
        self.put_fenced(&fence, vec![item]).await
    }
}

/// The item that certifying is leased by.
#[derive(Deserialize)]
struct Lease {
    epoch: i64,
    lease_until: i64,
}

impl Store {
    /// Takes the right to certify a mailbox until `until`; or says until when, in seconds since
    /// 1970, another worker holds it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease_certificate(
        &self,
        job: JobId,
        pass: Pass,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Result<CertifyLease, i64>, StoreError> {
        let (pk, sk) = (partition(job), LEASE_KEY.to_owned());
        let change = Change::default()
            .if_at_most("lease_until", now.as_second())
            .set("lease_until", until.as_second())
            .set("expires_at", super::expires_at(job.request()))
            .add("epoch", 1);
        let taken = match self.change(change, pk.clone(), sk.clone()).await {
            Ok(()) => true,
            Err(StoreError::Conflict) => false,
            Err(error) => return Err(error),
        };
        let lease: Option<Lease> = self.get(pk, sk).await?;
        let lease = lease.ok_or_else(|| StoreError::Missing(format!("certificate of {job}")))?;
        Ok(if taken {
            Ok(CertifyLease::new(job, pass, lease.epoch))
        } else {
            Err(lease.lease_until)
        })
    }

    /// Gives the right to certify back, so that the next run need not wait for its end.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it has been lost.
    pub async fn release_certificate(&self, lease: CertifyLease) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("epoch", lease.epoch)
            .set("lease_until", 0_i64);
        self.change(change, partition(lease.job), LEASE_KEY.to_owned()).await
    }
}
