//! Domains as they mostly are: unchanged, half changed, changed.

use jiff::SignedDuration;
use mailvan::dns::gate::Standing;
use mailvan::dns::guide::RecordState;
use mailvan::dns::{DomainWatch, Kind, Purpose, Resolver, look};

use crate::{codes, dns, guide, now, settings, watch};

const OLD: &str = "@ 7200 MX 10 mail.old.test.\n@ 300 TXT \"v=spf1 include:shop.test -all\"\n@ TXT \"verification=1\"\n\
    _dmarc TXT \"v=DMARC1; p=reject\"\nwebmail CNAME webmail.old.test.\n_imaps._tcp SRV 0 1 993 imap.old.test.\n";
const NEW: &str = "@ 60 MX 10 mx1.new.test.\n@ 60 MX 20 mx2.new.test.\n@ TXT \"v=spf1 include:shop.test \" \"include:_spf.new.test -all\"\n\
    webmail A 192.0.2.7\nautoconfig CNAME autoconfig.new.test.\nvan._domainkey CNAME customer.test.dkim.new.test.\n\
    _imaps._tcp SRV 0 1 993 imap.new.test.\n";

#[tokio::test]
async fn an_unchanged_domain_is_shown_with_what_to_type() {
    let mut named = dns(&[("customer.test", &[(11, OLD), (12, OLD)])]);
    named.start().unwrap();
    let watch = watch(&named, "customer.test").await;
    assert_eq!(
        Standing::of(&watch.look, &settings()),
        Standing::NotChanged,
        "{watch:#?}"
    );
    assert_eq!(watch.look.servers.len(), 2);
    assert_eq!(watch.first_ttl_seconds, Some(7_200));
    assert_eq!(codes(&watch), Vec::<&str>::new());
    let mx = guide(&watch, Purpose::Mx);
    assert_eq!(
        (mx.state, mx.found),
        (RecordState::Wrong, vec!["10 mail.old.test".to_owned()])
    );
    assert!(mx.advice.contains("2 hours"), "{}", mx.advice);
    let spf = guide(&watch, Purpose::Spf);
    assert_eq!(spf.wanted, ["v=spf1 include:shop.test include:_spf.new.test -all"]);
    assert_eq!(watch.look.spf_lookups, Some(2));
    for (purpose, state) in [
        (Purpose::Dkim, RecordState::Missing),
        (Purpose::Dmarc, RecordState::Right),
        (Purpose::Webmail, RecordState::Wrong),
        (Purpose::Autoconfig, RecordState::Missing),
        (Purpose::Srv, RecordState::Wrong),
    ] {
        assert_eq!(guide(&watch, purpose).state, state, "{purpose:?}");
    }
    let services = Resolver::at(named.resolver())
        .services("_imaps._tcp.customer.test")
        .await
        .unwrap();
    assert_eq!(services[0].target, "imap.old.test");
}

#[tokio::test]
async fn a_change_is_seen_server_by_server_and_its_ttl_is_waited_for() {
    let mut named = dns(&[("customer.test", &[(11, OLD), (12, OLD)])]);
    named.start().unwrap();
    let resolver = Resolver::at(named.resolver());
    let settings = settings();
    let before = watch(&named, "customer.test").await;
    let servers = "@ NS s11.servers.test.\n@ NS s12.servers.test.\n";
    named.set_zone(11, "customer.test", &format!("{servers}{NEW}")).unwrap();
    let half = DomainWatch::after(
        Some(&before),
        look(&resolver, &settings, "customer.test").await,
        &settings,
        now(),
    );
    assert_eq!(Standing::of(&half.look, &settings), Standing::PartlyChanged);
    assert_eq!((half.changed_at, codes(&half)), (None, vec!["servers_disagree"]));

    named.set_zone(12, "customer.test", &format!("{servers}{NEW}")).unwrap();
    let later = now() + SignedDuration::from_secs(100);
    let changed = DomainWatch::after(
        Some(&half),
        look(&resolver, &settings, "customer.test").await,
        &settings,
        later,
    );
    assert_eq!(Standing::of(&changed.look, &settings), Standing::Changed);
    assert_eq!(changed.final_pass_after, Some(later + SignedDuration::from_secs(7_200)));
    assert!(!changed.has_settled(&settings, later));
    for purpose in [
        Purpose::Mx,
        Purpose::Spf,
        Purpose::Dkim,
        Purpose::Webmail,
        Purpose::Autoconfig,
        Purpose::Srv,
    ] {
        let record = guide(&changed, purpose);
        assert_eq!(record.state, RecordState::Right, "{record:#?}");
    }
}

#[tokio::test]
async fn long_answers_come_by_tcp() {
    let many: Vec<String> = (0..60)
        .map(|n| format!("@ TXT \"{n} {}\"\n", "x".repeat(200)))
        .collect();
    let mut named = dns(&[("customer.test", &[(11, &format!("{NEW}{}", many.concat()))])]);
    named.start().unwrap();
    let answer = Resolver::at(named.resolver())
        .lookup("customer.test", Kind::Txt)
        .await
        .unwrap();
    assert_eq!(answer.records.len(), 61);
    let watch = watch(&named, "customer.test").await;
    assert_eq!(guide(&watch, Purpose::Spf).state, RecordState::Right);
}
