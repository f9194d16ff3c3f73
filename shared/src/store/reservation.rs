//! What is promised to requests in their time frames: read all together, so they are in one partition.
//!
//! A promise is made before its request is scheduled, and only while the request is in the state that it was
//! made for; it is emptied by the write that takes the request out of its frames, whatever that is. So no
//! crash leaves one behind.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::request::{self, RequestRecord};
use super::{Store, StoreError, item_of};
use crate::domain::{Loads, RequestId, RequestState, Reservation};

const PARTITION: &str = "RESERVATIONS";
const PREFIX: &str = "REQ#";

/// How long the table keeps what is over.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A request's reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationRecord {
    /// The request.
    pub request_id: RequestId,
    /// What is promised to it.
    #[serde(flatten)]
    pub reservation: Reservation,
    /// When the table forgets it, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

fn sort_key(id: RequestId) -> String {
    format!("{PREFIX}{id}")
}

impl Store {
    /// Promises a request its frame, in the place of what was promised to it before. Idempotency key: the
    /// request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it has moved on since it was read, or has been given another frame.
    pub async fn reserve(&self, request: &RequestRecord, reservation: Reservation) -> Result<(), StoreError> {
        let end = reservation.end().and_then(|end| end.checked_add(KEPT).ok());
        let put = self.put_reservation(&ReservationRecord {
            request_id: request.request_id,
            reservation,
            expires_at: end.map(Timestamp::as_second),
        })?;
        let fence = ConditionCheck::builder()
            .table_name(&self.table)
            .key("PK", AttributeValue::S(request::partition(request.request_id)))
            .key("SK", AttributeValue::S("REQUEST".to_owned()))
            .condition_expression(
                "#state = :state AND generation = :generation AND (attribute_not_exists(reschedules) OR reschedules = :reschedules)",
            )
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", AttributeValue::S(request.state.as_str().to_owned()))
            .expression_attribute_values(":generation", AttributeValue::N(request.generation.to_string()))
            .expression_attribute_values(":reschedules", AttributeValue::N(request.reschedules.to_string()))
            .build()?;
        let fence = TransactWriteItem::builder().condition_check(fence).build();
        self.transact(vec![fence, put]).await
    }

    /// The write that takes back what was promised to a request, where it leaves its frames.
    pub(super) fn freed(
        &self,
        id: RequestId,
        state: RequestState,
        next: RequestState,
        now: Timestamp,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        if next.has_room() || !(state.has_room() || state.may_be_given_room()) {
            return Ok(None);
        }
        let put = self.put_reservation(&ReservationRecord {
            request_id: id,
            // In its place, because the functions have no right to delete.
            reservation: Reservation {
                spans: Vec::new(),
                hosts: Loads::new(),
            },
            expires_at: Some(now.as_second()),
        })?;
        Ok(Some(put))
    }

    fn put_reservation(&self, record: &ReservationRecord) -> Result<TransactWriteItem, StoreError> {
        let item = item_of(PARTITION.to_owned(), sort_key(record.request_id), record)?;
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// What is promised to all other requests and not over yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reservations_beside(
        &self,
        id: Option<RequestId>,
        now: Timestamp,
    ) -> Result<Vec<Reservation>, StoreError> {
        let all: Vec<ReservationRecord> = self.query(PARTITION, PREFIX).await?;
        let others = all.into_iter().filter(|record| Some(record.request_id) != id);
        let reservations = others.map(|record| record.reservation);
        Ok(reservations
            .filter(|one| one.end().is_some_and(|end| end > now))
            .collect())
    }
}
