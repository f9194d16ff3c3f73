//! A webhook: signed calls to an address of the provider's.

use http::{Request, Uri};
use serde::Serialize;

use super::call::{Caller, call, caller};
use super::signature::SigningKeys;
use super::{TicketError, Told};
use crate::domain::RequestId;
use crate::imap::Connector;

/// Calls one address.
#[derive(Clone)]
pub struct Webhook {
    caller: Caller,
    address: Uri,
    keys: SigningKeys,
}

/// A call's body, in the form of <https://www.standardwebhooks.com>.
#[derive(Serialize)]
struct Event<'a> {
    /// Such as `notice.finished`.
    #[serde(rename = "type")]
    kind: String,
    timestamp: &'a str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    ticket: &'a str,
    /// Whether it is certainly the customer's.
    proven: bool,
    /// Whether it is for staff alone.
    internal: bool,
    request: RequestId,
    state: &'static str,
    language: &'static str,
    subject: &'a str,
    text: &'a str,
}

impl Webhook {
    /// Calls this address.
    pub fn new(connector: Connector, address: Uri, keys: SigningKeys) -> Self {
        Self {
            caller: caller(connector),
            address,
            keys,
        }
    }

    /// Makes a call, signed for this moment. Taken, and by the far side's word kept, on return. Repeating it is harmless:
    /// the far side knows it by its id.
    ///
    /// # Errors
    /// [`TicketError`]; it may have been taken all the same.
    pub async fn tell(&self, told: &Told, unix_seconds: i64) -> Result<(), TicketError> {
        let event = Event {
            kind: format!("notice.{}", told.about),
            timestamp: &told.at,
            data: Data {
                ticket: &told.ticket,
                proven: told.is_proven,
                internal: told.is_internal,
                request: told.request,
                state: told.state.as_str(),
                language: told.language.tag(),
                subject: &told.subject,
                text: &told.text,
            },
        };
        let body = serde_json::to_string(&event).map_err(|error| TicketError::Unwritable(error.into()))?;
        let signature = self.keys.sign(&told.id, unix_seconds, &body);
        let request = Request::post(self.address.clone())
            .header("content-type", "application/json")
            .header("user-agent", "mailvan")
            .header("webhook-id", &told.id)
            .header("webhook-timestamp", unix_seconds)
            .header("webhook-signature", signature)
            .body(body)
            .map_err(|error| TicketError::Unwritable(error.into()))?;
        match call(&self.caller, request).await? {
            (status, _) if status.is_success() => Ok(()),
            (status, _) => Err(TicketError::Status(status)),
        }
    }
}
