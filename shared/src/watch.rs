//! Looking at the domains of a request, and remembering what was seen.
//!
//! A look may be made by anybody at any time and twice at once: what is remembered follows from each
//! of them, in the order in which they were written down.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock;
use crate::dns::{DnsSettings, DomainWatch, Look, Resolver, look};
use crate::domain::{JobState, RequestId, RequestState};
use crate::store::domain::{DomainRecord, RequestDomains};
use crate::store::{JobRecord, RequestRecord, Store, StoreError};

/// How long a look may take: the DNS repeats what is lost, and silent servers are waited for.
const LOOK_WITHIN: Duration = Duration::from_secs(15);

/// How often a look is remembered anew where others look at the same time.
const TRIES: u32 = 5;

/// What looking works with.
#[derive(Clone, Debug)]
pub struct Watcher {
    /// The job table.
    pub store: Store,
    /// The DNS.
    pub resolver: Resolver,
    /// What the provider wants of a domain.
    pub settings: DnsSettings,
}

impl Watcher {
    /// The domains of a request's mailboxes. Once no mailbox comes or goes any more they are worked out
    /// for the last time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn domains(&self, request: &RequestRecord) -> Result<RequestDomains, StoreError> {
        let (id, generation) = (request.request_id, request.generation);
        if let Some(known) = self.store.request_domains(id, generation).await? {
            return Ok(known);
        }
        let jobs = self.store.jobs(id, generation).await?;
        let domains = domains_of(&jobs);
        let domains = RequestDomains {
            request_id: id,
            generation,
            tells_of_all: tells_of_all(&jobs, &domains),
            domains,
        };
        if is_looked_at(request.state) {
            self.store.put_request_domains(&domains).await?;
        }
        Ok(domains)
    }

    /// Looks at a domain of a request now, and remembers it. None where looking took too long.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn look_at(&self, id: RequestId, domain: &str) -> Result<Option<DomainWatch>, StoreError> {
        let looking = look(&self.resolver, &self.settings, domain);
        if let Ok(look) = tokio::time::timeout(LOOK_WITHIN, looking).await {
            // Dated when the answers were here: a TTL counts from then.
            return self.remember(id, look, clock::now()).await.map(Some);
        }
        tracing::warn!(request.id = %id, dns.domain = domain, "looking at a domain took too long");
        Ok(None)
    }

    async fn remember(&self, id: RequestId, look: Look, now: Timestamp) -> Result<DomainWatch, StoreError> {
        let mut tries = 0;
        loop {
            let before = self.store.domain(id, &look.domain).await?.map(|record| record.watch);
            let Some(watch) = after(before.as_ref(), &look, &self.settings, now) else {
                return before.ok_or(StoreError::Conflict);
            };
            let record = DomainRecord {
                request_id: id,
                domain: look.domain.clone(),
                watch,
            };
            match self.store.put_domain(&record, before.as_ref()).await {
                Err(StoreError::Conflict) if tries < TRIES => tries += 1,
                ended => return ended.map(|()| record.watch),
            }
        }
    }
}

/// What is remembered after a look; nothing new where a later one was written down before.
fn after(before: Option<&DomainWatch>, look: &Look, settings: &DnsSettings, now: Timestamp) -> Option<DomainWatch> {
    let is_late = before.is_some_and(|before| before.looked_at > now);
    (!is_late).then(|| DomainWatch::after(before, look.clone(), settings, now))
}

/// The states in which the domains of a request are looked at. Before the first pass is done it is for the
/// TTL of the old records, which has to be known before they are changed.
pub const LOOKED_AT_IN: [RequestState; 3] = [
    RequestState::Scheduled,
    RequestState::FirstPass,
    RequestState::AwaitingCutover,
];

/// Whether the domains of a request in this state are looked at.
pub fn is_looked_at(state: RequestState) -> bool {
    LOOKED_AT_IN.contains(&state)
}

/// Whether the DNS tells of every mailbox when no more mail arrives at its old address.
pub fn dns_tells_of_all(jobs: &[JobRecord]) -> bool {
    tells_of_all(jobs, &domains_of(jobs))
}

/// Whether the DNS of the new addresses, whose domains are given in order, tells where the old ones' mail goes. Where a mailbox moves to an address of
/// another domain, mail to its old one goes on arriving there whatever the new domain says, so the customer has to say
/// when that is over.
fn tells_of_all(jobs: &[JobRecord], domains: &[String]) -> bool {
    taking_part(jobs).all(|job| domains.binary_search(&job.domain).is_ok())
}

/// The domains whose DNS is to be changed: those of the new mailboxes, in order.
pub fn domains_of(jobs: &[JobRecord]) -> Vec<String> {
    let mut domains: Vec<String> = taking_part(jobs)
        .map(|job| job.destination.domain().to_owned())
        .collect();
    domains.sort_unstable();
    domains.dedup();
    domains
}

fn taking_part(jobs: &[JobRecord]) -> impl Iterator<Item = &JobRecord> {
    jobs.iter().filter(|job| job.status.state() != JobState::Cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_look_that_comes_late_changes_nothing() {
        let settings = DnsSettings {
            mx: vec![(10, "mx.new.example".to_owned())],
            spf_include: None,
            dkim: Vec::new(),
            dmarc: None,
            aliases: Vec::new(),
            srv: Vec::new(),
            unknown_ttl: Duration::from_hours(1),
        };
        let seen = r#"{"domain": "example.org", "existence": "exists", "delegation_ttl_seconds": 0, "servers": [],
            "own_addresses": [], "wildcard_mx": [], "records": []}"#;
        let seen: Look = serde_json::from_str(seen).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let first = after(None, &seen, &settings, at(100)).unwrap();
        assert_eq!(after(Some(&first), &seen, &settings, at(99)), None);
        let second = after(Some(&first), &seen, &settings, at(101)).unwrap();
        assert_eq!((second.first_looked_at, second.looked_at), (at(100), at(101)));
    }
}
