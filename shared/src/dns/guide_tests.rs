use jiff::Timestamp;

use super::*;
use crate::dns::look::{Existence, Says, ServerLook};
use crate::dns::settings::RawDns;

const SETTINGS: &str = r#"
mx = ["10 mx1.new.example", "20 mx2.new.example"]
spf_include = "_spf.new.example"
dmarc = "v=DMARC1; p=none; rua=mailto:dmarc@{domain}"
webmail = "webmail.new.example"
autoconfig = "autoconfig.new.example"
dkim = [{ selector = "van", cname = "{domain}.dkim.new.example" }, { selector = "old", txt = "v=DKIM1; p=abc" }]
srv = [{ service = "_imaps._tcp", port = 993, target = "imap.new.example" }, { service = "_pop3s._tcp", port = 0, target = "." }]
"#;

fn settings() -> DnsSettings {
    toml::from_str::<RawDns>(SETTINGS).unwrap().check().unwrap()
}

fn mx_data(preference: u16, exchange: &str) -> Data {
    Data::Mx {
        preference,
        exchange: exchange.to_owned(),
    }
}

fn watch(mx: Vec<Data>, seen: &[(Purpose, &str, Vec<Data>)]) -> DomainWatch {
    let look = Look {
        domain: "example.org".to_owned(),
        existence: Existence::Exists,
        zone: Some("example.org".to_owned()),
        delegation_ttl_seconds: 3_600,
        servers: vec![ServerLook {
            name: "ns.example.org".to_owned(),
            address: Some("192.0.2.1".parse().unwrap()),
            says: Says::Answers {
                mx,
                ttl_seconds: 14_400,
            },
        }],
        mx_at_resolvers: None,
        own_addresses: vec!["192.0.2.80".parse().unwrap()],
        wildcard_mx: Vec::new(),
        records: seen
            .iter()
            .map(|(purpose, name, values)| Seen {
                name: (*name).to_owned(),
                purpose: *purpose,
                values: Some(values.clone()),
                at_resolvers: None,
                ttl_seconds: 60,
                same_address: false,
            })
            .collect(),
        spf_lookups: None,
    };
    DomainWatch::after(None, look, &settings(), Timestamp::UNIX_EPOCH)
}

fn guide(watch: &DomainWatch, purpose: Purpose) -> RecordGuide {
    let all = records(&settings(), "example.org", Some(watch));
    all.into_iter().find(|record| record.purpose == purpose).unwrap()
}

#[test]
fn what_is_to_be_typed_is_told_before_anything_was_looked_at() {
    let all = records(&settings(), "example.org", None);
    let typed: Vec<String> = all
        .iter()
        .map(|record| format!("{} {} {}", record.name, record.kind, record.wanted.join(" | ")))
        .collect();
    assert_eq!(
        typed,
        [
            "example.org MX 10 mx1.new.example | 20 mx2.new.example",
            "example.org TXT v=spf1 include:_spf.new.example ~all",
            "van._domainkey.example.org CNAME example.org.dkim.new.example",
            "old._domainkey.example.org TXT v=DKIM1; p=abc",
            "_dmarc.example.org TXT v=DMARC1; p=none; rua=mailto:dmarc@example.org",
            "webmail.example.org CNAME webmail.new.example",
            "autoconfig.example.org CNAME autoconfig.new.example",
            "_imaps._tcp.example.org SRV 0 1 993 imap.new.example",
            "_pop3s._tcp.example.org SRV 0 1 0 .",
        ]
    );
    assert!(all.iter().all(|record| record.state == RecordState::Unknown));
}

#[test]
fn mx_records_are_judged_by_where_all_of_them_lead() {
    let new = || vec![mx_data(10, "mx1.new.example"), mx_data(20, "mx2.new.example")];
    for (mx, state, advice) in [
        (new(), RecordState::Right, AdviceCode::Leave),
        (
            vec![mx_data(5, "mx2.new.example")],
            RecordState::Wrong,
            AdviceCode::AddOthers,
        ),
        (
            [new(), vec![mx_data(30, "old.example")]].concat(),
            RecordState::Wrong,
            AdviceCode::RemoveOthers,
        ),
        (
            vec![mx_data(10, "old.example")],
            RecordState::Wrong,
            AdviceCode::Replace,
        ),
        (vec![mx_data(0, "")], RecordState::Wrong, AdviceCode::Replace),
        (vec![], RecordState::Missing, AdviceCode::Add),
    ] {
        let record = guide(&watch(mx.clone(), &[]), Purpose::Mx);
        assert_eq!((record.state, record.advice_code), (state, advice), "{mx:?}");
        assert_eq!(
            record.advice.contains("Lower its TTL"),
            state != RecordState::Right,
            "{}",
            record.advice
        );
        assert_eq!(record.ttl_seconds, Some(14_400));
    }
    let old = guide(&watch(vec![mx_data(10, "old.example")], &[]), Purpose::Mx);
    assert!(old.advice.contains("for 4 hours"), "{}", old.advice);
}

#[test]
fn an_spf_record_is_extended_and_never_replaced() {
    let spf = |texts: &[&str]| {
        let values = texts.iter().map(|text| Data::Txt((*text).to_owned())).collect();
        guide(
            &watch(Vec::new(), &[(Purpose::Spf, "example.org", values)]),
            Purpose::Spf,
        )
    };
    let none = spf(&[]);
    assert_eq!(
        (none.state, none.wanted),
        (
            RecordState::Missing,
            vec!["v=spf1 include:_spf.new.example ~all".to_owned()]
        )
    );
    let other = spf(&["v=spf1 include:shop.example -all"]);
    assert_eq!(
        (other.state, other.advice_code),
        (RecordState::Wrong, AdviceCode::Merge)
    );
    assert_eq!(
        other.wanted,
        ["v=spf1 include:shop.example include:_spf.new.example -all"]
    );
    let two = spf(&["v=spf1 a -all", "v=spf1 mx ~all"]);
    assert_eq!(
        (two.advice_code, two.wanted),
        (
            AdviceCode::MergeIntoOne,
            vec!["v=spf1 a mx include:_spf.new.example -all".to_owned()]
        )
    );
    let right = spf(&["v=spf1 include:_spf.new.example include:shop.example -all"]);
    assert_eq!(
        (right.state, right.advice_code),
        (RecordState::Right, AdviceCode::Leave)
    );
}

#[test]
fn too_many_lookups_of_an_spf_record_are_told() {
    let mut watch = watch(
        Vec::new(),
        &[(Purpose::Spf, "example.org", vec![Data::Txt("v=spf1 a -all".to_owned())])],
    );
    watch.look.spf_lookups = Some(10);
    assert!(!guide(&watch, Purpose::Spf).advice.contains("allowed"));
    watch.look.spf_lookups = Some(11);
    assert!(
        guide(&watch, Purpose::Spf)
            .advice
            .contains("11 times, and only 10 are allowed")
    );
}

#[test]
fn other_records_are_right_when_they_mean_the_same() {
    let txt = |text: &str| Data::Txt(text.to_owned());
    let cname = |target: &str| Data::Cname(target.to_owned());
    let state = |purpose, name, value: Data| guide(&watch(Vec::new(), &[(purpose, name, vec![value])]), purpose).state;
    let van = "van._domainkey.example.org";
    assert_eq!(
        state(Purpose::Dkim, van, cname("example.org.dkim.new.example")),
        RecordState::Right
    );
    assert_eq!(
        state(Purpose::Dkim, van, cname("example.org.dkim.old.example")),
        RecordState::Wrong
    );
    assert_eq!(
        state(Purpose::Dmarc, "_dmarc.example.org", txt("v=DMARC1; p=reject")),
        RecordState::Right
    );
    let address = Data::Address("192.0.2.80".parse().unwrap());
    assert_eq!(
        state(Purpose::Webmail, "webmail.example.org", address),
        RecordState::Wrong
    );
    assert!(is_same(&txt("v=DKIM1;p=a bc;"), &txt("v=DKIM1; p=abc")));
    let srv = |port, target: &str| {
        let srv = super::super::Srv {
            priority: 5,
            weight: 0,
            port,
            target: target.to_owned(),
        };
        state(Purpose::Srv, "_imaps._tcp.example.org", Data::Srv(srv))
    };
    assert_eq!(srv(993, "imap.new.example"), RecordState::Right);
    assert_eq!(srv(143, "imap.new.example"), RecordState::Wrong);
}

#[test]
fn what_is_unusual_is_shown_for_what_it_is() {
    let codes = |watch: &DomainWatch| {
        problems(&settings(), watch)
            .into_iter()
            .map(|problem| problem.code)
            .collect::<Vec<_>>()
    };
    let new = || vec![mx_data(10, "mx1.new.example")];
    assert_eq!(codes(&watch(new(), &[])), Vec::<&str>::new());
    assert_eq!(codes(&watch(vec![], &[])), ["address_fallback"]);
    assert_eq!(codes(&watch(vec![mx_data(0, "")], &[])), ["null_mx"]);
    assert_eq!(
        codes(&watch([new(), vec![mx_data(10, "old.example")]].concat(), &[])),
        ["split_delivery"]
    );
    let mut other = watch(new(), &[]);
    let mut add = |says| {
        other.look.servers.push(ServerLook {
            name: "ns2.example.org".to_owned(),
            address: None,
            says,
        });
        let found = codes(&other);
        other.look.servers.pop();
        found
    };
    assert_eq!(add(Says::Lame), ["lame_server"]);
    assert_eq!(add(Says::Silent), ["silent_server"]);
    assert_eq!(add(Says::NoAddress), ["server_without_address"]);
    assert_eq!(
        add(Says::Answers {
            mx: vec![mx_data(1, "old.example")],
            ttl_seconds: 1
        }),
        ["servers_disagree"]
    );
    other.look.wildcard_mx = vec![mx_data(1, "old.example")];
    assert_eq!(codes(&other), ["wildcard_mx"]);
    for (existence, code) in [
        (Existence::NoSuchDomain, "no_such_domain"),
        (Existence::BrokenSignatures, "broken_signatures"),
    ] {
        other.look.existence = existence;
        assert_eq!(codes(&other)[0], code);
    }
}

#[test]
fn times_are_told_in_words() {
    for (seconds, words) in [
        (60, "1 minute"),
        (300, "5 minutes"),
        (14_400, "4 hours"),
        (86_400, "24 hours"),
        (172_800, "2 days"),
    ] {
        assert_eq!(duration(seconds), words);
    }
}
