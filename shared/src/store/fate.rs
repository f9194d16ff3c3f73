//! What became of mails to the customer: noted at the notice, for staff, and at the request, where it decides whether
//! further ones are sent.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::notice::sort_key;
use super::{NoticeKind, RequestRecord, Store, StoreError, request};
use crate::domain::RequestId;

/// What became of a mail that did not arrive as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailFate {
    /// It could not be delivered in time; a later one may be.
    Delayed,
    /// The reader called it unwanted.
    Complaint,
    /// There is no such mailbox, or it takes nothing from us.
    Bounced,
}

/// What the mail service told of a notice.
#[derive(Clone, Copy, Debug)]
pub struct NoticeReturn<'a> {
    /// What became of it.
    pub became: MailFate,
    /// When, RFC 3339.
    pub at: &'a str,
    /// What the other server said.
    pub words: Option<&'a str>,
}

impl MailFate {
    /// The word it is stored as.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delayed => "delayed",
            Self::Complaint => "complaint",
            Self::Bounced => "bounced",
        }
    }

    /// Only where nothing worse is noted.
    fn unless_worse(self, change: Change) -> Change {
        let change = change.if_there();
        match self {
            Self::Delayed => change.if_absent("fate"),
            Self::Complaint => change.if_not("fate", Self::Bounced.as_str()),
            Self::Bounced => change,
        }
    }
}

impl fmt::Display for MailFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl RequestRecord {
    /// Whether there is no use in sending its customer another mail.
    pub fn cannot_be_written_to(&self) -> bool {
        self.fate == Some(MailFate::Bounced)
    }
}

impl Store {
    /// Notes what became of a notice, first at the notice and then at its request; where it dies in between the event
    /// comes again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where something worse is noted at the request, or it is gone.
    pub async fn note_return(&self, id: RequestId, kind: NoticeKind, note: NoticeReturn<'_>) -> Result<(), StoreError> {
        let change = || {
            note.became
                .unless_worse(Change::default())
                .set("fate", note.became.as_str())
                .set("fate_at", note.at)
        };
        let at_notice = change().set_or_remove("fate_words", note.words);
        self.change_if(at_notice, request::partition(id), sort_key(kind))
            .await?;
        let (pk, sk) = request::keys(id);
        self.change(change(), pk, sk).await
    }
}
