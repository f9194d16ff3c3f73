//! Domains as they should not be, each shown for what it is.

use std::time::Duration;

use mailvan::dns::gate::Standing;
use mailvan::dns::guide::RecordState;
use mailvan::dns::look::{Existence, Says};
use mailvan::dns::{Kind, LookupError, Purpose, Resolver};

use crate::{codes, dns, guide, settings, watch};

const NEW: &str = "@ MX 10 mx1.new.test.\n@ MX 20 mx2.new.test.\n";

#[tokio::test]
async fn odd_domains_are_shown_for_what_they_are() {
    let wildcard = format!("{NEW}* MX 10 mail.old.test.\n");
    let mut named = dns(&[
        ("split.test", &[(11, "@ MX 10 mx1.new.test.\n@ MX 20 mail.old.test.\n")]),
        ("wildcard.test", &[(11, &wildcard)]),
        ("fallback.test", &[(11, "@ A 192.0.2.80\n")]),
        ("null.test", &[(11, "@ MX 0 .\n")]),
        // Delegated to a second server that has never heard of it, and to one that is not there.
        ("lame.test", &[(11, NEW), (13, "")]),
        ("lost.test", &[(13, "")]),
        ("broken.test", &[(11, NEW)]),
        (
            "zone.test",
            &[(
                11,
                "@ MX 10 mail.old.test.\nsub MX 10 mx1.new.test.\nsub MX 20 mx2.new.test.\n",
            )],
        ),
    ]);
    named.expect_signatures("broken.test");
    named.start().unwrap();
    for (domain, standing, expected) in [
        ("split.test", Standing::PartlyChanged, &["split_delivery"][..]),
        ("wildcard.test", Standing::Changed, &["wildcard_mx"]),
        ("fallback.test", Standing::NotChanged, &["address_fallback"]),
        ("null.test", Standing::NotChanged, &["null_mx"]),
        ("lame.test", Standing::Changed, &["lame_server"]),
        ("lost.test", Standing::Unknown, &["no_server_answers", "lame_server"]),
        ("broken.test", Standing::BrokenSignatures, &["broken_signatures"]),
        ("nowhere.test", Standing::NoSuchDomain, &["no_such_domain"]),
        ("sub.zone.test", Standing::Changed, &[]),
    ] {
        let watch = watch(&named, domain).await;
        assert_eq!(Standing::of(&watch.look, &settings()), standing, "{watch:#?}");
        assert_eq!(codes(&watch), expected, "{domain}");
        let known = !matches!(
            standing,
            Standing::Unknown | Standing::BrokenSignatures | Standing::NoSuchDomain
        );
        assert_eq!(
            guide(&watch, Purpose::Mx).state == RecordState::Unknown,
            !known,
            "{domain}"
        );
    }
    let resolver = Resolver::at(named.resolver());
    assert_eq!(
        resolver.lookup("broken.test", Kind::Mx).await,
        Err(LookupError::BrokenSignatures)
    );
    assert_eq!(
        resolver.lookup("lost.test", Kind::Mx).await,
        Err(LookupError::ServerFailure)
    );
    assert_eq!(resolver.lookup("a..b", Kind::Mx).await, Err(LookupError::BadName));
    assert!(resolver.services("_imaps._tcp.split.test").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_silent_server_holds_the_gate_and_the_look_ends_all_the_same() {
    // Nothing listens at the address of s14.
    let servers = "@ NS s11.servers.test.\n@ NS gone.silent.test.\n";
    let named = |address: &str| {
        let mut named = dns(&[]);
        let zone = format!("{servers}{NEW}gone A {address}\n");
        named.set_zone(11, "silent.test", &zone).unwrap();
        named.delegate("silent.test", &[11]);
        named.start().unwrap();
        named
    };
    let named = named("127.53.255.14");
    let watch = tokio::time::timeout(Duration::from_secs(12), watch(&named, "silent.test"))
        .await
        .unwrap();
    assert!(
        watch.look.servers.iter().any(|server| server.says == Says::Silent),
        "{watch:#?}"
    );
    assert_eq!(Standing::of(&watch.look, &settings()), Standing::PartlyChanged);
    assert_eq!((watch.changed_at, codes(&watch)), (None, vec!["silent_server"]));
    assert_eq!(watch.look.existence, Existence::Exists);
}

/// Whoever makes a request names the domain, and its zone names whom we ask.
#[tokio::test]
async fn a_domain_with_too_many_servers_is_not_asked() {
    let crowd = |servers: u8| {
        let more = |n| format!("@ NS n{n}.crowd.test.\nn{n} A 127.53.255.{n}\n");
        format!("{NEW}{}", (1..servers).map(more).collect::<String>())
    };
    for (servers, standing) in [(4, Standing::PartlyChanged), (17, Standing::Unknown)] {
        let mut named = dns(&[("crowd.test", &[(11, &crowd(servers))])]);
        named.start().unwrap();
        let watch = watch(&named, "crowd.test").await;
        assert_eq!(Standing::of(&watch.look, &settings()), standing, "{watch:#?}");
        let asked = if servers == 4 { 4 } else { 0 };
        assert_eq!(watch.look.servers.len(), asked, "{watch:#?}");
    }
}
