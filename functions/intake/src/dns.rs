//! `GET .../dns`: the records that the customer's domains need, each beside what the DNS answers now.

use std::collections::HashMap;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use mailvan::dns::gate::Standing;
use mailvan::dns::guide::{Problem, RecordGuide, problems, records};
use mailvan::dns::look::{Says, ServerLook};
use mailvan::dns::{Data, DnsSettings, DomainWatch};
use mailvan::store::RequestRecord;
use mailvan::watch::{Watcher, is_looked_at};
use serde::Serialize;

use crate::{Deps, response};

/// A look that is not older is shown again instead of making another.
const FRESH_FOR: SignedDuration = SignedDuration::from_secs(15);

/// How many domains are looked at in one call, those that were not looked at for longest first; the
/// others are shown as they were last seen.
const LOOKED_AT: usize = 12;

/// How many of them at the same time.
const AT_ONCE: usize = 12;

/// Domains of so many bytes are shown at once, or one. What Lambda hands on is 6 MB.
const MOST_BYTES: usize = 3 * 1024 * 1024;

#[derive(Default, Serialize)]
struct Domains {
    domains: Vec<DomainView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_domain: Option<String>,
}

#[derive(Serialize)]
struct DomainView {
    domain: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    final_pass_after: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    looked_at: Option<Timestamp>,
    /// How long caches kept the old MX when it was seen first.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_ttl_seconds: Option<u32>,
    servers: Vec<ServerView>,
    problems: Vec<Problem>,
    records: Vec<RecordGuide>,
}

#[derive(Serialize)]
struct ServerView {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    state: &'static str,
    mx: Vec<String>,
}

/// Looks at the domains and shows them, from one on. Without `[dns]` in the profile there is nothing to show.
pub async fn show(
    deps: &Deps,
    request: RequestRecord,
    from_domain: Option<&str>,
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let Some(settings) = &deps.profile.dns else {
        return Ok(response::json(200, &Domains::default())?);
    };
    let id = request.request_id;
    let watcher = Watcher {
        store: deps.store.clone(),
        resolver: deps.resolver.clone(),
        settings: settings.clone(),
    };
    let mut domains = watcher.domains(&request).await?.domains;
    if let Some(from) = from_domain {
        domains.retain(|domain| domain.as_str() >= from);
    }
    let known = deps.store.domains(id).await?;
    let mut known: HashMap<String, DomainWatch> =
        known.into_iter().map(|record| (record.domain, record.watch)).collect();
    // Whoever makes requests names the domains: they are not asked for before anything is accepted, nor at the end.
    let due = if is_looked_at(request.state) {
        due(&domains, &known, now)
    } else {
        Vec::new()
    };
    let looks = stream::iter(due).map(async |domain| {
        let watch = watcher.look_at(id, &domain).await?;
        anyhow::Ok((domain, watch))
    });
    let looked: Vec<(String, Option<DomainWatch>)> = looks.buffer_unordered(AT_ONCE).try_collect().await?;
    known.extend(looked.into_iter().filter_map(|(domain, watch)| Some((domain, watch?))));
    let view = |domain: &String| view(settings, domain, known.get(domain), now);
    Ok(response::json(200, &Domains::of(domains.iter().map(view))?)?)
}

/// The domain of the query, from which on they are shown.
pub fn from_domain(event: &ApiGatewayV2httpRequest) -> Option<&str> {
    event.query_string_parameters.first("from_domain")
}

impl Domains {
    /// The first ones, as many as an answer can hold.
    fn of(views: impl Iterator<Item = DomainView>) -> Result<Self, serde_json::Error> {
        let (mut shown, mut bytes) = (Self::default(), 0);
        for view in views {
            bytes += serde_json::to_vec(&view)?.len();
            if bytes > MOST_BYTES && !shown.domains.is_empty() {
                shown.next_domain = Some(view.domain);
                break;
            }
            shown.domains.push(view);
        }
        Ok(shown)
    }
}

/// The domains that are to be looked at now.
fn due(domains: &[String], known: &HashMap<String, DomainWatch>, now: Timestamp) -> Vec<String> {
    let looked_at = |domain: &&String| known.get(*domain).map(|watch| watch.looked_at);
    let is_due = |domain: &&String| looked_at(domain).is_none_or(|at| now.duration_since(at) > FRESH_FOR);
    let mut due: Vec<&String> = domains.iter().filter(is_due).collect();
    due.sort_by_key(looked_at);
    due.into_iter().take(LOOKED_AT).cloned().collect()
}

fn view(settings: &DnsSettings, domain: &str, watch: Option<&DomainWatch>, now: Timestamp) -> DomainView {
    DomainView {
        domain: domain.to_owned(),
        state: watch.map_or("unknown", |watch| state(settings, watch, now)),
        changed_at: watch.and_then(|watch| watch.changed_at),
        final_pass_after: watch.and_then(|watch| watch.final_pass_after),
        looked_at: watch.map(|watch| watch.looked_at),
        old_ttl_seconds: watch.and_then(|watch| watch.first_ttl_seconds),
        servers: watch.map_or_else(Vec::new, |watch| watch.look.servers.iter().map(server).collect()),
        problems: watch.map_or_else(Vec::new, |watch| problems(settings, watch)),
        records: records(settings, domain, watch),
    }
}

fn state(settings: &DnsSettings, watch: &DomainWatch, now: Timestamp) -> &'static str {
    match Standing::of(&watch.look, settings) {
        Standing::NotChanged => "not_changed",
        Standing::PartlyChanged => "partly_changed",
        Standing::Changed if watch.has_settled(settings, now) => "changed",
        Standing::Changed => "waiting_for_caches",
        Standing::Unknown => "unknown",
        Standing::NoSuchDomain => "no_such_domain",
        Standing::BrokenSignatures => "broken_signatures",
    }
}

fn server(server: &ServerLook) -> ServerView {
    let (state, mx): (_, &[Data]) = match &server.says {
        Says::Answers { mx, .. } => ("answers", mx),
        Says::Lame => ("lame", &[]),
        Says::Silent => ("silent", &[]),
        Says::NoAddress => ("no_address", &[]),
    };
    ServerView {
        name: server.name.clone(),
        address: server.address.map(|address| address.to_string()),
        state,
        mx: mx.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(looked_at: i64) -> DomainWatch {
        let at = Timestamp::from_second(looked_at).unwrap();
        let look = serde_json::json!({ "domain": "example.org", "existence": "unknown", "delegation_ttl_seconds": 0, "servers": [],
            "own_addresses": [], "wildcard_mx": [], "records": [] });
        serde_json::from_value(serde_json::json!({ "first_looked_at": at, "looked_at": at, "look": look })).unwrap()
    }

    #[test]
    fn as_many_are_shown_as_an_answer_can_hold() {
        let settings = DnsSettings {
            mx: vec![(10, "mx.new.example".to_owned())],
            spf_include: None,
            dkim: Vec::new(),
            dmarc: None,
            aliases: Vec::new(),
            srv: Vec::new(),
            unknown_ttl: std::time::Duration::from_hours(1),
        };
        let now = Timestamp::from_second(1_000).unwrap();
        let shown = |count: usize| {
            let view = |n| view(&settings, &format!("d{n:05}.example"), Some(&watch(900)), now);
            Domains::of((0..count).map(view)).unwrap()
        };
        assert_eq!((shown(3).domains.len(), shown(3).next_domain), (3, None));
        let many = shown(20_000);
        assert!(serde_json::to_vec(&many).unwrap().len() < 2 * MOST_BYTES);
        assert_eq!(many.next_domain, Some(format!("d{:05}.example", many.domains.len())));
    }

    #[test]
    fn those_that_were_not_looked_at_for_longest_come_first_and_not_too_many() {
        let domains: Vec<String> = (0..20).map(|n| format!("d{n:02}.example")).collect();
        let known = HashMap::from([
            (domains[0].clone(), watch(995)),
            (domains[1].clone(), watch(900)),
            (domains[2].clone(), watch(500)),
        ]);
        let now = Timestamp::from_second(1_000).unwrap();
        assert_eq!(
            due(&domains[..4], &known, now),
            ["d03.example", "d02.example", "d01.example"]
        );
        assert_eq!(due(&domains, &known, now).len(), LOOKED_AT);
    }
}
