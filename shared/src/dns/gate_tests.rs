use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::dns::look::ServerLook;

const NEW: &str = "mx.new.example";

fn settings() -> DnsSettings {
    DnsSettings {
        mx: vec![(10, NEW.to_owned())],
        spf_include: None,
        dkim: Vec::new(),
        dmarc: None,
        aliases: Vec::new(),
        srv: Vec::new(),
        unknown_ttl: Duration::from_hours(24),
    }
}

fn mx(exchange: &str) -> Data {
    Data::Mx {
        preference: 10,
        exchange: exchange.to_owned(),
    }
}

fn answers_with(exchanges: &[&str], ttl_seconds: u32) -> Says {
    Says::Answers {
        mx: exchanges.iter().map(|exchange| mx(exchange)).collect(),
        ttl_seconds,
    }
}

fn look(servers: Vec<Says>) -> Look {
    let server = |(n, says)| ServerLook {
        name: format!("ns{n}.example.org"),
        address: Some("192.0.2.1".parse().unwrap()),
        says,
    };
    Look {
        domain: "example.org".to_owned(),
        existence: Existence::Exists,
        zone: Some("example.org".to_owned()),
        delegation_ttl_seconds: 172_800,
        servers: servers.into_iter().enumerate().map(server).collect(),
        mx_at_resolvers: None,
        own_addresses: Vec::new(),
        wildcard_mx: Vec::new(),
        records: Vec::new(),
        spf_lookups: None,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Looks at these times, one after the other.
fn watched(looks: Vec<(i64, Vec<Says>)>) -> DomainWatch {
    let mut watch = None;
    for (second, servers) in looks {
        watch = Some(DomainWatch::after(
            watch.as_ref(),
            look(servers),
            &settings(),
            at(second),
        ));
    }
    watch.unwrap()
}

#[test]
fn a_domain_stands_as_its_servers_say() {
    let old = || answers_with(&["old.example"], 60);
    let new = || answers_with(&[NEW], 60);
    for (servers, expected) in [
        (vec![old(), old()], Standing::NotChanged),
        (vec![old(), new()], Standing::PartlyChanged),
        (vec![answers_with(&[NEW, "old.example"], 60)], Standing::PartlyChanged),
        (vec![new(), new()], Standing::Changed),
        (vec![new(), Says::Lame, Says::NoAddress], Standing::Changed),
        (vec![new(), Says::Silent], Standing::PartlyChanged),
        (vec![old(), Says::Silent], Standing::NotChanged),
        (vec![answers_with(&[], 60)], Standing::NotChanged),
        (vec![answers_with(&[""], 60)], Standing::NotChanged),
        (vec![Says::Lame, Says::Silent], Standing::Unknown),
        (vec![], Standing::Unknown),
    ] {
        assert_eq!(
            Standing::of(&look(servers.clone()), &settings()),
            expected,
            "{servers:?}"
        );
    }
    let broken = Look {
        existence: Existence::BrokenSignatures,
        ..look(vec![new()])
    };
    assert_eq!(Standing::of(&broken, &settings()), Standing::BrokenSignatures);
}

#[test]
fn the_gate_opens_when_the_ttl_of_the_old_record_has_run_out() {
    let old = |ttl| vec![answers_with(&["old.example"], ttl)];
    let new = || vec![answers_with(&[NEW], 300)];
    // The TTL was lowered after the first look; the old one still counts, from when it was seen last.
    let watch = watched(vec![
        (0, old(86_400)),
        (3_600, old(300)),
        (90_000, old(300)),
        (90_060, new()),
    ]);
    assert_eq!(
        (watch.first_ttl_seconds, watch.old_ttl_seconds),
        (Some(86_400), Some(300))
    );
    assert_eq!(watch.changed_at, Some(at(90_060)));
    assert_eq!(watch.final_pass_after, Some(at(90_360)));
    assert!(!watch.has_settled(&settings(), at(90_359)) && watch.has_settled(&settings(), at(90_360)));
    // Lowered an hour before the change only: caches may have it for the rest of the day.
    let watch = watched(vec![(0, old(86_400)), (3_600, old(300)), (7_200, new())]);
    assert_eq!(watch.final_pass_after, Some(at(86_400)));
}

#[test]
fn an_old_record_that_nobody_saw_is_taken_to_be_kept_for_the_time_of_the_profile() {
    let watch = watched(vec![
        (0, vec![answers_with(&[NEW], 60)]),
        (60, vec![answers_with(&[NEW], 60)]),
    ]);
    assert_eq!(
        (watch.changed_at, watch.final_pass_after),
        (Some(at(0)), Some(at(86_400)))
    );
}

#[test]
fn a_change_that_is_taken_back_closes_the_gate() {
    let old = || vec![answers_with(&["old.example"], 60)];
    let new = || vec![answers_with(&[NEW], 60)];
    let watch = watched(vec![(0, old()), (100, new()), (200, old())]);
    assert_eq!((watch.changed_at, watch.final_pass_after), (None, None));
    let watch = watched(vec![(0, old()), (100, new()), (200, old()), (300, new())]);
    assert_eq!(
        (watch.changed_at, watch.final_pass_after),
        (Some(at(300)), Some(at(360)))
    );
}

#[test]
fn a_look_that_finds_nothing_out_neither_opens_nor_resets() {
    let old = vec![answers_with(&["old.example"], 60)];
    let new = vec![answers_with(&[NEW], 60)];
    let watch = watched(vec![(0, old), (100, new), (200, vec![Says::Silent])]);
    assert_eq!(watch.changed_at, Some(at(100)));
    assert!(!watch.has_settled(&settings(), at(1_000)));
}

#[test]
fn servers_that_were_left_are_remembered_by_caches() {
    let mut moved = look(vec![answers_with(&[NEW], 60)]);
    moved.servers[0].name = "ns.new.example".to_owned();
    let before = watched(vec![(0, vec![answers_with(&["old.example"], 3_600)])]);
    let watch = DomainWatch::after(Some(&before), moved, &settings(), at(100));
    assert_eq!(watch.final_pass_after, Some(at(100 + 172_800 + 3_600)));
}

/// A look with broken signatures, or a moment in which all old servers are silent, lies between the old
/// servers and the new ones.
#[test]
fn servers_that_were_left_are_remembered_over_looks_that_found_nothing() {
    let old = || answers_with(&["old.example"], 3_600);
    let mut moved = look(vec![answers_with(&[NEW], 60)]);
    moved.servers[0].name = "ns.new.example".to_owned();
    let broken = Look {
        existence: Existence::BrokenSignatures,
        delegation_ttl_seconds: 0,
        ..look(Vec::new())
    };
    for between in [broken, look(vec![Says::Silent]), look(vec![Says::Silent, Says::Silent])] {
        let before = watched(vec![(0, vec![old()])]);
        let unclear = DomainWatch::after(Some(&before), between, &settings(), at(50));
        let watch = DomainWatch::after(Some(&unclear), moved.clone(), &settings(), at(100));
        assert_eq!(watch.final_pass_after, Some(at(100 + 172_800 + 3_600)));
        // What was added for it is added once.
        let watch = DomainWatch::after(Some(&watch), moved.clone(), &settings(), at(200));
        assert_eq!(watch.final_pass_after, Some(at(100 + 172_800 + 3_600)));
    }
}

/// A server that tells the new already and drops out of the delegation for a look puts nothing off.
#[test]
fn servers_that_told_the_new_may_leave() {
    let new = || answers_with(&[NEW], 60);
    let before = watched(vec![
        (0, vec![answers_with(&["old.example"], 3_600); 2]),
        (100, vec![new(), new()]),
    ]);
    let watch = DomainWatch::after(Some(&before), look(vec![new()]), &settings(), at(200));
    assert_eq!(watch.final_pass_after, Some(at(3_700)));
}

proptest! {
    #[test]
    fn no_cache_that_asked_before_the_change_still_has_the_old_when_the_gate_opens(
        steps in proptest::collection::vec((1_i64..5_000, 0_u32..100_000, any::<bool>()), 1..20),
    ) {
        let (mut now, mut watch, mut kept) = (0, None, 0);
        for (pause, ttl, is_old) in steps {
            now += pause;
            let says = if is_old { answers_with(&["old.example"], ttl) } else { answers_with(&[NEW], ttl) };
            watch = Some(DomainWatch::after(watch.as_ref(), look(vec![says]), &settings(), at(now)));
            if is_old {
                kept = kept.max(now + i64::from(ttl));
            }
        }
        if let Some(after) = watch.unwrap().final_pass_after {
            prop_assert!(after >= at(kept));
        }
    }
}
