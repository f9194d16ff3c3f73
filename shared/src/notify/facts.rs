//! What a notice is composed of, besides the request.

use jiff::{SignedDuration, Timestamp};

use super::view::GUIDED_DOMAINS;
use crate::clock;
use crate::domain::Fault;
use crate::store::domain::DomainRecord;
use crate::store::{AttachmentRecord, JobRecord, NoticeKind, RequestRecord, Store, StoreError};
use crate::watch::domains_of;

/// A domain that was looked at longer ago counts as one that was not: whoever types in a record that was merged with an old
/// one takes out what came to it since.
const LOOK_HOLDS: SignedDuration = SignedDuration::from_hours(24);

/// The parts of a request that [`compose`](super::compose) takes.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The mailboxes of the generation that the notice is about.
    pub jobs: Vec<JobRecord>,
    /// The faults of the refused upload; none for other notices.
    pub faults: Vec<Fault>,
    /// The attachments; none for notices that do not tell of them.
    pub files: Vec<AttachmentRecord>,
    /// What is remembered of the DNS of the first domains; none for notices that do not tell of it.
    pub domains: Vec<DomainRecord>,
}

impl Facts {
    /// Reads what a notice tells of.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(store: &Store, request: &RequestRecord, notice: NoticeKind) -> Result<Self, StoreError> {
        let id = request.request_id;
        let (generation, faults) = match notice {
            NoticeKind::Refused { generation } => (generation, store.faults(id, generation).await?),
            _ => (request.generation, Vec::new()),
        };
        let files = match notice {
            NoticeKind::Finished | NoticeKind::Imported { .. } => store.attachments(id).await?,
            _ => Vec::new(),
        };
        let jobs = store.jobs(id, generation).await?;
        let mut domains = Vec::new();
        if matches!(
            notice,
            NoticeKind::Scheduled | NoticeKind::Started | NoticeKind::FirstPassDone
        ) {
            for domain in domains_of(&jobs).iter().take(GUIDED_DOMAINS) {
                let known = store.domain(id, domain).await?;
                domains.extend(known.filter(|known| still_holds(known, clock::now())));
            }
        }
        Ok(Self {
            jobs,
            faults,
            files,
            domains,
        })
    }
}

fn still_holds(known: &DomainRecord, now: Timestamp) -> bool {
    now.duration_since(known.watch.looked_at) < LOOK_HOLDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_of_another_day_counts_as_none() {
        let known: DomainRecord = serde_json::from_str(
            r#"{"request_id": "01arz3ndektsv4rrffq69g5fav", "domain": "example.org",
            "first_looked_at": "2026-11-23T10:00:00Z", "looked_at": "2026-11-24T10:00:00Z", "look": {"domain": "example.org",
            "existence": "exists", "delegation_ttl_seconds": 60, "servers": [], "own_addresses": [], "wildcard_mx": [],
            "records": []}}"#,
        )
        .unwrap();
        let holds = |now: &str| still_holds(&known, now.parse().unwrap());
        assert!(holds("2026-11-25T09:59:59Z") && !holds("2026-11-25T10:00:00Z"));
    }
}
