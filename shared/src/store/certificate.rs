//! The end of a mailbox after its last pass: with a certificate, or without.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::job::Failure;
use super::{Advance, JobRecord, Store, StoreError};
use crate::domain::{JobEvent, JobId};

/// What the table keeps of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateNote {
    /// When it was made.
    pub made_at: String,
    /// Whether both sides are the same.
    pub agrees: bool,
}

/// How a mailbox ends after its last pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How many messages and folders are not as they should be; with any, it is not completed.
    pub exceptions: i64,
    /// The certificate; none where none could be made.
    pub certificate: Option<CertificateNote>,
    /// What was found at the end; none where nothing is beyond what is noted already.
    pub failure: Option<Failure>,
}

impl JobRecord {
    /// Where the certificate is, once it is made: a path of the API.
    pub fn certificate_path(&self) -> Option<String> {
        self.certificate.as_ref()?;
        let (id, row) = (self.request_id, self.job_id.row());
        Some(format!("/v1/requests/{id}/mailboxes/{row}/certificate"))
    }
}

impl Store {
    /// Ends a mailbox after its last pass and counts its request's open mailboxes down, in one write.
    /// Idempotency key: the job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certify_job(
        &self,
        id: JobId,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<Advance<JobRecord>, StoreError> {
        let event = JobEvent::Certified {
            exceptions: verdict.exceptions > 0 || !verdict.certificate.as_ref().is_some_and(|note| note.agrees),
        };
        let certificate: Option<AttributeValue> = verdict
            .certificate
            .as_ref()
            .map(serde_dynamo::to_attribute_value)
            .transpose()?;
        let change = match (&verdict.failure, verdict.exceptions) {
            (Some(failure), _) => failure.change(),
            (None, 0) => Change::default().remove("error_code").remove("error_message"),
            (None, _) => Change::default(),
        };
        let change = change
            .set("exceptions", verdict.exceptions)
            .set_or_remove("certificate", certificate);
        self.advance_job(id, event, now, change, true).await
    }
}
