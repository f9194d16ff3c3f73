//! The outbox's other side: which ticket systems have been told a notice.
//!
//! Each system has attributes of its own in the notice's item, so that none waits for another, nor for the mail. A notice
//! that takes another's place in the outbox has none of them, and is told again.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::expression::Change;
use super::job::Failure;
use super::notice::sort_key;
use super::{NoticeKind, Store, StoreError, request, stamp};
use crate::domain::{RequestId, TicketSystem};

/// What the outbox knows of a notice and a ticket system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketMark {
    /// When the notice was queued.
    pub queued_at: String,
    /// When the system had taken it.
    pub told_at: Option<String>,
    /// When it was given up.
    pub given_up_at: Option<String>,
    /// How often it was tried in vain.
    pub tries: i64,
}

/// One way to one system: a notice of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The request.
    pub request_id: RequestId,
    /// What is told.
    pub notice: NoticeKind,
    /// Whom.
    pub system: TicketSystem,
}

impl Telling {
    fn attribute(&self, what: &str) -> String {
        format!("{}_{what}", self.system)
    }

    fn key(&self) -> (String, String) {
        (request::partition(self.request_id), sort_key(self.notice))
    }
}

impl Store {
    /// What is known of it; none where the notice is not in the outbox.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ticket_mark(&self, telling: Telling) -> Result<Option<TicketMark>, StoreError> {
        let (pk, sk) = telling.key();
        let item: Option<Map<String, Value>> = self.get(pk, sk).await?;
        Ok(item.map(|item| {
            let text = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
            TicketMark {
                queued_at: text("queued_at").unwrap_or_default(),
                told_at: text(&telling.attribute("told_at")),
                given_up_at: text(&telling.attribute("given_up_at")),
                tries: item
                    .get(&telling.attribute("tries"))
                    .and_then(Value::as_i64)
                    .unwrap_or_default(),
            }
        }))
    }

    /// Claims the telling of a notice until `until`, for one that was tried so often and is in the outbox since
    /// `queued_at`. False where the system has been told or given up, it was tried more often since, or somebody else is at it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_telling(
        &self,
        telling: Telling,
        queued_at: &str,
        tries: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let claimed = telling.attribute("claimed_until");
        let change = Change::default()
            .if_equal("queued_at", queued_at)
            .if_absent(&telling.attribute("told_at"))
            .if_absent(&telling.attribute("given_up_at"))
            .if_at_most(&telling.attribute("tries"), tries.into())
            .if_at_most(&claimed, now.as_second())
            .set(&claimed, until.as_second());
        let (pk, sk) = telling.key();
        self.change_if(change, pk, sk).await
    }

    /// Marks a notice as told; only under the claim that lasts until `claimed_until`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the claim is lost, or another notice has taken its place and is still to be told.
    pub async fn mark_told(
        &self,
        telling: Telling,
        claimed_until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let change = ["claimed_until", "tries", "error_code", "error_message", "given_up_at"]
            .into_iter()
            .fold(Change::default(), |change, what| {
                change.remove(&telling.attribute(what))
            })
            .if_equal(&telling.attribute("claimed_until"), claimed_until.as_second())
            .set(&telling.attribute("told_at"), stamp(now));
        let (pk, sk) = telling.key();
        self.change(change, pk, sk).await
    }

    /// Notes that it was tried in vain, and how often by now; ends the claim. Changes nothing without it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_try(
        &self,
        telling: Telling,
        claimed_until: Timestamp,
        tries: u32,
        failure: &Failure,
    ) -> Result<(), StoreError> {
        let claimed = telling.attribute("claimed_until");
        let change = Change::default()
            .if_equal(&claimed, claimed_until.as_second())
            .set(&telling.attribute("tries"), i64::from(tries))
            .set(&telling.attribute("error_code"), failure.code.clone())
            .set(&telling.attribute("error_message"), failure.message.clone())
            .remove(&claimed);
        let (pk, sk) = telling.key();
        self.change_if(change, pk, sk).await?;
        Ok(())
    }

    /// Writes that nobody tries any more, beside the last reason. Changes nothing where the system has been told, or somebody
    /// is at it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn give_up_telling(&self, telling: Telling, now: Timestamp) -> Result<(), StoreError> {
        let change = Change::default()
            .if_there()
            .if_absent(&telling.attribute("told_at"))
            .if_at_most(&telling.attribute("claimed_until"), now.as_second())
            .set(&telling.attribute("given_up_at"), stamp(now));
        let (pk, sk) = telling.key();
        self.change_if(change, pk, sk).await?;
        Ok(())
    }

    /// Has what was given up tried anew, from the first try on. Changes nothing where it was not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_telling_anew(&self, telling: Telling) -> Result<(), StoreError> {
        let given_up = telling.attribute("given_up_at");
        let change = Change::default()
            .if_present(&given_up)
            .remove(&given_up)
            .remove(&telling.attribute("tries"));
        let (pk, sk) = telling.key();
        self.change_if(change, pk, sk).await?;
        Ok(())
    }
}
