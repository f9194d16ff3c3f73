//! Real servers' words, as of 2026, and what a customer is told.

use std::sync::Arc;

use super::*;
use crate::domain::Security;

fn at(host: &str) -> Endpoint {
    Endpoint::with_defaults(host.parse().unwrap(), None, Some(Security::Tls))
}

fn refused(host: &str, text: &str, passing: bool) -> CheckFault {
    let error = ImapError::LoginRefused {
        text: text.to_owned(),
        passing,
    };
    fault(&error, &at(host)).fault
}

#[test]
fn refused_login_is_told_by_the_servers_words() {
    for (host, text, passing, code) in [
        (
            "imap.example.org",
            "[AUTHENTICATIONFAILED] Authentication failed.",
            false,
            Code::SourceWrongPassword,
        ),
        (
            "imap.gmail.com",
            "[ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)",
            false,
            Code::SourceAppPasswordNeeded,
        ),
        (
            "imap.gmail.com",
            "[AUTHENTICATIONFAILED] Invalid credentials (Failure)",
            false,
            Code::SourceAppPasswordNeeded,
        ),
        (
            "imap.gmail.com",
            "[ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page and enable your account for IMAP access. (Failure)",
            false,
            Code::SourceImapDisabled,
        ),
        (
            "imap.gmail.com",
            "[ALERT] Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 (Failure)",
            false,
            Code::SourceLoginBlocked,
        ),
        (
            "imap.gmail.com",
            "[ALERT] Too many simultaneous connections. (Failure)",
            true,
            Code::SourceTooManyConnections,
        ),
        ("outlook.office365.com", "LOGIN failed.", false, Code::SourceOauthNeeded),
        (
            "imap.example.org",
            "(LOGINDISABLED) it takes no password over this connection",
            false,
            Code::SourceOauthNeeded,
        ),
        (
            "imap.mail.yahoo.com",
            "[AUTHENTICATIONFAILED] LOGIN Invalid credentials",
            false,
            Code::SourceAppPasswordNeeded,
        ),
        (
            "imap.mail.me.com",
            "[AUTHENTICATIONFAILED] Authentication failed",
            false,
            Code::SourceAppPasswordNeeded,
        ),
        (
            "imap.zoho.com",
            "[ALERT] You are yet to enable IMAP for your account. Please contact your administrator (Failure)",
            false,
            Code::SourceImapDisabled,
        ),
        (
            "imap.yandex.com",
            "[AUTHENTICATIONFAILED] AUTHENTICATE Invalid credentials or IMAP is disabled sc=x",
            false,
            Code::SourceAppPasswordNeeded,
        ),
        (
            "imap.example.org",
            "[UNAVAILABLE] Temporary authentication failure.",
            true,
            Code::SourceBusy,
        ),
        (
            "imap.example.org",
            "[LIMIT] Maximum number of connections from user+IP exceeded",
            true,
            Code::SourceTooManyConnections,
        ),
    ] {
        assert_eq!(refused(host, text, passing).code, code, "{host}: {text}");
    }
}

#[test]
fn gmail_and_microsoft_are_told_their_own_remedies() {
    let gmail = refused(
        "imap.gmail.com",
        "[AUTHENTICATIONFAILED] Invalid credentials (Failure)",
        false,
    );
    assert!(gmail.remedy.contains("apppasswords"), "{gmail:?}");
    let microsoft = refused("outlook.office365.com", "LOGIN failed.", false);
    assert!(microsoft.remedy.contains("OAuth"), "{microsoft:?}");
}

#[test]
fn certificate_is_told_with_the_names_it_has() {
    let tls = |error: TlsError| ImapError::Tls {
        host: "imap.example.com".to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, error),
    };
    let wrong_name = CertificateError::NotValidForNameContext {
        expected: rustls_pki_types::ServerName::try_from("imap.example.com").unwrap(),
        presented: vec![
            "DnsName(\"mail.hoster.example\")".to_owned(),
            "IpAddress(127.0.0.1)".to_owned(),
        ],
    };
    let found = fault(&tls(TlsError::InvalidCertificate(wrong_name)), &at("imap.example.com")).fault;
    assert_eq!(found.code, Code::SourceWrongName);
    assert!(
        found.message.ends_with("is for another name: mail.hoster.example"),
        "{found:?}"
    );
    for (error, code) in [
        (
            TlsError::InvalidCertificate(CertificateError::Expired),
            Code::SourceCertificateExpired,
        ),
        (
            TlsError::InvalidCertificate(CertificateError::UnknownIssuer),
            Code::SourceCertificateUntrusted,
        ),
        (
            TlsError::InvalidCertificate(CertificateError::Other(tokio_rustls::rustls::OtherError(Arc::new(
                io::Error::other("x"),
            )))),
            Code::SourceCertificateUntrusted,
        ),
        (
            TlsError::InvalidMessage(tokio_rustls::rustls::InvalidMessage::InvalidContentType),
            Code::SourceNotTls,
        ),
    ] {
        assert_eq!(fault(&tls(error), &at("imap.example.com")).fault.code, code);
    }
}

#[test]
fn every_fault_is_a_sentence_with_a_remedy() {
    let text = "no".to_owned();
    let errors = [
        ImapError::UnknownHost {
            host: "x".to_owned(),
            source: io::Error::other("x"),
        },
        ImapError::Unreachable {
            host: "x".to_owned(),
            port: 993,
            source: io::ErrorKind::ConnectionRefused.into(),
        },
        ImapError::Unreachable {
            host: "x".to_owned(),
            port: 993,
            source: io::ErrorKind::TimedOut.into(),
        },
        ImapError::NoStartTls { host: "x".to_owned() },
        ImapError::PlaintextRefused { host: "x".to_owned() },
        ImapError::Preauthenticated { host: "x".to_owned() },
        ImapError::NotConnected { text: text.clone() },
        ImapError::Bye {
            command: "greeting",
            text: "Too many connections".to_owned(),
        },
        ImapError::Bye {
            command: "greeting",
            text: text.clone(),
        },
        ImapError::Unreadable {
            command: "greeting",
            what: "this is not an IMAP server",
        },
        ImapError::Refused {
            command: "LIST",
            code: String::new(),
            text,
        },
        ImapError::Closed { command: "LIST" },
    ];
    for error in errors {
        let found = fault(&error, &at("imap.example.org")).fault;
        for words in [&found.message, &found.remedy] {
            assert!(
                words.starts_with(char::is_uppercase) && !words.ends_with('.'),
                "{found:?}"
            );
        }
    }
}
