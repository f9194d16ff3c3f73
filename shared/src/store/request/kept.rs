//! Until when a request is kept, and a new upload, by which that begins anew.

use jiff::Timestamp;

use super::{AnnouncedFile, RequestRecord, keys};
use crate::domain::RequestState;
use crate::store::expression::Change;
use crate::store::{Store, StoreError};

impl RequestRecord {
    /// Whether the table forgets it: what is sealed for it is opened no more.
    pub fn is_past_its_time(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now.as_second())
    }
}

impl Store {
    /// Begins a new upload: the generation counts one on, and rows of earlier ones are void. The
    /// request is kept for as long as if it had been made now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the request has moved on meanwhile.
    pub async fn renew_upload(
        &self,
        record: &RequestRecord,
        file: &AnnouncedFile,
        now: Timestamp,
    ) -> Result<RequestRecord, StoreError> {
        let after = RequestRecord {
            generation: record.generation + 1,
            csv_bytes: file.bytes,
            csv_sha256: file.sha256.clone(),
            preview_asked: None,
            expires_at: self.kept_until(record, record.state, now),
            ..record.clone()
        };
        let change = Change::default()
            .if_equal("state", record.state.as_str())
            .if_equal("generation", i64::from(record.generation))
            .set("generation", i64::from(after.generation))
            .remove("preview_asked")
            .set_or_remove("expires_at", after.expires_at)
            .set_or_remove("csv_bytes", file.bytes.and_then(|bytes| i64::try_from(bytes).ok()))
            .set_or_remove("csv_sha256", file.sha256.clone());
        let (pk, sk) = keys(record.request_id);
        self.change(change, pk, sk).await?;
        Ok(after)
    }

    /// Until when a request is kept that comes into a state now.
    pub(in crate::store) fn kept_until(
        &self,
        record: &RequestRecord,
        next: RequestState,
        now: Timestamp,
    ) -> Option<i64> {
        let made = record.created_at.parse().unwrap_or(now);
        self.retention.expires_at(next, made, now)
    }
}
