//! What became of mails to the customer: noted at the notice, for staff, and at the request, where it decides whether
//! further ones are sent.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::notice::sort_key;
use super::{NoticeKind, RequestRecord, Store, StoreError, request};
use crate::domain::RequestId;

/// What became of a mail that did not arrive as it should.
/// The worse comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailFate {
    /// It could not be delivered in time; a later one may be.
    Delayed,
    /// The reader called it unwanted.
    Complaint,
    /// Its server did not take it, whatever for; it may take the next.
    Bounced,
    /// There is no such mailbox, or the mail service sends nothing there any more.
    Unreachable,
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
    const ALL: [Self; 4] = [Self::Delayed, Self::Complaint, Self::Bounced, Self::Unreachable];

    /// The word it is stored as.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delayed => "delayed",
            Self::Complaint => "complaint",
            Self::Bounced => "bounced",
            Self::Unreachable => "unreachable",
        }
    }

    /// Only where nothing worse is noted in this attribute.
    pub(super) fn unless_worse(self, attribute: &str) -> Change {
        let worse = Self::ALL.into_iter().filter(|fate| *fate > self);
        worse.fold(Change::default().if_there(), |change, fate| {
            change.if_not(attribute, fate.as_str())
        })
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
        self.fate == Some(MailFate::Unreachable)
    }
}

impl Store {
    /// Notes what became of a notice, first at the notice and then at its request; where it dies in between the event
    /// comes again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where something worse is noted at the request, a later mail has arrived, or it is gone.
    pub async fn note_return(&self, id: RequestId, kind: NoticeKind, note: NoticeReturn<'_>) -> Result<(), StoreError> {
        let change = || {
            note.became
                .unless_worse("fate")
                .set("fate", note.became.as_str())
                .set("fate_at", note.at)
        };
        let at_notice = change().set_or_remove("fate_words", note.words);
        self.change_if(at_notice, request::partition(id), sort_key(kind))
            .await?;
        let (pk, sk) = request::keys(id);
        self.change(change().if_absent_or_before("arrived_at", note.at), pk, sk)
            .await
    }

    /// Notes that a mail has arrived, as of which what went wrong before counts no more; a complaint stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_arrival(&self, id: RequestId, at: &str) -> Result<(), StoreError> {
        let (pk, sk) = request::keys(id);
        let arrived = Change::default()
            .if_there()
            .if_absent_or_before("arrived_at", at)
            .set("arrived_at", at);
        self.change_if(arrived, pk.clone(), sk.clone()).await?;
        let cleared = Change::default()
            .if_before("fate_at", at)
            .if_not("fate", MailFate::Complaint.as_str())
            .remove("fate")
            .remove("fate_at");
        self.change_if(cleared, pk, sk).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RequestState;

    #[test]
    fn only_where_there_is_no_such_address_nothing_more_is_sent() {
        let mut request = RequestRecord::made(
            "01m891k9000w3ge1r70w3ge1r7".parse().unwrap(),
            RequestState::Scheduled,
            "it@example.com".parse().unwrap(),
            String::new(),
            crate::clock::now(),
        );
        for fate in MailFate::ALL {
            request.fate = Some(fate);
            assert_eq!(request.cannot_be_written_to(), fate == MailFate::Unreachable, "{fate}");
        }
    }
}
