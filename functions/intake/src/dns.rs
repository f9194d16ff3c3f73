//! `GET .../dns`: the records that the customer's domains need, each beside what the DNS answers now.

use std::collections::HashMap;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use mailvan::dns::gate::Standing;
use mailvan::dns::guide::{Problem, RecordGuide, problems, records};
use mailvan::dns::look::{Says, ServerLook};
use mailvan::dns::{Data, DnsSettings, DomainWatch};
use mailvan::store::RequestRecord;
use mailvan::watch::{Watcher, domains_of};
use serde::Serialize;

use crate::{Deps, response};

/// A look that is not older is shown again instead of making another.
const FRESH_FOR: SignedDuration = SignedDuration::from_secs(15);

/// How many domains are looked at in one call, those that were not looked at for longest first; the
/// others are shown as they were last seen.
const LOOKED_AT: usize = 12;

/// How many of them at the same time.
const AT_ONCE: usize = 12;

#[derive(Serialize)]
struct Domains {
    domains: Vec<DomainView>,
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

/// Looks at the domains and shows them. Without `[dns]` in the profile there is nothing to show.
pub async fn show(deps: &Deps, request: RequestRecord, now: Timestamp) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let Some(settings) = &deps.profile.dns else {
        return Ok(response::json(200, &Domains { domains: Vec::new() })?);
    };
    let id = request.request_id;
    let domains = domains_of(&deps.store.jobs(id, request.generation).await?);
    let known = deps.store.domains(id).await?;
    let mut known: HashMap<String, DomainWatch> =
        known.into_iter().map(|record| (record.domain, record.watch)).collect();
    let watcher = Watcher {
        store: deps.store.clone(),
        resolver: deps.resolver.clone(),
        settings: settings.clone(),
    };
    let looks = stream::iter(due(&domains, &known, now)).map(async |domain| {
        let watch = watcher.look_at(id, &domain, now).await?;
        anyhow::Ok((domain, watch))
    });
    let looked: Vec<(String, Option<DomainWatch>)> = looks.buffer_unordered(AT_ONCE).try_collect().await?;
    known.extend(looked.into_iter().filter_map(|(domain, watch)| Some((domain, watch?))));
    let view = |domain: &String| view(settings, domain, known.get(domain), now);
    Ok(response::json(
        200,
        &Domains {
            domains: domains.iter().map(view).collect(),
        },
    )?)
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
