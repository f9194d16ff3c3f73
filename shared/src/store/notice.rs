//! The outbox: what customers have to be told, queued with the change it tells of.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::job::Failure;
use super::{RequestRecord, Store, StoreError, attribute, belonging, request, stamp};
use crate::domain::{RequestId, Window};

mod kind;

pub use kind::{NoticeKind, StaffCause};

/// A notice in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// The request it belongs to.
    pub request_id: RequestId,
    /// What it tells.
    pub notice: NoticeKind,
    /// When it was queued.
    pub queued_at: String,
    /// When it was sent, or closed because nobody gets a mail of it; absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<String>,
    /// When it was dropped, because it came too late to be of use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overtaken_at: Option<String>,
    /// As of when it tells, once it is sent: what came to be later is not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tells_of: Option<String>,
    /// The time frame it told, once it is sent, where that is what it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Window>,
}

/// What is known of a notice once it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// The mail service's id of it.
    pub message_id: &'a str,
    /// As of when it tells.
    pub tells_of: Timestamp,
    /// The time frame it told.
    pub frame: Option<&'a Window>,
}

impl NoticeRecord {
    /// Whether the customer knows of a frame by it, or by an earlier one whose place it took.
    pub fn may_have_told(&self, request: &RequestRecord) -> bool {
        self.sent_at.is_some() || request.reschedules > 0
    }

    fn is_to_be_sent(&self) -> bool {
        self.sent_at.is_none() && self.overtaken_at.is_none()
    }

    fn queued(request_id: RequestId, notice: NoticeKind, now: Timestamp) -> Self {
        Self {
            request_id,
            notice,
            queued_at: stamp(now),
            sent_at: None,
            overtaken_at: None,
            tells_of: None,
            frame: None,
        }
    }

    fn sort_key(&self) -> String {
        sort_key(self.notice)
    }
}

pub(super) fn sort_key(kind: NoticeKind) -> String {
    format!("NOTICE#{kind}")
}

impl Store {
    /// The notices of a request, sent or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notices(&self, id: RequestId) -> Result<Vec<NoticeRecord>, StoreError> {
        self.query(&request::partition(id), "NOTICE#").await
    }

    /// A notice of a request, if it is in the outbox.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notice(&self, id: RequestId, kind: NoticeKind) -> Result<Option<NoticeRecord>, StoreError> {
        self.get(request::partition(id), sort_key(kind)).await
    }

    /// Puts a notice into the outbox, where it is not there yet. False where it has been sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn queue_notice(&self, id: RequestId, kind: NoticeKind, now: Timestamp) -> Result<bool, StoreError> {
        let notice = NoticeRecord::queued(id, kind, now);
        let item = belonging(id, request::partition(id), notice.sort_key(), &notice)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(PK)").send().await;
        match put.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => {
                let there = self.notice(id, kind).await?;
                Ok(there.is_some_and(|notice| notice.is_to_be_sent()))
            }
            Err(error) => Err(error),
        }
    }

    /// The write that puts a notice into the outbox, where there is one to tell; it takes the place of one
    /// of the same kind, but for the time frame that the customer knows by that one.
    pub(super) async fn queued_notice(
        &self,
        id: RequestId,
        kind: Option<NoticeKind>,
        now: Timestamp,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        let Some(kind) = kind else { return Ok(None) };
        let before = self.notice(id, kind).await?;
        let notice = NoticeRecord {
            frame: before.and_then(|before| before.frame),
            ..NoticeRecord::queued(id, kind, now)
        };
        let item = belonging(id, request::partition(id), notice.sort_key(), &notice)?;
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build()?;
        Ok(Some(TransactWriteItem::builder().put(put).build()))
    }

    /// The notices of a request that wait to be sent at once; those about imports have a time of their own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unsent_notices(&self, id: RequestId) -> Result<Vec<NoticeKind>, StoreError> {
        let notices = self.notices(id).await?;
        Ok(notices
            .into_iter()
            .filter(|notice| notice.is_to_be_sent() && !matches!(notice.notice, NoticeKind::Imported { .. }))
            .map(|notice| notice.notice)
            .collect())
    }

    /// Notes why a notice could not be sent.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it has been sent, or is not in the outbox.
    pub async fn note_notice_trouble(
        &self,
        id: RequestId,
        kind: NoticeKind,
        failure: &Failure,
    ) -> Result<(), StoreError> {
        let change = failure.change().if_there().if_absent("sent_at");
        self.change(change, request::partition(id), sort_key(kind)).await
    }

    /// Claims a notice for sending until `until`, in seconds since 1970. False where it is sent, or
    /// is being sent by somebody else.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_notice(
        &self,
        id: RequestId,
        kind: NoticeKind,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let change = Change::default()
            .if_there()
            .if_absent("sent_at")
            .if_at_most("claimed_until", now.as_second())
            .set("claimed_until", until.as_second());
        self.change_if(change, request::partition(id), sort_key(kind)).await
    }

    /// Marks a notice as sent; only under the claim that lasts until `claimed_until`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the claim is lost: somebody else sent it as well, or another
    /// notice of the same kind has taken its place and is still to be sent.
    pub async fn mark_sent(
        &self,
        id: RequestId,
        kind: NoticeKind,
        claimed_until: Timestamp,
        sent: Sent<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let frame = attribute(sent.frame.as_ref())?;
        let change = Change::default()
            .if_equal("claimed_until", claimed_until.as_second())
            .set("sent_at", stamp(now))
            .set("tells_of", stamp(sent.tells_of))
            .set("message_id", sent.message_id)
            .set_or_remove("frame", frame)
            .remove("error_code")
            .remove("error_message")
            .remove("claimed_until");
        self.change(change, request::partition(id), sort_key(kind)).await
    }

    /// Notes that a notice was dropped because it came too late; whoever looks for unsent ones passes it over. One that
    /// was queued anew since stays as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_notice(&self, id: RequestId, notice: &NoticeRecord, now: Timestamp) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("queued_at", notice.queued_at.as_str())
            .if_absent("sent_at")
            .set("overtaken_at", stamp(now));
        self.change_if(change, request::partition(id), sort_key(notice.notice))
            .await
            .map(drop)
    }

    /// Closes a notice of which nobody gets a mail; one that was sent stays as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn close_notice(&self, id: RequestId, kind: NoticeKind, now: Timestamp) -> Result<(), StoreError> {
        let change = Change::default()
            .if_there()
            .if_absent("sent_at")
            .set("sent_at", stamp(now))
            .set("tells_of", stamp(now))
            .remove("error_code")
            .remove("error_message");
        self.change_if(change, request::partition(id), sort_key(kind))
            .await
            .map(drop)
    }
}
