//! The outbox: what customers have to be told, queued with the change it tells of.

use std::fmt;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::job::Failure;
use super::{RequestRecord, Store, StoreError, belonging, request, stamp};
use crate::domain::{RequestId, Window};

/// What a notice is about. Each is sent once a request; [`NoticeKind::Refused`] once for each file
/// that was read, [`NoticeKind::FoundAgain`] once or twice for each start, [`NoticeKind::LookedAgain`] once for each later
/// pass, and [`NoticeKind::Imported`] once for each import at
/// most (see [`crate::imports`]).
///
/// Two different files can be read in the same generation, since a URL takes more than one. The
/// notice of the second takes the place of the first in the outbox, unsent. That never tells one
/// file twice, because a file is read once: it is deleted before its faults are told. And it loses
/// none, because a mail that is under way does not count as sent for the notice that took its
/// place, see [`Store::mark_sent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "about")]
pub enum NoticeKind {
    /// All rows are good; the copying begins at once.
    Accepted,
    /// Rows have to be mended.
    Refused {
        /// Which upload.
        generation: u32,
    },
    /// All rows are good; the copying begins at its time.
    Scheduled,
    /// Something is wrong that was right before, found by the look before the start.
    FoundAgain {
        /// Before which start, in seconds since 1970.
        start: i64,
        /// It tells what was found after the first had been sent.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        further: bool,
    },
    /// The first pass is done; the DNS can be changed.
    FirstPassDone,
    /// Everything has moved, or what did not is listed.
    Finished,
    /// A later pass fetched mail, or met something that the customer has to know.
    LookedAgain {
        /// Which one, from 1.
        pass: u32,
    },
    /// Nothing could be moved.
    Failed,
    /// Ended before its time.
    Cancelled,
    /// What became of files with contacts and calendars.
    Imported {
        /// The one whose import ended last: each is the last at most once.
        attachment: u64,
    },
}

impl NoticeKind {
    /// What it is about, in one word: the same as in the table, without a number.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused { .. } => "refused",
            Self::Scheduled => "scheduled",
            Self::FoundAgain { .. } => "found_again",
            Self::FirstPassDone => "first_pass_done",
            Self::Finished => "finished",
            Self::LookedAgain { .. } => "looked_again",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Imported { .. } => "imported",
        }
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Refused { generation } => write!(f, "_{generation}"),
            Self::FoundAgain { start, further: false } => write!(f, "_{start}"),
            Self::FoundAgain { start, further: true } => write!(f, "_{start}_further"),
            Self::LookedAgain { pass } => write!(f, "_{pass}"),
            Self::Imported { attachment } => write!(f, "_{attachment:016x}"),
            _ => Ok(()),
        }
    }
}

/// A notice in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// The request it belongs to.
    pub request_id: RequestId,
    /// What it tells.
    pub notice: NoticeKind,
    /// When it was queued.
    pub queued_at: String,
    /// When it was sent; absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<String>,
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

    fn queued(request_id: RequestId, notice: NoticeKind, now: Timestamp) -> Self {
        Self {
            request_id,
            notice,
            queued_at: stamp(now),
            sent_at: None,
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
                let outbox = self.notices(id).await?;
                Ok(outbox
                    .iter()
                    .any(|notice| notice.notice == kind && notice.sent_at.is_none()))
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
        let before: Option<NoticeRecord> = self.get(request::partition(id), sort_key(kind)).await?;
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
            .filter(|notice| notice.sent_at.is_none() && !matches!(notice.notice, NoticeKind::Imported { .. }))
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
        let frame: Option<AttributeValue> = sent.frame.map(serde_dynamo::to_attribute_value).transpose()?;
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
}
