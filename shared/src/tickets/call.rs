//! One call and its answer.

use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::{PATIENCE, TicketError};
use crate::dial::{Dial, innermost};
use crate::imap::Connector;

/// How much of an answer is read: a long ticket with all its replies.
const MOST_BYTES: usize = 8 << 20;

/// Makes calls. It follows no redirect: what is told goes to the profile's address and to no other.
pub(super) type Caller = Client<Dial, String>;

pub(super) fn caller(connector: Connector) -> Caller {
    Client::builder(TokioExecutor::new()).build(Dial(connector))
}

/// Makes a call, within [`PATIENCE`].
pub(super) async fn call(caller: &Caller, request: Request<String>) -> Result<(StatusCode, Bytes), TicketError> {
    let answered = async {
        let answer = caller.request(request).await.map_err(|error| {
            let reason = innermost(&error);
            if error.is_connect() {
                TicketError::Unreachable(reason)
            } else {
                TicketError::CutOff(reason)
            }
        })?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        let body = body.map_err(|error| TicketError::CutOff(innermost(&*error)))?;
        Ok((status, body.to_bytes()))
    };
    let answered = tokio::time::timeout(PATIENCE, answered).await;
    answered.unwrap_or(Err(TicketError::Silent))
}
