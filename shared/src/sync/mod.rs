//! Copying mail exactly once: planning a mailbox, copying its chunks, the final pass's changes.
//!
//! ```text
//! mailbox the two sides of one mailbox, and the ledger of what has been done
//! plan    lists both sides, maps names (mapping), cuts folders into chunks
//! lane    a chain of messages that works on a mailbox: what is to be done after each run
//! work    takes folders one after the other, with one connection to each side
//! chunk   makes one chunk's messages true at the destination (transfer, recover, matching, delta)
//! renew   a folder that is another one than was planned
//! telling what a lane does at the moment, for whoever watches
//! late    what broken connections deliver late (second_copies)
//! ```
//!
//! One worker at a time writes to a destination folder: the folder is what is leased. So everything
//! that appeared in it since the worker's start and belongs to no finished batch is either the open
//! batch's or was not ours, and equal messages of different chunks cannot be taken for each other.
//!
//! [`Mailbox`] is the engine proper: it speaks to servers through [`crate::imap`] and writes down
//! what it does in a [`Ledger`](crate::store::Ledger). [`plan_mailbox`] and [`run_lane`] lead it
//! through jobs and requests in the table. Neither knows of queues: whoever calls them is told what
//! to send ([`LaneEnd`], [`PlanEnd`]).

mod asks;
mod chunk;
mod chunks;
mod claims;
mod copied;
mod cut;
mod delta;
mod digests;
mod folder_plan;
mod gone;
mod item;
mod lane;
mod late;
mod look;
mod looking;
mod mailbox;
mod mapping;
mod matching;
mod otherwise;
mod part;
mod plan;
mod planner;
mod preview;
mod ready;
mod recover;
mod renew;
mod repair;
mod second_copies;
mod settle;
mod small;
mod suspects;
mod telling;
mod transfer;
mod work;

pub use lane::{LaneEnd, run_lane};
pub use mailbox::{Access, Mailbox};
pub use mapping::{FolderMapping, map_folders, restore_name};
pub use part::Planning;
pub use plan::{PlanEnd, plan_mailbox};
pub use preview::preview_mailbox;
pub use repair::{Repaired, Repairs, repair};
pub(crate) use second_copies::{SecondCopies, beyond_chunks};
pub use settle::{cancel_jobs, fail_mailbox, is_none_copied, none_copied, settle_request, stop_mailbox, tell_staff};
pub(crate) use telling::Teller;
pub use work::{LaneFailure, Work};

use std::time::Duration;

use crate::clock::{Deadline, now};
use crate::domain::speed::Sample;
use crate::domain::{JobId, Rest};
use crate::imap::{Compression, Connector, Credentials, ImapError};
use crate::profile::{CompressSources, DestinationAuth, Profile};
use crate::secrets::{SecretError, Secrets};
use crate::store::host::ConnectionSlot;
use crate::store::{JobRecord, Store, StoreError};

/// How long work waits that may not connect, because others hold all connections to the previous provider's server.
pub const NO_CONNECTION: Duration = Duration::from_secs(15);

/// How long a message is delayed at most; a longer rest is taken in parts.
const LONGEST_DELAY: Duration = Duration::from_mins(15);

fn until_next_look(rest: Rest) -> Duration {
    rest.left(now()).unwrap_or_default().min(LONGEST_DELAY)
}

/// What the service's functions plan and copy with: it makes [`Mailbox`]es of jobs.
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
    /// Runs were cut off one after the other, without a message copied between them.
    #[error("the copying was cut off {0} times without getting any further")]
    CutOff(u32),
    /// Run after run did not get any further in listing a folder.
    #[error("the previous provider did not list its messages within a run, {0} times")]
    NotListed(u32),
    /// So many messages were refused, or not given out, that it cannot be the messages.
    #[error(
        "{0} messages of one part of a folder were refused by the new provider, or not given out by the previous one"
    )]
    TooManyRefused(usize),
    /// Others hold all connections that there may be to the previous provider's server.
    #[error("the previous provider's server has as many connections from here as it may have")]
    NoConnection,
}

impl Engine {
    /// Takes the right to connect once to a job's previous provider until the run's end; `None` where others hold as
    /// many connections to its server as there may be.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_connection(
        &self,
        job: &JobRecord,
        deadline: Deadline,
    ) -> Result<Option<ConnectionSlot>, StoreError> {
        let most = self.profile.limits.host_connections;
        self.store
            .take_connection(&job.source.host, job.job_id, most, now(), deadline.lease_end())
            .await
    }

    /// Lets a mailbox rest whose previous provider gives out no more for a while; gives until the next look how long.
    /// `None` where it has rested for so long that it is given up.
    async fn rest(&self, id: JobId, progressed: bool) -> Result<Option<Duration>, StoreError> {
        let job = self.store.job(id).await?;
        let before = job.rest.filter(|_| !progressed);
        let Some(rest) = Rest::next(before, job.messages_copied, now()) else {
            return Ok(None);
        };
        if before != Some(rest) {
            tracing::warn!(job.id = %id, until = %rest.until(), "the previous provider gives out no more: the mailbox rests");
            self.store.note_rest(id, rest).await?;
        }
        Ok(Some(until_next_look(rest)))
    }

    /// Whether connections to a job's previous provider are to be compressed.
    async fn compression(&self, job: &JobRecord) -> Result<Compression, StoreError> {
        let favoured = match self.profile.limits.compress_sources {
            CompressSources::Always => true,
            CompressSources::Never => false,
            CompressSources::Auto => self.store.speed(&job.source.host).await?.favours_compression(),
        };
        Ok(if favoured {
            Compression::WhereOffered
        } else {
            Compression::Off
        })
    }

    /// Remembers how fast a job's previous provider was; nothing else depends on it.
    async fn note_speed(&self, job: &JobRecord, sample: Sample) {
        if let Err(error) = self.store.note_speed(&job.source.host, sample, now()).await {
            tracing::warn!(job.id = %job.job_id, %error, "the speed of a server could not be noted");
        }
    }

    /// Remembers that a connection to a job's previous provider broke, where it was to be compressed: that may be why.
    async fn note_broken_line(&self, job: &JobRecord, compression: Compression, error: &SyncError) {
        if compression == Compression::WhereOffered && error.is_broken_source() {
            self.note_speed(job, Sample::broken()).await;
        }
    }

    /// A job's mailbox, with the rights to enter it on both sides.
    ///
    /// # Errors
    /// [`SecretError`] where the passwords have been destroyed or do not open.
    pub async fn mailbox(&self, job: &JobRecord) -> Result<Mailbox<Store>, SecretError> {
        let (password, compression) =
            tokio::try_join!(self.secrets.open(job.job_id, job.sealed_password.as_deref()), async {
                Ok(self.compression(job).await?)
            },)?;
        let source = Credentials::Own {
            user: job.source_user.clone(),
            password,
        };
        let mailbox = job.destination.to_string();
        let destination = match &self.profile.imap.auth {
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
                let sealed = job.sealed_for_destination();
                Credentials::Own {
                    user: mailbox,
                    password: self.secrets.open(job.job_id, sealed).await?,
                }
            }
        };
        Ok(Mailbox {
            job_id: job.job_id,
            ledger: self.store.clone(),
            source: Access {
                connector: self.sources.clone().with_compression(compression),
                endpoint: job.source.clone(),
                credentials: source,
            },
            destination: Access {
                connector: self.destination.clone(),
                endpoint: self.profile.imap.endpoint.clone(),
                credentials: destination,
            },
            limits: self.profile.limits,
            options: job.options.clone(),
        })
    }
}
