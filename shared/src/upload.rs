//! Where uploads lie in the bucket.

use std::fmt;
use std::str::FromStr;

use crate::domain::RequestId;

/// The key of an upload: `uploads/<request>/<generation>.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadKey {
    /// The request it belongs to.
    pub request_id: RequestId,
    /// Which upload of the request it is, from 1.
    pub generation: u32,
}

/// A key that is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the key of an upload")]
pub struct NotAnUpload;

impl fmt::Display for UploadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uploads/{}/{}.csv", self.request_id, self.generation)
    }
}

impl FromStr for UploadKey {
    type Err = NotAnUpload;

    fn from_str(key: &str) -> Result<Self, NotAnUpload> {
        let (request, file) = key
            .strip_prefix("uploads/")
            .and_then(|rest| rest.split_once('/'))
            .ok_or(NotAnUpload)?;
        let generation = file
            .strip_suffix(".csv")
            .and_then(|number| number.parse().ok())
            .ok_or(NotAnUpload)?;
        Ok(Self {
            request_id: request.parse().map_err(|_| NotAnUpload)?,
            generation,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let key = UploadKey {
            request_id: RequestId::from_parts(1, [9; 10]),
            generation: 3,
        };
        assert_eq!(key.to_string().parse(), Ok(key));
        for other in ["", "uploads/x/1.csv", "reports/a/1.csv", "uploads//1.csv"] {
            assert_eq!(other.parse::<UploadKey>(), Err(NotAnUpload), "{other}");
        }
    }
}
