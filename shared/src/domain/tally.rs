//! How much mail there is, and which: counts and a digest that does not depend on the order.
//!
//! The digest is the sum, modulo 2^256, of one SHA-256 a message over the SHA-256 of its exact
//! bytes and its INTERNALDATE. So two sides that hold the same messages have the same digest in
//! whatever order and however often interrupted they were read, and a message that is there twice
//! counts twice, which an exclusive-or would not see.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// SHA-256 of a message's exact bytes.
pub type BodyDigest = [u8; 32];

/// Messages, their bytes and their digest.
///
/// ```
/// use mailvan::domain::tally::{Tally, body_digest};
/// let (mut one, mut other) = (Tally::default(), Tally::default());
/// one.add(&body_digest(b"a"), 1, None);
/// one.add(&body_digest(b"b"), 1, None);
/// other.add(&body_digest(b"b"), 1, None);
/// assert_ne!(one, other);
/// other.add(&body_digest(b"a"), 1, None);
/// assert_eq!(one, other);
/// assert_eq!(one.to_string().parse(), Ok(other));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tally {
    /// How many messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Big-endian.
    digest: [u8; 32],
}

/// A text that is no tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a tally")]
pub struct BadTally;

/// The digest of a message that is at hand as a whole.
pub fn body_digest(body: &[u8]) -> BodyDigest {
    to_array(digest(&SHA256, body).as_ref())
}

/// The digest of a message whose bytes come in parts.
#[derive(Clone)]
pub struct BodyDigester(Context);

impl BodyDigester {
    /// The next bytes.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The digest of all of them.
    pub fn finish(self) -> BodyDigest {
        to_array(self.0.finish().as_ref())
    }
}

impl Default for BodyDigester {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Tally {
    /// Counts a message in. `date` is its INTERNALDATE; `None` where it has none.
    pub fn add(&mut self, body: &BodyDigest, size_bytes: u64, date: Option<Timestamp>) {
        let mut context = Context::new(&SHA256);
        context.update(body);
        context.update(&date.map_or(i64::MIN, Timestamp::as_second).to_be_bytes());
        self.merge(&Self {
            messages: 1,
            bytes: size_bytes,
            digest: to_array(context.finish().as_ref()),
        });
    }

    /// Counts all messages of another tally in.
    pub fn merge(&mut self, other: &Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        let mut carry = 0_u16;
        for (own, other) in self.digest.iter_mut().zip(other.digest).rev() {
            let sum = u16::from(*own) + u16::from(other) + carry;
            let [high, low] = sum.to_be_bytes();
            *own = low;
            carry = u16::from(high);
        }
    }

    /// The digest.
    pub(super) fn digest_bytes(&self) -> [u8; 32] {
        self.digest
    }

    /// Counts all messages of another tally out.
    pub fn take_out(&mut self, other: &Self) {
        self.messages = self.messages.saturating_sub(other.messages);
        self.bytes = self.bytes.saturating_sub(other.bytes);
        let mut borrow = 0_i16;
        for (own, other) in self.digest.iter_mut().zip(other.digest).rev() {
            let difference = i16::from(*own) - i16::from(other) - borrow;
            let [_, low] = difference.to_be_bytes();
            *own = low;
            borrow = i16::from(difference < 0);
        }
    }

    /// The digest, as 64 hexadecimal digits.
    pub fn digest(&self) -> String {
        hex(&self.digest)
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn to_array(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or_default()
}

impl fmt::Display for Tally {
    /// `messages bytes digest`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.messages, self.bytes, self.digest())
    }
}

impl FromStr for Tally {
    type Err = BadTally;

    fn from_str(text: &str) -> Result<Self, BadTally> {
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or(BadTally);
        let messages = word()?.parse().map_err(|_| BadTally)?;
        let bytes = word()?.parse().map_err(|_| BadTally)?;
        let hex = word()?;
        let mut digest = [0; 32];
        if hex.len() != 64 || !hex.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(BadTally);
        }
        for (n, byte) in digest.iter_mut().enumerate() {
            let pair = hex.get(2 * n..2 * n + 2).ok_or(BadTally)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| BadTally)?;
        }
        Ok(Self {
            messages,
            bytes,
            digest,
        })
    }
}

impl From<Tally> for String {
    fn from(tally: Tally) -> Self {
        tally.to_string()
    }
}

impl TryFrom<String> for Tally {
    type Error = BadTally;

    fn try_from(text: String) -> Result<Self, BadTally> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally(messages: &[(u8, i64)]) -> Tally {
        let mut tally = Tally::default();
        for (body, date) in messages {
            tally.add(&body_digest(&[*body]), 1, Timestamp::from_second(*date).ok());
        }
        tally
    }

    #[test]
    fn message_that_is_there_twice_counts_twice() {
        assert_ne!(tally(&[(1, 1), (1, 1)]).digest(), Tally::default().digest());
        assert_ne!(tally(&[(1, 1), (1, 1)]).digest(), tally(&[(1, 1)]).digest());
    }

    #[test]
    fn another_date_is_another_message() {
        assert_ne!(tally(&[(1, 1)]).digest(), tally(&[(1, 2)]).digest());
    }

    #[test]
    fn parts_make_the_same_digest_as_the_whole() {
        let mut digester = BodyDigester::default();
        digester.update(b"From: ");
        digester.update(b"me");
        assert_eq!(digester.finish(), body_digest(b"From: me"));
    }

    #[test]
    fn odd_text_is_no_tally() {
        for text in ["", "1 2", "1 2 zz", "-1 2 00", "1 2 +0"] {
            assert_eq!(text.parse::<Tally>(), Err(BadTally), "{text}");
        }
    }

    proptest! {
        #[test]
        fn order_and_cuts_do_not_matter(mut messages in prop::collection::vec((0_u8..4, 0_i64..3), 0..40), cut in 0_usize..40) {
            let whole = tally(&messages);
            let cut = cut.min(messages.len());
            let mut parts = tally(&messages[cut..]);
            parts.merge(&tally(&messages[..cut]));
            prop_assert_eq!(parts, whole);
            parts.take_out(&tally(&messages[..cut]));
            prop_assert_eq!(parts, tally(&messages[cut..]));
            messages.sort_unstable();
            prop_assert_eq!(tally(&messages), whole);
            prop_assert_eq!(whole.to_string().parse::<Tally>().unwrap(), whole);
        }
    }
}
