//! Faults of the previous provider's side in words for customers.

use std::io;

use tokio_rustls::rustls::{CertificateError, Error as TlsError};

use super::login::{busy, crowded, is_crowded, refused};
use super::providers::Provider;
use super::{Belief, Finding};
use crate::domain::{CheckCode as Code, CheckFault, Endpoint};
use crate::imap::ImapError;

/// What a failure at the previous provider's server means.
pub fn fault(error: &ImapError, endpoint: &Endpoint) -> Finding {
    let host = endpoint.host.as_str();
    let port = endpoint.port;
    let told = |belief, code, message: String, remedy: &str| Finding {
        fault: CheckFault::new(code, message, remedy),
        belief,
    };
    match error {
        ImapError::UnknownHost { .. } => told(
            Belief::Second,
            Code::SourceUnknownHost,
            format!("There is no server with the name {host}"),
            "Correct the name of the IMAP server; the previous provider's help pages have it, and so has an e-mail program that is set up",
        ),
        ImapError::Forbidden(_) => told(
            Belief::AtOnce,
            Code::SourceForbiddenAddress,
            format!("The name {host} leads into a private network, which cannot be reached from here"),
            "Give the name by which the server is reached from the internet",
        ),
        ImapError::Unreachable { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused => told(
            Belief::Last,
            Code::SourceConnectionRefused,
            format!("The server {host} takes no connections on port {port}"),
            "Correct the server's name or port: usually 993 with tls, or 143 with starttls",
        ),
        ImapError::Tls { source, .. } => tls(source, host, port),
        ImapError::NoStartTls { .. } => told(
            Belief::AtOnce,
            Code::SourceNoStarttls,
            format!("The server {host} offers no STARTTLS on port {port}"),
            "Write tls and port 993 instead",
        ),
        ImapError::PlaintextRefused { .. } => told(
            Belief::AtOnce,
            Code::SourcePlaintextRefused,
            format!("The connection to {host} would not be encrypted"),
            "Write tls (port 993) or starttls (port 143)",
        ),
        ImapError::Preauthenticated { .. } => told(
            Belief::AtOnce,
            Code::SourceNotImap,
            format!(
                "The server {host} lets everybody in without a password, so that nobody can tell whose mailbox it is"
            ),
            "Give the server and the port that e-mail programs use",
        ),
        ImapError::LoginRefused { text, passing } => refused(text, *passing, host),
        ImapError::NotConnected { text } => {
            let remedy = match Provider::of(host) {
                Some(Provider { switch, .. }) if !switch.is_empty() => switch,
                _ => "Open the mailbox in the previous provider's webmail, and see whether IMAP is switched on for it",
            };
            let message = format!("The password is right, but the mailbox cannot be opened; {host} says: {text}");
            told(Belief::Last, Code::SourceMailboxUnreachable, message, remedy)
        }
        ImapError::Bye { text, .. } if is_crowded(text) => crowded(host, text),
        ImapError::Bye { text, .. } => busy(host, text),
        ImapError::Unreadable {
            command: "greeting", ..
        } => told(
            Belief::Second,
            Code::SourceNotImap,
            format!("What answers at {host} on port {port} is not an IMAP server"),
            "Correct the server's name or port; POP and web servers cannot be used",
        ),
        ImapError::Refused { text, code, .. } if is_crowded(&format!("{code} {text}")) => crowded(host, text),
        ImapError::Refused { command, text, .. } => told(
            Belief::Last,
            Code::SourceFoldersUnreadable,
            format!("The folders cannot be listed: the server {host} refuses {command} and says: {text}"),
            "Look whether the mailbox opens in an e-mail program; we try again when the copying begins",
        ),
        ImapError::Unreachable { .. }
        | ImapError::Closed { .. }
        | ImapError::TimedOut { .. }
        | ImapError::Io { .. }
        | ImapError::Unreadable { .. }
        | ImapError::UidValidityChanged { .. } => unreachable(host, port),
    }
}

fn unreachable(host: &str, port: u16) -> Finding {
    Finding {
        fault: CheckFault::new(
            Code::SourceUnreachable,
            format!("The server {host} does not answer on port {port}"),
            "Look whether name and port are right; if they are, the server may be down, and we try again when the copying begins",
        ),
        belief: Belief::Last,
    }
}

fn tls(error: &io::Error, host: &str, port: u16) -> Finding {
    let told = |belief, code, message: String, remedy: &str| Finding {
        fault: CheckFault::new(code, message, remedy),
        belief,
    };
    let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) else {
        return unreachable(host, port);
    };
    match cause {
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            let names = names_of(error);
            let message = match names.as_slice() {
                [] => format!("The certificate of the server {host} is for another name"),
                names => format!(
                    "The certificate of the server {host} is for another name: {}",
                    listed(names)
                ),
            };
            told(
                Belief::Second,
                Code::SourceWrongName,
                message,
                "Give the server's name as the certificate has it",
            )
        }
        TlsError::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => told(
            Belief::Second,
            Code::SourceCertificateExpired,
            format!("The certificate of the server {host} has expired"),
            "Ask the previous provider to renew it, or for the name of a server whose certificate is valid",
        ),
        TlsError::InvalidCertificate(_) => told(
            Belief::Second,
            Code::SourceCertificateUntrusted,
            format!("The certificate of the server {host} is not from a known authority, or not valid"),
            "Ask the previous provider for the name of a server with a valid certificate",
        ),
        TlsError::InvalidMessage(_) => told(
            Belief::Second,
            Code::SourceNotTls,
            format!("The server {host} does not speak TLS on port {port}"),
            "Write starttls for port 143, or port 993 for tls",
        ),
        _ => told(
            Belief::Last,
            Code::SourceNotTls,
            format!("No encrypted connection to {host} on port {port} could be agreed on"),
            "Correct the port and the way of encryption: usually port 993 with tls; a server that knows only outdated encryption cannot be used",
        ),
    }
}

/// The names that the certificate of a refused server is for; wildcards as they stand.
pub(super) fn names_of(error: &io::Error) -> Vec<String> {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
        Some(TlsError::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. })) => presented
            .iter()
            .filter_map(|name| name.strip_prefix("DnsName(\"")?.strip_suffix("\")"))
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// The first few of a certificate's names, as far as they are names.
fn listed(names: &[String]) -> String {
    let readable = names.iter().map(|name| {
        name.chars()
            .filter(char::is_ascii_graphic)
            .take(100)
            .collect::<String>()
    });
    readable.take(3).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
