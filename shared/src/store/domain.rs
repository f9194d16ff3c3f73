//! Domains of a request in the table: what was seen of their DNS, and since when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, belonging, request};
use crate::dns::DomainWatch;
use crate::domain::{RequestId, RequestState};

/// A domain of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRecord {
    /// The request.
    pub request_id: RequestId,
    /// The domain.
    pub domain: String,
    /// What is remembered of it.
    #[serde(flatten)]
    pub watch: DomainWatch,
}

const PREFIX: &str = "DNS#";

/// How many bytes of names are kept in one item; those of more domains are worked out anew each time.
const MOST_BYTES: usize = 300_000;

/// The domains of a generation's mailboxes: worked out once, because all mailboxes have to be read for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestDomains {
    /// The request.
    pub request_id: RequestId,
    /// Which upload.
    pub generation: u32,
    /// The domains of the new mailboxes, in order.
    pub domains: Vec<String>,
    /// Whether their DNS tells where the old addresses' mail goes.
    pub tells_of_all: bool,
}

/// What the index is asked for.
impl Store {
    /// What is remembered of the domains of a request.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn domains(&self, id: RequestId) -> Result<Vec<DomainRecord>, StoreError> {
        self.query(&request::partition(id), PREFIX).await
    }

    /// The domains of a generation's mailboxes, where they were worked out before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn request_domains(&self, id: RequestId, generation: u32) -> Result<Option<RequestDomains>, StoreError> {
        self.get(request::partition(id), domains_key(generation)).await
    }

    /// Remembers the domains of a generation's mailboxes, unless there are too many for one item. No
    /// mailbox may come or go any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_request_domains(&self, domains: &RequestDomains) -> Result<(), StoreError> {
        let bytes: usize = domains.domains.iter().map(|domain| domain.len() + 3).sum();
        if bytes > MOST_BYTES {
            return Ok(());
        }
        let (id, key) = (domains.request_id, domains_key(domains.generation));
        let item = belonging(id, request::partition(id), key, domains)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await?;
        Ok(())
    }

    /// What is remembered of a domain of a request.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn domain(&self, id: RequestId, domain: &str) -> Result<Option<DomainRecord>, StoreError> {
        self.get(request::partition(id), format!("{PREFIX}{domain}")).await
    }

    /// The requests in a state, as the index has them: it may be a moment behind.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn requests_in(&self, state: RequestState) -> Result<Vec<RequestId>, StoreError> {
        self.requests_since(state, Timestamp::MAX).await
    }

    /// Remembers a look. Durable on return.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another look has been remembered since `before` was read: what
    /// follows from both has to be worked out anew.
    pub async fn put_domain(&self, record: &DomainRecord, before: Option<&DomainWatch>) -> Result<(), StoreError> {
        let key = format!("{PREFIX}{}", record.domain);
        let item = belonging(record.request_id, request::partition(record.request_id), key, record)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(PK)"),
            Some(before) => put
                .condition_expression("looked_at = :before")
                .expression_attribute_values(":before", serde_dynamo::to_attribute_value(before.looked_at)?),
        };
        put.send().await?;
        Ok(())
    }
}

fn domains_key(generation: u32) -> String {
    format!("DOMAINS#{generation:05}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_read_as_it_was_written() {
        let json = r#"{"request_id": "01arz3ndektsv4rrffq69g5fav", "domain": "example.org",
            "first_looked_at": "2026-11-23T10:00:00Z", "looked_at": "2026-11-23T10:05:00.123456789Z",
            "first_ttl_seconds": 3600, "old_until": "2026-11-23T11:05:00Z", "look": {"domain": "example.org",
            "existence": "exists", "zone": "example.org", "delegation_ttl_seconds": 60, "servers": [
                {"name": "ns.example.org", "address": "192.0.2.1", "says": {"state": "answers", "ttl_seconds": 60,
                    "mx": [{"mx": {"preference": 10, "exchange": "old.example"}}]}},
                {"name": "ns2.example.org", "says": {"state": "lame"}}],
            "own_addresses": ["2001:db8::1"], "wildcard_mx": [], "records": [{"name": "_imaps._tcp.example.org",
                "purpose": "srv", "values": [{"srv": {"priority": 0, "weight": 1, "port": 993, "target": "a.example"}}],
                "ttl_seconds": 60}], "spf_lookups": 3}}"#;
        let record: DomainRecord = serde_json::from_str(json).unwrap();
        let item: super::super::Item = serde_dynamo::to_item(&record).unwrap();
        let again: DomainRecord = serde_dynamo::from_item(item).unwrap();
        assert_eq!(again, record);
    }
}
