//! Permits: the provider's word that whoever has one may move mail into certain mailboxes, and which ticket is theirs.
//!
//! The provider's own site makes them for customers who are logged in there, with a secret that it
//! shares with Mailvan. A permit is `payload "." base64url(HMAC-SHA-256(secret, payload))`, the payload
//! being `base64url` of JSON such as
//! `{"for": ["customer.example", "anna@shop.example"], "until": "2026-12-01T00:00:00Z", "ticket": "4711"}`, where the
//! ticket may be left out; both without padding (RFC 4648, section 5).

use aws_lc_rs::hmac::{HMAC_SHA256, Key, verify};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

use crate::domain::{Grants, Secret, ticket};

/// The longest permit, in bytes.
pub const MAX_PERMIT_BYTES: usize = 4_096;

/// The shortest secret, in bytes.
pub const MIN_SECRET_BYTES: usize = 32;

/// Why a permit is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermitError {
    /// It is not one, or not made with the secret.
    #[error("it is damaged, or not the provider's")]
    NotOurs,
    /// Its time is over.
    #[error("it was good until {0}")]
    Expired(Timestamp),
}

/// What a permit is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The mailboxes that mail may be moved into.
    pub grants: Grants,
    /// The ticket that is told of the orders, if it names one; an order may name no other.
    pub ticket: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    r#for: Vec<String>,
    until: Timestamp,
    ticket: Option<String>,
}

/// Reads a permit.
///
/// # Errors
/// [`PermitError`].
pub fn read(permit: &str, secret: &Secret, now: Timestamp) -> Result<Permit, PermitError> {
    let permit = permit.trim();
    let (payload, seal) = permit
        .split_once('.')
        .filter(|_| permit.len() <= MAX_PERMIT_BYTES)
        .ok_or(PermitError::NotOurs)?;
    let seal = URL_SAFE_NO_PAD.decode(seal).map_err(|_| PermitError::NotOurs)?;
    let key = Key::new(HMAC_SHA256, secret.expose().as_bytes());
    verify(&key, payload.as_bytes(), &seal).map_err(|_| PermitError::NotOurs)?;
    let claims = URL_SAFE_NO_PAD.decode(payload).map_err(|_| PermitError::NotOurs)?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| PermitError::NotOurs)?;
    if claims.until < now {
        return Err(PermitError::Expired(claims.until));
    }
    let ticket = claims.ticket.map(|text| ticket::read(&text)).transpose();
    Ok(Permit {
        grants: Grants::of(&claims.r#for).ok_or(PermitError::NotOurs)?,
        ticket: ticket.map_err(|_| PermitError::NotOurs)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the lines of Python in the README, with the secret and the claims that are named here.
    const MADE: &str = "eyJmb3IiOiBbIkN1c3RvbWVyLmV4YW1wbGUiLCAiQW5uYUBzaG9wLmV4YW1wbGUiXSwgInVudGlsIjogIjIwMjYtMTItMDFUMDA6MDA6MDBaIn0.Sl4RIfehkgfC4LiwdjxgZGHceApKUKhZA6r8mtlGdQ0";
    const MADE_FOR_A_TICKET: &str = "eyJmb3IiOiBbIkN1c3RvbWVyLmV4YW1wbGUiLCAiQW5uYUBzaG9wLmV4YW1wbGUiXSwgInVudGlsIjogIjIwMjYtMTItMDFUMDA6MDA6MDBaIiwgInRpY2tldCI6ICI0NzExIn0.rAmX97Uu_ni30M8qi7rcKpOGQ4pHiDqazqTEkMHahus";
    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn read(permit: &str, secret: &str, now: &str) -> Result<Permit, PermitError> {
        super::read(permit, &Secret::from(secret), now.parse().unwrap())
    }

    #[test]
    fn what_the_provider_made_is_read() {
        for (made, ticket) in [(MADE, None), (MADE_FOR_A_TICKET, Some("4711"))] {
            let permit = read(made, SECRET, "2026-11-30T23:59:59Z").unwrap();
            assert_eq!(permit.grants.to_string(), "customer.example, anna@shop.example");
            assert_eq!(permit.ticket.as_deref(), ticket);
        }
    }

    #[test]
    fn what_the_provider_did_not_make_is_refused() {
        let now = "2026-11-23T00:00:00Z";
        assert!(read(MADE, SECRET, now).is_ok());
        assert_eq!(
            read(MADE, "another secret of the same length", now),
            Err(PermitError::NotOurs)
        );
        let (payload, seal) = MADE.split_once('.').unwrap();
        let wider = URL_SAFE_NO_PAD.encode(r#"{"for": ["evil.example"], "until": "2026-12-01T00:00:00Z"}"#);
        for bad in [
            String::new(),
            ".".to_owned(),
            payload.to_owned(),
            format!("{payload}."),
            format!("{wider}.{seal}"),
            format!("{MADE}.{seal}"),
            format!("{payload}.{}", &seal[..40]),
            "a".repeat(5_000),
        ] {
            assert_eq!(read(&bad, SECRET, now), Err(PermitError::NotOurs), "{bad}");
        }
    }

    #[test]
    fn a_permit_ends() {
        let ends: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        assert_eq!(
            read(MADE, SECRET, "2026-12-01T00:00:01Z"),
            Err(PermitError::Expired(ends))
        );
    }

    #[test]
    fn a_permit_for_nothing_or_with_an_unusable_ticket_is_none() {
        for claims in [
            r#"{"for": [], "until": "2026-12-01T00:00:00Z"}"#,
            r#"{"for": ["*"], "until": "2026-12-01T00:00:00Z"}"#,
            r#"{"for": ["a.example"]}"#,
            r#"{"for": ["a.example"], "until": "2026-12-01T00:00:00Z", "and": 1}"#,
            r#"{"for": ["a.example"], "until": "2026-12-01T00:00:00Z", "ticket": " "}"#,
            r#"{"for": ["a.example"], "until": "2026-12-01T00:00:00Z", "ticket": 4711}"#,
        ] {
            let payload = URL_SAFE_NO_PAD.encode(claims);
            let key = Key::new(HMAC_SHA256, SECRET.as_bytes());
            let seal = URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, payload.as_bytes()));
            let permit = format!("{payload}.{seal}");
            assert_eq!(
                read(&permit, SECRET, "2026-11-23T00:00:00Z"),
                Err(PermitError::NotOurs),
                "{claims}"
            );
        }
    }
}
