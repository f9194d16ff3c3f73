//! Passwords, missing mailboxes, connections.

use mailvan::domain::{CheckCode, Secret, Security};
use mailvan::imap::guard::AddressPolicy;
use mailvan::imap::{Connector, Credentials};
use mailvan_local::dovecot::Login;

use crate::{PASSWORD, Subject, USER, at, is, server};

#[tokio::test]
async fn wrong_password_is_told_on_the_side_where_it_is_wrong() {
    let (source, destination) = (server("previous", |_| ()), server("provider", |_| ()));
    let wrong = || Credentials::Own {
        user: USER.to_owned(),
        password: Secret::from("p:wrong"),
    };
    let mut subject = Subject::between(source.port(), destination.port());
    subject.source.credentials = wrong();
    is(&subject.fault().await, CheckCode::SourceWrongPassword);

    let mut subject = Subject::between(source.port(), destination.port());
    subject.source.credentials = wrong();
    subject.destination.credentials = wrong();
    let looked = subject.look().await;
    assert_eq!(looked.findings.len(), 2, "both sides are told at once: {looked:?}");
}

#[tokio::test]
async fn new_provider_that_refuses_or_is_not_there_is_told_apart() {
    let (source, destination) = (server("previous", |_| ()), server("provider", |_| ()));
    let mut subject = Subject::between(source.port(), destination.port());
    subject.has_own_password = true;
    subject.destination.credentials = Credentials::Own {
        user: USER.to_owned(),
        password: Secret::from("p:wrong"),
    };
    is(&subject.fault().await, CheckCode::DestinationWrongPassword);
    let subject = Subject::between(source.port(), closed_port());
    is(&subject.fault().await, CheckCode::DestinationUnreachable);
}

#[tokio::test]
async fn mailbox_that_is_not_at_the_new_provider_is_missed() {
    let source = server("previous", |_| ());
    let empty = server("provider", |options| {
        options.users = vec![Login::new("somebody@lighthouse.example", PASSWORD)];
    });
    is(
        &Subject::between(source.port(), empty.port()).fault().await,
        CheckCode::DestinationMissing,
    );
}

#[tokio::test]
async fn server_that_takes_no_more_connections_is_crowded() {
    let source = server("previous", |options| options.connections_per_user = 1);
    let destination = server("provider", |_| ());
    let subject = Subject::between(source.port(), destination.port());
    let access = subject.source.clone();
    let held = access
        .connector
        .open(&access.endpoint, &access.credentials)
        .await
        .unwrap();
    let looked = subject.look().await;
    assert!(looked.is_crowded && looked.is_doubtful(3), "{looked:?}");
    is(&looked.findings[0].fault, CheckCode::SourceTooManyConnections);
    held.logout().await;
}

#[tokio::test]
async fn server_that_is_not_there_is_told_from_one_that_is_inside() {
    let destination = server("provider", |_| ());
    is(
        &Subject::between(closed_port(), destination.port()).fault().await,
        CheckCode::SourceConnectionRefused,
    );
    let mut subject = Subject::between(destination.port(), destination.port());
    subject.source.connector = Connector::try_new(AddressPolicy::PublicOnly, true, None).unwrap();
    is(&subject.fault().await, CheckCode::SourceForbiddenAddress);

    let mut subject = Subject::between(destination.port(), destination.port());
    subject.source.endpoint = at("imap.lighthouse.invalid", 993, Security::Tls);
    is(&subject.fault().await, CheckCode::SourceUnknownHost);
}

#[tokio::test]
async fn server_without_encryption_is_told_as_that() {
    let (source, destination) = (server("previous", |_| ()), server("provider", |_| ()));
    let mut subject = Subject::between(source.port(), destination.port());
    subject.source.endpoint.security = Security::StartTls;
    is(&subject.fault().await, CheckCode::SourceNoStarttls);
    let mut subject = Subject::between(source.port(), destination.port());
    subject.source.endpoint.security = Security::Tls;
    is(&subject.fault().await, CheckCode::SourceNotTls);
    let mut subject = Subject::between(source.port(), destination.port());
    subject.source.connector = Connector::try_new(AddressPolicy::Any, false, None).unwrap();
    is(&subject.fault().await, CheckCode::SourcePlaintextRefused);
}

/// A port that nobody listens on.
fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
