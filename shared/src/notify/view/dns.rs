//! The domains of a request, and what their owner types into the DNS.

use serde::Serialize;

use super::Listing;
use crate::notify::wording::one_line;
use crate::store::JobRecord;
use crate::watch::domains_of;

/// How many domains a mail names.
const LISTED_DOMAINS: usize = 20;

/// A domain whose DNS is to be changed.
#[derive(Debug, Serialize)]
pub(in crate::notify) struct Domain {
    pub(super) name: String,
}

impl Domain {
    /// Those of the mailboxes, in order.
    pub(super) fn listing(jobs: &[JobRecord]) -> Listing<Self> {
        let domain = |name: String| Self { name: one_line(&name) };
        Listing::first(domains_of(jobs).into_iter().map(domain).collect(), LISTED_DOMAINS)
    }
}
