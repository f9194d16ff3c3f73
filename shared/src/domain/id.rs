//! Names of requests and mailbox jobs.
//!
//! A [`RequestId`] is a ULID in lower case: it sorts by the time of the request and tells nothing
//! else. A [`JobId`] says which row of which upload of which request it stands for, so an event
//! that is delivered twice finds the same job. Each id has exactly one spelling: a parser that took
//! several would let one request be stored under two keys.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of one customer's order: 26 characters, `0-9a-z` without `i`, `l`, `o` and `u`.
///
/// The first 10 characters are the time in milliseconds (48 bits), the other 16 are random (80
/// bits), as in the [ULID specification](https://github.com/ulid/spec), but in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(u128);

/// The name of one mailbox of a request, written `<request>-<generation>-<row>` with the row in
/// five digits or more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId {
    request: RequestId,
    generation: u32,
    row: u32,
}

/// A text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not 26 characters of the alphabet, or beyond 128 bits.
    #[error("not a request id")]
    Request,
    /// Not `<request>-<generation>-<row>`.
    #[error("not a job id")]
    Job,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

impl RequestId {
    /// Makes an id from the time of the request and ten random bytes; of the time, the lower 48
    /// bits are kept (good until the year 10889).
    pub fn from_parts(unix_ms: u64, random: [u8; 10]) -> Self {
        let time = u128::from(unix_ms & 0xffff_ffff_ffff);
        Self(random.iter().fold(time, |value, byte| (value << 8) | u128::from(*byte)))
    }

    /// The time the id was made at, in milliseconds since 1970.
    pub fn unix_ms(self) -> u64 {
        u64::try_from(self.0 >> 80).unwrap_or(u64::MAX)
    }
}

impl JobId {
    /// Names the mailbox in line `row` of the `generation`-th upload of `request`.
    pub fn new(request: RequestId, generation: u32, row: u32) -> Self {
        Self {
            request,
            generation,
            row,
        }
    }

    /// The request the mailbox belongs to.
    pub fn request(self) -> RequestId {
        self.request
    }

    /// Which upload of the request the row stands in; a corrected file is the next generation.
    pub fn generation(self) -> u32 {
        self.generation
    }

    /// The line of the row in the file, or the position in the form; from 1.
    pub fn row(self) -> u32 {
        self.row
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = (0..LENGTH)
            .rev()
            .map(|place| {
                let digit = (self.0 >> (5 * place)) & 0x1f;
                usize::try_from(digit)
                    .ok()
                    .and_then(|digit| ALPHABET.get(digit))
                    .map_or('0', |byte| char::from(*byte))
            })
            .collect();
        f.pad(&text)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RequestId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != LENGTH {
            return Err(IdError::Request);
        }
        let mut value: u128 = 0;
        for byte in text.bytes() {
            let digit = ALPHABET
                .iter()
                .position(|known| *known == byte)
                .ok_or(IdError::Request)?;
            // 26 characters are 130 bits, so the first may only hold three.
            if value >> 123 != 0 {
                return Err(IdError::Request);
            }
            value = (value << 5) | u128::try_from(digit).map_err(|_| IdError::Request)?;
        }
        Ok(Self(value))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:05}", self.request, self.generation, self.row)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for JobId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut parts = text.split('-');
        let (Some(request), Some(generation), Some(row), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(IdError::Job);
        };
        let id = Self {
            request: request.parse().map_err(|_| IdError::Job)?,
            generation: generation.parse().map_err(|_| IdError::Job)?,
            row: row.parse().map_err(|_| IdError::Job)?,
        };
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(IdError::Job)
        }
    }
}

impl TryFrom<String> for RequestId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for JobId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ulid_of_the_specification_is_written_in_lower_case() {
        let id: RequestId = "01arz3ndektsv4rrffq69g5fav".parse().unwrap();
        assert_eq!(id.unix_ms(), 1_469_922_850_259);
        assert_eq!(id.to_string(), "01arz3ndektsv4rrffq69g5fav");
    }

    #[test]
    fn only_one_spelling_is_an_id() {
        for text in [
            "",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01arz3ndektsv4rrffq69g5fa",
            "01arz3ndektsv4rrffq69g5fav0",
            "01arz3ndektsv4rrffq69g5fal",
            "81arz3ndektsv4rrffq69g5fav",
            "01arz3ndektsv4rrffq69g5f\u{e4}",
        ] {
            assert_eq!(text.parse::<RequestId>(), Err(IdError::Request), "{text}");
        }
        assert!("7zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<RequestId>().is_ok());
        for tail in [
            "",
            "-1",
            "-1-1",
            "-1-000001",
            "-01-00001",
            "-+1-00001",
            "-1-00001-",
            "-1-99999999999",
        ] {
            let text = format!("01arz3ndektsv4rrffq69g5fav{tail}");
            assert_eq!(text.parse::<JobId>(), Err(IdError::Job), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_request_id_survives_text_and_json(unix_ms in 0..1_u64 << 48, random: [u8; 10]) {
            let id = RequestId::from_parts(unix_ms, random);
            prop_assert_eq!(id.unix_ms(), unix_ms);
            prop_assert_eq!(id.to_string().parse::<RequestId>(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(&json, &format!("\"{id}\""));
            prop_assert_eq!(serde_json::from_str::<RequestId>(&json).unwrap(), id);
        }

        #[test]
        fn ids_sort_as_their_text_does(a: u64, b: u64, x: [u8; 10], y: [u8; 10]) {
            let (a, b) = (RequestId::from_parts(a, x), RequestId::from_parts(b, y));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn a_job_id_survives_text(random: [u8; 10], generation: u32, row: u32) {
            let id = JobId::new(RequestId::from_parts(1, random), generation, row);
            prop_assert_eq!(id.to_string().parse::<JobId>(), Ok(id));
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text: String) {
            let _ = text.parse::<RequestId>();
            let _ = text.parse::<JobId>();
        }
    }
}
