//! What was found when a mailbox was looked at before its copying begins.
//!
//! A fault is told as one that somebody can mend: what is wrong, what to do, and, where there is a
//! good guess, what would have been right. How it is found out is in `crate::check`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::servers::Servers;

/// How far the check of a mailbox is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Not begun.
    #[default]
    Waiting,
    /// Begun; a fault that stands beside it is not believed yet.
    Running,
    /// The mailbox can be copied, as far as can be told.
    Passed,
    /// There is something to mend.
    Failed,
}

/// What is known of a mailbox from its check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// How far it is.
    #[serde(rename = "check_state", default)]
    pub state: CheckState,
    /// How often the row has been mended: what is found out about an earlier form of it counts no more.
    #[serde(rename = "check_round", default)]
    pub round: u32,
    /// How many looks at this form of it have found a fault so far.
    #[serde(rename = "check_times", default)]
    pub times: u32,
    /// When it was found out last.
    #[serde(rename = "checked_at", default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What is wrong, on either side.
    #[serde(rename = "check_faults", default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<CheckFault>,
    /// How much there is to copy.
    #[serde(rename = "check_size", default, skip_serializing_if = "Option::is_none")]
    pub size: Option<MailboxSize>,
    /// What was learnt of both servers.
    #[serde(rename = "check_servers", default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<Box<Servers>>,
    /// Whether this is a look at what an earlier one found right.
    #[serde(rename = "check_was_right", default, skip_serializing_if = "std::ops::Not::not")]
    pub was_right: bool,
}

/// How much a mailbox holds at the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxSize {
    /// Folders that are copied.
    pub folders: u32,
    /// Messages in them.
    pub messages: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Whether the bytes are an estimate: the server tells no sizes, and there was too much to ask for
    /// each.
    #[serde(default)]
    pub is_estimate: bool,
}

/// What is wrong with a mailbox, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckFault {
    /// What kind of fault it is, for programs.
    pub code: CheckCode,
    /// What is wrong and where, for people.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// What would have been right, where there is a guess: a server's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// The kinds of faults; stored and shown in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckCode {
    /// No server is named, and none was found.
    SourceNotFound,
    /// The server's name has no address.
    SourceUnknownHost,
    /// The server's name leads to an address that is not public.
    SourceForbiddenAddress,
    /// Nothing listens there.
    SourceConnectionRefused,
    /// Nothing answers.
    SourceUnreachable,
    /// What answers is no IMAP server.
    SourceNotImap,
    /// It does not speak TLS on this port.
    SourceNotTls,
    /// It does not offer STARTTLS.
    SourceNoStarttls,
    /// The connection would not be protected.
    SourcePlaintextRefused,
    /// The certificate is for another name.
    SourceWrongName,
    /// The certificate has expired.
    SourceCertificateExpired,
    /// The certificate is not from a known authority, or not right in another way.
    SourceCertificateUntrusted,
    /// User name or password are wrong.
    SourceWrongPassword,
    /// A password for this application is needed instead of the usual one.
    SourceAppPasswordNeeded,
    /// The provider takes no passwords.
    SourceOauthNeeded,
    /// IMAP is switched off for this mailbox.
    SourceImapDisabled,
    /// The mailbox has to be unlocked at the provider first.
    SourceLoginBlocked,
    /// The login was accepted, but the mailbox is out of reach.
    SourceMailboxUnreachable,
    /// Too many connections are open.
    SourceTooManyConnections,
    /// The server is busy or disturbed.
    SourceBusy,
    /// The folders cannot be listed.
    SourceFoldersUnreadable,
    /// There is no such mailbox at the new provider, or it cannot be opened.
    DestinationMissing,
    /// The password at the new provider is wrong.
    DestinationWrongPassword,
    /// The mailbox at the new provider has no room for the mail.
    DestinationTooSmall,
    /// The new provider's server is out of reach.
    DestinationUnreachable,
    /// It could not be found out.
    NotChecked,
}

impl CheckCode {
    /// All codes.
    pub const ALL: [Self; 26] = [
        Self::SourceNotFound,
        Self::SourceUnknownHost,
        Self::SourceForbiddenAddress,
        Self::SourceConnectionRefused,
        Self::SourceUnreachable,
        Self::SourceNotImap,
        Self::SourceNotTls,
        Self::SourceNoStarttls,
        Self::SourcePlaintextRefused,
        Self::SourceWrongName,
        Self::SourceCertificateExpired,
        Self::SourceCertificateUntrusted,
        Self::SourceWrongPassword,
        Self::SourceAppPasswordNeeded,
        Self::SourceOauthNeeded,
        Self::SourceImapDisabled,
        Self::SourceLoginBlocked,
        Self::SourceMailboxUnreachable,
        Self::SourceTooManyConnections,
        Self::SourceBusy,
        Self::SourceFoldersUnreadable,
        Self::DestinationMissing,
        Self::DestinationWrongPassword,
        Self::DestinationTooSmall,
        Self::DestinationUnreachable,
        Self::NotChecked,
    ];

    /// Whether the mailbox may be copied nevertheless when its time has come: time may have mended
    /// it, and nobody else can.
    pub fn may_pass(self) -> bool {
        matches!(
            self,
            Self::SourceUnreachable
                | Self::SourceTooManyConnections
                | Self::SourceBusy
                | Self::SourceFoldersUnreadable
                | Self::SourceMailboxUnreachable
                | Self::DestinationUnreachable
                | Self::NotChecked
        )
    }

    /// Whether it is about this mailbox, and not about a server that many have: what a server does at one moment
    /// it need not do at another.
    pub fn is_about_the_mailbox(self) -> bool {
        matches!(
            self,
            Self::SourceWrongPassword
                | Self::SourceAppPasswordNeeded
                | Self::SourceOauthNeeded
                | Self::SourceImapDisabled
                | Self::SourceLoginBlocked
                | Self::DestinationMissing
                | Self::DestinationWrongPassword
                | Self::DestinationTooSmall
        )
    }

    /// Whether it is the new provider's own affair, about which the customer can do nothing.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::DestinationUnreachable | Self::NotChecked)
    }

    /// The code as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SourceNotFound => "source_not_found",
            Self::SourceUnknownHost => "source_unknown_host",
            Self::SourceForbiddenAddress => "source_forbidden_address",
            Self::SourceConnectionRefused => "source_connection_refused",
            Self::SourceUnreachable => "source_unreachable",
            Self::SourceNotImap => "source_not_imap",
            Self::SourceNotTls => "source_not_tls",
            Self::SourceNoStarttls => "source_no_starttls",
            Self::SourcePlaintextRefused => "source_plaintext_refused",
            Self::SourceWrongName => "source_wrong_name",
            Self::SourceCertificateExpired => "source_certificate_expired",
            Self::SourceCertificateUntrusted => "source_certificate_untrusted",
            Self::SourceWrongPassword => "source_wrong_password",
            Self::SourceAppPasswordNeeded => "source_app_password_needed",
            Self::SourceOauthNeeded => "source_oauth_needed",
            Self::SourceImapDisabled => "source_imap_disabled",
            Self::SourceLoginBlocked => "source_login_blocked",
            Self::SourceMailboxUnreachable => "source_mailbox_unreachable",
            Self::SourceTooManyConnections => "source_too_many_connections",
            Self::SourceBusy => "source_busy",
            Self::SourceFoldersUnreadable => "source_folders_unreadable",
            Self::DestinationMissing => "destination_missing",
            Self::DestinationWrongPassword => "destination_wrong_password",
            Self::DestinationTooSmall => "destination_too_small",
            Self::DestinationUnreachable => "destination_unreachable",
            Self::NotChecked => "not_checked",
        }
    }
}

impl CheckState {
    /// The state as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }

    /// Whether something is still to be found out.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

impl Check {
    /// What is to be mended before the mailbox can be copied; none where time may mend it. A server that was
    /// right before has hours to be itself again: the mailbox is tried when its time has come.
    pub fn obstacle(&self) -> Option<&CheckFault> {
        let holds_back = |code: CheckCode| !code.may_pass() && (!self.was_right || code.is_about_the_mailbox());
        self.failed().iter().find(|fault| holds_back(fault.code))
    }

    /// Whether the customer should look at it before the copying begins.
    pub fn needs_attention(&self) -> bool {
        self.failed().iter().any(|fault| !fault.code.is_ours())
    }

    /// What is wrong with a mailbox whose check has failed.
    pub fn failed(&self) -> &[CheckFault] {
        match self.state {
            CheckState::Failed => &self.faults,
            CheckState::Waiting | CheckState::Running | CheckState::Passed => &[],
        }
    }
}

impl CheckFault {
    /// A fault without a guess of what would have been right.
    pub fn new(code: CheckCode, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            remedy: remedy.into(),
            suggestion: None,
        }
    }

    /// Message, remedy and guess in one line.
    pub fn in_words(&self) -> String {
        let Self { message, remedy, .. } = self;
        match &self.suggestion {
            Some(suggestion) => format!("{message}. {remedy}. A server that answers is {suggestion}."),
            None => format!("{message}. {remedy}."),
        }
    }
}

impl fmt::Display for CheckCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_states_are_stored_as_they_are_shown() {
        for code in CheckCode::ALL {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
        }
        for state in [
            CheckState::Waiting,
            CheckState::Running,
            CheckState::Passed,
            CheckState::Failed,
        ] {
            assert_eq!(
                serde_json::to_string(&state).unwrap(),
                format!("\"{}\"", state.as_str())
            );
        }
    }

    #[test]
    fn a_server_that_is_ill_before_the_start_holds_no_mailbox_back() {
        for code in CheckCode::ALL {
            let check = Check {
                state: CheckState::Failed,
                faults: vec![CheckFault::new(code, "what", "do")],
                was_right: true,
                ..Check::default()
            };
            assert_eq!(
                check.obstacle().is_some(),
                code.is_about_the_mailbox(),
                "{}",
                code.as_str()
            );
            assert!(check.needs_attention() || code.is_ours(), "{}", code.as_str());
        }
    }

    #[test]
    fn only_what_somebody_can_mend_is_an_obstacle() {
        let check = |state, code| Check {
            state,
            faults: vec![CheckFault::new(code, "what", "do")],
            ..Check::default()
        };
        assert!(
            check(CheckState::Failed, CheckCode::SourceWrongPassword)
                .obstacle()
                .is_some()
        );
        assert!(check(CheckState::Failed, CheckCode::SourceBusy).obstacle().is_none());
        // Not believed yet.
        assert!(
            check(CheckState::Running, CheckCode::SourceWrongPassword)
                .obstacle()
                .is_none()
        );
        assert_eq!(Check::default().failed(), []);
    }
}
