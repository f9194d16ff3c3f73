//! Who may see a request: whoever has its token (RFC 6750).
//!
//! A request is found by its id, and the token is compared with the hash that is kept. For an id
//! that nobody has, the token is compared with a dummy, so that neither the answer nor the time it
//! takes tells which ids exist.

use aws_lambda_events::http::HeaderMap;
use mailvan::domain::{RequestId, Secret};
use mailvan::secrets::token_matches;
use mailvan::store::{RequestRecord, Store, StoreError};

use crate::problem::{Code, Problem};

/// The hash of nothing anyone has: 32 zero bytes in base64.
const DUMMY_HASH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The longest token that is looked at, in bytes; ours have 43.
const MAX_TOKEN_BYTES: usize = 128;

/// What stands in the header after the scheme, where that is `Bearer`: a token, or a permit.
pub fn credential(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get("authorization")?.to_str().ok()?;
    let (scheme, credential) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim_start())
}

/// Takes the token out of the headers.
pub fn bearer(headers: &HeaderMap) -> Result<Secret, Problem> {
    let token = credential(headers)
        .filter(|token| !token.is_empty() && token.len() <= MAX_TOKEN_BYTES)
        .filter(|token| {
            token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
        });
    token.map(Secret::from).ok_or_else(|| {
        let detail = "Send the token you got with the request, as the header Authorization: Bearer <token>.";
        Problem::new(Code::Unauthorized, detail).with_header("www-authenticate", "Bearer realm=\"mailvan\"")
    })
}

/// The request, if the token is its own. `Ok(None)` for an unknown id and for a wrong token alike.
pub async fn find(store: &Store, id: &str, token: &Secret) -> Result<Option<RequestRecord>, StoreError> {
    // A text that is no id is none of ours by its looks; nothing is given away by not asking.
    let record = match id.parse::<RequestId>() {
        Ok(id) => store.find_request(id).await?,
        Err(_) => None,
    };
    Ok(owned(record, token))
}

fn owned(record: Option<RequestRecord>, token: &Secret) -> Option<RequestRecord> {
    let kept = record.as_ref().map_or(DUMMY_HASH, |record| record.token_hash.as_str());
    let matches = token_matches(token.expose(), kept);
    record.filter(|_| matches)
}

#[cfg(test)]
mod tests {
    use mailvan::domain::RequestState;
    use mailvan::secrets::{new_token, token_hash};

    use super::*;
    use crate::samples;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", value.parse().unwrap());
        headers
    }

    #[test]
    fn a_token_is_taken_whatever_the_case_of_the_scheme() {
        for value in ["Bearer abc-_1", "bearer  abc-_1", "BEARER abc-_1 "] {
            assert_eq!(bearer(&headers(value)).unwrap().expose(), "abc-_1", "{value}");
        }
    }

    #[test]
    fn a_missing_or_malformed_token_is_unauthorized_and_told_how() {
        let long = format!("Bearer {}", "a".repeat(129));
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            "abc",
            "Bearer a b",
            "Bearer a\"b",
            &long,
        ] {
            let problem = bearer(&headers(value)).unwrap_err();
            assert_eq!(problem.code(), Code::Unauthorized, "{value}");
            assert_eq!(
                problem.response().headers["www-authenticate"],
                "Bearer realm=\"mailvan\""
            );
            assert!(!problem.document().to_string().contains("YTpi"));
        }
        assert!(bearer(&HeaderMap::new()).is_err());
    }

    #[test]
    fn only_its_own_token_opens_a_request() {
        let token = new_token().unwrap();
        let mut record = samples::request(RequestState::Checking);
        record.token_hash = token_hash(token.expose());
        assert_eq!(owned(Some(record.clone()), &token), Some(record.clone()));
        assert_eq!(owned(Some(record), &Secret::from("other")), None);
        assert_eq!(owned(None, &token), None);
    }
}
