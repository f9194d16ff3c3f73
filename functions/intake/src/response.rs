//! Responses: JSON and files, with the headers that all of them have.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::{HeaderName, HeaderValue};
use serde::Serialize;

/// A JSON document.
pub fn json(status: u16, document: &impl Serialize) -> Result<ApiGatewayV2httpResponse, serde_json::Error> {
    Ok(with_body(status, "application/json", serde_json::to_string(document)?))
}

/// A CSV file for download.
pub fn csv_file(name: &str, content: String) -> ApiGatewayV2httpResponse {
    let mut response = with_body(200, "text/csv; charset=utf-8", content);
    set_header(
        &mut response,
        "content-disposition",
        &format!("attachment; filename=\"{name}\""),
    );
    response
}

/// A file for Apple's devices to set up mail by.
pub fn apple_profile(name: &str, content: String) -> ApiGatewayV2httpResponse {
    let mut response = with_body(200, mailvan::apple::CONTENT_TYPE, content);
    set_header(
        &mut response,
        "content-disposition",
        &format!("attachment; filename=\"{name}\""),
    );
    response
}

/// A workbook for download.
pub fn xlsx_file(name: &str, content: Vec<u8>) -> ApiGatewayV2httpResponse {
    let content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let mut response = with_body(200, content_type, String::new());
    response.body = Some(Body::Binary(content));
    response.is_base64_encoded = true;
    set_header(
        &mut response,
        "content-disposition",
        &format!("attachment; filename=\"{name}\""),
    );
    response
}

/// A response with the headers every one has: it is kept by nobody, and browsers take it for what
/// it is called.
pub fn with_body(status: u16, content_type: &'static str, body: String) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(status);
    response.body = Some(Body::Text(body));
    set_header(&mut response, "content-type", content_type);
    set_header(&mut response, "cache-control", "no-store");
    set_header(&mut response, "x-content-type-options", "nosniff");
    response
}

/// Sets a header. A value that is none is left out: all of ours are fixed texts or ids.
pub fn set_header(response: &mut ApiGatewayV2httpResponse, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers.insert(HeaderName::from_static(name), value);
    }
}
