//! Which request an `Idempotency-Key` stands for.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, item_of};
use crate::domain::RequestId;

/// How long a key stands for its request: longer than anybody's retries.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What is kept of a key; see [`crate::idempotency`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRecord {
    /// The request that was made with it, or is being made.
    pub request_id: RequestId,
    /// The seal of the body.
    pub body_seal: String,
    /// What the token follows from, with the key.
    pub salt: String,
    /// How many mailboxes the body has; 0 where they come in a file.
    pub mailboxes: u32,
    /// When it was claimed: an order that was interrupted is judged as of then, however late it is repeated.
    pub made_at: Timestamp,
    /// Until when it stands, in seconds since 1970.
    pub expires_at: i64,
}

fn keys(hash: &str) -> (String, String) {
    (format!("KEY#{hash}"), "CLAIM".to_owned())
}

impl ClaimRecord {
    /// Until when a claim that is made now stands.
    pub fn expiry(now: Timestamp) -> i64 {
        now.checked_add(KEPT).map_or(i64::MAX, Timestamp::as_second)
    }
}

impl Store {
    /// What a key stands for, by its hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_claim(&self, hash: &str, now: Timestamp) -> Result<Option<ClaimRecord>, StoreError> {
        let (pk, sk) = keys(hash);
        let found: Option<ClaimRecord> = self.get(pk, sk).await?;
        // The table takes its time to forget.
        Ok(found.filter(|claim| claim.expires_at > now.as_second()))
    }

    /// Lets a key stand for a request. Durable on return; the first one counts.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it stands for one already.
    pub async fn put_claim(&self, hash: &str, claim: &ClaimRecord, now: Timestamp) -> Result<(), StoreError> {
        let (pk, sk) = keys(hash);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item_of(pk, sk, claim)?))
            .condition_expression("attribute_not_exists(PK) OR expires_at <= :now")
            .expression_attribute_values(":now", AttributeValue::N(now.as_second().to_string()));
        put.send().await?;
        Ok(())
    }
}
