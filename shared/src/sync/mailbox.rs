//! One mailbox between its two servers: the engine proper.
//!
//! It knows folders and chunks and the two servers, and writes down what it does in a
//! [`Ledger`]. Requests, notices, queues and sealed passwords are its callers' business, so that it
//! can be run and measured without them.

use super::SyncError;
use crate::domain::source::{Endpoint, route};
use crate::domain::{CopyOptions, JobId};
use crate::imap::{Connector, Credentials, ImapError, Session};
use crate::profile::Limits;
use crate::store::{ChunkRecord, FolderRecord, Ledger, StoreError};

/// A mailbox to copy.
#[derive(Clone)]
pub struct Mailbox<L> {
    /// Its job.
    pub job_id: JobId,
    /// Where folders and chunks are written down.
    pub ledger: L,
    /// The previous provider's side.
    pub source: Access,
    /// The new provider's side.
    pub destination: Access,
    /// How much is done at once.
    pub limits: Limits,
    /// What is wanted of it, and how.
    pub options: CopyOptions,
}

/// How to get into a mailbox.
#[derive(Clone)]
pub struct Access {
    /// Opens sessions.
    pub connector: Connector,
    /// The server.
    pub endpoint: Endpoint,
    /// The right to enter.
    pub credentials: Credentials,
}

impl Access {
    pub(crate) async fn open(&self) -> Result<Session, ImapError> {
        self.connector.open(&self.endpoint, &self.credentials).await
    }
}

impl<L: Ledger> Mailbox<L> {
    /// The chunks of a folder that its plan counts.
    pub(crate) async fn planned_chunks(&self, folder: &FolderRecord) -> Result<Vec<ChunkRecord>, StoreError> {
        let mut chunks = self.ledger.chunks(folder.job_id, folder.folder).await?;
        chunks.retain(|chunk| folder.counts(chunk));
        Ok(chunks)
    }

    /// The chunks of the other folders that go to the same one as this.
    pub(crate) async fn chunks_beside(
        &self,
        folder: &FolderRecord,
        folders: &[FolderRecord],
    ) -> Result<Vec<ChunkRecord>, StoreError> {
        let mut chunks = Vec::new();
        for other in folders {
            if other.folder != folder.folder && other.destination_name == folder.destination_name {
                chunks.extend(self.planned_chunks(other).await?);
            }
        }
        Ok(chunks)
    }
}

impl<L> Mailbox<L> {
    /// From where to where it is copied, as its folders have it written down.
    pub(super) fn route(&self) -> String {
        let Access {
            endpoint, credentials, ..
        } = &self.source;
        route(endpoint, credentials.mailbox(), self.destination.credentials.mailbox())
    }

    /// Opens both sides at the same time.
    pub(super) async fn open_both(&self) -> Result<(Session, Session), SyncError> {
        tokio::try_join!(async { self.source.open().await.map_err(SyncError::Source) }, async {
            self.destination.open().await.map_err(SyncError::Destination)
        },)
    }
}
