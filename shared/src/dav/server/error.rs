//! What can go wrong between here and the server.

use std::time::Duration;

use libdav::dav::{RequestError, WebDavError};

use crate::store::job::Failure;

/// Why the server could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DavError {
    /// The profile's address is none.
    #[error("the address of the contacts and calendar server is not one that can be used")]
    Address,
    /// It cannot be connected to.
    #[error("the contacts and calendar server cannot be reached: {0}")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("the contacts and calendar server did not answer within {} seconds", .0.as_secs())]
    Silent(Duration),
    /// It does not know the credentials.
    #[error("the contacts and calendar server refused the login")]
    LoginRefused,
    /// It asks for patience.
    #[error("the contacts and calendar server is busy and asks to wait {} seconds", .after.as_secs())]
    Busy {
        /// How long.
        after: Duration,
    },
    /// There is no more room.
    #[error("there is no room left for contacts and calendars at the new provider")]
    Full,
    /// It has nothing of the kind.
    #[error("the server has no {0} for this mailbox")]
    NoSuchHome(&'static str),
    /// It refused what was asked.
    #[error("the server answered {what} with {status}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// The status.
        status: u16,
    },
    /// Its answer cannot be understood.
    #[error("the server's answer to {what} cannot be understood: {why}")]
    Unreadable {
        /// What was asked.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl DavError {
    /// An error of the library, met while asking for `what`.
    pub(super) fn of(what: &'static str) -> impl Fn(WebDavError<Self>) -> Self {
        move |error| match error {
            WebDavError::Request(RequestError::Client(error)) => error,
            WebDavError::BadStatusCode(status) => Self::Refused {
                what,
                status: status.as_u16(),
            },
            other => Self::Unreadable {
                what,
                why: other.to_string().chars().take(200).collect(),
            },
        }
    }

    /// An error of carrying a request, met while asking for `what`.
    pub(super) fn of_request(what: &'static str) -> impl Fn(RequestError<Self>) -> Self {
        move |error| match error {
            RequestError::Client(error) => error,
            other @ RequestError::Http(_) => Self::Unreadable {
                what,
                why: other.to_string(),
            },
        }
    }

    /// Whether trying again is of no use until somebody does something.
    pub fn needs_person(&self) -> bool {
        matches!(
            self,
            Self::Address | Self::LoginRefused | Self::Full | Self::NoSuchHome(_)
        )
    }

    /// How long to leave the server alone, where it says so.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Busy { after } => Some(*after),
            _ => None,
        }
    }

    /// What the customer and the table are told.
    pub fn failure(&self) -> Failure {
        let (code, remedy) = match self {
            Self::Address => ("dav_not_set_up", "; staff have to look at the profile"),
            Self::Unreachable(_) | Self::Silent(_) => ("dav_unreachable", ""),
            Self::LoginRefused => (
                "dav_login_refused",
                "; check the mailbox's password at the new provider, and upload the file again",
            ),
            Self::Busy { .. } => ("dav_busy", ""),
            Self::Full => ("dav_full", "; ask support for more room, and upload the file again"),
            Self::NoSuchHome(_) => ("dav_no_home", "; ask support whether they are switched on for it"),
            Self::Refused { .. } => ("dav_refused", ""),
            Self::Unreadable { .. } => ("dav_unreadable", ""),
        };
        Failure {
            code: code.to_owned(),
            message: format!("{self}{remedy}"),
        }
    }
}
