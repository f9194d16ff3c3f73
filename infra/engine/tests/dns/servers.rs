//! Finding the server of a mailbox by real DNS, HTTPS and IMAP servers, and names that lead into our network.

use std::sync::Arc;
use std::time::Duration;

use mailvan::check::{Finder, nowhere};
use mailvan::dns::Resolver;
use mailvan::domain::{CheckCode, Endpoint, FoundBy, LoginName, Secret, Security};
use mailvan::imap::guard::AddressPolicy;
use mailvan::imap::{Connector, Credentials, ImapError};
use mailvan_local::dovecot::{Authority, Dovecot, Login, Options};
use mailvan_local::name_servers::NameServers;
use mailvan_local::web_server::WebServer;
use tokio::net::TcpListener;

use crate::dns;

const NAMES: &str = "DNS:box.srv.test,DNS:conf.test,DNS:autoconfig.below.test";

fn config(port: u16) -> String {
    format!(
        r#"<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="conf.test"><domain>conf.test</domain>
        <incomingServer type="imap"><hostname>box.srv.test</hostname><port>{port}</port><socketType>SSL</socketType>
        <username>%EMAILLOCALPART%</username></incomingServer></emailProvider></clientConfig>"#
    )
}

#[tokio::test]
async fn a_server_is_found_where_nobody_else_can_have_named_it() {
    mailvan_local::dovecot::ensure_installed().unwrap();
    let authority = Arc::new(Authority::create_for(NAMES).unwrap());
    let imap = Dovecot::start(Options {
        users: vec![Login::new("anna@srv.test", "hunter2")],
        authority: Some(Arc::clone(&authority)),
        ..Options::new("found")
    })
    .unwrap();
    let port = imap.tls_port().unwrap();
    let config = config(port);
    let files = [
        ("mail/config-v1.1.xml", config.as_str()),
        (".well-known/autoconfig/mail/config-v1.1.xml", config.as_str()),
    ];
    let web = WebServer::start(&authority, &files).unwrap();
    let service = |target: &str| format!("_imaps._tcp SRV 0 1 {port} {target}.\nbox A 127.0.0.1\n");
    let mut named = dns(&[
        ("srv.test", &[(11, &service("box.srv.test"))]),
        // It says that it has no such service over TLS, and then what it has.
        ("conf.test", &[(11, "_imaps._tcp SRV 0 0 0 .\n@ A 127.0.0.1\n")]),
        // The name may be anybody's who was given one below the domain.
        ("below.test", &[(11, "autoconfig A 127.0.0.1\n")]),
        ("elsewhere.test", &[(11, &service("box.srv.test"))]),
        // There it answers, with a certificate for another name.
        ("wrong.test", &[(11, &service("box.wrong.test"))]),
        ("void.test", &[(11, "@ MX 10 mx.nowhere.test.\n")]),
    ]);
    named.start().unwrap();
    let resolver = Resolver::at(named.resolver());
    let connector = Connector::try_new(AddressPolicy::Any, false, Some(authority.pem().as_bytes())).unwrap();
    let connector = connector.with_names(resolver.clone());
    let finder = Finder::new(connector, resolver).with_https_port(web.port());
    for (domain, by, login) in [
        ("srv.test", FoundBy::ServiceRecord, LoginName::Address),
        ("conf.test", FoundBy::Autoconfig, LoginName::LocalPart),
    ] {
        let search = finder.find(domain).await;
        let found = search.found.clone().unwrap();
        assert_eq!(
            found.endpoint.to_string(),
            format!("box.srv.test:{port} (tls)"),
            "{search:?}"
        );
        assert_eq!((found.by, found.login), (by, login), "{search:?}");
    }
    for (domain, suggestion) in [
        ("elsewhere.test", Some("box.srv.test")),
        ("below.test", Some("box.srv.test")),
        ("wrong.test", None),
        ("void.test", None),
        ("unheard-of.test", None),
    ] {
        let search = finder.find(domain).await;
        assert_eq!(
            (&search.found, search.suggestion.as_deref()),
            (&None, suggestion),
            "{domain}"
        );
        let fault = nowhere(domain, &search);
        assert_eq!(
            (fault.code, fault.suggestion.as_deref()),
            (CheckCode::SourceNotFound, suggestion)
        );
    }
    let log = imap.log().unwrap();
    assert!(!log.contains("anna"), "somebody logged in: {log}");
}

/// The address is checked that is connected to, each time (DNS rebinding).
#[tokio::test]
async fn a_name_that_turns_into_our_network_is_never_connected_to() {
    let here = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = here.local_addr().unwrap().port();
    // Nobody has addresses in 3000::/4 yet, so nothing is reached by it.
    let mut named = dns(&[(
        "rebound.test",
        &[(11, "turns 0 AAAA 3000::1\nboth 0 AAAA 3000::1\nboth 0 A 127.0.0.1\n")],
    )]);
    named.start().unwrap();
    let connector = Connector::try_new(AddressPolicy::PublicOnly, true, None).unwrap();
    let connector = connector.with_names(Resolver::at(named.resolver()));
    let at = |host: &str| Endpoint {
        host: host.parse().unwrap(),
        port,
        security: Security::None,
    };
    let probe = async |host: &str| connector.probe(&at(host), Duration::from_secs(3)).await.unwrap_err();
    let first = probe("turns.rebound.test").await;
    assert!(
        matches!(first, ImapError::Unreachable { .. } | ImapError::TimedOut { .. }),
        "{first:?}"
    );
    assert!(matches!(probe("both.rebound.test").await, ImapError::Forbidden(_)));

    for inside in ["::1", "fd00::1", "::ffff:127.0.0.1", "fe80::1"] {
        turn(&mut named, inside);
        let refused = probe("turns.rebound.test").await;
        assert!(matches!(refused, ImapError::Forbidden(_)), "{inside}: {refused:?}");
    }
    let credentials = Credentials::Own {
        user: "anna".to_owned(),
        password: Secret::from("hunter2"),
    };
    let opened = connector.open(&at("turns.rebound.test"), &credentials).await;
    assert!(matches!(opened, Err(ImapError::Forbidden(_))));
    let reached = tokio::time::timeout(Duration::from_millis(100), here.accept()).await;
    assert!(reached.is_err(), "it was connected to");
}

/// Has the name lead to another address.
fn turn(named: &mut NameServers, address: &str) {
    let zone = format!("@ NS s11.servers.test.\nturns 0 AAAA {address}\n");
    named.set_zone(11, "rebound.test", &zone).unwrap();
}
