//! `watch`: looks at the DNS of requests, and has the final pass started when mail has stopped arriving
//! at the previous provider; has later passes started (`later`); tells of requests that take too long
//! (`overdue`); and ends those that nobody comes back to (`forgotten`).
//!
//! The clock puts one message into a queue of its own every few minutes, from which one a request is made. A
//! look may be made twice, or be left out: the next one comes by itself, and what follows from it is
//! passed on to `cutover`, which starts nothing twice. Idempotency key: the request.

mod forgotten;
mod later;
mod overdue;
mod reckoned;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use aws_lambda_events::event::sqs::SqsMessage;
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use mailvan::clock::{Deadline, now};
use mailvan::config::Config;
use mailvan::dns::{DnsSettings, DomainWatch};
use mailvan::domain::{RequestId, RequestState};
use mailvan::profile::Profile;
use mailvan::queue::{CutOver, Queue, Queues, WatchDns, decode, serve};
use mailvan::store::{NoticeKind, RequestRecord, Store};
use mailvan::telemetry::{Unit, measure};
use mailvan::watch::{LOOKED_AT_IN, Watcher, is_looked_at};

/// How often a domain is looked at before the change is awaited.
const BEFORE: SignedDuration = SignedDuration::from_hours(6);

/// How often while it is awaited, at first: at each message of the clock, which is not to the second.
const AWAITED: SignedDuration = SignedDuration::from_secs(30);

/// How long the change is awaited at that pace; then by the hour.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);
const LATER: SignedDuration = SignedDuration::from_mins(55);

/// How many domains of a request are looked at at the same time.
const AT_ONCE: usize = 20;

/// What is left of a run's time when no more looks are begun: one takes 15 seconds at most.
const MARGIN: Duration = Duration::from_secs(25);

/// How old a look may be that lets the final pass start.
const TRUE_FOR: SignedDuration = SignedDuration::from_mins(15);

/// A request's message that has waited so long is dropped: the clock has had another one sent since.
const LATE_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// What the function works with.
struct Deps {
    store: Store,
    profile: Profile,
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
        profile: config.profile,
    };
    serve(async |message, deadline| {
        match decode(&message)? {
            // However late: it is also what starts requests whose own clock was lost.
            WatchDns::All => look_for_work(deps).await,
            WatchDns::Request { .. } if is_late(&message, now()) => {
                measure(deps.store.table(), &[("LooksDropped", Unit::Count, 1)], &[], now());
                Ok(())
            }
            WatchDns::Request { request_id } => look_at(deps, request_id, deadline).await,
        }
    })
    .await
}

/// Whether a message has waited in the queue until it was overtaken.
fn is_late(message: &SqsMessage, now: Timestamp) -> bool {
    let sent = message
        .attributes
        .get("SentTimestamp")
        .and_then(|sent| sent.parse().ok());
    let sent = sent.and_then(|sent| Timestamp::from_millisecond(sent).ok());
    sent.is_some_and(|sent| now.duration_since(sent) > LATE_AFTER)
}

/// The clock's work: passwords whose time is over, and later looks; what is late; what nobody comes back to; requests whose
/// domains are watched.
/// Each is done whatever becomes of the others.
async fn look_for_work(deps: &Deps) -> anyhow::Result<()> {
    let works: [LocalBoxFuture<'_, anyhow::Result<()>>; 4] = [
        later::look(&deps.store, &deps.queues, now()).boxed_local(),
        overdue::look(&deps.store, &deps.queues, &deps.profile, now()).boxed_local(),
        forgotten::look(&deps.store, &deps.queues, deps.profile.requests.retention(), now()).boxed_local(),
        watch_domains(deps).boxed_local(),
    ];
    each(works).await?;
    // Only a tick that has done its work counts: an alarm rings where there is none.
    measure(deps.store.table(), &[("ClockTicks", Unit::Count, 1)], &[], now());
    Ok(())
}

/// Does one after the other, also where one before it failed; gives the first error.
async fn each(works: impl IntoIterator<Item = LocalBoxFuture<'_, anyhow::Result<()>>>) -> anyhow::Result<()> {
    let mut first = Ok(());
    for work in works {
        let Err(error) = work.await else { continue };
        tracing::error!(error = %format_args!("{error:#}"), "a part of the clock's work failed");
        first = first.and(Err(error));
    }
    first
}

/// Sends a message for each request whose domains are watched.
async fn watch_domains(deps: &Deps) -> anyhow::Result<()> {
    let Some(watcher) = &deps.watcher else { return Ok(()) };
    for state in LOOKED_AT_IN {
        let found = watcher.store.requests_in(state).await?;
        let messages: Vec<WatchDns> = found
            .into_iter()
            .map(|request_id| WatchDns::Request { request_id })
            .collect();
        deps.queues.send_all(Queue::Watch, &messages).await?;
    }
    Ok(())
}

async fn look_at(deps: &Deps, id: RequestId, deadline: Deadline) -> anyhow::Result<()> {
    let Some(watcher) = &deps.watcher else { return Ok(()) };
    // The index that it was found in may be behind.
    let request = watcher.store.find_request(id).await?;
    let Some(request) = request.filter(|request| is_looked_at(request.state)) else {
        return Ok(());
    };
    let of_request = watcher.domains(&request).await?;
    let known = watcher.store.domains(id).await?;
    let mut known: HashMap<String, DomainWatch> =
        known.into_iter().map(|record| (record.domain, record.watch)).collect();
    let every = interval(&request, now()).context("a time that cannot be read")?;
    let due = due(&of_request.domains, &known, every, now());
    for group in due.chunks(AT_ONCE) {
        // The others come first next time.
        if deadline.remaining() < MARGIN {
            tracing::warn!(request.id = %id, domains = due.len(), "not all domains could be looked at");
            break;
        }
        let looks = stream::iter(group).map(async |domain| {
            let watch = watcher.look_at(id, domain).await?;
            anyhow::Ok((domain, watch))
        });
        let looked: Vec<(&String, Option<DomainWatch>)> = looks.buffer_unordered(AT_ONCE).try_collect().await?;
        for (domain, watch) in looked {
            match watch {
                Some(watch) => known.insert(domain.clone(), watch),
                None => known.remove(domain),
            };
        }
    }
    let seen: Vec<Option<&DomainWatch>> = of_request.domains.iter().map(|domain| known.get(domain)).collect();
    let may_start = request.state == RequestState::AwaitingCutover && of_request.tells_of_all;
    if may_start && have_settled(&seen, &watcher.settings, now()) {
        tracing::info!(request.id = %id, domains = seen.len(), "the DNS has changed, and caches have forgotten the old");
        // The customer is told, unless it was the customer who said so: then the final pass has begun.
        if watcher.store.queue_notice(id, NoticeKind::DnsSeen, now()).await? {
            deps.queues.send_notices(id, &[NoticeKind::DnsSeen]).await?;
        }
        deps.queues
            .send(
                Queue::Cutover,
                &CutOver {
                    request_id: id,
                    later: None,
                },
            )
            .await?;
    }
    Ok(())
}

/// The domains that are to be looked at now, those that were not looked at for longest first.
fn due(domains: &[String], known: &HashMap<String, DomainWatch>, every: SignedDuration, now: Timestamp) -> Vec<String> {
    let is_due = |domain: &&String| known.get(*domain).is_none_or(|watch| is_due(watch, every, now));
    let mut due: Vec<&String> = domains.iter().filter(is_due).collect();
    due.sort_by_key(|domain| known.get(*domain).map(|watch| watch.looked_at));
    due.into_iter().cloned().collect()
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

/// Whether mail of none of the domains arrives at the previous provider any more, by looks that are still
/// true. All are waited for, because the final pass is the request's.
fn have_settled(seen: &[Option<&DomainWatch>], settings: &DnsSettings, now: Timestamp) -> bool {
    let has_settled =
        |watch: &DomainWatch| watch.has_settled(settings, now) && now.duration_since(watch.looked_at) < TRUE_FOR;
    !seen.is_empty() && seen.iter().all(|watch| watch.is_some_and(has_settled))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

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
        let settled = |seen: &[Option<&DomainWatch>], second| have_settled(seen, &settings(), at(second));
        assert!(settled(&[Some(&new)], 60) && settled(&[Some(&new), Some(&new)], 60));
        assert!(!settled(&[Some(&new)], 59));
        assert!(!settled(&[Some(&new), Some(&old)], 600));
        assert!(!settled(&[Some(&new), None], 600));
        assert!(!settled(&[], 600));
    }

    #[test]
    fn a_look_of_long_ago_starts_nothing() {
        let new = watch("mx.new.example");
        assert!(have_settled(&[Some(&new)], &settings(), at(899)));
        assert!(!have_settled(&[Some(&new)], &settings(), at(900)));
    }

    #[test]
    fn those_that_were_not_looked_at_for_longest_come_first() {
        let domains = ["a", "b", "c"].map(|name| format!("{name}.example"));
        let mut known = HashMap::from([(domains[0].clone(), watch("mx.new.example"))]);
        known.insert(domains[1].clone(), watch("mx.old.example"));
        assert_eq!(due(&domains, &known, BEFORE, at(10)), ["c.example"]);
        assert_eq!(due(&domains, &known, BEFORE, at(40)), ["c.example", "a.example"]);
    }

    #[test]
    fn no_part_of_the_work_holds_up_another() {
        let done = &AtomicI32::new(0);
        let work = |number: i32, is_well: bool| {
            async move {
                done.store(done.load(Relaxed) * 10 + number, Relaxed);
                anyhow::ensure!(is_well, "part {number}");
                Ok(())
            }
            .boxed_local()
        };
        let failed = each([work(1, false), work(2, true), work(3, false)]).now_or_never();
        let error = failed.unwrap().unwrap_err();
        assert_eq!((done.load(Relaxed), error.to_string().as_str()), (123, "part 1"));
        each([work(4, true)]).now_or_never().unwrap().unwrap();
    }

    #[test]
    fn a_message_that_has_waited_too_long_is_overtaken() {
        let mut message = SqsMessage::default();
        assert!(!is_late(&message, at(0)));
        let sent = at(0).as_millisecond().to_string();
        message.attributes.insert("SentTimestamp".to_owned(), sent);
        assert!(!is_late(&message, at(300)) && is_late(&message, at(301)));
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
