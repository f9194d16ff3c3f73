//! When requests have to be seen to after their end, and the end of the passwords that are kept for that.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::unchanged;
use crate::domain::{LaterLooks, RequestId};
use crate::store::expression::Change;
use crate::store::{NoticeKind, RequestRecord, Store, StoreError, attribute, item_of, request};

const PARTITION: &str = "LOOKS";
const PREFIX: &str = "REQ#";

/// How long the table remembers to see to a request whose time is over, in seconds.
const KEPT: i64 = 30 * 86_400;

/// Who has the passwords deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Whose they are.
    Customer,
    /// Their time is over.
    Clock,
}

/// When a request has to be seen to.
#[derive(Debug, Serialize, Deserialize)]
struct DueLook {
    request_id: RequestId,
    /// In seconds since 1970; none where nothing is left to see to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
    expires_at: i64,
}

/// The requests whose time has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueLooks {
    /// They have to be seen to.
    pub requests: Vec<RequestId>,
    /// How many there are whose time cannot be read.
    pub unreadable: usize,
}

impl Store {
    /// The write that remembers when a request has to be seen to.
    pub(in crate::store) fn due_look(
        &self,
        id: RequestId,
        looks: &LaterLooks,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        let (Some(next), Some(until)) = (looks.next(), looks.until()) else {
            return Ok(None);
        };
        let due = DueLook {
            request_id: id,
            due_at: Some(next.as_second()),
            expires_at: until.as_second().saturating_add(KEPT),
        };
        let item = item_of(PARTITION.to_owned(), format!("{PREFIX}{id}"), &due)?;
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build()?;
        Ok(Some(TransactWriteItem::builder().put(put).build()))
    }

    /// The requests whose later looks have to be seen to now. One that cannot be read holds up no other.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_looks(&self, now: Timestamp) -> Result<DueLooks, StoreError> {
        let read = |item| Ok(serde_dynamo::from_item::<_, DueLook>(item).inspect_err(unreadable).ok());
        let all = self.query_each(PARTITION, PREFIX, None, read).await?;
        let is_due = |look: &DueLook| look.due_at.is_some_and(|due| due <= now.as_second());
        Ok(DueLooks {
            unreadable: all.iter().filter(|look| look.is_none()).count(),
            requests: all
                .into_iter()
                .flatten()
                .filter(is_due)
                .map(|due| due.request_id)
                .collect(),
        })
    }

    /// Forgets to see to a request, which has nothing left to see to: in its place, because the functions have no
    /// right to delete.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_looks(&self, id: RequestId, now: Timestamp) -> Result<(), StoreError> {
        let change = Change::default()
            .if_there()
            .remove("due_at")
            .set("expires_at", now.as_second());
        self.change_if(change, PARTITION.to_owned(), format!("{PREFIX}{id}"))
            .await
            .map(drop)
    }

    /// Deletes the key to the passwords of a request that was completed, and all looks that were to come. A
    /// pass that runs ends as if it could not be done. Where a look was to come that did not begin in its time, the
    /// customer is told, durably with the deletion. Idempotency key: the request; one that has no key any
    /// more stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the request has moved on since it was read.
    pub async fn end_looks(
        &self,
        record: &RequestRecord,
        by: EndedBy,
        now: Timestamp,
    ) -> Result<RequestRecord, StoreError> {
        if !record.state.has_been_completed() {
            return Err(StoreError::Illegal(format!(
                "the passwords of a request that is {} are needed",
                record.state
            )));
        }
        if record.data_key.is_none() {
            return Ok(record.clone());
        }
        let mut after = record.clone();
        after.data_key = None;
        after.looks = record.looks.as_ref().map(|looks| looks.ended(by == EndedBy::Clock));
        let change = unchanged(Change::default(), record)?
            .if_equal("state", record.state.as_str())
            .if_present("data_key")
            .remove("data_key")
            .set_or_remove("looks", attribute(after.looks.as_ref())?);
        let missed = record.looks.as_ref().filter(|looks| looks.has_more());
        let notice = missed
            .filter(|_| by == EndedBy::Clock && record.state.is_terminal())
            .map(|looks| NoticeKind::LookedAgain {
                pass: looks.passes().saturating_add(1),
            });
        let (pk, sk) = request::keys(record.request_id);
        let update = change.update(&self.table, pk, sk)?;
        let mut items = vec![TransactWriteItem::builder().update(update).build()];
        items.extend(self.queued_notice(record.request_id, notice, now).await?);
        self.transact(items).await?;
        Ok(after)
    }
}

fn unreadable(error: &serde_dynamo::Error) {
    tracing::error!(%error, "when a request has to be seen to cannot be read");
}
