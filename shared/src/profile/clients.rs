//! `[clients]`: what customers enter into their mail programs.
//!
//! It may differ from `[destination]`, which is how the service itself reaches the servers. What is left out is taken
//! from there, except for the server of outgoing mail, which is in no other place of the profile.

use serde::Deserialize;

use super::Fault;
use super::destination::{Destination, check_url};
use super::notices::check_page;
use crate::domain::{Endpoint, Host, Security};

/// What customers enter into their mail programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clients {
    /// Incoming mail.
    pub imap: Endpoint,
    /// Outgoing mail (RFC 6409), where the profile names a server.
    pub smtp: Option<Endpoint>,
    /// Contacts and calendars; `{mailbox}` in it stands for the mailbox's address.
    pub dav: Option<String>,
    /// The provider's page about mail programs.
    pub help: Option<String>,
}

/// `[clients]` as it is written.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawClients {
    /// Incoming mail; by default the server of `[destination.imap]`.
    imap: Option<RawServer>,
    /// Outgoing mail.
    smtp: Option<RawServer>,
    /// The address of contacts and calendars, in which `{mailbox}` stands for the mailbox's; by default the one of
    /// `[destination.dav]`.
    dav: Option<String>,
    /// The address of a page that tells how mail programs are set up.
    help: Option<String>,
}

/// A server as customers use it.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawServer {
    /// Its name.
    #[cfg_attr(test, schemars(with = "String"))]
    host: Host,
    /// Its port; by default the usual one of its security.
    port: Option<u16>,
    /// How it is protected; by default `starttls` on the ports 143, 25 and 587, else `tls`.
    security: Option<Security>,
}

impl RawClients {
    pub(super) fn check(self, destination: &Destination) -> Result<Clients, Fault> {
        let dav = self.dav.or_else(|| destination.dav.as_ref().map(|dav| dav.url.clone()));
        if let Some(dav) = &dav {
            check_url("clients.dav", dav)?;
        }
        if let Some(help) = &self.help {
            check_page("clients.help", help, "https://help.example.net/mail")?;
        }
        let imap = match self.imap {
            Some(server) => {
                let RawServer { host, port, security } = server.check("clients.imap.port", "clients.imap.security")?;
                Endpoint::with_defaults(host, port, security)
            }
            None => destination.imap.endpoint.clone(),
        };
        let smtp = match self.smtp {
            Some(server) => Some(server.check("clients.smtp.port", "clients.smtp.security")?.submission()),
            None => None,
        };
        Ok(Clients {
            imap,
            smtp,
            dav,
            help: self.help,
        })
    }
}

impl RawServer {
    fn check(self, port: &'static str, security: &'static str) -> Result<Self, Fault> {
        if self.port == Some(0) {
            return Err((port, "write a number from 1 to 65535".to_owned()));
        }
        if self.security == Some(Security::None) {
            return Err((security, "write tls or starttls: passwords are sent to it".to_owned()));
        }
        Ok(self)
    }

    /// With what is usual for outgoing mail (RFC 8314, section 3.3).
    fn submission(self) -> Endpoint {
        let security = self.security.unwrap_or(match self.port {
            Some(25 | 587) => Security::StartTls,
            _ => Security::Tls,
        });
        Endpoint {
            host: self.host,
            port: self.port.unwrap_or(match security {
                Security::Tls => 465,
                Security::StartTls | Security::None => 587,
            }),
            security,
        }
    }
}
