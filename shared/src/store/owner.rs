//! The mail to a mailbox's owner: its outbox is the mailbox itself.
//!
//! A mailbox that has moved, whose order asks for it and whose owner has not been told is to be told. So nothing is queued that
//! could be lost, and a request of 50,000 mailboxes has no second list to read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::job::{Failure, keys};
use super::{JobRecord, MailFate, NoticeReturn, Store, StoreError, stamp};
use crate::domain::{JobId, JobState};

/// What is known of the mail to a mailbox's owner; nothing where there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerMail {
    /// When it was sent.
    #[serde(rename = "owner_told_at", default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<String>,
    /// What became of it, where it did not arrive as it should.
    #[serde(rename = "owner_fate", default, skip_serializing_if = "Option::is_none")]
    pub fate: Option<MailFate>,
    /// Why it was not sent: a stable word.
    #[serde(rename = "owner_error_code", default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
}

impl JobRecord {
    /// Whether its owner is still to be told that it has moved: it was read again in its new place, and so can be opened there.
    pub fn owner_is_to_be_told(&self) -> bool {
        let has_moved = matches!(
            self.status.state(),
            JobState::Completed | JobState::CompletedWithExceptions
        );
        self.options.tell_owners && has_moved && self.certificate.is_some() && self.owner.told_at.is_none()
    }
}

impl Store {
    /// Claims the telling of a mailbox's owner until `until`. False where it was told, or somebody else is at it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_owner(&self, id: JobId, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
        let change = Change::default()
            .if_there()
            .if_absent("owner_told_at")
            .if_at_most("owner_claimed_until", now.as_second())
            .set("owner_claimed_until", until.as_second());
        let (pk, sk) = keys(id);
        self.change_if(change, pk, sk).await
    }

    /// Marks a mailbox's owner as told; only under the claim that lasts until `claimed_until`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the claim is lost: somebody else sent it as well.
    pub async fn mark_owner_told(
        &self,
        id: JobId,
        claimed_until: Timestamp,
        message_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("owner_claimed_until", claimed_until.as_second())
            .set("owner_told_at", stamp(now))
            .set("owner_message_id", message_id)
            .remove("owner_error_code")
            .remove("owner_error_message")
            .remove("owner_claimed_until");
        let (pk, sk) = keys(id);
        self.change(change, pk, sk).await
    }

    /// Notes why a mailbox's owner was not told, unless it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_owner_trouble(&self, id: JobId, failure: &Failure) -> Result<(), StoreError> {
        let change = Change::default()
            .if_there()
            .if_absent("owner_told_at")
            .set("owner_error_code", failure.code.clone())
            .set("owner_error_message", failure.message.clone());
        let (pk, sk) = keys(id);
        self.change_if(change, pk, sk).await.map(drop)
    }

    /// Notes what became of the mail to a mailbox's owner, unless something worse is noted. The request's own notices have
    /// nothing to do with it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_owner_return(&self, id: JobId, note: NoticeReturn<'_>) -> Result<(), StoreError> {
        let change = note
            .became
            .unless_worse("owner_fate", "owner_fate_at", note.at)
            .set("owner_fate", note.became.as_str())
            .set("owner_fate_at", note.at)
            .set_or_remove("owner_fate_words", note.words);
        let (pk, sk) = keys(id);
        self.change_if(change, pk, sk).await.map(drop)
    }

    /// Notes that the mail to a mailbox's owner has arrived after all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_owner_arrival(&self, id: JobId) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("owner_fate", MailFate::Delayed.as_str())
            .remove("owner_fate")
            .remove("owner_fate_at")
            .remove("owner_fate_words");
        let (pk, sk) = keys(id);
        self.change_if(change, pk, sk).await.map(drop)
    }
}
