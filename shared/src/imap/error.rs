//! What can go wrong with a server, classified once.

use std::io;
use std::time::Duration;

use super::guard::ForbiddenAddress;

/// What a failure asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Trying again later may help: the network or the server was busy.
    Retry,
    /// Trying again cannot help until a person changes something.
    Person,
}

/// A failure while talking to an IMAP server. Never holds a credential or message content.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    /// The host name has no address.
    #[error("the server name {host} is not known")]
    UnknownHost {
        /// The name that was asked for.
        host: String,
        /// The resolver's answer.
        #[source]
        source: io::Error,
    },
    /// The host resolves to an address that customers may not make us connect to.
    #[error(transparent)]
    Forbidden(#[from] ForbiddenAddress),
    /// No connection could be made.
    #[error("no connection to {host}:{port}")]
    Unreachable {
        /// The host as given.
        host: String,
        /// The TCP port.
        port: u16,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// TLS could not be established: an untrusted certificate, a wrong name, no common version.
    #[error("no trusted TLS connection to {host}")]
    Tls {
        /// The host as given.
        host: String,
        /// The TLS library's reason.
        #[source]
        source: io::Error,
    },
    /// The server does not offer STARTTLS, though the row asks for it.
    #[error("{host} does not offer STARTTLS")]
    NoStartTls {
        /// The host as given.
        host: String,
    },
    /// An unencrypted connection was asked for where that is refused.
    #[error("an unencrypted connection to {host} is refused")]
    PlaintextRefused {
        /// The host as given.
        host: String,
    },
    /// The server greets us as somebody already, without a login (PREAUTH): nobody can tell whose
    /// mail this is, and no encryption can be asked for any more.
    #[error("{host} lets everybody in without a login, so that it is not known whose mailbox this is")]
    Preauthenticated {
        /// The host as given.
        host: String,
    },
    /// The login was refused.
    #[error("the login was refused; the server says: {text}")]
    LoginRefused {
        /// The server's own words.
        text: String,
        /// Whether the server says that it is not the password: it is busy, or has too many sessions.
        passing: bool,
    },
    /// The login was accepted, but the mailbox is out of reach.
    #[error("the login was accepted, but the mailbox cannot be reached; the server says: {text}")]
    NotConnected {
        /// The server's own words.
        text: String,
    },
    /// A command was refused with NO or BAD.
    #[error("{command} was refused: {text}")]
    Refused {
        /// The command's name, without its arguments.
        command: &'static str,
        /// The response code, upper case, such as `OVERQUOTA`; empty where there was none.
        code: String,
        /// The server's own words.
        text: String,
    },
    /// The server ended the session.
    #[error("the server said goodbye during {command}: {text}")]
    Bye {
        /// The command that was running.
        command: &'static str,
        /// The server's own words.
        text: String,
    },
    /// The connection ended before the answer did.
    #[error("the connection was closed during {command}")]
    Closed {
        /// The command that was running.
        command: &'static str,
    },
    /// Nothing arrived, or nothing could be sent, for the idle time.
    #[error("no answer to {command} within {seconds} s")]
    TimedOut {
        /// The command that was running.
        command: &'static str,
        /// The idle time in seconds.
        seconds: u64,
    },
    /// The connection failed.
    #[error("the connection failed during {command}")]
    Io {
        /// The command that was running.
        command: &'static str,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// The server sent something that is not IMAP, or more than is bearable.
    #[error("an answer to {command} could not be read: {what}")]
    Unreadable {
        /// The command that was running.
        command: &'static str,
        /// What was wrong, without the bytes themselves.
        what: &'static str,
    },
    /// The folder was exchanged under us: its UIDVALIDITY is another one.
    #[error("the server has numbered the messages of {folder} anew (UIDVALIDITY was {expected}, and is {found})")]
    UidValidityChanged {
        /// The folder's name on the wire.
        folder: String,
        /// The value known from planning.
        expected: u32,
        /// The value the server says now.
        found: u32,
    },
}

/// RFC 5530's codes for a server that cannot serve at the moment, or that has served enough.
const BUSY_CODES: [&str; 4] = ["UNAVAILABLE", "INUSE", "OVERQUOTA", "LIMIT"];

/// What servers without those codes say: among them Exchange's "Server Unavailable" and "Request is throttled.
/// Suggested Backoff Time: 9000 milliseconds", Yahoo's "UID SEARCH Server error - Please try again later", Gmail's
/// "Account exceeded command or bandwidth limits" (2026).
const BUSY_WORDS: [&str; 8] = [
    "too many",
    "temporar",
    "try again",
    "throttled",
    "backoff",
    "server unavailable",
    "bandwidth limit",
    "rate limit",
];

/// What they say of themselves, be it because of one message or because of themselves.
const OWN_FAULT_WORDS: [&str; 2] = ["server error", "internal error"];

/// What servers say that have given out what they give out in a day: Gmail's "Account exceeded command or bandwidth
/// limits" (2026), Yahoo's "Rate limit hit" (2024).
const CAP_WORDS: [&str; 4] = ["overquota", "bandwidth limit", "rate limit", "daily limit"];

/// How Exchange says for how long it wants to be left alone (2026): "Request is throttled. Suggested Backoff Time: 299930
/// milliseconds".
const BACKOFF_WORDS: &str = "backoff time:";

fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// Whether a refusal says that the server is busy: the same may be asked again later.
pub(super) fn is_busy(code: &str, text: &str) -> bool {
    BUSY_CODES.contains(&code) || says(text, &BUSY_WORDS)
}

/// Whether a refusal says that something is wrong with the server, which may be about what it was asked for.
pub(super) fn blames_server(code: &str, text: &str) -> bool {
    code == "SERVERBUG" || says(text, &OWN_FAULT_WORDS)
}

impl ImapError {
    /// Whether time or a person can mend this.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Forbidden(_)
            | Self::NoStartTls { .. }
            | Self::PlaintextRefused { .. }
            | Self::Preauthenticated { .. }
            | Self::LoginRefused { passing: false, .. } => Disposition::Person,
            Self::Refused { code, .. } if code == "OVERQUOTA" => Disposition::Person,
            Self::UnknownHost { .. }
            | Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::LoginRefused { passing: true, .. }
            | Self::NotConnected { .. }
            | Self::Refused { .. }
            | Self::Bye { .. }
            | Self::Closed { .. }
            | Self::TimedOut { .. }
            | Self::Io { .. }
            | Self::Unreadable { .. }
            | Self::UidValidityChanged { .. } => Disposition::Retry,
        }
    }

    /// Whether this is about the one folder at hand: the session still works, and other folders can
    /// be copied. A refusal that says that the server is busy or the mailbox full is not.
    pub fn is_about_one_folder(&self) -> bool {
        match self {
            Self::Refused { command, code, text } => {
                matches!(*command, "EXAMINE" | "SELECT" | "STATUS" | "CREATE") && is_lasting(code, text)
            }
            Self::UidValidityChanged { .. } => true,
            _ => false,
        }
    }

    /// Whether a folder's messages are not given out, and the server does not say that it is busy. At the
    /// source it is about the one folder at hand.
    pub(crate) fn is_refused_reading(&self) -> bool {
        matches!(self, Self::Refused { command: "FETCH", code, text } if is_lasting(code, text))
    }

    /// Whether a server that was to give out a message ended the session, fell silent or blamed itself: each
    /// may be because of that message.
    pub(crate) fn may_be_of_a_message(&self) -> bool {
        match self {
            Self::Refused { command, code, text } => *command == "FETCH" && !is_busy(code, text),
            Self::Bye { text, .. } => !is_busy("", text) && !BUSY_CODES.iter().any(|code| text.contains(code)),
            Self::Closed { .. } | Self::TimedOut { .. } | Self::Io { .. } | Self::Unreadable { .. } => true,
            _ => false,
        }
    }

    /// What the server says, where it refuses.
    fn said(&self) -> Option<(&str, &str)> {
        match self {
            Self::Refused { code, text, .. } => Some((code, text)),
            Self::LoginRefused { text, .. } | Self::NotConnected { text } | Self::Bye { text, .. } => Some(("", text)),
            _ => None,
        }
    }

    /// Whether the server says that it gives out no more for a while, because so much is allowed in a day.
    pub(crate) fn is_capped(&self) -> bool {
        self.said()
            .is_some_and(|(code, text)| code == "OVERQUOTA" || says(text, &CAP_WORDS))
    }

    /// For how long the server says that it wants to be left alone.
    pub(crate) fn backoff(&self) -> Option<Duration> {
        let (_, text) = self.said()?;
        let text = text.to_ascii_lowercase();
        let (_, asked) = text.split_once(BACKOFF_WORDS)?;
        let asked = asked.trim_start();
        let digits = asked.split(|c: char| !c.is_ascii_digit()).next()?;
        let number: u64 = digits.parse().ok()?;
        let unit = asked
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
            .trim_start();
        Some(if unit.starts_with("sec") {
            Duration::from_secs(number)
        } else {
            Duration::from_millis(number)
        })
    }

    /// A stable word for the job table, snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownHost { .. } => "unknown_host",
            Self::Forbidden(_) => "forbidden_address",
            Self::Unreachable { .. } => "unreachable",
            Self::Tls { .. } => "tls_failed",
            Self::NoStartTls { .. } => "no_starttls",
            Self::PlaintextRefused { .. } => "plaintext_refused",
            Self::Preauthenticated { .. } => "preauthenticated",
            Self::LoginRefused { passing: false, .. } => "login_refused",
            Self::LoginRefused { passing: true, .. } => "busy",
            Self::NotConnected { .. } => "not_connected",
            Self::Refused { code, .. } if code == "OVERQUOTA" => "over_quota",
            Self::Refused { .. } => "command_refused",
            Self::Bye { .. } | Self::Closed { .. } | Self::Io { .. } => "connection_lost",
            Self::TimedOut { .. } => "timed_out",
            Self::Unreadable { .. } => "unreadable_answer",
            Self::UidValidityChanged { .. } => "uidvalidity_changed",
        }
    }
}

fn is_lasting(code: &str, text: &str) -> bool {
    !is_busy(code, text) && !blames_server(code, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_says_for_how_long_it_wants_to_be_left_alone() {
        let bye = |text: &str| ImapError::Bye {
            command: "FETCH",
            text: text.to_owned(),
        };
        for (text, asked) in [
            (
                "Request is throttled. Suggested Backoff Time: 299930 milliseconds",
                Some(299_930),
            ),
            ("Request is throttled. Suggested Backoff Time: 1500.5 ms", Some(1500)),
            ("Backoff Time: 20 seconds", Some(20_000)),
            ("Backoff Time: soon", None),
            ("Server Unavailable. 15", None),
        ] {
            assert_eq!(bye(text).backoff(), asked.map(Duration::from_millis), "{text}");
            assert!(!bye(text).is_capped());
        }
    }

    #[test]
    fn daily_cap_is_told_from_other_refusals() {
        let login = |text: &str| ImapError::LoginRefused {
            text: text.to_owned(),
            passing: true,
        };
        assert!(login("[ALERT] Account exceeded command or bandwidth limits. (Failure)").is_capped());
        assert!(login("[LIMIT] LOGIN Rate limit hit.").is_capped());
        assert!(!login("[ALERT] Too many simultaneous connections. (Failure)").is_capped());
        assert!(!login("[UNAVAILABLE] Temporary authentication failure").is_capped());
        assert!(!ImapError::Closed { command: "FETCH" }.is_capped());
    }

    #[test]
    fn refused_folder_is_told_from_a_busy_server() {
        let refused = |command, code: &str, text: &str| ImapError::Refused {
            command,
            code: code.to_owned(),
            text: text.to_owned(),
        };
        assert!(refused("EXAMINE", "NONEXISTENT", "no such folder").is_about_one_folder());
        assert!(refused("CREATE", "CANNOT", "").is_about_one_folder());
        assert!(!refused("CREATE", "OVERQUOTA", "").is_about_one_folder());
        assert!(!refused("SELECT", "", "Temporary failure, try again").is_about_one_folder());
        let throttled = "Request is throttled. Suggested Backoff Time: 9000 milliseconds";
        assert!(!refused("EXAMINE", "", throttled).is_about_one_folder());
        assert!(!refused("EXAMINE", "", "Server Unavailable. 15").is_about_one_folder());
        assert!(!refused("FETCH", "", "no").is_about_one_folder());
        assert!(refused("FETCH", "", "no").is_refused_reading());
        assert!(!refused("FETCH", "SERVERBUG", "Internal error occurred").is_refused_reading());
        assert!(refused("FETCH", "SERVERBUG", "Internal error occurred").may_be_of_a_message());
        let capped = "Account exceeded command or bandwidth limits";
        assert!(!refused("FETCH", "OVERQUOTA", capped).may_be_of_a_message());
        assert!(!refused("FETCH", "", capped).may_be_of_a_message());
        assert!(!ImapError::Closed { command: "EXAMINE" }.is_about_one_folder());
    }
}
