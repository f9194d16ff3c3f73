//! The provider's ticket systems: told what customers are told, for requests that have a reference.
//!
//! [`told`] says what; [`webhook`], [`whmcs`] and [`mail`] each tell it in one way. When something is to be told, and
//! whether it has been, is the outbox's to know ([`crate::store::ticket`]). Each way can be gone twice: a webhook is known
//! by its id, and in a WHMCS ticket the id is looked for before anything is written.

mod call;
pub mod mail;
pub mod signature;
pub mod told;
pub mod webhook;
pub mod whmcs;

pub use told::Told;
pub use webhook::Webhook;
pub use whmcs::Whmcs;

use std::time::Duration;

use http::StatusCode;

/// How long an answer may take. Three calls, the most there are in one try, stay below the claim of a minute.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Why a ticket system was not told.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// The settings or the secret are not right.
    #[error("{0}")]
    Unfit(&'static str),
    /// The call could not be written.
    #[error("the call to the ticket system cannot be written")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nothing was sent.
    #[error("the ticket system cannot be reached: {0}")]
    Unreachable(String),
    /// There was no whole answer.
    #[error("the connection to the ticket system failed: {0}")]
    CutOff(String),
    /// It did not answer in time.
    #[error("the ticket system did not answer within {} seconds", PATIENCE.as_secs())]
    Silent,
    /// It did not take it.
    #[error("the ticket system answered with {0}")]
    Status(StatusCode),
    /// It said no, in these words.
    #[error("the ticket system refused: {0}")]
    Refused(String),
    /// It knows no such ticket, and will not.
    #[error("the ticket system has no ticket of this reference")]
    NoSuchTicket,
    /// What was written may have arrived.
    #[error("{0}; whether it arrived is not known yet")]
    Unknown(Box<Self>),
}

impl TicketError {
    /// Whether another try would end no otherwise.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::NoSuchTicket)
    }

    /// Whether the far side may still be writing what it was told, so that a look at it now would come too early.
    pub fn may_arrive_yet(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}
