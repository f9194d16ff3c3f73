//! What is promised to requests in their time frames: read all together, so they are in one partition.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, item_of};
use crate::domain::{RequestId, Reservation};

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
    /// [`StoreError`].
    pub async fn reserve(&self, id: RequestId, reservation: Reservation) -> Result<(), StoreError> {
        let end = reservation.end().and_then(|end| end.checked_add(KEPT).ok());
        let record = ReservationRecord {
            request_id: id,
            reservation,
            expires_at: end.map(Timestamp::as_second),
        };
        let item = item_of(PARTITION.to_owned(), sort_key(id), &record)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await?;
        Ok(())
    }

    /// Takes a promise back, if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn free(&self, id: RequestId) -> Result<(), StoreError> {
        self.delete_all(PARTITION, &sort_key(id)).await
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
