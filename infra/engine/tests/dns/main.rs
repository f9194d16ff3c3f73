//! What is seen of domains at real DNS servers, and what follows from it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test as a whole"
)]

mod domains;
mod odd;
mod servers;

use jiff::Timestamp;
use mailvan::dns::guide::{RecordGuide, problems, records};
use mailvan::dns::settings::RawDns;
use mailvan::dns::{DnsSettings, DomainWatch, Purpose, Resolver, look};
use mailvan_local::name_servers::NameServers;

const SETTINGS: &str = r#"
mx = ["10 mx1.new.test", "20 mx2.new.test"]
spf_include = "_spf.new.test"
dmarc = "v=DMARC1; p=none"
webmail = "webmail.new.test"
autoconfig = "autoconfig.new.test"
dkim = [{ selector = "van", cname = "{domain}.dkim.new.test" }]
srv = [{ service = "_imaps._tcp", port = 993, target = "imap.new.test" }]
"#;

fn settings() -> DnsSettings {
    toml::from_str::<RawDns>(SETTINGS).unwrap().check().unwrap()
}

/// Name servers of the zones: s11 and s12; the new provider's own zone is at s20.
fn dns(zones: &[(&str, &[(u8, &str)])]) -> NameServers {
    let mut named = NameServers::new().unwrap();
    let own =
        "@ NS s20.servers.test.\n_spf TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\nwebmail A 192.0.2.7\nmx1 A 192.0.2.9\n";
    named.set_zone(20, "new.test", own).unwrap();
    named.delegate("new.test", &[20]);
    for (name, servers) in zones {
        let numbers: Vec<u8> = servers.iter().map(|(server, _)| *server).collect();
        for (server, text) in *servers {
            if !text.is_empty() {
                let others: Vec<String> = numbers.iter().map(|n| format!("@ NS s{n}.servers.test.\n")).collect();
                named
                    .set_zone(*server, name, &format!("{}{text}", others.concat()))
                    .unwrap();
            }
        }
        named.delegate(name, &numbers);
    }
    named
}

fn now() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

async fn watch(named: &NameServers, domain: &str) -> DomainWatch {
    let look = look(&Resolver::at(named.resolver()), &settings(), domain).await;
    DomainWatch::after(None, look, &settings(), now())
}

fn guide(watch: &DomainWatch, purpose: Purpose) -> RecordGuide {
    let all = records(&settings(), &watch.look.domain, Some(watch));
    all.into_iter().find(|record| record.purpose == purpose).unwrap()
}

fn codes(watch: &DomainWatch) -> Vec<&'static str> {
    problems(&settings(), watch)
        .into_iter()
        .map(|problem| problem.code)
        .collect()
}
