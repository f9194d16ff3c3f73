//! What became of mails to the customer: noted at the notice, for staff, and at the request, where it decides whether
//! further ones are sent.
//!
//! Events come in any order and more than once. So a request keeps when each kind of trouble was told of last, and when a mail
//! arrived last; what holds follows from these moments, whatever came first.

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

    /// Only where neither something worse is noted in this attribute, nor the same of a later moment in the other one.
    pub(super) fn unless_worse(self, attribute: &str, moment: &str, at: &str) -> Change {
        let worse = Self::ALL.into_iter().filter(|fate| *fate > self);
        let change = Change::default()
            .if_there()
            .if_not_or_before(attribute, self.as_str(), moment, at);
        worse.fold(change, |change, fate| change.if_not(attribute, fate.as_str()))
    }

    /// The request's attribute with the last moment of it.
    fn moment(self) -> &'static str {
        match self {
            Self::Delayed => "delayed_at",
            Self::Complaint => "complained_at",
            Self::Bounced => "bounced_at",
            Self::Unreachable => "unreachable_at",
        }
    }
}

/// When each kind of trouble with the mails to a customer was told of last, and when one arrived last, as the mail
/// service writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailFates {
    #[serde(rename = "delayed_at", default, skip_serializing_if = "Option::is_none")]
    delayed: Option<String>,
    #[serde(rename = "complained_at", default, skip_serializing_if = "Option::is_none")]
    complained: Option<String>,
    #[serde(rename = "bounced_at", default, skip_serializing_if = "Option::is_none")]
    bounced: Option<String>,
    #[serde(rename = "unreachable_at", default, skip_serializing_if = "Option::is_none")]
    unreachable: Option<String>,
    #[serde(rename = "arrived_at", default, skip_serializing_if = "Option::is_none")]
    arrived: Option<String>,
}

impl MailFates {
    /// The worst that was told of since a mail arrived; a complaint stands whatever arrives.
    pub fn standing(&self) -> Option<MailFate> {
        let stands = |fate: &MailFate| {
            let at = match fate {
                MailFate::Delayed => &self.delayed,
                MailFate::Complaint => return self.complained.is_some(),
                MailFate::Bounced => &self.bounced,
                MailFate::Unreachable => &self.unreachable,
            };
            at.is_some() && *at >= self.arrived
        };
        MailFate::ALL.into_iter().rev().find(stands)
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
        self.fates.standing() == Some(MailFate::Unreachable)
    }
}

impl Store {
    /// Notes what became of a notice, first at the notice and then at its request; where it dies in between the event
    /// comes again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_return(&self, id: RequestId, kind: NoticeKind, note: NoticeReturn<'_>) -> Result<(), StoreError> {
        let at_notice = note
            .became
            .unless_worse("fate", "fate_at", note.at)
            .set("fate", note.became.as_str())
            .set("fate_at", note.at)
            .set_or_remove("fate_words", note.words);
        self.change_if(at_notice, request::partition(id), sort_key(kind))
            .await?;
        self.note_moment(id, note.became.moment(), note.at).await
    }

    /// Notes that a mail has arrived, as of which what went wrong before counts no more; a complaint stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_arrival(&self, id: RequestId, at: &str) -> Result<(), StoreError> {
        self.note_moment(id, "arrived_at", at).await
    }

    /// The last moment of its kind is kept.
    async fn note_moment(&self, id: RequestId, name: &str, at: &str) -> Result<(), StoreError> {
        let (pk, sk) = request::keys(id);
        let change = Change::default().if_there().if_absent_or_before(name, at).set(name, at);
        self.change_if(change, pk, sk).await.map(drop)
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
            *request.fates = told(&[(Some(fate), "04")]);
            assert_eq!(request.cannot_be_written_to(), fate == MailFate::Unreachable, "{fate}");
        }
    }

    /// What is kept of these, each at its second, whatever the order; none is an arrival.
    fn told(events: &[(Option<MailFate>, &str)]) -> MailFates {
        let last = |wanted: Option<MailFate>| {
            let of_kind = events.iter().filter(|(fate, _)| *fate == wanted);
            of_kind
                .map(|(_, second)| format!("2026-11-25T21:00:{second}.123Z"))
                .max()
        };
        MailFates {
            delayed: last(Some(MailFate::Delayed)),
            complained: last(Some(MailFate::Complaint)),
            bounced: last(Some(MailFate::Bounced)),
            unreachable: last(Some(MailFate::Unreachable)),
            arrived: last(None),
        }
    }

    #[test]
    fn what_holds_follows_from_the_moments_and_not_from_the_order() {
        use MailFate::{Bounced, Complaint, Delayed, Unreachable};
        for (events, standing) in [
            (&[][..], None),
            (
                &[(Some(Bounced), "30"), (Some(Bounced), "10"), (None, "20")],
                Some(Bounced),
            ),
            (
                &[(Some(Bounced), "10"), (Some(Delayed), "30"), (None, "20")],
                Some(Delayed),
            ),
            (
                &[(Some(Complaint), "10"), (Some(Bounced), "20"), (None, "30")],
                Some(Complaint),
            ),
            (&[(Some(Complaint), "10"), (Some(Bounced), "20")], Some(Bounced)),
            (
                &[(Some(Unreachable), "10"), (Some(Bounced), "20"), (None, "15")],
                Some(Bounced),
            ),
            (&[(Some(Unreachable), "10"), (None, "20")], None),
        ] {
            assert_eq!(told(events).standing(), standing, "{events:?}");
        }
    }
}
