//! Copying mail exactly once: planning a mailbox, copying its chunks, the final pass's changes.
//!
//! ```text
//! plan    lists both sides, maps names (mapping), cuts folders into chunks
//! lane    takes folders one after the other, with one connection to each side
//! chunk   makes one chunk's messages true at the destination (recover, matching, delta)
//! ```
//!
//! One worker at a time writes to a destination folder: the folder is what is leased. So everything
//! that appeared in it since the worker's start and belongs to no finished batch is either the open
//! batch's or was not ours, and equal messages of different chunks cannot be taken for each other.
//!
//! The module speaks to servers through [`crate::imap`] and to the table through [`crate::store`];
//! it knows nothing of queues: whoever calls it is told what to send ([`LaneEnd`], [`PlanEnd`]).

mod chunk;
mod delta;
mod folder_plan;
mod lane;
mod mapping;
mod matching;
mod plan;
mod recover;
mod settle;

pub use lane::{LaneEnd, LaneFailure, run_lane};
pub use mapping::{FolderMapping, map_folders};
pub use plan::{PlanEnd, plan_mailbox};
pub use settle::{cancel_jobs, fail_mailbox, settle_request};

use std::time::Duration;

use crate::imap::{Connector, Credentials, ImapError, Session};
use crate::profile::{DestinationAuth, Profile};
use crate::secrets::{SecretError, Secrets};
use crate::store::{JobRecord, Store, StoreError};

/// How long after its run's end a worker's lease lasts: what it had sent has arrived by then.
const LEASE_GRACE: Duration = Duration::from_secs(10);

/// What planning and copying work with.
#[derive(Clone)]
pub struct Engine {
    /// The job table.
    pub store: Store,
    /// Opens passwords.
    pub secrets: Secrets,
    /// Opens sessions with servers that customers name.
    pub sources: Connector,
    /// Opens sessions with the provider's own server.
    pub destination: Connector,
    /// The provider's settings.
    pub profile: Profile,
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The customer's old server, or the way to it.
    #[error("source: {0}")]
    Source(#[source] ImapError),
    /// The provider's server, or the way to it.
    #[error("destination: {0}")]
    Destination(#[source] ImapError),
    /// The job table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A password could not be opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The destination mailbox is full.
    #[error("the mailbox at the destination is full; the server says: {0}")]
    OverQuota(String),
    /// So many messages were refused that it cannot be the messages.
    #[error("the new provider refused {0} messages of one part of a folder")]
    TooManyRefused(usize),
}

impl Engine {
    /// Opens the source mailbox of a job.
    async fn open_source(&self, job: &JobRecord) -> Result<Session, SyncError> {
        let password = self.secrets.open(job.job_id, &job.sealed_password).await?;
        let credentials = Credentials::Own {
            user: job.source_user.clone(),
            password,
        };
        self.sources
            .open(&job.source, &credentials)
            .await
            .map_err(SyncError::Source)
    }

    /// Opens the destination mailbox of a job, as the profile says.
    async fn open_destination(&self, job: &JobRecord) -> Result<Session, SyncError> {
        let mailbox = job.destination.to_string();
        let credentials = match &self.profile.imap.auth {
            DestinationAuth::Master { user, password_secret } => Credentials::Master {
                mailbox,
                user: user.clone(),
                password: self.secrets.named(password_secret).await?,
            },
            DestinationAuth::Token { token_secret } => Credentials::Token {
                mailbox,
                token: self.secrets.named(token_secret).await?,
            },
            DestinationAuth::Password => {
                let sealed = job.sealed_destination_password.as_ref().unwrap_or(&job.sealed_password);
                Credentials::Own {
                    user: mailbox,
                    password: self.secrets.open(job.job_id, sealed).await?,
                }
            }
        };
        self.destination
            .open(&self.profile.imap.endpoint, &credentials)
            .await
            .map_err(SyncError::Destination)
    }

    /// Opens both mailboxes of a job at the same time.
    async fn open_both(&self, job: &JobRecord) -> Result<(Session, Session), SyncError> {
        tokio::try_join!(self.open_source(job), self.open_destination(job))
    }
}
