//! A request's time frame in the table.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};

use super::expression::Change;
use super::request::keys;
use super::{NoticeKind, RequestRecord, Store, StoreError, attribute};
use crate::domain::{RequestState, Window};

impl RequestRecord {
    /// When its first pass may begin, where that is to be waited for.
    pub fn wait_for_start(&self, now: Timestamp) -> Option<Timestamp> {
        self.window.as_ref()?.wait_for_start(now)
    }

    /// Since when its frame is open, and it is in the state that it is in; none where the frame is not open.
    pub fn open_since(&self, now: Timestamp) -> Option<Timestamp> {
        let since: Timestamp = self.state_since.parse().ok()?;
        match &self.window {
            Some(window) => Some(window.open_since(now)?.max(since)),
            None => Some(since),
        }
    }

    /// How long its frame was open between two moments; without one it always is.
    pub fn open_time(&self, from: Timestamp, until: Timestamp) -> SignedDuration {
        match &self.window {
            Some(window) => window.open_time(from, until),
            None => until.duration_since(from),
        }
    }

    /// Until when its first pass waits, because the frame is over for the night.
    pub fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        let window = self.window.as_ref().filter(|_| self.state == RequestState::FirstPass)?;
        window.pause(now)
    }
}

impl Store {
    /// Gives a request another time frame, or none, before its first pass; whoever decided on a start by
    /// the one before has to look again. Where it is scheduled, the customer is told of it again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it has moved on, or has been given another frame meanwhile.
    pub async fn set_window(
        &self,
        record: &RequestRecord,
        window: Option<&Window>,
        notice: Option<NoticeKind>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let stored = attribute(window)?;
        let change = Change::default()
            .if_equal("state", record.state.as_str())
            .if_equal("generation", i64::from(record.generation))
            .if_at_most("reschedules", i64::from(record.reschedules))
            .set("reschedules", i64::from(record.reschedules) + 1)
            // Such as that the frame before had no room.
            .remove("error_code")
            .remove("error_message")
            .set_or_remove("window", stored);
        let (pk, sk) = keys(record.request_id);
        let update = change.update(&self.table, pk, sk)?;
        let mut items = vec![TransactWriteItem::builder().update(update).build()];
        items.extend(self.queued_notice(record.request_id, notice, now).await?);
        self.transact(items).await
    }
}
