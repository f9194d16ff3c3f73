//! Where a mailbox comes from and where it goes to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{EmailAddress, Host, Secret};

/// How a connection is protected.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first byte; usually port 993 (RFC 8314).
    Tls,
    /// Plain at first, TLS before the login; usually port 143. A server that does not offer it is
    /// refused.
    StartTls,
    /// No protection at all; refused in production.
    None,
}

/// A server that can be connected to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its name or address.
    pub host: Host,
    /// Its port, never 0.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
}

/// One mailbox to migrate: an accepted row of the file, or an accepted entry of the form.
#[derive(Clone, Debug)]
pub struct MailboxOrder {
    /// The address of the mailbox at the previous provider.
    pub address: EmailAddress,
    /// What to log in with there; the address unless told otherwise.
    pub source_user: String,
    /// The password there.
    pub password: Secret,
    /// The IMAP server there; where none is named, the likeliest until one is found.
    pub source: Endpoint,
    /// No server is named: it has to be found before anything is sent to it.
    pub seeks_source: bool,
    /// The address of the mailbox here; the same address unless told otherwise.
    pub destination: EmailAddress,
    /// The password here, when it differs from the one there and no master user logs in.
    pub destination_password: Option<Secret>,
}

/// A text that names no way of protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write tls (usual), starttls or none")]
pub struct UnknownSecurity;

impl Security {
    /// The port that is meant when none is given: 993 with TLS, else 143.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Tls => 993,
            Self::StartTls | Self::None => 143,
        }
    }

    /// The protection that is meant when only a port is given: STARTTLS on 143, else TLS; never
    /// none.
    pub fn for_port(port: u16) -> Self {
        if port == 143 { Self::StartTls } else { Self::Tls }
    }

    /// The word it is stored as: `tls`, `starttls` or `none`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
            Self::None => "none",
        }
    }
}

impl Endpoint {
    /// Fills in what was left out: both from [`Security::Tls`], one from the other.
    pub fn with_defaults(host: Host, port: Option<u16>, security: Option<Security>) -> Self {
        let security = security.unwrap_or_else(|| port.map_or(Security::Tls, Security::for_port));
        Self {
            host,
            port: port.unwrap_or_else(|| security.default_port()),
            security,
        }
    }
}

/// From which mailbox mail is copied into which: the same text for the same two. The usual two ports of IMAP are of the
/// same server.
pub fn route(source: &Endpoint, user: &str, destination: &str) -> String {
    let Endpoint { host, port, .. } = source;
    match port {
        143 | 993 => format!("{user} at {host} to {destination}"),
        _ => format!("{user} at {host}:{port} to {destination}"),
    }
}

impl FromStr for Security {
    type Err = UnknownSecurity;

    /// Takes the words that mail programs use, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownSecurity> {
        match text.trim().to_lowercase().as_str() {
            "tls" | "ssl" | "ssl/tls" | "tls/ssl" | "imaps" | "implicit" => Ok(Self::Tls),
            "starttls" | "start_tls" | "start-tls" => Ok(Self::StartTls),
            "none" | "plain" | "insecure" => Ok(Self::None),
            _ => Err(UnknownSecurity),
        }
    }
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Endpoint {
    /// `host:port (security)`, with brackets around an IPv6 address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.as_str().contains(':') {
            write!(f, "[{}]:{} ({})", self.host, self.port, self.security)
        } else {
            write!(f, "{}:{} ({})", self.host, self.port, self.security)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_way_to_the_same_server_is_the_same_route() {
        let route = |host: &str, port, user, destination| {
            let source = Endpoint::with_defaults(host.parse().unwrap(), Some(port), None);
            route(&source, user, destination)
        };
        let usual = route("imap.example.org", 993, "anna", "anna@example.net");
        assert_eq!(route("imap.example.org", 143, "anna", "anna@example.net"), usual);
        for other in [
            route("imap.example.org", 1993, "anna", "anna@example.net"),
            route("mail.example.org", 993, "anna", "anna@example.net"),
            route("imap.example.org", 993, "ben", "anna@example.net"),
            route("imap.example.org", 993, "anna", "ben@example.net"),
        ] {
            assert_ne!(other, usual);
        }
    }

    #[test]
    fn the_words_of_mail_programs_are_understood() {
        for (words, security) in [
            (
                ["tls", "SSL", " ssl/tls ", "IMAPS", "implicit"].as_slice(),
                Security::Tls,
            ),
            (&["starttls", "STARTTLS", "Start_TLS"], Security::StartTls),
            (&["none", "Plain", "insecure"], Security::None),
        ] {
            for word in words {
                assert_eq!(word.parse(), Ok(security), "{word}");
            }
            assert_eq!(security.as_str().parse(), Ok(security));
            assert_eq!(serde_json::to_string(&security).unwrap(), format!("\"{security}\""));
        }
        assert_eq!("yes".parse::<Security>(), Err(UnknownSecurity));
    }

    #[test]
    fn what_is_left_out_is_never_plaintext() {
        let host: Host = "imap.example.com".parse().unwrap();
        for (port, security, expected) in [
            (None, None, "imap.example.com:993 (tls)"),
            (Some(993), None, "imap.example.com:993 (tls)"),
            (Some(143), None, "imap.example.com:143 (starttls)"),
            (Some(10993), None, "imap.example.com:10993 (tls)"),
            (None, Some(Security::StartTls), "imap.example.com:143 (starttls)"),
            (None, Some(Security::None), "imap.example.com:143 (none)"),
            (Some(2143), Some(Security::None), "imap.example.com:2143 (none)"),
        ] {
            assert_eq!(
                Endpoint::with_defaults(host.clone(), port, security).to_string(),
                expected
            );
        }
    }

    #[test]
    fn debug_of_an_order_shows_no_password() {
        let address: EmailAddress = "anna@example.com".parse().unwrap();
        let order = MailboxOrder {
            source_user: address.to_string(),
            destination: address.clone(),
            address,
            password: "hunter2".into(),
            source: Endpoint::with_defaults("::1".parse().unwrap(), None, None),
            seeks_source: false,
            destination_password: Some("hunter3".into()),
        };
        assert!(!format!("{order:?}").contains("hunter"));
        assert_eq!(order.source.to_string(), "[::1]:993 (tls)");
    }
}
