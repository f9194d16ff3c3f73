//! Signatures of webhooks, as <https://www.standardwebhooks.com> has them.
//!
//! HMAC-SHA-256 over id, moment and body: who has the key knows that a call is ours, when it was made, and by its id
//! whether it came before.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::TicketError;
use crate::domain::Secret;

/// What keys are written with.
const PREFIX: &str = "whsec_";

/// How many keys there may be, so that one can be changed while both sides run.
const MOST_KEYS: usize = 2;

/// Signs webhooks.
#[derive(Clone)]
pub struct SigningKeys(Vec<hmac::Key>);

impl SigningKeys {
    /// Reads one or two keys, with space between them: each `whsec_` and 24 to 64 bytes in base64.
    ///
    /// # Errors
    /// [`TicketError::Unfit`], which does not repeat the text.
    pub fn parse(secret: &Secret) -> Result<Self, TicketError> {
        let unfit = TicketError::Unfit("the webhook's key is not whsec_ and 24 to 64 bytes in base64");
        let keys: Option<Vec<hmac::Key>> = secret.expose().split_whitespace().map(key).collect();
        match keys {
            Some(keys) if (1..=MOST_KEYS).contains(&keys.len()) => Ok(Self(keys)),
            _ => Err(unfit),
        }
    }

    /// The header `webhook-signature` of a call: a signature by each key.
    pub fn sign(&self, id: &str, unix_seconds: i64, body: &str) -> String {
        let signed = format!("{id}.{unix_seconds}.{body}");
        let signature = |key| format!("v1,{}", STANDARD.encode(hmac::sign(key, signed.as_bytes())));
        self.0.iter().map(signature).collect::<Vec<_>>().join(" ")
    }
}

fn key(text: &str) -> Option<hmac::Key> {
    let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
    (24..=64)
        .contains(&bytes.len())
        .then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn keys(text: &str) -> Result<SigningKeys, TicketError> {
        SigningKeys::parse(&Secret::from(text))
    }

    #[test]
    fn a_signature_is_that_of_the_published_example() {
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let sign =
            |keys: SigningKeys| keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(sign(keys(PUBLISHED).unwrap()), signature);
        let both = sign(keys(&format!("whsec_{}\n{PUBLISHED}\n", "A".repeat(32))).unwrap());
        assert_eq!(both.split(' ').nth(1), Some(signature));
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let three = [PUBLISHED; 3].join(" ");
        for text in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_c2hvcnQ=",
            "whsec_not base64",
            &three,
        ] {
            let error = keys(text).err().unwrap().to_string();
            assert!(!error.contains("MfKQ"), "{error}");
        }
    }
}
