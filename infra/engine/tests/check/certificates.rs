//! Certificates that are not right.

use std::sync::Arc;

use mailvan::domain::{CheckCode, CheckFault, Security};
use mailvan::imap::Connector;
use mailvan::imap::guard::AddressPolicy;
use mailvan_local::dovecot::Authority;

use crate::{Subject, at, is, server};

/// What is said of a server with this authority's certificate, by one who trusts it.
async fn said_of(host: &str, domain: &'static str, authority: Authority, is_trusted: bool) -> CheckFault {
    let authority = Arc::new(authority);
    let source = server("previous", |options| options.authority = Some(Arc::clone(&authority)));
    let destination = server("provider", |_| ());
    let mut subject = Subject::between(source.port(), destination.port());
    let pem = is_trusted.then(|| authority.pem().as_bytes());
    subject.domain = domain;
    subject.source.connector = Connector::try_new(AddressPolicy::Any, true, pem).unwrap();
    subject.source.endpoint = at(host, source.tls_port().unwrap(), Security::Tls);
    // Boxed: a look with all its settings is large.
    let fault = Box::pin(subject.fault()).await;
    let log = source.log().unwrap();
    assert!(!log.contains("keeper@"), "the password was sent: {log}");
    fault
}

#[tokio::test]
async fn certificate_for_another_name_is_told_with_the_right_one() {
    let of_localhost = || Authority::create_for("DNS:localhost").unwrap();
    let fault = said_of("127.0.0.1", "localhost", of_localhost(), true).await;
    is(&fault, CheckCode::SourceWrongName);
    assert_eq!(fault.suggestion.as_deref(), Some("localhost"));
    // Nor a stranger's, who may be whoever sits on the line.
    let fault = said_of("127.0.0.1", "lighthouse.example", of_localhost(), true).await;
    is(&fault, CheckCode::SourceWrongName);
    assert_eq!(fault.suggestion, None);
    // Nothing is suggested that does not answer.
    let elsewhere = Authority::create_for("DNS:imap.lighthouse.invalid").unwrap();
    let fault = said_of("127.0.0.1", "lighthouse.invalid", elsewhere, true).await;
    is(&fault, CheckCode::SourceWrongName);
    assert_eq!(fault.suggestion, None);
    assert!(fault.message.contains("imap.lighthouse.invalid"), "{fault:?}");
}

#[tokio::test]
async fn expired_and_unknown_certificates_are_told_apart() {
    let fault = said_of("localhost", "localhost", Authority::create_expired().unwrap(), true).await;
    is(&fault, CheckCode::SourceCertificateExpired);
    let fault = said_of("localhost", "localhost", Authority::create().unwrap(), false).await;
    is(&fault, CheckCode::SourceCertificateUntrusted);
}
