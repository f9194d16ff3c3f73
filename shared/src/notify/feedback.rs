//! What Amazon SES tells of a mail that was sent (event publishing, as EventBridge delivers it).

use serde::Deserialize;

use super::mailer::{NOTICE_TAG, REQUEST_TAG};
use super::owner::owner_of_name;
use super::wording::one_line;
use crate::domain::{EmailAddress, JobId, RequestId};
use crate::store::MailFate;

/// The kinds of bounces (`bounceSubType`) after which the mail service sends nothing there any more, or the address is
/// said not to exist. `General` is any other answer in the 500s: a server that does not know the domain yet gives it too.
const NOBODY_THERE: [&str; 3] = ["NoEmail", "Suppressed", "OnAccountSuppressionList"];

/// How much of a server's words is kept, in characters.
const LONGEST_WORDS: usize = 200;

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// The request it is about.
    pub request_id: RequestId,
    /// The notice, as the outbox names it.
    pub notice: String,
    /// What became of it; none where it arrived.
    pub became: Option<MailFate>,
    /// When, as SES writes it: RFC 3339.
    pub at: String,
    /// What the other server said.
    pub words: Option<String>,
    /// Whom it was for.
    recipients: Vec<String>,
}

#[derive(Deserialize)]
struct Event {
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(rename = "eventType")]
    kind: String,
    mail: Mail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    delivery: Option<Delivery>,
}

#[derive(Deserialize)]
struct Mail {
    #[serde(default)]
    tags: std::collections::BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Bounce {
    #[serde(rename = "bounceType")]
    kind: String,
    #[serde(rename = "bounceSubType", default)]
    sort: String,
    #[serde(rename = "bouncedRecipients", default)]
    recipients: Vec<Recipient>,
    timestamp: String,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(rename = "complainedRecipients", default)]
    recipients: Vec<Recipient>,
    timestamp: String,
}

#[derive(Deserialize)]
struct Delivery {
    #[serde(default)]
    recipients: Vec<String>,
    timestamp: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
    diagnostic_code: Option<String>,
}

impl Feedback {
    /// Reads an event; nothing where it is about no notice of ours, or tells of nothing that counts.
    ///
    /// # Errors
    /// Where it is no such event.
    pub fn parse(event: &str) -> Result<Option<Self>, serde_json::Error> {
        let Event { detail } = serde_json::from_str(event)?;
        let tag = |name: &str| detail.mail.tags.get(name).and_then(|values| values.first());
        let request_id = tag(REQUEST_TAG).and_then(|id| id.parse().ok());
        let (Some(request_id), Some(notice)) = (request_id, tag(NOTICE_TAG).cloned()) else {
            return Ok(None);
        };
        let (became, at, recipients) = match (detail.kind.as_str(), detail.bounce, detail.complaint, detail.delivery) {
            ("Bounce", Some(bounce), ..) => (Some(bounce.fate()), bounce.timestamp, bounce.recipients),
            ("Complaint", _, Some(complaint), _) => {
                (Some(MailFate::Complaint), complaint.timestamp, complaint.recipients)
            }
            ("Delivery", .., Some(delivery)) => {
                let recipients = delivery.recipients.into_iter().map(Recipient::of).collect();
                (None, delivery.timestamp, recipients)
            }
            _ => return Ok(None),
        };
        let words = recipients
            .iter()
            .find_map(|recipient| recipient.diagnostic_code.as_deref());
        Ok(Some(Self {
            request_id,
            notice,
            became,
            at,
            words: words.map(|words| one_line(words).chars().take(LONGEST_WORDS).collect()),
            recipients: recipients
                .into_iter()
                .map(|recipient| recipient.email_address)
                .collect(),
        }))
    }

    /// The mailbox whose owner the mail was for; none where it was a notice of the request.
    pub fn owner(&self) -> Option<JobId> {
        owner_of_name(self.request_id, &self.notice)
    }

    /// Whether this mailbox is among those it is about.
    pub fn is_about(&self, address: &EmailAddress) -> bool {
        self.recipients.iter().any(|recipient| {
            recipient
                .parse()
                .is_ok_and(|recipient: EmailAddress| recipient.key() == address.key())
        })
    }
}

impl Bounce {
    fn fate(&self) -> MailFate {
        match self.kind.as_str() {
            "Permanent" if NOBODY_THERE.contains(&self.sort.as_str()) => MailFate::Unreachable,
            "Permanent" => MailFate::Bounced,
            _ => MailFate::Delayed,
        }
    }
}

impl Recipient {
    fn of(email_address: String) -> Self {
        Self {
            email_address,
            diagnostic_code: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "01m891k9000w3ge1r70w3ge1r7";

    /// As SES writes it, with what it has besides.
    fn event(kind: &str, part: &str, tags: &str) -> String {
        format!(
            r#"{{"version": "0", "id": "4b4a8d2f-6c1e-4a3b-9d5e-0c1b2a3f4e5d", "detail-type": "Email {kind}", "source": "aws.ses",
            "account": "123456789012", "time": "2026-11-25T21:00:05Z", "region": "eu-west-1", "resources": [],
            "detail": {{"eventType": "{kind}", {part}, "mail": {{"timestamp": "2026-11-25T21:00:00.000Z",
            "source": "Example Hosting <migration@example.net>", "sendingAccountId": "123456789012",
            "messageId": "0102018f-example-000000", "destination": ["it@example.com"], "headersTruncated": false, "headers": [],
            "commonHeaders": {{"subject": "x"}}, "tags": {{{tags}}}}}}}}}"#
        )
    }

    fn bounce(kind: &str, sort: &str) -> String {
        format!(
            r#""bounce": {{"feedbackId": "0102", "bounceType": "{kind}", "bounceSubType": "{sort}", "reportingMTA": "dsn; mta.example.net",
            "bouncedRecipients": [{{"emailAddress": "IT@example.com", "action": "failed", "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1\r\nuser unknown"}}], "timestamp": "2026-11-25T21:00:04.123Z"}}"#
        )
    }

    fn tags() -> String {
        format!(r#""ses:configuration-set": ["mailvan-notices"], "request": ["{REQUEST}"], "notice": ["refused_1"]"#)
    }

    #[test]
    fn bounces_are_for_good_or_for_now() {
        for (kind, sort, became) in [
            ("Permanent", "General", MailFate::Bounced),
            ("Permanent", "Undetermined", MailFate::Bounced),
            ("Permanent", "NoEmail", MailFate::Unreachable),
            ("Permanent", "Suppressed", MailFate::Unreachable),
            ("Permanent", "OnAccountSuppressionList", MailFate::Unreachable),
            ("Transient", "MailboxFull", MailFate::Delayed),
            ("Undetermined", "Undetermined", MailFate::Delayed),
        ] {
            let feedback = Feedback::parse(&event("Bounce", &bounce(kind, sort), &tags()))
                .unwrap()
                .unwrap();
            assert_eq!(feedback.became, Some(became));
            assert_eq!(feedback.request_id.to_string(), REQUEST);
            assert_eq!(
                (feedback.notice.as_str(), feedback.at.as_str()),
                ("refused_1", "2026-11-25T21:00:04.123Z")
            );
            assert_eq!(feedback.words.as_deref(), Some("smtp; 550 5.1.1 user unknown"));
            assert!(feedback.is_about(&"it@example.com".parse().unwrap()));
            assert!(!feedback.is_about(&"anna@example.com".parse().unwrap()));
        }
    }

    #[test]
    fn complaints_are_told_apart() {
        let complaint = r#""complaint": {"complainedRecipients": [{"emailAddress": "it@example.com"}],
            "complaintFeedbackType": "abuse", "timestamp": "2026-11-25T22:00:00.000Z"}"#;
        let feedback = Feedback::parse(&event("Complaint", complaint, &tags()))
            .unwrap()
            .unwrap();
        assert_eq!((feedback.became, feedback.words), (Some(MailFate::Complaint), None));
    }

    #[test]
    fn a_delivery_tells_that_nothing_is_wrong() {
        let delivery = r#""delivery": {"timestamp": "2026-11-25T22:00:00.000Z", "processingTimeMillis": 546,
            "recipients": ["it@example.com"], "smtpResponse": "250 ok"}"#;
        let feedback = Feedback::parse(&event("Delivery", delivery, &tags())).unwrap().unwrap();
        assert_eq!(
            (feedback.became, feedback.at.as_str()),
            (None, "2026-11-25T22:00:00.000Z")
        );
        assert!(feedback.is_about(&"it@example.com".parse().unwrap()));
    }

    #[test]
    fn other_mail_and_other_events_are_not_ours() {
        let foreign = r#""ses:configuration-set": ["mailvan-notices"]"#;
        let opened = r#""open": {"timestamp": "2026-11-25T22:00:00.000Z"}"#;
        for event in [
            event("Bounce", &bounce("Permanent", "General"), foreign),
            event(
                "Bounce",
                &bounce("Permanent", "General"),
                r#""request": ["x"], "notice": ["accepted"]"#,
            ),
            event("Open", opened, &tags()),
        ] {
            assert_eq!(Feedback::parse(&event).unwrap(), None);
        }
        assert!(Feedback::parse("{}").is_err());
    }
}
