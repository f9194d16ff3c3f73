//! Carries requests: one connection for each that is under way, kept open for the next.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use tower_service::Service;

use super::DavError;
use crate::clock::now;
use crate::dial::{Dial, innermost};
use crate::domain::Secret;
use crate::imap::Connector;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// How much of an answer is read.
const MOST_BYTES: usize = 64 << 20;

/// How long a server's wish to wait is granted within a run.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A wish to wait for longer than this is a mistake.
const LONGEST_WISH: Duration = Duration::from_hours(24);

/// How often it is granted for one request.
const MOST_WAITS: u32 = 5;

/// How to log in.
#[derive(Clone)]
pub enum Login {
    /// By user name and password (RFC 7617).
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// By a token (RFC 6750).
    Bearer(Secret),
}

impl Login {
    fn header(&self) -> Result<HeaderValue, DavError> {
        let text = match self {
            Self::Basic { user, password } => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose())))
            }
            Self::Bearer(token) => format!("Bearer {}", token.expose()),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| DavError::LoginRefused)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Scheme, host and port, the scheme's own where none is written.
fn origin(uri: &Uri) -> (Option<&str>, Option<String>, Option<u16>) {
    let scheme = uri.scheme_str();
    let own = match scheme {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    };
    (scheme, uri.host().map(str::to_ascii_lowercase), uri.port_u16().or(own))
}

/// Carries requests to one server. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    client: Client<Dial, String>,
    authorization: HeaderValue,
    server: Uri,
}

impl Http {
    /// Carries requests to the server of this address.
    pub(super) fn new(connector: Connector, server: Uri, login: &Login) -> Result<Self, DavError> {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(Dial(connector));
        Ok(Self {
            client,
            authorization: login.header()?,
            server,
        })
    }

    async fn exchange(self, request: Request<String>) -> Result<Response<Full<Bytes>>, DavError> {
        // A redirect elsewhere must not get the password.
        if origin(request.uri()) != origin(&self.server) {
            return Err(DavError::Address);
        }
        let (mut parts, body) = request.into_parts();
        parts.headers.insert(AUTHORIZATION, self.authorization.clone());
        for waits in 0.. {
            let sent = self.client.request(Request::from_parts(parts.clone(), body.clone()));
            let answered = async {
                let answer = sent.await.map_err(|error| DavError::Unreachable(innermost(&error)))?;
                let (head, body) = answer.into_parts();
                let body = Limited::new(body, MOST_BYTES).collect().await;
                let body = body
                    .map_err(|error| DavError::Unreachable(innermost(&*error)))?
                    .to_bytes();
                Ok(Response::from_parts(head, Full::new(body)))
            };
            let answer = tokio::time::timeout(PATIENCE, answered)
                .await
                .map_err(|_| DavError::Silent(PATIENCE))??;
            match answer.status() {
                StatusCode::UNAUTHORIZED => return Err(DavError::LoginRefused),
                StatusCode::INSUFFICIENT_STORAGE => return Err(DavError::Full),
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                    let after = retry_after(&answer);
                    if after > LONGEST_WAIT || waits >= MOST_WAITS {
                        return Err(DavError::Busy { after });
                    }
                    tokio::time::sleep(after).await;
                }
                _ => return Ok(answer),
            }
        }
        Err(DavError::Address)
    }
}

/// How long the server asks to wait.
fn retry_after<B>(answer: &Response<B>) -> Duration {
    let told = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    told.and_then(|told| asked_for(told, now()))
        .unwrap_or(Duration::from_secs(1))
        .min(LONGEST_WISH)
}

/// The wish of a server: seconds, or a date (RFC 9110, section 10.2.3).
fn asked_for(told: &str, now: Timestamp) -> Option<Duration> {
    let told = told.trim();
    if let Ok(seconds) = told.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(told).ok()?.timestamp();
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

impl Service<Request<String>> for Http {
    type Response = Response<Full<Bytes>>;
    type Error = DavError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, DavError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DavError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        Box::pin(self.clone().exchange(request))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_asks_for_seconds_or_until_a_date() {
        let now: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        for (told, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Mon, 23 Nov 2026 08:30:00 GMT", Some(1_800)),
            ("Mon, 23 Nov 2026 07:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(asked_for(told, now), seconds.map(Duration::from_secs), "{told}");
        }
    }
}
