//! What customers are told to type into their DNS, and what they can do ahead.

use super::*;
use crate::dns::{DnsSettings, DomainWatch, Look};
use crate::store::domain::DomainRecord;

/// A look that found another provider's MX, and an SPF record.
fn watched(settings: &DnsSettings, domain: &str, ttl: u32) -> DomainRecord {
    let look = format!(
        r#"{{"domain": "{domain}", "existence": "exists", "delegation_ttl_seconds": 0, "servers": [{{"name": "ns.example.org",
        "says": {{"state": "answers", "ttl_seconds": {ttl}, "mx": [{{"mx": {{"preference": 10, "exchange": "mx.old.example"}}}}]}}}}],
        "own_addresses": [], "wildcard_mx": [], "records": [
        {{"name": "{domain}", "purpose": "spf", "values": [{{"txt": "v=spf1 mx include:news.example -all"}}], "ttl_seconds": {ttl}}},
        {{"name": "autoconfig.{domain}", "purpose": "autoconfig", "values": [], "ttl_seconds": 60}}]}}"#
    );
    let look: Look = serde_json::from_str(&look).unwrap();
    DomainRecord {
        request_id: request(RequestState::Scheduled).request_id,
        domain: domain.to_owned(),
        watch: DomainWatch::after(None, look, settings, "2026-11-23T10:00:00Z".parse().unwrap()),
    }
}

fn of_domains(count: u32, state: JobState) -> Vec<JobRecord> {
    let of_domain = |n: u32| JobRecord {
        address: format!("anna@shop{n}.example"),
        domain: format!("shop{n}.example"),
        destination: format!("anna@shop{n}.example").parse().unwrap(),
        ..job(n + 1, "anna", state, Pass::First)
    };
    (1..=count).map(of_domain).collect()
}

#[test]
fn first_pass_done_has_every_record_of_the_first_domains() {
    let profile = profile();
    let settings = profile.dns.clone().unwrap();
    for (name, language) in [("guide", Language::English), ("de_guide", Language::German)] {
        let request = RequestRecord {
            language,
            ..request(RequestState::AwaitingCutover)
        };
        let facts = Facts {
            jobs: of_domains(5, JobState::AwaitingCutover),
            domains: vec![watched(&settings, "shop1.example", 172_800)],
            ..Facts::default()
        };
        let mail = compose(NoticeKind::FirstPassDone, &request, &facts, &profile).unwrap();
        for text in [&mail.text, &mail.html] {
            // What the domain has is kept; of one that nobody has looked at it is what the profile says.
            assert!(text.contains("include:news.example"), "{text}");
            assert!(
                text.contains("autoconfig.shop2.example") && text.contains("_dmarc.shop3.example"),
                "{text}"
            );
            assert!(!text.contains("autoconfig.shop4.example"), "{text}");
        }
        snapshot(name, &mail);
    }
}

/// What a stranger has put into the domain's DNS is repeated in the mail, because it is to be kept.
#[test]
fn words_of_the_dns_stay_words() {
    let profile = profile();
    let settings = profile.dns.clone().unwrap();
    let known = serde_json::to_string(&watched(&settings, "shop1.example", 60).watch).unwrap();
    let hostile = r"include:<img/src=x/onerror=alert(1)>{{7*7}}\r\nBcc:eve@example.org\u202e";
    let known = known.replace("include:news.example", hostile);
    let record = DomainRecord {
        watch: serde_json::from_str(&known).unwrap(),
        ..watched(&settings, "shop1.example", 60)
    };
    let facts = Facts {
        jobs: of_domains(1, JobState::AwaitingCutover),
        domains: vec![record],
        ..Facts::default()
    };
    let request = request(RequestState::AwaitingCutover);
    let mail = compose(NoticeKind::FirstPassDone, &request, &facts, &profile).unwrap();
    for text in [&mail.text, &mail.html] {
        assert!(text.contains("onerror"), "it is not repeated: {text}");
        assert!(
            !text.contains("\nBcc") && !text.contains('\r') && !text.contains('\u{202e}') && !text.contains("49"),
            "{text}"
        );
    }
    assert!(
        !mail.html.contains("<img/src") && mail.html.contains("&lt;img&#x2f;src=x"),
        "{}",
        mail.html
    );
}

#[test]
fn long_ttls_are_to_be_lowered_ahead_and_short_ones_are_nobodys_business() {
    let profile = profile();
    let settings = profile.dns.clone().unwrap();
    let jobs = of_domains(1, JobState::Waiting);
    let written = |kind, domains: Vec<DomainRecord>, profile: &Profile| {
        let facts = Facts {
            jobs: jobs.clone(),
            domains,
            ..Facts::default()
        };
        compose(kind, &request(RequestState::Scheduled), &facts, profile).unwrap()
    };
    for kind in [NoticeKind::Scheduled, NoticeKind::Started] {
        let long = written(kind, vec![watched(&settings, "shop1.example", 86_400)], &profile);
        let unknown = written(kind, Vec::new(), &profile);
        let short = written(kind, vec![watched(&settings, "shop1.example", 300)], &profile);
        for text in [|mail: &Mail| mail.text.clone(), |mail: &Mail| mail.html.clone()] {
            assert!(text(&long).contains("for 24 hours. Lower their TTL"), "{}", text(&long));
            assert!(
                text(&unknown).contains("Lower the TTL of your MX records"),
                "{}",
                text(&unknown)
            );
            assert!(!text(&short).contains("TTL"), "{}", text(&short));
        }
        let without = Profile {
            dns: None,
            ..profile.clone()
        };
        assert!(!written(kind, Vec::new(), &without).text.contains("TTL"));
    }
}
