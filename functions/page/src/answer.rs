//! Answers with the headers that keep the page to itself.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::{HeaderMap, HeaderValue};

/// A year, the longest that caches are told.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The document. It may talk to its own origin and, for the files, to the buckets; nothing of
/// anybody else's is loaded, nothing is inline, and no other site may show it in a frame.
pub fn page(text: &str, origins: &[String]) -> ApiGatewayV2httpResponse {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
        origins.join(" ")
    );
    let mut answer = fresh("text/html; charset=utf-8", text.to_owned());
    for (name, value) in [
        ("content-security-policy", policy.as_str()),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        set(&mut answer.headers, name, value);
    }
    answer
}

/// What may change with the next deployment or the next minute.
pub fn fresh(kind: &str, text: String) -> ApiGatewayV2httpResponse {
    with(200, kind, "no-cache", text)
}

/// What never changes under its path.
pub fn lasting(kind: &str, text: &str) -> ApiGatewayV2httpResponse {
    with(200, kind, FOR_EVER, text.to_owned())
}

/// There is no such file, or none of this version any more.
pub fn missing() -> ApiGatewayV2httpResponse {
    with(
        404,
        "text/plain; charset=utf-8",
        "no-store",
        "There is no such file.\n".to_owned(),
    )
}

fn with(status: i64, kind: &str, cache: &str, text: String) -> ApiGatewayV2httpResponse {
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = status;
    answer.body = Some(Body::Text(text));
    for (name, value) in [
        ("content-type", kind),
        ("cache-control", cache),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        set(&mut answer.headers, name, value);
    }
    answer
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
