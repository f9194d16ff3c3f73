//! `GET /v1/requests/{id}/mailboxes/{row}/certificate`: what was found when a mailbox was compared.
//!
//! The document goes through here, so that the token of the request opens it and no URL does that could
//! be passed on. One that is too large for that is answered with a URL that is good for minutes.

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use aws_config::SdkConfig;
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_sdk_s3::presigning::PresigningConfig;
use jiff::Timestamp;
use mailvan::certify::CertificateKey;
use mailvan::domain::JobId;
use mailvan::store::{RequestRecord, StoreError};

use crate::problem::{Code, Problem};
use crate::{Deps, response, uploads};

/// What Lambda hands on is 6 MB as JSON; this leaves room for the escapes.
const MAX_BYTES: i64 = 4 * 1024 * 1024;

/// How long the URL of a large one is good for.
const VALID_FOR: Duration = Duration::from_mins(5);

/// Fetches certificates.
pub struct Certificates {
    client: aws_sdk_s3::Client,
    bucket: String,
}

impl Certificates {
    /// The certificates in this bucket.
    pub fn new(aws: &SdkConfig, bucket: String) -> Self {
        Self {
            client: uploads::client(aws),
            bucket,
        }
    }
}

/// Answers with the certificate of the mailbox in this row.
pub async fn certificate(
    deps: &Deps,
    request: RequestRecord,
    row: u32,
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let id = JobId::new(request.request_id, request.generation, row);
    let job = match deps.store.job(id).await {
        Err(StoreError::Missing(_)) => None,
        job => Some(job?),
    };
    if job.and_then(|job| job.certificate).is_none() {
        let detail = "There is no such mailbox, or it has not been certified: the status shows which have.";
        return Err(Problem::new(Code::NoSuchCertificate, detail).into());
    }
    let Certificates { client, bucket } = &deps.certificates;
    let get = client.get_object().bucket(bucket).key(CertificateKey(id).to_string());
    let object = get.clone().send().await.context("the certificate cannot be read")?;
    if object.content_length.unwrap_or_default() <= MAX_BYTES {
        let bytes = object.body.collect().await.context("the certificate broke off")?;
        let document = String::from_utf8(bytes.to_vec())?;
        return Ok(response::with_body(200, "application/json", document));
    }
    let config = PresigningConfig::builder()
        .start_time(SystemTime::from(now))
        .expires_in(VALID_FOR)
        .build()?;
    let signed = get
        .presigned(config)
        .await
        .context("the certificate's URL cannot be signed")?;
    let mut answer = response::with_body(303, "text/plain", String::new());
    response::set_header(&mut answer, "location", signed.uri());
    Ok(answer)
}
