//! Requests that have been in a state for longer than they should.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::{RequestRecord, Store, StoreError, request, stamp};
use crate::domain::{RequestId, RequestState};

/// When a first pass that runs will be done, as far as could be told at a moment; both in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reckoning {
    /// When it was reckoned.
    pub at: i64,
    /// The middle of what is probable; none where nobody can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
}

#[derive(Deserialize)]
struct OfRequest {
    request_id: RequestId,
}

impl Store {
    /// The requests that have been in a state since this moment or longer, by the index, which may be a moment
    /// behind.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn requests_since(&self, state: RequestState, since: Timestamp) -> Result<Vec<RequestId>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by_state")
            .key_condition_expression("entity_state = :state AND state_since <= :since")
            .expression_attribute_values(":state", AttributeValue::S(request::entity_state(state)))
            .expression_attribute_values(":since", AttributeValue::S(stamp(since)))
            .projection_expression("request_id")
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            let OfRequest { request_id } = serde_dynamo::from_item(item?)?;
            found.push(request_id);
        }
        Ok(found)
    }

    /// Notes when the first pass of a request will be done. Idempotency key: the request and the moment.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it has moved on.
    pub async fn note_reckoning(&self, request: &RequestRecord, reckoned: Reckoning) -> Result<(), StoreError> {
        let stored: AttributeValue = serde_dynamo::to_attribute_value(reckoned)?;
        let change = Change::default()
            .if_equal("state", request.state.as_str())
            .set("reckoned", stored);
        let (pk, sk) = request::keys(request.request_id);
        self.change(change, pk, sk).await
    }

    /// Takes it upon the caller to look after a request, or notes that it has been; false where somebody has
    /// since `before`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn look_after(&self, id: RequestId, before: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        let change = Change::default()
            .if_there()
            .if_at_most("looked_after", before.as_second())
            .set("looked_after", now.as_second());
        let (pk, sk) = request::keys(id);
        self.change_if(change, pk, sk).await
    }
}
