//! What a client is told when a call cannot be served: problem details (RFC 9457).
//!
//! Every problem has a [`Code`], which programs go by and which fixes status and title, and a
//! `detail` for people that says what to do. Nothing here repeats what the client sent.

use std::fmt;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::response;

/// The kinds of problems; `infra/openapi.yaml` lists the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The body is not JSON.
    MalformedJson,
    /// The body is JSON of another shape.
    UnexpectedJson,
    /// Values of the body are refused; `faults` and `rows_refused` say which.
    InvalidRequest,
    /// The window starts too early; `earliest_start` says when it may.
    TooEarly,
    /// No token, or none that can be one.
    Unauthorized,
    /// An order without a permit, where the provider asks for one, or with one that is not good.
    PermitRequired,
    /// Unknown, or somebody else's: the two are not told apart.
    NoSuchRequest,
    /// No mailbox in this row, or none that is certified.
    NoSuchCertificate,
    /// The provider has told too little for a file of settings.
    NoSettings,
    /// No mailbox in this row.
    NoSuchMailbox,
    /// The mailbox is being copied, or has been, or the request has ended.
    NotMendable,
    /// No such path.
    NoSuchPath,
    /// The path is there, the method is not; `Allow` names those that are.
    MethodNotAllowed,
    /// The body is too large.
    BodyTooLarge,
    /// The body is not called JSON.
    UnsupportedMediaType,
    /// The request takes no file now.
    NotAwaitingUpload,
    /// There is nothing the customer could decide now.
    NotNeedsAttention,
    /// No row is good.
    NoGoodRows,
    /// The first pass is not done, or there will be no final one.
    NotAwaitingCutover,
    /// The request has not been completed yet.
    NotCompleted,
    /// The passwords have been deleted, so nothing more can be fetched.
    PasswordsDeleted,
    /// It has been looked at once more too often.
    TooManyPasses,
    /// The first pass has begun.
    NotReschedulable,
    /// The time frame has no room; `next_window` says which has.
    NoRoom,
    /// The request has ended.
    AlreadyEnded,
    /// The same `Idempotency-Key` came with another body.
    IdempotencyKeyReused,
    /// Another call changed the request at the same time.
    ChangedMeanwhile,
    /// The first pass has begun, or no mailbox is known yet.
    NotPreviewable,
    /// No preview has been asked for.
    NoPreview,
    /// One was asked for less than a minute ago.
    PreviewTooSoon,
    /// No such attachment.
    NoSuchAttachment,
    /// Contacts and calendars cannot be imported now.
    NotAttachable,
    /// Our fault.
    Internal,
}

/// A problem on its way to the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    code: Code,
    detail: String,
    extra: Map<String, Value>,
    headers: Vec<(&'static str, String)>,
}

/// A fault of one field of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldFault {
    /// The field, with a dot for the fields of `window` and `options`.
    pub field: &'static str,
    /// The kind of fault, for programs.
    pub code: &'static str,
    /// What is wrong and what to do, for people; never the value.
    pub message: String,
}

impl Code {
    /// All codes.
    #[cfg(test)]
    pub const ALL: [Self; 33] = [
        Self::MalformedJson,
        Self::UnexpectedJson,
        Self::InvalidRequest,
        Self::TooEarly,
        Self::Unauthorized,
        Self::PermitRequired,
        Self::NoSuchRequest,
        Self::NoSuchCertificate,
        Self::NoSettings,
        Self::NoSuchMailbox,
        Self::NotMendable,
        Self::NoSuchPath,
        Self::MethodNotAllowed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::NotAwaitingUpload,
        Self::NotNeedsAttention,
        Self::NoGoodRows,
        Self::NotAwaitingCutover,
        Self::NotCompleted,
        Self::PasswordsDeleted,
        Self::TooManyPasses,
        Self::NotReschedulable,
        Self::NoRoom,
        Self::AlreadyEnded,
        Self::IdempotencyKeyReused,
        Self::ChangedMeanwhile,
        Self::NotPreviewable,
        Self::NoPreview,
        Self::PreviewTooSoon,
        Self::NoSuchAttachment,
        Self::NotAttachable,
        Self::Internal,
    ];

    /// The code as it is shown.
    pub fn as_str(self) -> &'static str {
        self.facts().0
    }

    /// The HTTP status that goes with it.
    pub fn status(self) -> u16 {
        self.facts().1
    }

    /// The same for every problem of the kind.
    pub fn title(self) -> &'static str {
        self.facts().2
    }

    fn facts(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::MalformedJson => ("malformed_json", 400, "The body is not JSON"),
            Self::UnexpectedJson => ("unexpected_json", 422, "The body has another shape than expected"),
            Self::InvalidRequest => ("invalid_request", 422, "Some values are refused"),
            Self::TooEarly => ("too_early", 422, "The start is too early"),
            Self::PermitRequired => ("permit_required", 403, "A permit of the provider is needed"),
            Self::Unauthorized => ("unauthorized", 401, "The token of the request is needed"),
            Self::NoSuchRequest => ("no_such_request", 404, "There is no such request"),
            Self::NoSuchCertificate => ("no_such_certificate", 404, "There is no such certificate"),
            Self::NoSettings => ("no_settings", 404, "There is no file of settings"),
            Self::NoSuchMailbox => ("no_such_mailbox", 404, "There is no such mailbox"),
            Self::NotMendable => ("not_mendable", 409, "The row cannot be mended now"),
            Self::NoSuchPath => ("no_such_path", 404, "There is nothing at this path"),
            Self::MethodNotAllowed => ("method_not_allowed", 405, "The path does not take this method"),
            Self::BodyTooLarge => ("body_too_large", 413, "The body is too large"),
            Self::UnsupportedMediaType => ("unsupported_media_type", 415, "The body has to be JSON"),
            Self::NotAwaitingUpload => ("not_awaiting_upload", 409, "No file can be uploaded now"),
            Self::NotNeedsAttention => ("not_needs_attention", 409, "There is nothing to decide now"),
            Self::NoGoodRows => ("no_good_rows", 409, "There is no good row to go on with"),
            Self::NotAwaitingCutover => ("not_awaiting_cutover", 409, "The final pass cannot start now"),
            Self::NotCompleted => ("not_completed", 409, "The request has not been completed yet"),
            Self::PasswordsDeleted => ("passwords_deleted", 409, "The passwords have been deleted"),
            Self::TooManyPasses => ("too_many_passes", 409, "It has been looked at once more too often"),
            Self::NotReschedulable => ("not_reschedulable", 409, "The time frame cannot be changed now"),
            Self::NoRoom => ("no_room", 422, "The time frame has no room"),
            Self::AlreadyEnded => ("already_ended", 409, "The request has ended"),
            Self::IdempotencyKeyReused => ("idempotency_key_reused", 409, "The key belongs to another order"),
            Self::ChangedMeanwhile => ("changed_meanwhile", 409, "The request was changed at the same time"),
            Self::NotPreviewable => ("not_previewable", 409, "There can be no preview now"),
            Self::NoPreview => ("no_preview", 404, "There is no preview"),
            Self::PreviewTooSoon => ("preview_too_soon", 429, "A preview has just been asked for"),
            Self::NoSuchAttachment => ("no_such_attachment", 404, "There is no such attachment"),
            Self::NotAttachable => ("not_attachable", 409, "Contacts and calendars cannot be imported now"),
            Self::Internal => ("internal", 500, "Something went wrong on our side"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

/// A problem goes up to `handle` as an error; every other error is an internal one.
impl std::error::Error for Problem {}

impl Problem {
    /// A problem with words for the person who reads it.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            extra: Map::new(),
            headers: Vec::new(),
        }
    }

    /// A call of which one field is wrong.
    pub fn of_field(field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        let fault = FieldFault {
            field,
            code,
            message: message.into(),
        };
        Self::new(Code::InvalidRequest, "Mend what faults names, and send it again.").with("faults", json!([fault]))
    }

    /// What a client gets for an unknown id and for a wrong token alike.
    pub fn no_such_request() -> Self {
        let detail = "Either there is no request of this id, or the token belongs to another one: check both.";
        Self::new(Code::NoSuchRequest, detail)
    }

    /// What a client gets when it is not its fault.
    pub fn internal() -> Self {
        Self::new(
            Code::Internal,
            "Staff can see it in the logs. Please try again in a few minutes.",
        )
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Its kind.
    #[cfg(test)]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The whole document.
    pub fn document(&self) -> Value {
        let mut document = self.extra.clone();
        let code = self.code.as_str();
        document.insert(
            "type".to_owned(),
            json!(format!("/problems/{}", code.replace('_', "-"))),
        );
        document.insert("title".to_owned(), json!(self.code.title()));
        document.insert("status".to_owned(), json!(self.code.status()));
        document.insert("detail".to_owned(), json!(self.detail));
        document.insert("code".to_owned(), json!(code));
        Value::Object(document)
    }

    /// The response that tells it.
    pub fn response(&self) -> ApiGatewayV2httpResponse {
        let body = self.document().to_string();
        let mut answer = response::with_body(self.code.status(), "application/problem+json", body);
        for (name, value) in &self.headers {
            response::set_header(&mut answer, name, value);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_a_document_of_rfc_9457() {
        let problem =
            Problem::new(Code::TooEarly, "Choose a later start.").with("earliest_start", "2026-11-25T10:00:00Z");
        assert_eq!(
            problem.document(),
            json!({
                "type": "/problems/too-early", "title": "The start is too early", "status": 422,
                "detail": "Choose a later start.", "code": "too_early", "earliest_start": "2026-11-25T10:00:00Z",
            })
        );
        let answer = problem.with_header("allow", "GET").response();
        assert_eq!(answer.status_code, 422);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.headers["allow"], "GET");
    }

    #[test]
    fn every_fault_of_a_check_is_in_the_description_of_the_api() {
        let described = include_str!("../../../infra/openapi.yaml");
        for code in mailvan::domain::CheckCode::ALL {
            assert!(described.contains(&format!("            - {code}\n")), "{code}");
        }
    }

    #[test]
    fn every_code_is_in_the_description_of_the_api() {
        let described = include_str!("../../../infra/openapi.yaml");
        for code in Code::ALL {
            assert!(
                described.contains(&format!("        - {}\n", code.as_str())),
                "{code:?}"
            );
        }
    }
}
