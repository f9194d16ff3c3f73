//! Sending by Amazon SES (API v2).

use std::sync::Arc;

use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::RequestId as _;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, MessageTag, RawMessage};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::Mail;
use super::header::named;
use super::mime::{Header, message};
use crate::domain::{EmailAddress, RequestId};
use crate::profile::Profile;
use crate::queue::causes;

/// The header that names a notice, `<request>/<kind>`: the same in a mail that is sent twice, so
/// that a ticket system can drop the second.
pub const NOTICE_HEADER: &str = "X-Mailvan-Notice";

/// The tags by which SES names request and notice when it tells what became of a mail.
pub(super) const REQUEST_TAG: &str = "request";
pub(super) const NOTICE_TAG: &str = "notice";

/// What SES says where an account may not send more at this moment.
const TOO_MUCH: [&str; 3] = [
    "TooManyRequestsException",
    "LimitExceededException",
    "ThrottlingException",
];

/// How long what SES says of its quota is believed: it may be asked once a second.
const QUOTA_HOLDS: SignedDuration = SignedDuration::from_secs(60);

/// What is left for notices of the quota of a day: a fifth.
const FOR_NOTICES: f64 = 0.2;

/// How much an account may send within 24 hours, and has sent.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Quota {
    /// At most; below zero without a limit.
    most: f64,
    sent: f64,
}

impl Quota {
    fn has_room_for_owners(self) -> bool {
        self.most < 0.0 || self.sent < self.most * (1.0 - FOR_NOTICES)
    }
}

/// Sends mails. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    client: aws_sdk_sesv2::Client,
    configuration_set: Option<String>,
    /// The last that was told, and when.
    quota: Arc<Mutex<Option<(Timestamp, Quota)>>>,
}

/// A mail could not be handed over, or it is not known whether it was.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// SES said no. Its words are not kept: they repeat addresses, and errors are logged.
    #[error("the mail service refused the notice: {code} (its request {aws_request_id})")]
    Refused {
        /// SES's name for it, such as `MessageRejected`.
        code: String,
        /// What to ask AWS Support about.
        aws_request_id: String,
    },
    /// SES did not answer, after the SDK's own tries.
    #[error("the mail service did not answer")]
    Unanswered(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The mail could not be built.
    #[error("a mail is incomplete")]
    Build(#[from] BuildError),
}

impl SendError {
    /// Whether it was too much mail at once, or for a day: no fault of this one.
    pub fn is_too_much(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if TOO_MUCH.contains(&code.as_str()))
    }
}

impl Mailer {
    /// Sends by this client.
    pub fn new(client: aws_sdk_sesv2::Client) -> Self {
        Self {
            client,
            configuration_set: None,
            quota: Arc::default(),
        }
    }

    /// With the configuration set by which SES tells what became of the mails.
    #[must_use]
    pub fn told_by(self, configuration_set: Option<String>) -> Self {
        Self {
            configuration_set,
            ..self
        }
    }

    /// Whether mails to owners leave enough of the account's quota for notices. Where SES does not say, they do.
    pub async fn has_room_for_owners(&self, now: Timestamp) -> bool {
        let mut known = self.quota.lock().await;
        let holds = known.filter(|(at, _)| now.duration_since(*at) < QUOTA_HOLDS);
        let quota = if let Some((_, quota)) = holds {
            quota
        } else {
            let told = match self.client.get_account().send().await {
                Ok(account) => account.send_quota.map(|quota| Quota {
                    most: quota.max24_hour_send,
                    sent: quota.sent_last24_hours,
                }),
                Err(error) => {
                    tracing::warn!(error = causes(&error), "the mail service does not tell its quota");
                    None
                }
            };
            let Some(quota) = told else { return true };
            *known = Some((now, quota));
            quota
        };
        quota.has_room_for_owners()
    }

    /// Hands a notice of this name over to SES and gives SES's id of it. On return it is SES's to deliver. Not
    /// idempotent: each call that succeeds is a mail, which the outbox has to prevent.
    ///
    /// # Errors
    /// [`SendError`]. After [`SendError::Unanswered`] the mail may be on its way all the same.
    pub async fn send(
        &self,
        request_id: RequestId,
        name: &str,
        to: &EmailAddress,
        mail: &Mail,
        profile: &Profile,
    ) -> Result<String, SendError> {
        let from = named(&profile.provider.name, &profile.notices.sender);
        let header = Header {
            from: &from,
            to: to.as_str(),
            reply_to: profile.notices.support.as_ref().map(EmailAddress::as_str),
            own: &own_fields(format!("{request_id}/{name}"), to, profile),
        };
        let raw = RawMessage::builder().data(Blob::new(message(mail, &header))).build()?;
        let sent = self
            .client
            .send_email()
            .from_email_address(from)
            .set_configuration_set_name(self.configuration_set.clone())
            .email_tags(tag(REQUEST_TAG, request_id.to_string())?)
            .email_tags(tag(NOTICE_TAG, name.to_owned())?)
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .content(EmailContent::builder().raw(raw).build())
            .send()
            .await?;
        Ok(sent.message_id.unwrap_or_else(|| "unknown".to_owned()))
    }
}

fn tag(name: &str, value: String) -> Result<MessageTag, BuildError> {
    MessageTag::builder().name(name).value(value).build()
}

/// The fields of our own in a mail to this address.
fn own_fields(notice: String, to: &EmailAddress, profile: &Profile) -> Vec<(&'static str, String)> {
    let mut own = vec![(NOTICE_HEADER, notice)];
    let tickets = profile.tickets.as_ref().and_then(|tickets| tickets.email.as_ref());
    if tickets.is_none_or(|tickets| tickets.address != *to) {
        // Nobody's absence notice is to answer it (RFC 3834). Ticket systems drop what says so.
        own.push(("Auto-Submitted", "auto-generated".to_owned()));
    }
    own
}

impl From<SdkError<SendEmailError>> for SendError {
    fn from(error: SdkError<SendEmailError>) -> Self {
        if error.as_service_error().is_none() {
            return Self::Unanswered(Box::new(error));
        }
        let word = |word: Option<&str>| word.unwrap_or("unknown").to_owned();
        Self::Refused {
            code: word(error.code()),
            aws_request_id: word(error.request_id()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_programs_are_told_not_to_answer_and_ticket_systems_are_not() {
        let profile = Profile::parse(include_str!("../../../infra/profile.example.toml")).unwrap();
        let fields = |to: &str| {
            let own = own_fields("id/scheduled".to_owned(), &to.parse().unwrap(), &profile);
            own.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(fields("anna@example.com"), [NOTICE_HEADER, "Auto-Submitted"]);
        assert_eq!(fields("tickets@example.net"), [NOTICE_HEADER]);
    }

    #[test]
    fn owners_leave_a_fifth_of_the_quota_to_notices() {
        let has_room = |most: f64, sent: f64| Quota { most, sent }.has_room_for_owners();
        assert!(has_room(1_000.0, 799.0) && !has_room(1_000.0, 800.0) && !has_room(0.0, 0.0));
        assert!(has_room(-1.0, 1e9));
    }

    #[test]
    fn too_much_mail_is_told_from_a_mail_that_is_refused() {
        let refused = |code: &str| SendError::Refused {
            code: code.to_owned(),
            aws_request_id: String::new(),
        };
        assert!(refused("TooManyRequestsException").is_too_much() && !refused("MessageRejected").is_too_much());
    }
}
