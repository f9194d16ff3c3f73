//! Faults of the new provider's side in words for customers.

use super::{Belief, Finding};
use crate::domain::{CheckCode as Code, CheckFault, EmailAddress, MailboxSize};
use crate::imap::ImapError;
use crate::imap::quota::Quota;
use crate::profile::{DestinationAuth, Profile};

/// What a failure at the new provider's server means.
pub fn fault(error: &ImapError, mailbox: &EmailAddress, profile: &Profile) -> Finding {
    let provider = &profile.provider.name;
    match error {
        ImapError::LoginRefused { passing: false, .. } if profile.imap.auth == DestinationAuth::Password => Finding {
            fault: CheckFault::new(
                Code::DestinationWrongPassword,
                format!(
                    "{provider} refuses the login to {mailbox}: the mailbox is not there yet, or its password is another one"
                ),
                "Create the mailbox if it is not there, and give its password in the column destination_password",
            ),
            belief: Belief::Second,
        },
        ImapError::LoginRefused { passing: false, .. } => Finding {
            fault: CheckFault::new(
                Code::DestinationMissing,
                format!("There is no mailbox {mailbox} at {provider}"),
                "Create the mailbox, or correct the destination's address, and have the row checked again",
            ),
            belief: Belief::Second,
        },
        _ => Finding {
            fault: CheckFault::new(
                Code::DestinationUnreachable,
                format!("The mailbox {mailbox} at {provider} could not be opened"),
                "You need not do anything: we try again when the copying begins; if it stays like this, write to support",
            ),
            belief: Belief::Last,
        },
    }
}

/// Whether the mail has room in the mailbox.
pub fn room(quota: Option<Quota>, size: MailboxSize, mailbox: &EmailAddress) -> Option<CheckFault> {
    let quota = quota?;
    let needed = u64::try_from(size.bytes).unwrap_or_default();
    (needed > quota.free_bytes()).then(|| {
        CheckFault::new(
            Code::DestinationTooSmall,
            format!(
                "The mailbox {mailbox} has no room for the mail: {} are to be copied, and {} of {} are free",
                megabytes(needed),
                megabytes(quota.free_bytes()),
                megabytes(quota.limit_bytes)
            ),
            "Give the mailbox more room, or remove mail at the previous provider, and have the row checked again",
        )
    })
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(auth: DestinationAuth) -> Profile {
        let mut profile = Profile::parse(include_str!("../../../infra/profile.example.toml")).unwrap();
        profile.imap.auth = auth;
        profile
    }

    #[test]
    fn refused_login_is_told_by_who_logs_in() {
        let refused = ImapError::LoginRefused {
            text: "[AUTHENTICATIONFAILED] no".to_owned(),
            passing: false,
        };
        let mailbox = "anna@example.com".parse().unwrap();
        let own = fault(&refused, &mailbox, &profile(DestinationAuth::Password)).fault;
        assert_eq!(own.code, Code::DestinationWrongPassword);
        let token = DestinationAuth::Token {
            token_secret: "mailvan/token".to_owned(),
        };
        let ours = fault(&refused, &mailbox, &profile(token)).fault;
        assert_eq!(ours.code, Code::DestinationMissing);
        let lost = fault(
            &ImapError::Closed { command: "LIST" },
            &mailbox,
            &profile(DestinationAuth::Password),
        )
        .fault;
        assert!(lost.code.may_pass());
    }

    #[test]
    fn mail_has_to_fit_into_what_is_free() {
        let mailbox = "anna@example.com".parse().unwrap();
        let quota = |used_bytes| {
            Some(Quota {
                used_bytes,
                limit_bytes: 1000,
            })
        };
        let size = MailboxSize {
            bytes: 600,
            ..MailboxSize::default()
        };
        assert_eq!(room(None, size, &mailbox), None);
        assert_eq!(room(quota(400), size, &mailbox), None);
        assert_eq!(
            room(quota(401), size, &mailbox).map(|fault| fault.code),
            Some(Code::DestinationTooSmall)
        );
    }
}
