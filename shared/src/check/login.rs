//! What a refused login means, by the server's words and by whose server it is (as of 2026).

use super::providers::{Asks, Provider};
use super::{Belief, Finding};
use crate::domain::{CheckCode as Code, CheckFault};

/// Gmail, Fastmail and others, where the usual password was given.
const APP_PASSWORD: [&str; 4] = [
    "application-specific password",
    "app password",
    "app-specific",
    "application password",
];

/// Gmail, Zoho and others, where the user has to switch on IMAP.
const SWITCHED_OFF: [&str; 8] = [
    "not enabled for imap",
    "imap access is disabled",
    "imap access disabled",
    "imap is disabled",
    "imap disabled",
    "imap is not enabled",
    "enable imap",
    "not allowed to use imap",
];

/// Yandex says this to wrong passwords as well.
const PERHAPS_OFF: &str = "or imap is disabled";

/// Gmail and others, where the user has to show who they are.
const LOCKED: [&str; 8] = [
    "web login required",
    "webalert",
    "via your web browser",
    "account is locked",
    "account locked",
    "account disabled",
    "suspended",
    "blocked",
];

/// Exchange and others, where passwords are of no use.
const NO_PASSWORDS: [&str; 4] = ["basic authentication", "basicauth", "logindisabled", "oauth"];

const CROWDED: [&str; 4] = ["too many", "connections", "simultaneous", "sessions"];

/// What a refused login means; `passing` where the server says that it is not the password.
pub fn refused(text: &str, passing: bool, host: &str) -> Finding {
    let words = text.to_ascii_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    let provider = Provider::of(host);
    let name = provider.map_or(host, |provider| provider.name);
    let asks = provider.map_or(Asks::Password, |provider| provider.asks);
    let given = |words: &'static str| Some(words).filter(|words| !words.is_empty());
    let how = provider.and_then(|provider| given(provider.how));
    let (code, message, remedy) = if says(&APP_PASSWORD) {
        (
            Code::SourceAppPasswordNeeded,
            format!("{name} takes no usual password here, but wants one that is made for an application"),
            how.unwrap_or(
                "Make a password for applications in the previous provider's security settings, and give that here",
            ),
        )
    } else if says(&SWITCHED_OFF) && !says(&[PERHAPS_OFF]) {
        let switch = provider.and_then(|provider| given(provider.switch));
        (
            Code::SourceImapDisabled,
            format!("IMAP is switched off for this mailbox at {name}"),
            switch.unwrap_or("Switch on IMAP for the mailbox in the previous provider's settings"),
        )
    } else if says(&LOCKED) {
        (
            Code::SourceLoginBlocked,
            format!("{name} has locked the mailbox for programs; it says: {text}"),
            "Log in to the mailbox in a web browser, confirm there that it is you, and have the row checked again",
        )
    } else if passing && is_crowded(text) {
        return crowded(host, text);
    } else if passing {
        return busy(host, text);
    } else if asks == Asks::Token || says(&NO_PASSWORDS) {
        (
            Code::SourceOauthNeeded,
            format!("{name} takes no passwords from programs"),
            how.unwrap_or(
                "Look in the previous provider's settings whether programs can be let in by a password; if not, ask support how to go on",
            ),
        )
    } else if asks == Asks::AppPassword {
        (
            Code::SourceAppPasswordNeeded,
            format!("{name} refuses the login, and the usual password is not enough there"),
            how.unwrap_or_default(),
        )
    } else {
        return wrong_password(text, host, how);
    };
    Finding {
        fault: CheckFault::new(code, message, remedy),
        belief: Belief::Second,
    }
}

fn wrong_password(text: &str, host: &str, how: Option<&str>) -> Finding {
    let message = format!("{host} refuses the login: user name or password are wrong; it says: {text}");
    let remedy =
        "Correct the password or the user name; try them in the previous provider's webmail, where they must work too";
    let remedy = how.map_or_else(|| remedy.to_owned(), |how| format!("{remedy}. {how}"));
    Finding {
        fault: CheckFault::new(Code::SourceWrongPassword, message, remedy),
        belief: Belief::Second,
    }
}

/// A server that says that it is about itself.
pub fn busy(host: &str, text: &str) -> Finding {
    Finding {
        fault: CheckFault::new(
            Code::SourceBusy,
            format!("The server {host} is busy; it says: {text}"),
            "You need not do anything: we try again when the copying begins",
        ),
        belief: Belief::Last,
    }
}

/// A server that has too many connections to the mailbox.
pub fn crowded(host: &str, text: &str) -> Finding {
    Finding {
        fault: CheckFault::new(
            Code::SourceTooManyConnections,
            format!("The server {host} allows no more connections to this mailbox at present; it says: {text}"),
            "Close e-mail programs and telephones that are connected to the mailbox; we try again when the copying begins",
        ),
        belief: Belief::Last,
    }
}

/// Whether a server's words are about the number of connections.
pub fn is_crowded(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    CROWDED.iter().any(|sign| words.contains(sign))
}
