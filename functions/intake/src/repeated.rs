//! `Idempotency-Key`: the same order twice is one request, with the same answer.
//!
//! Before anything of a request is written, its key is claimed for its id. Whoever says the same
//! again gets the id and, by the key, the token; what an interrupted call left undone is done again.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use jiff::Timestamp;
use mailvan::domain::{RequestId, Secret};
use mailvan::idempotency::{IdempotencyKey, new_salt};
use mailvan::secrets;
use mailvan::store::claim::ClaimRecord;
use mailvan::store::{RequestRecord, Store, StoreError};

use crate::problem::{Code, Problem};

/// Whose answer an order gets.
pub struct Identity {
    /// The id of the request.
    pub id: RequestId,
    /// Its token.
    pub token: Secret,
    /// Whether an interrupted call may have written the request.
    pub may_be_there: bool,
}

/// A key with what it stands for so far.
pub struct Repeatable {
    key: IdempotencyKey,
    claim: Option<ClaimRecord>,
}

/// The key of a call, where it has one.
///
/// # Errors
/// [`Code::InvalidRequest`] where it is none.
pub fn key(event: &ApiGatewayV2httpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = event.headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(|text| IdempotencyKey::parse(text).ok());
    key.map(Some).ok_or_else(|| {
        let message = format!("{}.", mailvan::idempotency::BadKey);
        Problem::of_field("Idempotency-Key", "bad_value", message)
    })
}

impl Repeatable {
    /// What a key stands for.
    ///
    /// # Errors
    /// [`Code::IdempotencyKeyReused`] where it came with another body.
    pub async fn find(store: &Store, key: IdempotencyKey, body: &[u8], now: Timestamp) -> anyhow::Result<Self> {
        let claim = store.find_claim(&key.hash(), now).await?;
        if claim.as_ref().is_some_and(|claim| !key.is_of(body, &claim.body_seal)) {
            let detail = "Another order was made with this Idempotency-Key: give each order a key of its own.";
            return Err(Problem::new(Code::IdempotencyKeyReused, detail).into());
        }
        Ok(Self { key, claim })
    }

    /// The request, if all of it has been written.
    ///
    /// # Errors
    /// Where the table does not answer.
    pub async fn made(&self, store: &Store) -> Result<Option<(RequestRecord, Secret)>, StoreError> {
        let Some(claim) = &self.claim else { return Ok(None) };
        let Some(request) = store.find_request(claim.request_id).await? else {
            return Ok(None);
        };
        // A form's mailboxes stay where they are unless a file replaces them.
        let is_whole = claim.mailboxes == 0
            || request.generation > 0
            || store.jobs(claim.request_id, 0).await?.len() >= usize::try_from(claim.mailboxes).unwrap_or_default();
        Ok(is_whole.then(|| (request, self.key.token(&claim.salt))))
    }

    /// When the order was made first, where it was.
    pub fn made_at(&self) -> Option<Timestamp> {
        self.claim.as_ref().map(|claim| claim.made_at)
    }

    /// The identity to make the request with: that of an interrupted call, or a new one that is
    /// claimed now. Durable on return.
    ///
    /// # Errors
    /// [`Code::ChangedMeanwhile`] where another call claimed it first.
    pub async fn claim(
        self,
        store: &Store,
        id: RequestId,
        body: &[u8],
        mailboxes: u32,
        now: Timestamp,
    ) -> anyhow::Result<Identity> {
        if let Some(claim) = self.claim {
            let token = self.key.token(&claim.salt);
            return Ok(Identity {
                id: claim.request_id,
                token,
                may_be_there: true,
            });
        }
        let claim = ClaimRecord {
            request_id: id,
            body_seal: self.key.seal_of(body),
            salt: new_salt()?,
            mailboxes,
            made_at: now,
            expires_at: ClaimRecord::expiry(now),
        };
        match store.put_claim(&self.key.hash(), &claim, now).await {
            Ok(()) => Ok(Identity {
                id,
                token: self.key.token(&claim.salt),
                may_be_there: false,
            }),
            Err(StoreError::Conflict) => {
                let detail = "The same order is being taken by another call: send it again in a moment.";
                Err(Problem::new(Code::ChangedMeanwhile, detail).into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// An identity that nobody can ask for again.
///
/// # Errors
/// Where the system has no random bytes.
pub fn new_identity(id: RequestId) -> Result<Identity, secrets::SecretError> {
    Ok(Identity {
        id,
        token: secrets::new_token()?,
        may_be_there: false,
    })
}
