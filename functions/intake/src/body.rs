//! Bodies of calls: their size, their type, their JSON.
//!
//! A body may hold passwords. It is taken out of the event and wiped when it has been read, and of
//! serde's errors only position and kind are told, because their texts repeat values.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use zeroize::Zeroizing;

use crate::problem::{Code, Problem};

/// The largest body in bytes: 500 mailboxes with long names.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The fields that a body has to have; their names are ours and may be told.
const REQUIRED: [&str; 4] = ["email", "password", "start", "time_zone"];

/// Takes the body out of the event, which has none from then on.
///
/// # Errors
/// [`Code::BodyTooLarge`], [`Code::UnsupportedMediaType`], or [`Code::MalformedJson`] where the
/// gateway's encoding cannot be undone.
pub fn take(event: &mut ApiGatewayV2httpRequest) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let body = Zeroizing::new(event.body.take().unwrap_or_default().into_bytes());
    let body = if event.is_base64_encoded {
        let decoded = STANDARD
            .decode(&*body)
            .map_err(|_| Problem::new(Code::MalformedJson, "The body cannot be decoded."))?;
        Zeroizing::new(decoded)
    } else {
        body
    };
    if body.len() > MAX_BODY_BYTES {
        let detail = format!("A body can have {MAX_BODY_BYTES} bytes at most. Send many mailboxes as a CSV file.");
        return Err(Problem::new(Code::BodyTooLarge, detail).with("max_bytes", MAX_BODY_BYTES));
    }
    if !body.is_empty() && !is_json(event) {
        let detail = "Send the body as JSON, with the header Content-Type: application/json.";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    Ok(body)
}

/// Reads JSON.
///
/// # Errors
/// [`Code::MalformedJson`] or [`Code::UnexpectedJson`] with `line` and `column`.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let (code, what) = match error.classify() {
            Category::Data => (Code::UnexpectedJson, kind(&error.to_string())),
            Category::Io | Category::Syntax | Category::Eof => (Code::MalformedJson, "this is not JSON".to_owned()),
        };
        let (line, column) = (error.line(), error.column());
        let detail = format!("Near line {line}, column {column} of the body: {what}.");
        Problem::new(code, detail).with("line", line).with("column", column)
    })
}

fn is_json(event: &ApiGatewayV2httpRequest) -> bool {
    let header = event.headers.get("content-type").and_then(|value| value.to_str().ok());
    let kind = header.and_then(|header| header.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

/// What is wrong, from the beginning of serde's text alone: the rest may hold a value.
fn kind(text: &str) -> String {
    if text.starts_with("missing field") {
        let missing = REQUIRED
            .iter()
            .find(|name| text.starts_with(&format!("missing field `{name}`")));
        return missing.map_or_else(
            || "a field is missing".to_owned(),
            |name| format!("the field {name} is missing"),
        );
    }
    let what = if text.starts_with("unknown field") {
        "there is a field here that is not known"
    } else if text.starts_with("duplicate field") {
        "a field stands here a second time"
    } else {
        "the value here is of another type than expected"
    };
    what.to_owned()
}

#[cfg(test)]
mod tests {
    use mailvan::intake::FormMailbox;

    use super::*;
    use crate::samples;

    #[test]
    fn a_body_is_taken_out_of_the_event_encoded_or_not() {
        let mut plain = samples::event("POST", "/v1/requests", Some("{}"));
        assert_eq!(&**take(&mut plain).unwrap(), b"{}");
        assert_eq!(plain.body, None);
        let mut encoded = samples::event("POST", "/v1/requests", Some("e30="));
        encoded.is_base64_encoded = true;
        assert_eq!(&**take(&mut encoded).unwrap(), b"{}");
    }

    #[test]
    fn size_and_type_are_enforced() {
        let mut large = samples::event("POST", "/v1/requests", Some(&" ".repeat(MAX_BODY_BYTES + 1)));
        assert_eq!(take(&mut large).unwrap_err().code(), Code::BodyTooLarge);
        for content_type in ["text/csv", "application/jsonx", "application/x-www-form-urlencoded"] {
            let mut other = samples::event("POST", "/v1/requests", Some("{}"));
            other.headers.insert("content-type", content_type.parse().unwrap());
            assert_eq!(
                take(&mut other).unwrap_err().code(),
                Code::UnsupportedMediaType,
                "{content_type}"
            );
        }
        let mut with_charset = samples::event("POST", "/v1/requests", Some("{}"));
        with_charset
            .headers
            .insert("content-type", "Application/JSON; charset=utf-8".parse().unwrap());
        assert!(take(&mut with_charset).is_ok());
    }

    #[test]
    fn faults_of_the_json_are_told_by_place_and_kind_and_never_by_value() {
        for (body, code, words) in [
            (r#"{"password": "hunter2"#, Code::MalformedJson, "this is not JSON"),
            (
                r#"{"email": "hunter2"}"#,
                Code::UnexpectedJson,
                "the field password is missing",
            ),
            (
                r#"{"hunter2": 1}"#,
                Code::UnexpectedJson,
                "a field here that is not known",
            ),
            (r#"{"port": "hunter2"}"#, Code::UnexpectedJson, "another type"),
            (
                r#"{"email": "hunter2", "email": "hunter2"}"#,
                Code::UnexpectedJson,
                "a second time",
            ),
            (r#""hunter2""#, Code::UnexpectedJson, "another type"),
        ] {
            let problem = parse::<FormMailbox>(body.as_bytes()).unwrap_err();
            let told = format!("{} {problem:?} {problem}", problem.document());
            assert_eq!(problem.code(), code, "{body}");
            assert!(told.contains(words) && told.contains("Near line 1, column"), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
