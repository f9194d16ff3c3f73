//! E-mail addresses of mailboxes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::host::{Host, HostError};

/// The longest part before the @ in bytes (RFC 5321, section 4.5.3.1.1).
pub const MAX_LOCAL_BYTES: usize = 64;
/// The longest address in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const MAX_ADDRESS_BYTES: usize = 254;

/// The address of one mailbox: the local part as it was typed, the domain in ASCII and lower case.
///
/// Quoted local parts and domains that are IP addresses are refused: no provider gives such
/// mailboxes out, and a typing slip is likelier.
///
/// ```
/// # use mailvan::domain::EmailAddress;
/// let address: EmailAddress = " Anna.Muster@Müller.example ".parse()?;
/// assert_eq!(address.as_str(), "Anna.Muster@xn--mller-kva.example");
/// assert_eq!(address.key(), "anna.muster@xn--mller-kva.example");
/// # Ok::<(), mailvan::domain::AddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress {
    local: String,
    domain: Host,
    whole: String,
}

/// Why a text is not an [`EmailAddress`], in words for the person who typed it. The text itself is
/// never repeated: it may be a password in the wrong column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is nothing in it.
    #[error("the address is empty")]
    Empty,
    /// No @.
    #[error("the address has no @ in it")]
    NoAt,
    /// Two or more.
    #[error("the address has more than one @ in it: write one address only")]
    SeveralAts,
    /// Nothing before the @.
    #[error("the part before the @ is missing")]
    EmptyLocal,
    /// More than [`MAX_LOCAL_BYTES`].
    #[error("the part before the @ is longer than {MAX_LOCAL_BYTES} characters")]
    LocalTooLong,
    /// White space, control or punctuation that is only allowed in quotes.
    #[error(
        "the part before the @ has a character in it that addresses do not have, such as a space, a comma, a bracket or a quotation mark"
    )]
    LocalCharacter,
    /// A dot at either end, or two together.
    #[error("the part before the @ begins or ends with a dot, or has two dots together")]
    LocalDots,
    /// More than [`MAX_ADDRESS_BYTES`].
    #[error("the address is longer than {MAX_ADDRESS_BYTES} characters")]
    TooLong,
    /// Nothing after the @.
    #[error("the part after the @ is missing")]
    EmptyDomain,
    /// One word only, or an IP address.
    #[error("the part after the @ is not a complete domain, such as example.com")]
    IncompleteDomain,
    /// Not a DNS name.
    #[error("the part after the @ is not a domain, such as example.com")]
    Domain(#[source] HostError),
}

impl EmailAddress {
    /// The whole address: the local part as typed, the domain normalised.
    pub fn as_str(&self) -> &str {
        &self.whole
    }

    /// The part before the @, as typed.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the @, in ASCII and lower case.
    pub fn domain(&self) -> &str {
        self.domain.as_str()
    }

    /// The same, as the name of a host.
    pub fn host(&self) -> &Host {
        &self.domain
    }

    /// The address in lower case: what two spellings of one mailbox have in common, and what the
    /// table is asked by.
    pub fn key(&self) -> String {
        self.whole.to_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let (local, domain) = text.split_once('@').ok_or(AddressError::NoAt)?;
        if domain.contains('@') {
            return Err(AddressError::SeveralAts);
        }
        check_local(local)?;
        if domain.trim().is_empty() {
            return Err(AddressError::EmptyDomain);
        }
        if domain.starts_with(char::is_whitespace) {
            return Err(AddressError::Domain(HostError::HasSpace));
        }
        let host: Host = domain.parse().map_err(AddressError::Domain)?;
        if host.ip().is_some() || host.is_single_label() {
            return Err(AddressError::IncompleteDomain);
        }
        let whole = format!("{local}@{host}");
        if whole.len() > MAX_ADDRESS_BYTES {
            return Err(AddressError::TooLong);
        }
        Ok(Self {
            local: local.to_owned(),
            domain: host,
            whole,
        })
    }
}

fn check_local(local: &str) -> Result<(), AddressError> {
    if local.is_empty() {
        Err(AddressError::EmptyLocal)
    } else if local.len() > MAX_LOCAL_BYTES {
        Err(AddressError::LocalTooLong)
    } else if local.contains(|c: char| c.is_whitespace() || c.is_control() || "\"(),:;<>[\\]".contains(c)) {
        Err(AddressError::LocalCharacter)
    } else if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        Err(AddressError::LocalDots)
    } else {
        Ok(())
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.whole)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.whole, f)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.whole
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_local_part_is_kept_and_the_domain_normalised() {
        let address: EmailAddress = " Anna+Lists@Bücher.Example. ".parse().unwrap();
        assert_eq!(address.local(), "Anna+Lists");
        assert_eq!(address.domain(), "xn--bcher-kva.example");
        assert_eq!(address.as_str(), "Anna+Lists@xn--bcher-kva.example");
        assert_eq!(address.key(), "anna+lists@xn--bcher-kva.example");
    }

    #[test]
    fn each_mistake_is_named() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_whole = format!("{}@{}", "a".repeat(64), ["abcdefgh"; 22].join("."));
        for (typed, error) in [
            (" ", AddressError::Empty),
            ("anna", AddressError::NoAt),
            ("anna@b@example.com", AddressError::SeveralAts),
            ("a@example.com,b@example.com", AddressError::SeveralAts),
            ("@example.com", AddressError::EmptyLocal),
            ("anna muster@example.com", AddressError::LocalCharacter),
            ("Anna <anna@example.com", AddressError::LocalCharacter),
            ("\"anna\"@example.com", AddressError::LocalCharacter),
            ("anna.@example.com", AddressError::LocalDots),
            ("a..b@example.com", AddressError::LocalDots),
            ("anna@", AddressError::EmptyDomain),
            ("anna@example", AddressError::IncompleteDomain),
            ("anna@127.0.0.1", AddressError::IncompleteDomain),
            ("anna@[127.0.0.1]", AddressError::Domain(HostError::BadName)),
            ("anna@ example.com", AddressError::Domain(HostError::HasSpace)),
            ("anna@example .com", AddressError::Domain(HostError::HasSpace)),
            ("anna@exam_ple.com", AddressError::Domain(HostError::BadName)),
            (&long_local, AddressError::LocalTooLong),
            (&long_whole, AddressError::TooLong),
        ] {
            assert_eq!(typed.parse::<EmailAddress>(), Err(error), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_its_own_spelling(text in "\\PC{0,30}|[\\PC]{1,8}@[a-zA-Zäß.0-9-]{1,20}\\.[a-z]{2,4}") {
            if let Ok(address) = text.parse::<EmailAddress>() {
                prop_assert!(address.as_str().len() <= MAX_ADDRESS_BYTES);
                prop_assert_eq!(address.as_str(), format!("{}@{}", address.local(), address.domain()));
                prop_assert_eq!(address.as_str().parse::<EmailAddress>(), Ok(address));
            }
        }

        #[test]
        fn the_case_of_letters_makes_no_second_mailbox(local in "[a-z]{1,10}", domain in "[a-z]{1,10}\\.[a-z]{2,5}") {
            let text = format!("{local}@{domain}");
            let typed: EmailAddress = text.parse().unwrap();
            let shouted: EmailAddress = text.to_uppercase().parse().unwrap();
            prop_assert_eq!(typed.key(), shouted.key());
        }
    }
}
