//! A server that nobody named and that was found.

use serde::{Deserialize, Serialize};

use super::Endpoint;

/// How a server was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// The domain's service records (RFC 6186).
    ServiceRecord,
    /// The domain's file for e-mail programs, as Thunderbird reads it.
    Autoconfig,
    /// The provider that the domain's mail goes to.
    Provider,
    /// A name such as imap.example.org.
    UsualName,
}

/// What mailboxes log in with there, where the customer has not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginName {
    /// The address.
    #[default]
    Address,
    /// The part of it before the @.
    LocalPart,
}

/// A server that was found, and has answered with a valid certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundServer {
    /// Where it is.
    pub endpoint: Endpoint,
    /// What to log in with.
    pub login: LoginName,
    /// How it was found.
    pub by: FoundBy,
}

/// What came of looking for a domain's server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSearch {
    /// The server, where there is one that a password may be sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<FoundServer>,
    /// One that answers, but that somebody else may have named: for the customer to decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl LoginName {
    /// What a mailbox of this address logs in with.
    pub fn of(self, address: &str) -> &str {
        match self {
            Self::Address => address,
            Self::LocalPart => address.rsplit_once('@').map_or(address, |(local, _)| local),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_logs_in_with_its_address_or_its_local_part() {
        assert_eq!(LoginName::Address.of("anna@example.org"), "anna@example.org");
        assert_eq!(LoginName::LocalPart.of("anna@example.org"), "anna");
    }
}
