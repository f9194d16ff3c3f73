//! Where a customer's file goes: a presigned PUT into the bucket of the uploads.
//!
//! Signing is done here, without a call to S3. The URL is good for an hour at most; it ends earlier
//! if the function's own credentials do.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use aws_config::SdkConfig;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::presigning::PresigningConfig;
use jiff::{SignedDuration, Timestamp};
use mailvan::domain::RequestId;
use mailvan::store::request::AnnouncedFile;
use mailvan::store::{AttachmentRecord, RequestRecord, stamp};
use mailvan::upload::{AttachmentKey, UploadKey};
use serde::Serialize;

/// How long a URL is good for.
const VALID_FOR: Duration = Duration::from_hours(1);

/// Signs uploads.
pub struct Uploads {
    client: aws_sdk_s3::Client,
    bucket: String,
}

/// What a client needs for one upload. Whoever has the URL can upload, so it has no `Debug`.
#[derive(Serialize)]
pub struct Upload {
    /// Where to send the file.
    pub url: String,
    /// By which method.
    pub method: &'static str,
    /// The headers that have to be sent, exactly so.
    pub headers: BTreeMap<String, String>,
    /// Until when, RFC 3339.
    pub expires_at: String,
}

/// A client whose URLs can be handed out. With an endpoint of one's own, as on the local stack, the
/// bucket stands in the path, because no DNS name leads to it.
pub fn client(aws: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(aws)
        .force_path_style(aws.endpoint_url().is_some())
        // The SDK would sign the checksum of the empty body it sees.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

impl Uploads {
    /// Uploads into this bucket.
    pub fn new(aws: &SdkConfig, bucket: String) -> Self {
        Self {
            client: client(aws),
            bucket,
        }
    }

    /// Signs the upload that a request waits for.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub async fn sign_for(&self, request: &RequestRecord, now: Timestamp) -> anyhow::Result<Upload> {
        let file = AnnouncedFile {
            bytes: request.csv_bytes,
            sha256: request.csv_sha256.clone(),
        };
        self.sign(request.request_id, request.generation, &file, now).await
    }

    /// Signs the upload of a generation of a request. Of what the customer said of the file S3 holds
    /// the upload to: its exact length, its SHA-256.
    ///
    /// # Errors
    /// Where there are no credentials to sign with.
    pub async fn sign(
        &self,
        id: RequestId,
        generation: u32,
        file: &AnnouncedFile,
        now: Timestamp,
    ) -> anyhow::Result<Upload> {
        let key = UploadKey {
            request_id: id,
            generation,
        };
        self.presign(key.to_string(), file, now).await
    }

    /// Signs the upload of an attachment: S3 takes these bytes only.
    ///
    /// # Errors
    /// Where there are no credentials to sign with.
    pub async fn sign_attachment(
        &self,
        record: &AttachmentRecord,
        sha256: &str,
        now: Timestamp,
    ) -> anyhow::Result<Upload> {
        let key = AttachmentKey {
            request_id: record.request_id,
            attachment: record.attachment.clone(),
        };
        let file = AnnouncedFile {
            bytes: Some(record.bytes),
            sha256: Some(sha256.to_owned()),
        };
        self.presign(key.to_string(), &file, now).await
    }

    async fn presign(&self, key: String, file: &AnnouncedFile, now: Timestamp) -> anyhow::Result<Upload> {
        let config = PresigningConfig::builder()
            .start_time(SystemTime::from(now))
            .expires_in(VALID_FOR)
            .build()?;
        let length = file.bytes.map(i64::try_from).transpose()?;
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .set_content_length(length)
            .set_checksum_sha256(file.sha256.clone());
        let signed = put.presigned(config).await.context("the upload cannot be signed")?;
        Ok(Upload {
            url: signed.uri().to_owned(),
            method: "PUT",
            headers: signed
                .headers()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            expires_at: stamp(now.checked_add(SignedDuration::try_from(VALID_FOR)?)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};

    use super::*;
    use crate::samples;

    fn uploads(endpoint: Option<&str>) -> Uploads {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let mut aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        aws.set_endpoint_url(endpoint.map(str::to_owned));
        Uploads::new(&aws.build(), "bucket".to_owned())
    }

    async fn sign(bytes: Option<u64>, sha256: Option<&str>) -> Upload {
        let file = AnnouncedFile {
            bytes,
            sha256: sha256.map(str::to_owned),
        };
        uploads(None)
            .sign(samples::id(), 3, &file, "2026-11-24T09:00:00Z".parse().unwrap())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_told_length_is_signed_and_to_be_sent() {
        let upload = sign(Some(1234), None).await;
        assert_eq!(
            upload.headers,
            BTreeMap::from([("content-length".to_owned(), "1234".to_owned())])
        );
        assert!(
            upload.url.contains("X-Amz-SignedHeaders=content-length%3Bhost"),
            "{}",
            upload.url
        );
        assert_eq!(upload.expires_at, "2026-11-24T10:00:00Z");
    }

    #[tokio::test]
    async fn a_told_checksum_is_signed_and_to_be_sent() {
        let sum = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let upload = sign(Some(12), Some(sum)).await;
        assert_eq!(
            upload.headers.get("x-amz-checksum-sha256").map(String::as_str),
            Some(sum)
        );
        let signed = "X-Amz-SignedHeaders=content-length%3Bhost%3Bx-amz-checksum-sha256";
        assert!(upload.url.contains(signed), "{}", upload.url);
    }

    #[tokio::test]
    async fn without_a_length_nothing_is_required() {
        let upload = sign(None, None).await;
        assert!(upload.headers.is_empty(), "{:?}", upload.headers);
        assert!(upload.url.contains("X-Amz-SignedHeaders=host&"), "{}", upload.url);
        assert!(
            upload.url.contains("X-Amz-Expires=3600") && !upload.url.contains("checksum"),
            "{}",
            upload.url
        );
        let start = format!(
            "https://bucket.s3.eu-central-1.amazonaws.com/uploads/{}/3.csv?",
            samples::id()
        );
        assert!(upload.url.starts_with(&start), "{}", upload.url);
    }

    #[tokio::test]
    async fn with_an_endpoint_the_bucket_is_in_the_path() {
        let signed = uploads(Some("http://127.0.0.1:4566"))
            .sign(samples::id(), 1, &AnnouncedFile::default(), Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
        assert!(
            signed.url.starts_with("http://127.0.0.1:4566/bucket/uploads/"),
            "{}",
            signed.url
        );
    }
}
