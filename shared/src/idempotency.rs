//! The same order twice is one request (`Idempotency-Key`).
//!
//! The key comes from the client and is kept by nobody: the table has its hash, a salt, and what the
//! body was, keyed with the key itself. The token of a request that was made with a key follows from
//! key and salt, so that it can be given again to whoever says the same once more, and to nobody who
//! has only the table or only the key.

use std::collections::BTreeSet;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::Secret;
use crate::secrets::{SecretError, random};

/// The shortest key that is no UUID: who guesses a key and knows the order gets its token, so that a key
/// is no running number.
pub const MIN_KEY_CHARS: usize = 32;
/// How many different characters such a key has at least; 32 random hexadecimal digits have fewer once in
/// a million times.
const MIN_DIFFERENT: usize = 8;
/// The longest key.
pub const MAX_KEY_CHARS: usize = 128;

/// A client's name for one order.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(Secret);

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a random UUID, or {MIN_KEY_CHARS} to {MAX_KEY_CHARS} random letters, digits, hyphens or underscores; another one for each order"
)]
pub struct BadKey;

impl IdempotencyKey {
    /// Takes the value of the header; quotation marks around it, as a structured field has them, do
    /// not count.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn parse(value: &str) -> Result<Self, BadKey> {
        let value = value.trim();
        let key = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(value);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let different: BTreeSet<u8> = key.bytes().collect();
        let is_long = (MIN_KEY_CHARS..=MAX_KEY_CHARS).contains(&key.len());
        if is_long && different.len() >= MIN_DIFFERENT && key.bytes().all(is_plain) {
            Ok(Self(Secret::from(key)))
        } else {
            Err(BadKey)
        }
    }

    /// What the table finds it by.
    pub fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.0.expose().as_bytes()))
    }

    /// What the table keeps of a body: without the key it tells nothing, not even whether a guess is
    /// right.
    pub fn seal_of(&self, body: &[u8]) -> String {
        self.keyed(b"body", body)
    }

    /// Whether this is the body that was sealed, in constant time.
    pub fn is_of(&self, body: &[u8], seal: &str) -> bool {
        verify_slices_are_equal(self.seal_of(body).as_bytes(), seal.as_bytes()).is_ok()
    }

    /// The token of the request that was made with this key and salt: 256 bits, as any other.
    pub fn token(&self, salt: &str) -> Secret {
        Secret::from(self.keyed(b"token", salt.as_bytes()))
    }

    fn keyed(&self, purpose: &[u8], text: &[u8]) -> String {
        let key = Key::new(HMAC_SHA256, self.0.expose().as_bytes());
        let purpose = Key::new(HMAC_SHA256, sign(&key, purpose).as_ref());
        URL_SAFE_NO_PAD.encode(sign(&purpose, text))
    }
}

/// A new salt.
///
/// # Errors
/// Where the system has no random bytes.
pub fn new_salt() -> Result<String, SecretError> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0b9a6c9e-6f0e-4b0e-9b57-3f5f7d2f6a11";

    fn key(text: &str) -> IdempotencyKey {
        IdempotencyKey::parse(text).unwrap()
    }

    #[test]
    fn keys_are_long_enough_and_plain() {
        assert!(IdempotencyKey::parse("0b9a6c9e-6f0e-4b0e-9b57-3f5f7d2f6a11").is_ok());
        assert_eq!(key(&format!(" \"{ONE}\" ")).hash(), key(ONE).hash());
        for bad in [
            "",
            "short",
            "order-2026-00123",
            "0123456789abcdef0123456789abcde",
            "0123456789abcdef 0123456789abcdef",
            "0123456789abcdef0123456789abcdé",
            "000000000000000000000000000000000000-123",
            &"a".repeat(129),
        ] {
            assert_eq!(IdempotencyKey::parse(bad).err(), Some(BadKey), "{bad}");
        }
    }

    #[test]
    fn token_and_seal_follow_from_key_and_content_alone() {
        let (one, other) = (key(ONE), key("0b9a6c9e-6f0e-4b0e-9b57-3f5f7d2f6a12"));
        assert_eq!(one.token("salt").expose(), one.token("salt").expose());
        assert_eq!(one.token("salt").expose().len(), 43);
        assert_ne!(one.token("salt").expose(), one.token("salts").expose());
        assert_ne!(one.token("salt").expose(), other.token("salt").expose());
        assert_ne!(one.token("salt").expose(), one.seal_of(b"salt"));
        assert!(one.is_of(b"body", &one.seal_of(b"body")));
        assert!(!one.is_of(b"bodi", &one.seal_of(b"body")) && !other.is_of(b"body", &one.seal_of(b"body")));
        assert!(!format!("{one:?}").contains("0b9a"));
    }
}
