//! The attachments in the bucket.

use std::fs::File;
use std::io::Write as _;

use anyhow::Context as _;
use aws_sdk_s3::operation::get_object::GetObjectError;
use mailvan::upload::{AttachmentKey, MAX_ATTACHMENT_BYTES, is_longer};

/// Fetches and deletes attachments.
pub struct Objects {
    s3: aws_sdk_s3::Client,
    bucket: String,
}

/// An attachment as it was fetched.
pub enum Fetched {
    /// It is not there, or not any more.
    Gone,
    /// It is larger than it may be.
    TooLarge,
    /// It is on disk, in a file that no name leads to.
    Spooled(File),
}

impl Objects {
    /// The objects of this bucket.
    pub fn new(s3: aws_sdk_s3::Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// Brings an attachment onto disk, a piece at a time.
    pub async fn fetch(&self, key: &AttachmentKey) -> anyhow::Result<Fetched> {
        let got = self.s3.get_object().bucket(&self.bucket).key(key.to_string()).send();
        let mut object = match got.await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                return Ok(Fetched::Gone);
            }
            Err(error) => return Err(error).context("the attachment cannot be read"),
        };
        if is_longer(object.content_length, MAX_ATTACHMENT_BYTES) {
            return Ok(Fetched::TooLarge);
        }
        let mut file = tempfile::tempfile().context("there is no room for the attachment")?;
        while let Some(bytes) = object.body.try_next().await.context("the attachment broke off")? {
            file.write_all(&bytes).context("there is no room for the attachment")?;
        }
        Ok(Fetched::Spooled(file))
    }

    /// Deletes an attachment.
    pub async fn delete(&self, key: &AttachmentKey) -> anyhow::Result<()> {
        let delete = self.s3.delete_object().bucket(&self.bucket).key(key.to_string());
        delete.send().await.context("the attachment cannot be deleted")?;
        Ok(())
    }
}
