//! Servers that were found for a request's mailboxes: looked for once a domain, not once a mailbox.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::{JobRecord, Store, StoreError, belonging, job, request};
use crate::domain::{FoundServer, RequestId, ServerSearch};

/// How long it counts that a domain's server was not found; one that was found is found.
const LOST_FOR: SignedDuration = SignedDuration::from_mins(10);

/// What came of looking for the server of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRecord {
    /// The request that it was looked for.
    pub request_id: RequestId,
    /// The domain of the addresses at the previous provider.
    pub domain: String,
    /// When it was looked for.
    pub looked_at: Timestamp,
    /// What came of it.
    #[serde(flatten)]
    pub search: ServerSearch,
}

fn key(domain: &str) -> String {
    format!("SERVER#{domain}")
}

impl Store {
    /// What came of looking for a domain's server, as far as it still counts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn server_search(
        &self,
        id: RequestId,
        domain: &str,
        now: Timestamp,
    ) -> Result<Option<ServerSearch>, StoreError> {
        let known: Option<ServerRecord> = self.get(request::partition(id), key(domain)).await?;
        let counts =
            |known: &ServerRecord| known.search.found.is_some() || now.duration_since(known.looked_at) < LOST_FOR;
        Ok(known.filter(counts).map(|known| known.search))
    }

    /// Remembers what came of looking for a domain's server.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_server_search(&self, record: &ServerRecord) -> Result<(), StoreError> {
        let id = record.request_id;
        let item = belonging(id, request::partition(id), key(&record.domain), record)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await?;
        Ok(())
    }

    /// Gives a mailbox the server that was found for it. What it logs in with stays where the customer has
    /// said it. Says whether the row is still as it was read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn place_source(&self, job: &mut JobRecord, found: &FoundServer) -> Result<bool, StoreError> {
        if job.source_user.eq_ignore_ascii_case(&job.address) {
            job.source_user = found.login.of(&job.source_user).to_owned();
        }
        job.source = found.endpoint.clone();
        job.seeks_source = false;
        job.source_found_by = Some(found.by);
        let source: aws_sdk_dynamodb::types::AttributeValue = serde_dynamo::to_attribute_value(&job.source)?;
        let by: aws_sdk_dynamodb::types::AttributeValue = serde_dynamo::to_attribute_value(found.by)?;
        let change = Change::default()
            .if_there()
            .if_equal("check_round", i64::from(job.check.round))
            .set("source", source)
            .set("source_user", job.source_user.clone())
            .set("source_found_by", by)
            .remove("seeks_source");
        let (pk, sk) = job::keys(job.job_id);
        self.change_if(change, pk, sk).await
    }
}
