//! Connections to a previous provider's server: whoever connects needs one of those that there may be.

use std::time::Duration;

use mailvan::clock::Deadline;
use mailvan::domain::{Host, RequestEvent, RequestState};
use mailvan::imap::Connector;
use mailvan::imap::guard::AddressPolicy;
use mailvan::store::request::RequestChange;
use mailvan::store::{RequestRecord, Store};
use mailvan::sync::{SyncError, preview_mailbox};
use mailvan_local::stack::Stack;

use super::clients::engine;
use super::{job, now, request};

const ASKED: i64 = 7;
const PROFILE: &str = r#"
[provider]
name = "Example Hosting"
time_zone = "Europe/Berlin"

[destination.imap]
host = "127.0.0.1"
port = 1
auth = "password"

[notices]
sender = "migration@example.net"

[limits]
host_connections = 2
"#;

/// Where all are held, a preview is tried again, and at last says so; whether it comes about or not, it gives its
/// connection back.
pub async fn a_preview_needs_a_connection_like_anybody(store: &Store, stack: &Stack) {
    let request = RequestRecord {
        preview_asked: Some(ASKED),
        ..request(91, RequestState::Checking)
    };
    store.create_request(&request).await.unwrap();
    let mut wanted = job(91, 2);
    wanted.source.host = "connections.example.org".parse().unwrap();
    store.put_jobs(std::slice::from_ref(&wanted)).await.unwrap();
    let found = store.advance_request(
        request.request_id,
        RequestEvent::FaultsFound,
        now(),
        RequestChange::default(),
    );
    found.await.unwrap();
    let connector = Connector::try_new(AddressPolicy::PublicOnly, false, None).unwrap();
    let engine = engine(store, stack, connector, PROFILE);
    let host: Host = wanted.source.host.clone();
    let moment = mailvan::clock::now();
    let later = moment.checked_add(jiff::SignedDuration::from_mins(5)).unwrap();
    let mut held = Vec::new();
    for row in [3, 4] {
        let slot = store
            .take_connection(&host, job(91, row).job_id, 2, moment, later)
            .await;
        held.push(slot.unwrap().unwrap());
    }
    let preview = async |is_last_try| {
        let deadline = Deadline::after(Duration::from_secs(20));
        preview_mailbox(&engine, wanted.job_id, ASKED, deadline, is_last_try).await
    };
    let previews = async || {
        store
            .previews(wanted.request_id, 1, 0, 1_000_000)
            .await
            .unwrap()
            .records
    };
    assert!(matches!(preview(false).await, Err(SyncError::NoConnection)));
    assert_eq!(previews().await, []);
    preview(true).await.unwrap();
    let told = previews().await;
    assert_eq!(told[0].error_code.as_deref(), Some("no_connection"));
    assert!(
        told[0]
            .error_message
            .as_ref()
            .unwrap()
            .contains("ask again in a minute")
    );

    let free = held.pop().unwrap();
    store.give_connection_back(&free, false, moment).await.unwrap();
    // The password of this one does not open; its connection is free again nevertheless.
    for _ in 0..2 {
        assert!(matches!(preview(false).await, Err(SyncError::Secret(_))));
    }
}
