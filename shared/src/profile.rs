//! The provider's own settings: where mailboxes go, who sends the notices, how much may run at
//! once.
//!
//! A profile is a TOML file that stands beside the program (`infra/profile.example.toml` explains
//! each key). It has no secret in it, only the name of one, and a key that is not known is refused,
//! so that a slip of the pen does not become a default. The module reads a text; where the file
//! lies is not its question.

use std::ops::RangeInclusive;

use serde::Deserialize;

pub use self::limits::Limits;
pub use self::notices::Notices;
pub use self::tickets::{TicketMailSettings, Tickets, WebhookSettings, WhmcsEntry, WhmcsSettings};
use crate::dns::DnsSettings;
use crate::dns::settings::RawDns;
use crate::domain::{Accent, Capacity, Endpoint, Host, Security, Workdays, Zone};

mod limits;
mod notices;
mod tickets;

/// A checked profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Who the provider is.
    pub provider: Provider,
    /// The IMAP server mailboxes are copied to.
    pub imap: DestinationImap,
    /// The CardDAV and CalDAV server, where there is one.
    pub dav: Option<DestinationDav>,
    /// Who may order.
    pub orders: Orders,
    /// Who notices come from.
    pub notices: Notices,
    /// Which ticket systems are told; none where there are none.
    pub tickets: Option<Tickets>,
    /// What customers have to put into their DNS; without it there is no guide and no watch.
    pub dns: Option<DnsSettings>,
    /// How much is done at once.
    pub limits: Limits,
    /// How much may be promised to requests at once.
    pub capacity: Capacity,
}

/// `[provider]`: who the provider is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The name shown in notices.
    pub name: String,
    /// The zone that decides what a weekend is.
    pub time_zone: Zone,
    /// Days on which nobody is there, as at weekends.
    #[serde(default)]
    pub holidays: Vec<jiff::civil::Date>,
    /// The one colour of the page; ours where the profile names none.
    pub accent: Option<Accent>,
}

/// `[destination.imap]`: where mailboxes are copied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationImap {
    /// The server.
    pub endpoint: Endpoint,
    /// How to log in there.
    pub auth: DestinationAuth,
}

/// How to log in to a mailbox at the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestinationAuth {
    /// As one user for all mailboxes: SASL PLAIN with the mailbox as the authorisation identity
    /// (RFC 4616).
    Master {
        /// The authentication identity.
        user: String,
        /// The name of the Secrets Manager secret that holds its password.
        password_secret: String,
    },
    /// As the mailbox, by the row's `destination_password`, else its `password`.
    Password,
    /// As the mailbox, by an OAuth 2.0 access token that opens all of them: SASL OAUTHBEARER (RFC 7628)
    /// or XOAUTH2.
    Token {
        /// The name of the Secrets Manager secret that holds the token of the hour; it is read anew at
        /// each login, and the provider's rotation keeps it fresh.
        token_secret: String,
    },
}

/// `[destination.dav]`: where contacts and calendars are imported.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestinationDav {
    /// The address to begin discovery at, with `https://` (or `http://`). `{mailbox}` in it stands for the
    /// mailbox's address.
    pub url: String,
    /// How the master user names the mailbox it logs in for, with `{mailbox}` and `{master}`. Passwords over HTTP
    /// have no place for two names, so servers have conventions; Dovecot's and Cyrus's is the default.
    #[serde(default = "master_login")]
    pub master_login: String,
    /// How many requests are under way at once for one import, 1 to 16.
    #[serde(default = "requests")]
    pub requests: u8,
}

fn master_login() -> String {
    "{mailbox}*{master}".to_owned()
}

fn requests() -> u8 {
    4
}

/// `[orders]`: who may order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// The name of the Secrets Manager secret that permits are made with ([`permit`](crate::permit)); without
    /// it anybody who reaches the API may order for any mailbox.
    pub permit_secret: Option<String>,
}

/// Why a text is not a profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", .line.map_or_else(|| "profile".to_owned(), |line| format!("profile, line {line}")), .key.as_ref().map(|key| format!(", {key}")).unwrap_or_default())]
pub struct ProfileError {
    /// The line, from 1, as far as it is known.
    pub line: Option<usize>,
    /// The key with its table, such as `destination.imap.port`; a table alone where something is
    /// missing in it.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// [`ProfileError`] with the first fault, its line and its key.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let raw: Raw = toml::from_str(text).map_err(|error| ProfileError::from_toml(&error, text))?;
        raw.check()
            .map_err(|(key, message)| ProfileError::at_key(text, key, message))
    }
}

impl Provider {
    /// The days on which somebody is there.
    pub fn workdays(&self) -> Workdays<'_> {
        Workdays {
            zone: self.time_zone.rules(),
            holidays: &self.holidays,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    provider: Provider,
    destination: RawDestination,
    #[serde(default)]
    orders: Orders,
    notices: Notices,
    tickets: Option<Tickets>,
    dns: Option<RawDns>,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    capacity: Capacity,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDestination {
    imap: RawImap,
    dav: Option<DestinationDav>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawImap {
    host: Host,
    port: Option<u16>,
    security: Option<Security>,
    auth: RawAuth,
    master_user: Option<String>,
    master_password_secret: Option<String>,
    access_token_secret: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawAuth {
    Master,
    Password,
    Token,
}

const MASTER_USER: &str = "destination.imap.master_user";
const MASTER_PASSWORD_SECRET: &str = "destination.imap.master_password_secret";
const ACCESS_TOKEN_SECRET: &str = "destination.imap.access_token_secret";

/// What the role of `intake` may read in Secrets Manager (`template.yaml`).
const PERMIT_SECRET: &str = "mailvan/order-permits";

/// A key and what is wrong with it.
type Fault = (&'static str, String);

impl Raw {
    fn check(self) -> Result<Profile, Fault> {
        if self.provider.name.trim().is_empty() || self.provider.name.contains(char::is_control) {
            return Err((
                "provider.name",
                "write the name customers know the provider by, in one line".to_owned(),
            ));
        }
        if let Some(dav) = &self.destination.dav {
            check_url(&dav.url)?;
            within("destination.dav.requests", dav.requests.into(), 1..=16)?;
            if !dav.master_login.contains("{mailbox}") {
                return Err((
                    "destination.dav.master_login",
                    "write where the mailbox stands in it, as {mailbox}".to_owned(),
                ));
            }
        }
        if self
            .orders
            .permit_secret
            .as_ref()
            .is_some_and(|name| !name.starts_with(PERMIT_SECRET))
        {
            return Err((
                "orders.permit_secret",
                format!("write a name that begins with {PERMIT_SECRET}: the function may read no other"),
            ));
        }
        self.limits.check()?;
        self.notices.check()?;
        self.tickets.as_ref().map_or(Ok(()), Tickets::check)?;
        within("capacity.mailboxes", self.capacity.mailboxes.into(), 1..=100_000)?;
        within(
            "capacity.bytes_per_second",
            self.capacity.bytes_per_second,
            1_000..=1_000_000_000_000,
        )?;
        within(
            "capacity.host_mailboxes",
            self.capacity.host_mailboxes.into(),
            1..=100_000,
        )?;
        within(
            "capacity.host_bytes_per_second",
            self.capacity.host_bytes_per_second,
            1_000..=1_000_000_000_000,
        )?;
        Ok(Profile {
            provider: self.provider,
            imap: self.destination.imap.check()?,
            dav: self.destination.dav,
            orders: self.orders,
            notices: self.notices,
            tickets: self.tickets,
            dns: self.dns.map(RawDns::check).transpose()?,
            limits: self.limits,
            capacity: self.capacity,
        })
    }
}

impl RawImap {
    fn check(mut self) -> Result<DestinationImap, Fault> {
        if self.port == Some(0) {
            return Err(("destination.imap.port", "write a number from 1 to 65535".to_owned()));
        }
        let auth = match self.auth {
            RawAuth::Master => DestinationAuth::Master {
                user: needed(MASTER_USER, self.master_user.take(), "master")?,
                password_secret: needed(MASTER_PASSWORD_SECRET, self.master_password_secret.take(), "master")?,
            },
            RawAuth::Password => DestinationAuth::Password,
            RawAuth::Token => DestinationAuth::Token {
                token_secret: needed(ACCESS_TOKEN_SECRET, self.access_token_secret.take(), "token")?,
            },
        };
        unneeded(MASTER_USER, self.master_user.as_ref(), "master")?;
        unneeded(MASTER_PASSWORD_SECRET, self.master_password_secret.as_ref(), "master")?;
        unneeded(ACCESS_TOKEN_SECRET, self.access_token_secret.as_ref(), "token")?;
        Ok(DestinationImap {
            endpoint: Endpoint::with_defaults(self.host, self.port, self.security),
            auth,
        })
    }
}

fn within(key: &'static str, value: u64, range: RangeInclusive<u64>) -> Result<(), Fault> {
    if range.contains(&value) {
        Ok(())
    } else {
        Err((key, format!("write a number from {} to {}", range.start(), range.end())))
    }
}

/// What a way to log in needs.
fn needed(key: &'static str, value: Option<String>, auth: &str) -> Result<String, Fault> {
    value
        .filter(|value| !value.trim().is_empty())
        .ok_or_else(|| (key, format!("needed with auth = \"{auth}\"")))
}

/// What only another way to log in needs.
fn unneeded(key: &'static str, value: Option<&String>, auth: &str) -> Result<(), Fault> {
    value.map_or(Ok(()), |_| {
        Err((
            key,
            format!("means something with auth = \"{auth}\" only: remove it, or write that"),
        ))
    })
}

/// The host of a URL with what belongs to it, if it is one of the web.
fn address(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next()
}

fn check_url(url: &str) -> Result<(), Fault> {
    let authority = address(url).unwrap_or_default();
    let bad = authority.is_empty() || url.contains(|c: char| c.is_whitespace() || c.is_control());
    if bad {
        return Err((
            "destination.dav.url",
            "write the whole address, such as https://dav.example.net/".to_owned(),
        ));
    }
    if authority.contains(['@', '{']) {
        return Err((
            "destination.dav.url",
            "no user or password may stand in the address, and {mailbox} in its path only".to_owned(),
        ));
    }
    Ok(())
}

impl ProfileError {
    fn from_toml(error: &toml::de::Error, text: &str) -> Self {
        let line = error
            .span()
            .map(|span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
        let key = line.and_then(|line| key_of_line(text, line));
        Self {
            line,
            key,
            message: error.message().to_owned(),
        }
    }

    /// Finds the line of the key, or else of its table.
    fn at_key(text: &str, key: &str, message: String) -> Self {
        let table = key.rsplit_once('.').map_or(key, |(table, _)| table);
        let line_of =
            |wanted: &str| (1..=text.lines().count()).find(|line| key_of_line(text, *line).as_deref() == Some(wanted));
        Self {
            line: line_of(key).or_else(|| line_of(table)),
            key: Some(key.to_owned()),
            message,
        }
    }
}

/// The key of a line, with the table it stands in; a table's own name on the line of its head.
fn key_of_line(text: &str, line: usize) -> Option<String> {
    let above: Vec<&str> = text.lines().take(line).map(str::trim).collect();
    let table = above
        .iter()
        .rev()
        .find_map(|line| line.strip_prefix('['))
        .and_then(|head| head.trim_start_matches('[').split(']').next());
    let own = above.last()?;
    if own.starts_with('[') {
        return table.map(str::to_owned);
    }
    let (name, _) = own.split_once('=')?;
    let name = name.trim();
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    is_name.then(|| table.map_or_else(|| name.to_owned(), |table| format!("{table}.{name}")))
}

#[cfg(test)]
mod tests;
