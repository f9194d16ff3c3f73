//! The provider's own settings: where mailboxes go, who sends the notices, how much may run at
//! once.
//!
//! A profile is a TOML file that stands beside the program (`infra/profile.example.toml` explains
//! each key). It has no secret in it, only the name of one, and a key that is not known is refused,
//! so that a slip of the pen does not become a default. Beside it may stand a folder `notices` with
//! the provider's own templates. `load` reads both, for the functions and for whoever checks them before a deployment.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use jiff::SignedDuration;
use serde::Deserialize;

pub use self::clients::Clients;
use self::clients::RawClients;
use self::destination::RawDestination;
pub use self::destination::{DestinationAuth, DestinationDav, DestinationImap};
use self::later_looks::RawLaterLooks;
pub use self::limits::{CompressSources, Limits};
pub use self::load::LoadError;
pub use self::notices::{Notices, TicketOnly};
pub use self::requests::Requests;
pub use self::tickets::{TicketMailSettings, Tickets, Unproven, WebhookSettings, WhmcsEntry, WhmcsSettings};
use crate::dns::DnsSettings;
use crate::dns::settings::RawDns;
use crate::domain::{Accent, Capacity, Language, Workdays, Zone};
use crate::notify::OwnTemplates;

mod clients;
mod destination;
mod later_looks;
mod limits;
mod load;
mod notices;
mod requests;
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
    /// What customers enter into their mail programs.
    pub clients: Clients,
    /// Who may order.
    pub orders: Orders,
    /// How far ahead requests are made, and how long they are kept.
    pub requests: Requests,
    /// Who notices come from.
    pub notices: Notices,
    /// Which ticket systems are told; none where there are none.
    pub tickets: Option<Box<Tickets>>,
    /// What customers have to put into their DNS; without it there is no guide and no watch.
    pub dns: Option<DnsSettings>,
    /// How long after the final pass the previous provider is looked at once more, in order.
    pub looks_after: Vec<SignedDuration>,
    /// How much is done at once.
    pub limits: Limits,
    /// How much may be promised to requests at once.
    pub capacity: Capacity,
    /// The provider's own words for notices, which stand in files of their own.
    pub templates: OwnTemplates,
}

/// `[provider]`: who the provider is.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The name shown in notices.
    pub name: String,
    /// The zone that decides what a weekend is.
    #[cfg_attr(test, schemars(with = "String"))]
    pub time_zone: Zone,
    /// Days on which nobody is there, as at weekends.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub holidays: Vec<jiff::civil::Date>,
    /// The languages that customers may choose, of which the first is for those who have another one; all that there are
    /// where the profile names none.
    pub languages: Option<Vec<Language>>,
    /// The one colour of the page; ours where the profile names none.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub accent: Option<Accent>,
}

/// `[orders]`: who may order.
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

    /// Whether contacts and calendars are brought into mailboxes by the mailboxes' own passwords.
    pub fn files_take_passwords(&self) -> bool {
        self.dav.is_some() && self.imap.auth == DestinationAuth::Password
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

    /// The languages that customers are told things in, at least one.
    pub fn languages(&self) -> &[Language] {
        self.languages.as_deref().unwrap_or(&Language::ALL)
    }

    fn check(&self) -> Result<(), Fault> {
        if self.name.trim().is_empty() || self.name.contains(char::is_control) {
            return Err((
                "provider.name",
                "write the name customers know the provider by, in one line".to_owned(),
            ));
        }
        let mut seen = BTreeSet::new();
        let are_right = |languages: &Vec<Language>| {
            !languages.is_empty() && languages.iter().all(|language| seen.insert(language.tag()))
        };
        if self.languages.as_ref().is_none_or(are_right) {
            Ok(())
        } else {
            Err((
                "provider.languages",
                "write at least one language, and each once".to_owned(),
            ))
        }
    }
}

#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    /// Who the provider is.
    provider: Provider,
    /// Where mailboxes, contacts and calendars go.
    destination: RawDestination,
    /// What customers enter into their mail programs.
    #[serde(default)]
    clients: RawClients,
    /// Who may order.
    #[serde(default)]
    orders: Orders,
    /// How far ahead requests are made, and how long they are kept.
    #[serde(default)]
    requests: Requests,
    /// What customers are told, and by whom.
    notices: Notices,
    /// Which ticket systems are told what customers are told.
    tickets: Option<Box<Tickets>>,
    /// What customers put into their DNS.
    dns: Option<RawDns>,
    /// When the previous provider is looked at once more after the final pass.
    #[serde(default)]
    later_looks: RawLaterLooks,
    /// How much is done at once.
    #[serde(default)]
    limits: Limits,
    /// How much may be promised to requests at once.
    #[serde(default)]
    capacity: Capacity,
}

/// What the role of `intake` may read in Secrets Manager (`template.yaml`).
const PERMIT_SECRET: &str = "mailvan/order-permits";

/// A key and what is wrong with it.
type Fault = (&'static str, String);

impl Raw {
    fn check(self) -> Result<Profile, Fault> {
        self.provider.check()?;
        let destination = self.destination.check()?;
        let clients = self.clients.check(&destination)?;
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
        self.requests.check()?;
        self.limits.check()?;
        self.notices.check()?;
        self.tickets.as_deref().map_or(Ok(()), Tickets::check)?;
        within("capacity.mailboxes", self.capacity.mailboxes.into(), 1..=100_000)?;
        within("capacity.connections", self.capacity.connections.into(), 1..=100_000)?;
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
            imap: destination.imap,
            dav: destination.dav,
            clients,
            orders: self.orders,
            requests: self.requests,
            notices: self.notices,
            tickets: self.tickets,
            dns: self.dns.map(RawDns::check).transpose()?,
            looks_after: self.later_looks.check()?,
            limits: self.limits,
            capacity: self
                .capacity
                .within_connections(self.limits.lanes, self.limits.host_connections),
            templates: OwnTemplates::default(),
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

/// The host of a URL with its port, if it is one of the web.
fn address(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next()
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
mod schema;
#[cfg(test)]
mod tests;
