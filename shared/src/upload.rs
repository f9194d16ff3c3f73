//! Where uploads lie in the bucket.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

use crate::domain::RequestId;

/// Whether an object is not read for its length; one of unknown length could be of any.
pub fn is_longer(length: Option<i64>, most: u64) -> bool {
    let length = length.and_then(|length| u64::try_from(length).ok());
    length.is_none_or(|length| length > most)
}

/// The key of an upload: `uploads/<request>/<generation>.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadKey {
    /// The request it belongs to.
    pub request_id: RequestId,
    /// Which upload of the request it is, from 1.
    pub generation: u32,
}

/// The largest attachment.
pub const MAX_ATTACHMENT_BYTES: u64 = 100 << 20;

/// How long a file that was announced has until it is looked for, and looked for again.
pub const LOOK_FOR_FILE: Duration = Duration::from_mins(15);

/// How long after it was announced an attachment is awaited: its URL is good for an hour, and a large file takes a while.
pub const ATTACHMENT_AWAITED: SignedDuration = SignedDuration::from_mins(90);

/// The key of an attachment: `attachments/<request>/<attachment>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentKey {
    /// The request it belongs to.
    pub request_id: RequestId,
    /// Its name within the request.
    pub attachment: String,
}

impl fmt::Display for AttachmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attachments/{}/{}", self.request_id, self.attachment)
    }
}

impl FromStr for AttachmentKey {
    type Err = NotAnUpload;

    fn from_str(key: &str) -> Result<Self, NotAnUpload> {
        let rest = key.strip_prefix("attachments/").ok_or(NotAnUpload)?;
        let (request, attachment) = rest.split_once('/').ok_or(NotAnUpload)?;
        let is_name = !attachment.is_empty()
            && attachment.len() <= 40
            && attachment.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_name {
            return Err(NotAnUpload);
        }
        Ok(Self {
            request_id: request.parse().map_err(|_| NotAnUpload)?,
            attachment: attachment.to_owned(),
        })
    }
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

    #[test]
    fn keys_of_attachments_are_read_as_they_are_written() {
        let key = AttachmentKey {
            request_id: RequestId::from_parts(1, [9; 10]),
            attachment: "0a1b".to_owned(),
        };
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        let request = key.request_id;
        for other in [
            "",
            "attachments/x/1",
            &format!("attachments/{request}/"),
            &format!("attachments/{request}/a/b"),
        ] {
            assert_eq!(other.parse::<AttachmentKey>(), Err(NotAnUpload), "{other}");
        }
    }
}
