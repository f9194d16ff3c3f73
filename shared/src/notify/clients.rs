//! What customers enter into their mail programs, as templates see it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::wording::one_line;
use crate::dns::settings::Purpose;
use crate::domain::{Endpoint, Security};
use crate::profile::Profile;
use crate::store::JobRecord;

/// For how many domains a mail tells where their settings are.
const LISTED_DOMAINS: usize = 5;

/// The servers, and how programs find them by themselves.
#[derive(Debug, Serialize)]
pub(super) struct Clients {
    pub(super) imap: Server,
    pub(super) smtp: Option<Server>,
    /// Contacts and calendars.
    pub(super) dav: Option<String>,
    /// Whether `{mailbox}` stands in that for the mailbox's address.
    pub(super) dav_is_pattern: bool,
    /// The provider's page about mail programs.
    pub(super) help: Option<String>,
    /// Whether there is a file for Apple's devices.
    pub(super) apple: bool,
    /// Where Thunderbird and others find the settings, once a domain has the record for it.
    pub(super) autoconfig: Vec<String>,
    /// Whether Outlook does.
    pub(super) autodiscover: bool,
}

/// What to enter into a mail program.
#[derive(Debug, Serialize)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    /// As mail programs call it.
    pub(super) security: &'static str,
}

impl Clients {
    pub(super) fn of(profile: &Profile, jobs: &[JobRecord]) -> Self {
        let clients = &profile.clients;
        let only = match jobs {
            [job] => Some(job.destination.as_str()),
            _ => None,
        };
        let dav = clients.dav.as_deref().map(|dav| match only {
            Some(mailbox) => one_line(&dav.replace("{mailbox}", mailbox)),
            None => one_line(dav),
        });
        let leads = |purpose| {
            profile
                .dns
                .as_ref()
                .is_some_and(|dns| dns.aliases.iter().any(|(own, _)| *own == purpose))
        };
        let domains: BTreeSet<&str> = jobs.iter().map(|job| job.destination.domain()).collect();
        let autoconfig = leads(Purpose::Autoconfig).then(|| {
            let links = domains
                .iter()
                .map(|domain| format!("https://autoconfig.{domain}/mail/config-v1.1.xml"));
            links.take(LISTED_DOMAINS).collect()
        });
        Self {
            imap: Server::of(&clients.imap),
            smtp: clients.smtp.as_ref().map(Server::of),
            dav_is_pattern: dav.as_deref().is_some_and(|dav| dav.contains("{mailbox}")),
            dav,
            help: clients.help.as_deref().map(one_line),
            apple: clients.smtp.is_some(),
            autoconfig: autoconfig.unwrap_or_default(),
            autodiscover: leads(Purpose::Autodiscover),
        }
    }
}

impl Server {
    fn of(endpoint: &Endpoint) -> Self {
        Self {
            host: endpoint.host.to_string(),
            port: endpoint.port,
            security: match endpoint.security {
                Security::Tls => "SSL/TLS",
                Security::StartTls => "STARTTLS",
                Security::None => "none",
            },
        }
    }
}
