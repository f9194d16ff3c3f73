//! The name of a server, as a customer types it and as it is connected to.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

/// The longest host name in bytes, written with dots and without the root's (RFC 1035, section
/// 2.3.4).
pub const MAX_HOST_BYTES: usize = 253;

/// A DNS name in ASCII and lower case, or an IP address; never with a scheme, a port or a path.
///
/// ```
/// # use mailvan::domain::Host;
/// let host: Host = " IMAP.Müller.example. ".parse()?;
/// assert_eq!(host.as_str(), "imap.xn--mller-kva.example");
/// # Ok::<(), mailvan::domain::HostError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host(String);

/// Why a text is not a [`Host`], in words for the person who typed it. The text itself is never
/// repeated: it may be a password in the wrong column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// There is nothing in it.
    #[error("the server name is empty")]
    Empty,
    /// Longer than [`MAX_HOST_BYTES`].
    #[error("the server name is longer than {MAX_HOST_BYTES} characters")]
    TooLong,
    /// A web or mail address with `://`.
    #[error("write the server name alone, without the part before and including `://`")]
    HasScheme,
    /// A slash, question mark or hash.
    #[error("write the server name alone, without anything after a slash")]
    HasPath,
    /// A user name or an e-mail address.
    #[error("this has an @ in it: write the name of the server, not an e-mail address")]
    HasUser,
    /// A colon and a port.
    #[error("write the server name alone; the port is given on its own")]
    HasPort,
    /// White space inside.
    #[error("a server name has no spaces in it")]
    HasSpace,
    /// Ends in digits, yet is not an IP address.
    #[error("this looks like an IP address, but is not a complete one")]
    BadIp,
    /// Not a DNS name.
    #[error("this is not a server name: letters, digits, hyphens and single dots are allowed, as in imap.example.com")]
    BadName,
}

impl Host {
    /// The name in ASCII, or the address (IPv6 without brackets).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The IP address, when the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }

    /// Whether nobody else than a network's own DNS could know the name: it has no dot and is no IP
    /// address.
    pub fn is_single_label(&self) -> bool {
        self.ip().is_none() && !self.0.contains('.')
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let text = text.trim();
        if let Some(ip) = ip_literal(text) {
            return Ok(Self(ip.to_string()));
        }
        refuse_other_things(text)?;
        let name = text.strip_suffix('.').unwrap_or(text);
        let ascii = Uts46::new()
            .to_ascii(
                name.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::CheckFirstLast,
                DnsLength::Ignore,
            )
            .map_err(|_| HostError::BadName)?;
        if ascii.len() > MAX_HOST_BYTES {
            return Err(HostError::TooLong);
        }
        if ascii.split('.').any(|label| label.is_empty() || label.len() > 63) {
            return Err(HostError::BadName);
        }
        // The mapping turns full-width digits into plain ones: look again.
        if let Ok(ip) = ascii.parse::<IpAddr>() {
            return Ok(Self(ip.to_string()));
        }
        if ascii
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Err(HostError::BadIp);
        }
        Ok(Self(ascii.into_owned()))
    }
}

fn ip_literal(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

/// Names the usual mistakes before the general answer "not a name".
fn refuse_other_things(text: &str) -> Result<(), HostError> {
    if text.is_empty() {
        Err(HostError::Empty)
    } else if text.contains("://") {
        Err(HostError::HasScheme)
    } else if text.contains('@') {
        Err(HostError::HasUser)
    } else if text.contains(['/', '?', '#', '\\']) {
        Err(HostError::HasPath)
    } else if text.contains(char::is_whitespace) {
        Err(HostError::HasSpace)
    } else if text.contains(':') {
        Err(HostError::HasPort)
    } else if text.len() > 4 * MAX_HOST_BYTES {
        Err(HostError::TooLong)
    } else {
        Ok(())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TryFrom<String> for Host {
    type Error = HostError;

    fn try_from(text: String) -> Result<Self, HostError> {
        text.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_lower_cased_and_made_ascii() {
        for (typed, stored) in [
            ("imap.example.com", "imap.example.com"),
            (" IMAP.Example.COM. ", "imap.example.com"),
            ("imap.müller.example", "imap.xn--mller-kva.example"),
            ("imap.xn--mller-kva.example", "imap.xn--mller-kva.example"),
            ("localhost", "localhost"),
            ("r3---sn.example.net", "r3---sn.example.net"),
            ("127.0.0.1", "127.0.0.1"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("::1", "::1"),
        ] {
            assert_eq!(
                typed.parse::<Host>().map(String::from),
                Ok(stored.to_owned()),
                "{typed}"
            );
        }
    }

    #[test]
    fn each_mistake_is_named() {
        let long = ["a"; 128].join(".");
        for (typed, error) in [
            ("  ", HostError::Empty),
            ("imaps://imap.example.com", HostError::HasScheme),
            ("imap.example.com/inbox", HostError::HasPath),
            ("anna@example.com", HostError::HasUser),
            ("imap.example.com:993", HostError::HasPort),
            ("[::1]:993", HostError::HasPort),
            ("imap example.com", HostError::HasSpace),
            ("192.168.1", HostError::BadIp),
            ("1.2.3.400", HostError::BadIp),
            ("imap..example.com", HostError::BadName),
            (".example.com", HostError::BadName),
            ("-imap.example.com", HostError::BadName),
            ("imap_1.example.com", HostError::BadName),
            ("imap.example.com,", HostError::BadName),
            (&"a".repeat(64), HostError::BadName),
            (".", HostError::BadName),
            (&long, HostError::TooLong),
        ] {
            assert_eq!(typed.parse::<Host>(), Err(error), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_ascii_short_and_its_own_spelling(text in "\\PC{0,40}|[a-zA-Zäöü0-9.\\-]{1,300}|[0-9.:a-f]{1,20}") {
            if let Ok(host) = text.parse::<Host>() {
                prop_assert!(host.as_str().is_ascii() && !host.as_str().is_empty() && host.as_str().len() <= MAX_HOST_BYTES);
                prop_assert_eq!(host.as_str().parse::<Host>(), Ok(host));
            }
        }
    }
}
