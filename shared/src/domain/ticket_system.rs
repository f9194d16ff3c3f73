//! The kinds of ticket systems that are told what customers are told.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A ticket system of the provider's; in the table and in messages by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TicketSystem {
    /// Any program of the provider's, by signed calls.
    Webhook,
    /// WHMCS, by its API.
    Whmcs,
    /// Any that reads mail.
    Email,
}

impl TicketSystem {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Whmcs => "whmcs",
            Self::Email => "email",
        }
    }
}

impl fmt::Display for TicketSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
