//! Where the buckets are, as a browser sees it: the origins that the page may talk to.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use aws_config::SdkConfig;
use aws_sdk_s3::presigning::PresigningConfig;
use jiff::Timestamp;

/// The origins of these buckets, each once. They are read off URLs that are signed as intake signs
/// its own, so that they are right in every partition; nobody gets to see those.
///
/// # Errors
/// Where nothing can be signed.
pub async fn of_buckets(aws: &SdkConfig, buckets: &[&str], now: Timestamp) -> Result<Vec<String>> {
    let config = aws_sdk_s3::config::Builder::from(aws)
        .force_path_style(aws.endpoint_url().is_some())
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let mut origins = Vec::new();
    for bucket in buckets {
        let config = PresigningConfig::builder()
            .start_time(SystemTime::from(now))
            .expires_in(Duration::from_secs(1))
            .build()?;
        let get = client.get_object().bucket(*bucket).key("key");
        let signed = get.presigned(config).await.context("no URL can be signed")?;
        let origin = origin(signed.uri()).context("a signed URL has no origin")?.to_owned();
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(origins)
}

/// Scheme, host and port of a URL.
fn origin(url: &str) -> Option<&str> {
    let host = url.find("://")? + 3;
    let end = url.get(host..)?.find('/').map_or(url.len(), |at| host + at);
    url.get(..end)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};

    use super::*;

    async fn origins(endpoint: Option<&str>) -> Vec<String> {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let mut aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        aws.set_endpoint_url(endpoint.map(str::to_owned));
        of_buckets(&aws.build(), &["uploads", "certificates"], Timestamp::UNIX_EPOCH)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn each_bucket_has_an_origin_of_its_own_at_aws_and_one_on_the_local_stack() {
        assert_eq!(
            origins(None).await,
            [
                "https://uploads.s3.eu-central-1.amazonaws.com",
                "https://certificates.s3.eu-central-1.amazonaws.com"
            ]
        );
        assert_eq!(origins(Some("http://127.0.0.1:4566")).await, ["http://127.0.0.1:4566"]);
    }
}
