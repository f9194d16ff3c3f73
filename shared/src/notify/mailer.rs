//! Sending by Amazon SES (API v2).

use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::RequestId as _;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, MessageTag, RawMessage};

use super::Mail;
use super::header::named;
use super::mime::{Header, message};
use crate::domain::{EmailAddress, RequestId};
use crate::profile::Profile;

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

/// Sends mails. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    client: aws_sdk_sesv2::Client,
    configuration_set: Option<String>,
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
    fn too_much_mail_is_told_from_a_mail_that_is_refused() {
        let refused = |code: &str| SendError::Refused {
            code: code.to_owned(),
            aws_request_id: String::new(),
        };
        assert!(refused("TooManyRequestsException").is_too_much() && !refused("MessageRejected").is_too_much());
    }
}
