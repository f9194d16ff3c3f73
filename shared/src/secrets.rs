//! Passwords at rest: sealed by a data key a request, which is sealed by KMS.
//!
//! One KMS call a request, not one a row. Each password is sealed with AES-256-GCM under the
//! request's data key and bound to its mailbox job, so a sealed password moved to another row does
//! not open. When the request ends the sealed data key is deleted, and with it every password.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::clock::now;
use crate::domain::{JobId, RequestId, Secret};
use crate::store::{Store, StoreError};

/// The key of KMS's encryption context. Its value is the request's id, which is opaque, because the
/// context stands in `CloudTrail`.
const CONTEXT: &str = "request";

/// Seals and opens passwords. Cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    kms: aws_sdk_kms::Client,
    manager: aws_sdk_secretsmanager::Client,
    key_id: String,
    store: Store,
    /// The data key opened last, with the sealed form it came from.
    last: Arc<Mutex<Option<(String, DataKey)>>>,
}

/// A request's data key, in the clear; wiped when dropped.
#[derive(Clone)]
pub struct DataKey(Zeroizing<Vec<u8>>);

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The request has ended, and its data key with it; or the mailbox is done, and its password gone.
    #[error("the passwords of this request have been destroyed")]
    Destroyed,
    /// The sealed text does not belong to this mailbox, or was changed.
    #[error("a sealed password does not open")]
    DoesNotOpen,
    /// The named secret is not there or holds no text.
    #[error("the secret {0} cannot be read")]
    Named(String, #[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// KMS refused or did not answer.
    #[error("the key service did not answer")]
    Kms(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Secrets {
    /// Seals with this KMS key.
    pub fn new(
        kms: aws_sdk_kms::Client,
        manager: aws_sdk_secretsmanager::Client,
        key_id: String,
        store: Store,
    ) -> Self {
        Self {
            kms,
            manager,
            key_id,
            store,
            last: Arc::default(),
        }
    }

    /// The data key of a request that is being checked, made and kept at the first call.
    ///
    /// # Errors
    /// [`SecretError::Destroyed`] when the request has ended.
    pub async fn data_key(&self, request: RequestId) -> Result<DataKey, SecretError> {
        let record = self.store.request(request).await?;
        if record.is_past_its_time(now()) {
            return Err(SecretError::Destroyed);
        }
        if let Some(sealed) = record.data_key {
            return self.unseal(request, sealed).await;
        }
        let made = self
            .kms
            .generate_data_key()
            .key_id(&self.key_id)
            .key_spec(DataKeySpec::Aes256);
        let made = made
            .encryption_context(CONTEXT, request.to_string())
            .send()
            .await
            .map_err(|e| SecretError::Kms(Box::new(e)))?;
        let sealed = STANDARD.encode(made.ciphertext_blob.unwrap_or_else(|| Blob::new([])).as_ref());
        let kept = match self.store.keep_data_key(request, sealed.clone()).await {
            Err(StoreError::Conflict) => return Err(SecretError::Destroyed),
            kept => kept?,
        };
        if kept == sealed {
            let plain = made.plaintext.map(Blob::into_inner).unwrap_or_default();
            return Ok(DataKey(Zeroizing::new(plain)));
        }
        self.unseal(request, kept).await
    }

    /// Opens a password of a mailbox, where it still has one.
    ///
    /// # Errors
    /// [`SecretError::Destroyed`] when the request has ended, or the mailbox is done.
    pub async fn open(&self, job: JobId, sealed: Option<&str>) -> Result<Secret, SecretError> {
        let sealed = sealed.ok_or(SecretError::Destroyed)?;
        let request = self.store.request(job.request()).await?;
        // The table removes it some time after.
        let is_past = request.is_past_its_time(now());
        let sealed_key = request.data_key.filter(|_| !is_past).ok_or(SecretError::Destroyed)?;
        self.unseal(job.request(), sealed_key).await?.open(job, sealed)
    }

    /// A secret of the provider's own, by its name in Secrets Manager.
    ///
    /// # Errors
    /// [`SecretError::Named`].
    pub async fn named(&self, name: &str) -> Result<Secret, SecretError> {
        let found = self.manager.get_secret_value().secret_id(name).send().await;
        let found = found.map_err(|e| SecretError::Named(name.to_owned(), Some(Box::new(e))))?;
        found
            .secret_string
            .map(Secret::from)
            .ok_or_else(|| SecretError::Named(name.to_owned(), None))
    }

    async fn unseal(&self, request: RequestId, sealed: String) -> Result<DataKey, SecretError> {
        let mut last = self.last.lock().await;
        if let Some((known, key)) = &*last
            && *known == sealed
        {
            return Ok(key.clone());
        }
        let blob = STANDARD.decode(&sealed).map_err(|_| SecretError::DoesNotOpen)?;
        let opened = self.kms.decrypt().key_id(&self.key_id).ciphertext_blob(Blob::new(blob));
        let opened = opened
            .encryption_context(CONTEXT, request.to_string())
            .send()
            .await
            .map_err(|e| SecretError::Kms(Box::new(e)))?;
        let key = DataKey(Zeroizing::new(
            opened.plaintext.map(Blob::into_inner).unwrap_or_default(),
        ));
        *last = Some((sealed, key.clone()));
        Ok(key)
    }
}

impl DataKey {
    /// Seals a password for a mailbox.
    ///
    /// # Errors
    /// [`SecretError::DoesNotOpen`] where the key is none.
    pub fn seal(&self, job: JobId, password: &Secret) -> Result<String, SecretError> {
        let mut text = password.expose().as_bytes().to_vec();
        let nonce = self
            .cipher()?
            .seal_in_place_append_tag(Aad::from(job.to_string()), &mut text)
            .map_err(|_| SecretError::DoesNotOpen)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut text);
        Ok(STANDARD.encode(sealed))
    }

    fn open(&self, job: JobId, sealed: &str) -> Result<Secret, SecretError> {
        let bytes = STANDARD.decode(sealed).map_err(|_| SecretError::DoesNotOpen)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or(SecretError::DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SecretError::DoesNotOpen)?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = self
            .cipher()?
            .open_in_place(nonce, Aad::from(job.to_string()), &mut text)
            .map_err(|_| SecretError::DoesNotOpen)?;
        std::str::from_utf8(opened)
            .map(Secret::from)
            .map_err(|_| SecretError::DoesNotOpen)
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, SecretError> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.0).map_err(|_| SecretError::DoesNotOpen)
    }
}

/// Random bytes from the system's generator.
///
/// # Errors
/// [`SecretError::DoesNotOpen`] where the system has none.
pub fn random<const N: usize>() -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SecretError::DoesNotOpen)?;
    Ok(bytes)
}

/// A new token of 256 bits, as the customer gets it.
///
/// # Errors
/// [`SecretError::DoesNotOpen`] where the system has no random bytes.
pub fn new_token() -> Result<Secret, SecretError> {
    Ok(Secret::from(URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

/// What the table keeps of a token.
pub fn token_hash(token: &str) -> String {
    STANDARD.encode(digest(&SHA256, token.as_bytes()))
}

/// Whether a token is the one that was kept, in constant time.
pub fn token_matches(token: &str, kept_hash: &str) -> bool {
    verify_slices_are_equal(token_hash(token).as_bytes(), kept_hash.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(row: u32) -> JobId {
        JobId::new(RequestId::from_parts(1, [7; 10]), 1, row)
    }

    #[test]
    fn password_opens_only_for_its_own_mailbox() {
        let key = DataKey(Zeroizing::new(vec![3; 32]));
        let sealed = key.seal(job(2), &Secret::from("pässword")).unwrap();
        assert_eq!(key.open(job(2), &sealed).unwrap().expose(), "pässword");
        assert!(key.open(job(3), &sealed).is_err());
        assert!(DataKey(Zeroizing::new(vec![4; 32])).open(job(2), &sealed).is_err());
        assert_ne!(sealed, key.seal(job(2), &Secret::from("pässword")).unwrap());
    }

    #[test]
    fn changed_or_cut_text_does_not_open() {
        let key = DataKey(Zeroizing::new(vec![3; 32]));
        for sealed in ["", "AAAA", "not base64!", &STANDARD.encode([0; 40])] {
            assert!(key.open(job(2), sealed).is_err());
        }
    }

    #[test]
    fn token_matches_only_itself() {
        let token = new_token().unwrap();
        assert_eq!(token.expose().len(), 43);
        assert!(token_matches(token.expose(), &token_hash(token.expose())));
        assert!(!token_matches("other", &token_hash(token.expose())));
    }
}
