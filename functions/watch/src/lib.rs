//! `watch`: looks at the DNS of requests, and has the final pass started when mail has stopped arriving
//! at the previous provider; and tells of requests that take too long (`overdue`).
//!
//! The clock puts one message into its queue every few minutes, from which one a request is made. A
//! look may be made twice, or be left out: the next one comes by itself, and what follows from it is
//! passed on to `cutover`, which starts nothing twice. Idempotency key: the request.

mod overdue;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use mailvan::clock::now;
use mailvan::config::Config;
use mailvan::dns::{DnsSettings, DomainWatch};
use mailvan::domain::{RequestId, RequestState};
use mailvan::queue::{CutOver, Queue, Queues, WatchDns, decode, serve};
use mailvan::store::{RequestRecord, Store};
use mailvan::watch::{Watcher, domains_of, tells_of_all};

/// The states in which a request's domains are looked at. Before the first pass is done it is for the
/// TTL of the old records, which has to be known before they are changed.
const WATCHED: [RequestState; 3] = [
    RequestState::Scheduled,
    RequestState::FirstPass,
    RequestState::AwaitingCutover,
];

/// How often a domain is looked at before the change is awaited.
const BEFORE: SignedDuration = SignedDuration::from_hours(6);

/// How often while it is awaited, at first: at each message of the clock, which is not to the second.
const AWAITED: SignedDuration = SignedDuration::from_secs(30);

/// How long the change is awaited at that pace; then by the hour.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);
const LATER: SignedDuration = SignedDuration::from_mins(55);

/// How many domains of a request are looked at at the same time, and how many in one run; the others
/// come next time.
const AT_ONCE: usize = 10;
const IN_ONE_RUN: usize = 20;

/// What the function works with.
struct Deps {
    store: Store,
    watcher: Option<Watcher>,
    queues: Queues,
}

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let config = Config::load().await?;
    let watcher = config.profile.dns.clone().map(|settings| Watcher {
        store: config.store(),
        resolver: config.resolver(),
        settings,
    });
    let deps = &Deps {
        store: config.store(),
        watcher,
        queues: config.queues(),
    };
    serve(async |message, _| match decode(&message)? {
        WatchDns::All => look_for_work(deps).await,
        WatchDns::Request { request_id } => look_at(deps, request_id, now()).await,
    })
    .await
}

/// Sends a message for each request that is watched.
async fn look_for_work(deps: &Deps) -> anyhow::Result<()> {
    overdue::look(&deps.store, &deps.queues, now()).await?;
    let Some(watcher) = &deps.watcher else { return Ok(()) };
    for state in WATCHED {
        let found = watcher.store.requests_in(state).await?;
        let messages: Vec<WatchDns> = found
            .into_iter()
            .map(|request_id| WatchDns::Request { request_id })
            .collect();
        deps.queues.send_all(Queue::Watch, &messages).await?;
    }
    Ok(())
}

async fn look_at(deps: &Deps, id: RequestId, now: Timestamp) -> anyhow::Result<()> {
    let Some(watcher) = &deps.watcher else { return Ok(()) };
    // The index that it was found in may be behind.
    let request = watcher.store.find_request(id).await?;
    let Some(request) = request.filter(|request| WATCHED.contains(&request.state)) else {
        return Ok(());
    };
    let jobs = watcher.store.jobs(id, request.generation).await?;
    let domains = domains_of(&jobs);
    let mut known: Vec<(String, Option<DomainWatch>)> = Vec::with_capacity(domains.len());
    for domain in domains {
        let watch = watcher.store.domain(id, &domain).await?.map(|record| record.watch);
        known.push((domain, watch));
    }
    // Those that were not looked at for longest come first, so that none of many is left out.
    known.sort_by_key(|(_, watch)| watch.as_ref().map(|watch| watch.looked_at));
    let every = interval(&request, now).context("a time that cannot be read")?;
    let due: Vec<String> = known
        .iter()
        .filter(|(_, watch)| watch.as_ref().is_none_or(|watch| is_due(watch, every, now)))
        .map(|(domain, _)| domain.clone())
        .take(IN_ONE_RUN)
        .collect();
    let looks = stream::iter(due).map(async |domain| {
        let watch = watcher.look_at(id, &domain, now).await?;
        anyhow::Ok((domain, watch))
    });
    let looked: Vec<(String, Option<DomainWatch>)> = looks.buffer_unordered(AT_ONCE).try_collect().await?;
    for (domain, watch) in looked {
        if let Some(place) = known.iter_mut().find(|(known, _)| *known == domain) {
            place.1 = watch;
        }
    }
    let seen: Vec<Option<DomainWatch>> = known.into_iter().map(|(_, watch)| watch).collect();
    let may_start = request.state == RequestState::AwaitingCutover && tells_of_all(&jobs);
    if may_start && have_settled(&seen, &watcher.settings, now) {
        tracing::info!(request.id = %id, domains = seen.len(), "the DNS has changed, and caches have forgotten the old");
        deps.queues.send(Queue::Cutover, &CutOver { request_id: id }).await?;
    }
    Ok(())
}

/// How often the domains of a request are looked at now.
fn interval(request: &RequestRecord, now: Timestamp) -> Result<SignedDuration, jiff::Error> {
    let since: Timestamp = request.state_since.parse()?;
    Ok(match request.state {
        RequestState::AwaitingCutover if now.duration_since(since) < SOON => AWAITED,
        RequestState::AwaitingCutover => LATER,
        _ => BEFORE,
    })
}

/// Whether a domain is to be looked at. Once its change was seen it is at each run: what lets the final
/// pass start has to be true then, and not an hour ago.
fn is_due(watch: &DomainWatch, every: SignedDuration, now: Timestamp) -> bool {
    let every = if watch.changed_at.is_some() {
        every.min(AWAITED)
    } else {
        every
    };
    now.duration_since(watch.looked_at) >= every
}

/// Whether mail of none of the domains arrives at the previous provider any more. All are waited for,
/// because the final pass is the request's.
fn have_settled(seen: &[Option<DomainWatch>], settings: &DnsSettings, now: Timestamp) -> bool {
    let mut each = seen
        .iter()
        .map(|watch| watch.as_ref().is_some_and(|watch| watch.has_settled(settings, now)));
    !seen.is_empty() && each.all(|has_settled| has_settled)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn settings() -> DnsSettings {
        DnsSettings {
            mx: vec![(10, "mx.new.example".to_owned())],
            spf_include: None,
            dkim: Vec::new(),
            dmarc: None,
            aliases: Vec::new(),
            srv: Vec::new(),
            unknown_ttl: Duration::from_mins(1),
        }
    }

    fn watch(exchange: &str) -> DomainWatch {
        let look = format!(
            r#"{{"domain": "example.org", "existence": "exists", "delegation_ttl_seconds": 0, "servers": [{{"name": "ns.example.org",
            "says": {{"state": "answers", "ttl_seconds": 60, "mx": [{{"mx": {{"preference": 1, "exchange": "{exchange}"}}}}]}}}}],
            "own_addresses": [], "wildcard_mx": [], "records": []}}"#
        );
        DomainWatch::after(None, serde_json::from_str(&look).unwrap(), &settings(), at(0))
    }

    #[test]
    fn the_final_pass_waits_for_all_domains() {
        let (new, old) = (watch("mx.new.example"), watch("mx.old.example"));
        let settled = |seen: &[Option<DomainWatch>], second| have_settled(seen, &settings(), at(second));
        assert!(settled(&[Some(new.clone())], 60) && settled(&[Some(new.clone()), Some(new.clone())], 60));
        assert!(!settled(&[Some(new.clone())], 59));
        assert!(!settled(&[Some(new.clone()), Some(old)], 600));
        assert!(!settled(&[Some(new), None], 600));
        assert!(!settled(&[], 600));
    }

    #[test]
    fn a_domain_whose_change_was_seen_is_looked_at_every_time() {
        let (new, old) = (watch("mx.new.example"), watch("mx.old.example"));
        for (second, is_new, is_old) in [
            (29, false, false),
            (30, true, false),
            (3_299, true, false),
            (3_300, true, true),
        ] {
            assert_eq!(is_due(&new, LATER, at(second)), is_new, "{second}");
            assert_eq!(is_due(&old, LATER, at(second)), is_old, "{second}");
        }
    }
}
