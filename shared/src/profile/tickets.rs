//! `[tickets]`: the provider's ticket systems, which are told what customers are told.

use http::Uri;
use serde::Deserialize;

use super::Fault;
use crate::domain::{EmailAddress, Language, TicketSystem};

/// What the role of `ticket` may read in Secrets Manager (`template.yaml`).
pub(super) const SECRETS: &str = "mailvan/tickets";

/// The longest text that stands in a subject or names a status.
const LONGEST: usize = 100;

/// `[tickets]`: whom notices of requests with a reference are told; all that are named, each by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tickets {
    /// The language of the staff; the customer's where it is not named.
    pub language: Option<Language>,
    /// What is told of a ticket that no permit names.
    #[serde(default)]
    pub unproven: Unproven,
    /// `[tickets.webhook]`.
    pub webhook: Option<WebhookSettings>,
    /// `[tickets.whmcs]`.
    pub whmcs: Option<WhmcsSettings>,
    /// `[tickets.email]`.
    pub email: Option<TicketMailSettings>,
}

/// What ticket systems are told where a customer names a ticket that his permit does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Unproven {
    /// What staff alone see.
    #[default]
    Note,
    /// Nothing.
    Nothing,
    /// The same as of any other ticket: where nobody but staff can order.
    Trusted,
}

/// `[tickets.webhook]`: an address that is called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// The address.
    pub url: String,
    /// The name of the Secrets Manager secret that holds the key of the signatures, or two of them while it is changed.
    pub key_secret: String,
}

/// `[tickets.whmcs]`: a WHMCS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WhmcsSettings {
    /// The address of its API, such as `https://billing.example.net/includes/api.php`.
    pub url: String,
    /// The name of the Secrets Manager secret that holds identifier, secret and, if there is one, access key.
    pub credentials_secret: String,
    /// What is written into the ticket.
    #[serde(default)]
    pub write: WhmcsEntry,
    /// Who replies: the user name of a member of staff.
    pub admin_user: Option<String>,
    /// Which status a ticket gets when everything has moved; none to leave it.
    pub completed_status: Option<String>,
}

/// What is written into a WHMCS ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum WhmcsEntry {
    /// A note that staff see.
    #[default]
    Note,
    /// A reply that its customer sees too.
    Reply,
}

/// `[tickets.email]`: a mailbox that a ticket system reads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TicketMailSettings {
    /// The mailbox.
    #[cfg_attr(test, schemars(with = "String"))]
    pub address: EmailAddress,
    /// What stands first in the subject; `{ticket}` in it stands for the reference.
    #[serde(default = "subject")]
    pub subject: String,
    /// Who these mails are from; the notices' sender where it is not named.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub sender: Option<EmailAddress>,
}

fn subject() -> String {
    "[Ticket ID: {ticket}]".to_owned()
}

impl Tickets {
    /// Who is told.
    pub fn systems(&self) -> impl Iterator<Item = TicketSystem> {
        [
            self.webhook.as_ref().map(|_| TicketSystem::Webhook),
            self.whmcs.as_ref().map(|_| TicketSystem::Whmcs),
            self.email.as_ref().map(|_| TicketSystem::Email),
        ]
        .into_iter()
        .flatten()
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.systems().next().is_none() {
            return Err((
                "tickets",
                "name a ticket system: [tickets.webhook], [tickets.whmcs] or [tickets.email]".to_owned(),
            ));
        }
        self.webhook.as_ref().map_or(Ok(()), WebhookSettings::check)?;
        self.whmcs.as_ref().map_or(Ok(()), WhmcsSettings::check)?;
        self.email.as_ref().map_or(Ok(()), TicketMailSettings::check)
    }
}

impl WebhookSettings {
    fn check(&self) -> Result<(), Fault> {
        check_url("tickets.webhook.url", &self.url)?;
        check_secret("tickets.webhook.key_secret", &self.key_secret)
    }
}

impl WhmcsSettings {
    fn check(&self) -> Result<(), Fault> {
        check_url("tickets.whmcs.url", &self.url)?;
        check_secret("tickets.whmcs.credentials_secret", &self.credentials_secret)?;
        let key = "tickets.whmcs.admin_user";
        match (self.write, &self.admin_user) {
            (WhmcsEntry::Reply, None) => return Err((key, "needed with write = \"reply\"".to_owned())),
            (WhmcsEntry::Note, Some(_)) => {
                let words = "means something with write = \"reply\" only: remove it, or write that";
                return Err((key, words.to_owned()));
            }
            (_, user) => user.as_deref().map_or(Ok(()), |user| check_line(key, user))?,
        }
        let status = self.completed_status.as_deref();
        status.map_or(Ok(()), |status| check_line("tickets.whmcs.completed_status", status))
    }
}

impl TicketMailSettings {
    fn check(&self) -> Result<(), Fault> {
        let key = "tickets.email.subject";
        check_line(key, &self.subject)?;
        if self.subject.contains("{ticket}") {
            return Ok(());
        }
        Err((key, "write where the reference stands in it, as {ticket}".to_owned()))
    }
}

/// It is called by TLS; a server on this machine, as in tests, by HTTP too.
fn check_url(key: &'static str, url: &str) -> Result<(), Fault> {
    let read = url.parse::<Uri>().ok();
    let authority = read.as_ref().and_then(Uri::authority).filter(|authority| {
        let plain = authority.as_str();
        !plain.contains('@') && !authority.host().is_empty() && !url.contains('#')
    });
    let (Some(read), Some(authority)) = (&read, authority) else {
        return Err((
            key,
            "write the whole address, such as https://tickets.example.net/mailvan, without user and password"
                .to_owned(),
        ));
    };
    let is_here = matches!(authority.host(), "127.0.0.1" | "localhost" | "[::1]");
    match read.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_here => Ok(()),
        _ => Err((key, "write an address that begins with https://".to_owned())),
    }
}

fn check_secret(key: &'static str, name: &str) -> Result<(), Fault> {
    if name.starts_with(SECRETS) {
        return Ok(());
    }
    Err((
        key,
        format!("write a name that begins with {SECRETS}: the function may read no other"),
    ))
}

fn check_line(key: &'static str, text: &str) -> Result<(), Fault> {
    if text.trim().is_empty() || text.chars().count() > LONGEST || text.contains(char::is_control) {
        return Err((key, format!("write one line of 1 to {LONGEST} characters")));
    }
    Ok(())
}

#[cfg(test)]
#[path = "tickets_tests.rs"]
mod tests;
