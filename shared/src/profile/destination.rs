//! `[destination]`: where mailboxes, contacts and calendars go.

use serde::Deserialize;

use super::tickets::SECRETS;
use super::{Fault, PERMIT_SECRET, address, within};
use crate::domain::{Endpoint, Host, Security};

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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// `[destination]` as it is written.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDestination {
    /// The IMAP server that mailboxes are copied to.
    imap: RawImap,
    /// Where contacts and calendars are imported; left out where there is no such server.
    dav: Option<DestinationDav>,
}

#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawImap {
    /// The server; it must be reachable from the functions.
    #[cfg_attr(test, schemars(with = "String"))]
    host: Host,
    /// By default 993 with tls, else 143.
    port: Option<u16>,
    /// By default tls, with port 143 alone starttls.
    security: Option<Security>,
    /// How to log in to a customer's mailbox.
    auth: RawAuth,
    /// With `master`: who logs in.
    master_user: Option<String>,
    /// With `master`: the name of the secret with the password.
    master_password_secret: Option<String>,
    /// With `token`: the name of the secret with the token.
    access_token_secret: Option<String>,
}

#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawAuth {
    /// As one user for all of them.
    Master,
    /// By the password of the customer's row.
    Password,
    /// By one OAuth 2.0 access token that opens all of them.
    Token,
}

const MASTER_USER: &str = "destination.imap.master_user";
const MASTER_PASSWORD_SECRET: &str = "destination.imap.master_password_secret";
const ACCESS_TOKEN_SECRET: &str = "destination.imap.access_token_secret";

/// `[destination]`, checked.
pub(super) struct Destination {
    pub(super) imap: DestinationImap,
    pub(super) dav: Option<DestinationDav>,
}

impl RawDestination {
    pub(super) fn check(self) -> Result<Destination, Fault> {
        if let Some(dav) = &self.dav {
            check_url("destination.dav.url", &dav.url)?;
            within("destination.dav.requests", dav.requests.into(), 1..=16)?;
            if !dav.master_login.contains("{mailbox}") {
                return Err((
                    "destination.dav.master_login",
                    "write where the mailbox stands in it, as {mailbox}".to_owned(),
                ));
            }
        }
        Ok(Destination {
            imap: self.imap.check()?,
            dav: self.dav,
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
                password_secret: secret(
                    MASTER_PASSWORD_SECRET,
                    needed(MASTER_PASSWORD_SECRET, self.master_password_secret.take(), "master")?,
                )?,
            },
            RawAuth::Password => DestinationAuth::Password,
            RawAuth::Token => DestinationAuth::Token {
                token_secret: secret(
                    ACCESS_TOKEN_SECRET,
                    needed(ACCESS_TOKEN_SECRET, self.access_token_secret.take(), "token")?,
                )?,
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

/// The name of a secret that the functions may read which log in: those of the permits and the ticket systems are not.
fn secret(key: &'static str, name: String) -> Result<String, Fault> {
    if [PERMIT_SECRET, SECRETS].iter().any(|other| name.starts_with(other)) {
        return Err((
            key,
            "write another name: one that begins so is kept from the functions that log in".to_owned(),
        ));
    }
    Ok(name)
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

/// An address of the web that `{mailbox}` may stand in the path of.
pub(super) fn check_url(key: &'static str, url: &str) -> Result<(), Fault> {
    let authority = address(url).unwrap_or_default();
    let bad = authority.is_empty() || url.contains(|c: char| c.is_whitespace() || c.is_control());
    if bad {
        return Err((
            key,
            "write the whole address, such as https://dav.example.net/".to_owned(),
        ));
    }
    if authority.contains(['@', '{']) {
        return Err((
            key,
            "no user or password may stand in the address, and {mailbox} in its path only".to_owned(),
        ));
    }
    Ok(())
}
