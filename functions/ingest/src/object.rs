//! The uploads in the bucket.

use anyhow::Context as _;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::operation::get_object::GetObjectError;
use mailvan::intake::MAX_FILE_BYTES;
use mailvan::upload::{UploadKey, is_longer};
use zeroize::Zeroizing;

/// Fetches and deletes uploads.
pub struct Objects {
    s3: aws_sdk_s3::Client,
    bucket: String,
}

/// An upload as it was fetched.
pub struct Object {
    /// What is in it.
    pub content: Content,
    /// Which of the files sent to the same URL it is.
    pub e_tag: Option<String>,
}

/// An upload's content.
pub enum Content {
    /// Beyond [`MAX_FILE_BYTES`]; not read.
    TooLarge,
    /// Its bytes, wiped after use.
    Bytes(Zeroizing<Vec<u8>>),
}

/// Whether a file is not read for its length.
fn is_too_large(length: Option<i64>) -> bool {
    is_longer(length, MAX_FILE_BYTES as u64)
}

impl Objects {
    /// The objects of this bucket.
    pub fn new(s3: aws_sdk_s3::Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// An upload; `None` where it is gone.
    pub async fn fetch(&self, key: UploadKey) -> anyhow::Result<Option<Object>> {
        let got = self.s3.get_object().bucket(&self.bucket).key(key.to_string()).send();
        let object = match got.await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => return Ok(None),
            Err(error) => return Err(error).context("the upload cannot be read"),
        };
        let e_tag = object.e_tag;
        let content = if is_too_large(object.content_length) {
            Content::TooLarge
        } else {
            let bytes = object.body.collect().await.context("the upload broke off")?;
            Content::Bytes(Zeroizing::new(bytes.to_vec()))
        };
        Ok(Some(Object { content, e_tag }))
    }

    /// Deletes an upload, whichever file it is.
    pub async fn delete(&self, key: UploadKey) -> anyhow::Result<()> {
        let delete = self.s3.delete_object().bucket(&self.bucket).key(key.to_string());
        delete.send().await.context("the upload cannot be deleted")?;
        Ok(())
    }

    /// Deletes an upload that was read. Another file that has taken its place meanwhile stays: it
    /// has an event of its own.
    pub async fn delete_read(&self, key: UploadKey, object: &Object) -> anyhow::Result<()> {
        let delete = self
            .s3
            .delete_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .set_if_match(object.e_tag.clone());
        match delete.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .and_then(|error| error.code())
                    .is_some_and(|code| matches!(code, "PreconditionFailed" | "NoSuchKey")) =>
            {
                tracing::info!(request.id = %key.request_id, "another file has taken the upload's place");
                Ok(())
            }
            Err(error) => Err(error).context("the upload cannot be deleted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_unknown_length_are_not_read() {
        let most = i64::try_from(MAX_FILE_BYTES).unwrap();
        assert!(!is_too_large(Some(0)) && !is_too_large(Some(most)));
        assert!(is_too_large(Some(most + 1)) && is_too_large(Some(-1)) && is_too_large(None));
    }
}
