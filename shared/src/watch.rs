//! Looking at the domains of a request, and remembering what was seen.
//!
//! A look may be made by anybody at any time and twice at once: what is remembered follows from each
//! of them, in the order in which they were written down.

use std::time::Duration;

use jiff::Timestamp;

use crate::dns::{DnsSettings, DomainWatch, Look, Resolver, look};
use crate::domain::{JobState, RequestId};
use crate::store::domain::DomainRecord;
use crate::store::{JobRecord, Store, StoreError};

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
    /// Looks at a domain of a request now, and remembers it. None where looking took too long.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn look_at(
        &self,
        id: RequestId,
        domain: &str,
        now: Timestamp,
    ) -> Result<Option<DomainWatch>, StoreError> {
        let looking = look(&self.resolver, &self.settings, domain);
        if let Ok(look) = tokio::time::timeout(LOOK_WITHIN, looking).await {
            return self.remember(id, look, now).await.map(Some);
        }
        tracing::warn!(request.id = %id, dns.domain = domain, "looking at a domain took too long");
        Ok(None)
    }

    async fn remember(&self, id: RequestId, look: Look, now: Timestamp) -> Result<DomainWatch, StoreError> {
        let mut tries = 0;
        loop {
            let before = self.store.domain(id, &look.domain).await?.map(|record| record.watch);
            let watch = DomainWatch::after(before.as_ref(), look.clone(), &self.settings, now);
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

/// Whether the DNS of the new addresses tells where the old ones' mail goes. Where a mailbox moves to an address of
/// another domain, mail to its old one goes on arriving there whatever the new domain says, so the customer has to say
/// when that is over.
pub fn tells_of_all(jobs: &[JobRecord]) -> bool {
    let domains = domains_of(jobs);
    taking_part(jobs).all(|job| domains.iter().any(|domain| domain.eq_ignore_ascii_case(&job.domain)))
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
