//! Permits, as a provider's own site makes them; Mailvan only reads them.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;

/// A permit for domains and addresses, good until then; for orders that a ticket is told of, if it names one.
pub fn make(secret: &str, mailboxes: &[String], until: Timestamp, ticket: Option<&str>) -> String {
    let mut claims = json!({ "for": mailboxes, "until": until });
    if let (Some(ticket), Some(members)) = (ticket, claims.as_object_mut()) {
        members.insert("ticket".to_owned(), json!(ticket));
    }
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    let seal = sign(&Key::new(HMAC_SHA256, secret.as_bytes()), payload.as_bytes());
    format!("{payload}.{}", URL_SAFE_NO_PAD.encode(seal))
}
