//! What a notice is composed of, besides the request.

use super::view::GUIDED_DOMAINS;
use crate::domain::Fault;
use crate::store::domain::DomainRecord;
use crate::store::{AttachmentRecord, JobRecord, NoticeKind, RequestRecord, Store, StoreError};
use crate::watch::domains_of;

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
                domains.extend(store.domain(id, domain).await?);
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
