//! WHMCS, by its API (<https://developers.whmcs.com/api/>).
//!
//! The API knows no key that would make a call harmless to repeat. So whatever is written ends with the notice's id, and
//! the ticket is read before: what has that id is there. A call whose end is unknown is repeated only after a pause in
//! which it will have ended ([`TicketError::may_arrive_yet`]).
//!
//! A customer who names a ticket could name another's. The status is changed, and something shown to the ticket's customer,
//! only where the provider's permit names it ([`Told::is_for_customer`]); else staff get a note.

use http::{Request, StatusCode, Uri};
use serde::Deserialize;
use serde_json::Value;

use super::call::{Caller, call, caller};
use super::{TicketError, Told};
use crate::domain::Secret;
use crate::imap::Connector;
use crate::profile::{WhmcsEntry, WhmcsSettings};

/// How much of its words is kept.
const LONGEST_WORDS: usize = 200;

/// What the API says of a ticket that is not there, in any case of letters.
const NO_TICKET: &str = "ticket id not found";

/// Writes into the tickets of one WHMCS.
#[derive(Clone)]
pub struct Whmcs {
    caller: Caller,
    address: Uri,
    credentials: Credentials,
    settings: WhmcsSettings,
}

/// How the API is logged in to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    identifier: Secret,
    secret: Secret,
    /// What stands for an allowed address of ours.
    access_key: Option<Secret>,
}

/// A ticket, as far as it matters.
struct Ticket {
    /// Its number in the database, which is not the customer's.
    id: String,
    /// The notice is in it.
    has_notice: bool,
    status: String,
}

impl Credentials {
    /// Reads a secret: JSON with `identifier`, `secret` and, where there is one, `access_key`, or each in a line.
    ///
    /// # Errors
    /// [`TicketError::Unfit`], which does not repeat the text.
    pub fn parse(secret: &Secret) -> Result<Self, TicketError> {
        let text = secret.expose().trim();
        let read = if text.starts_with('{') {
            serde_json::from_str(text).ok()
        } else {
            let mut lines = text.lines().map(str::trim).map(Secret::from);
            let read = lines.next().zip(lines.next()).map(|(identifier, secret)| Self {
                identifier,
                secret,
                access_key: lines.next(),
            });
            read.filter(|_| lines.next().is_none())
        };
        read.filter(|read| !read.identifier.is_empty() && !read.secret.is_empty())
            .ok_or(TicketError::Unfit(
                "the secret of WHMCS is not an identifier and a secret, as JSON or in two lines",
            ))
    }

    fn each(&self) -> impl Iterator<Item = &str> {
        [Some(&self.identifier), Some(&self.secret), self.access_key.as_ref()]
            .into_iter()
            .flatten()
            .map(Secret::expose)
            .filter(|secret| !secret.is_empty())
    }
}

impl Whmcs {
    /// Writes into the tickets of the one at this address.
    pub fn new(connector: Connector, address: Uri, credentials: Credentials, settings: WhmcsSettings) -> Self {
        Self {
            caller: caller(connector),
            address,
            credentials,
            settings,
        }
    }

    /// Writes a notice into its ticket, unless it is there, and sets the status at the end. In the ticket on return.
    ///
    /// # Errors
    /// [`TicketError`]; it may be in the ticket all the same, and the next call finds it there.
    pub async fn tell(&self, told: &Told) -> Result<(), TicketError> {
        let ticket = self.find(told).await?;
        if !ticket.has_notice {
            self.write(&ticket, told).await?;
        }
        let status = self.settings.completed_status.as_ref();
        let status = status.filter(|status| told.is_whole && told.is_proven && ticket.status != **status);
        if let Some(status) = status {
            self.act("UpdateTicket", &[("ticketid", &ticket.id), ("status", status)])
                .await?;
        }
        Ok(())
    }

    /// The ticket of a reference, which is the number that its customer sees.
    async fn find(&self, told: &Told) -> Result<Ticket, TicketError> {
        let answer = self.act("GetTicket", &[("ticketnum", &told.ticket)]).await?;
        let text = |name: &str| match answer.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let id = text("ticketid");
        if id.is_empty() {
            return Err(TicketError::Refused("there is no ticketid in its answer".to_owned()));
        }
        let has_notice = ["replies", "notes"]
            .iter()
            .any(|part| answer.get(*part).is_some_and(|part| holds(part, &told.id)));
        Ok(Ticket {
            id,
            has_notice,
            status: text("status"),
        })
    }

    async fn write(&self, ticket: &Ticket, told: &Told) -> Result<(), TicketError> {
        let caveat = told.caveat().map(|caveat| caveat + "\n\n").unwrap_or_default();
        let message = format!(
            "{caveat}{}\n\n{}\n\nMailvan {}",
            told.subject,
            told.plain_text(),
            told.id
        );
        let id = ("ticketid", ticket.id.as_str());
        let written = match (self.settings.write, &self.settings.admin_user) {
            (WhmcsEntry::Reply, Some(admin)) if told.is_for_customer() => {
                // The customer has the mail already. Without `markdown` the text is shown as it is.
                let reply = [
                    id,
                    ("message", message.as_str()),
                    ("adminusername", admin.as_str()),
                    ("noemail", "true"),
                ];
                self.act("AddTicketReply", &reply).await
            }
            _ => self.act("AddTicketNote", &[id, ("message", &message)]).await,
        };
        written.map(drop).map_err(|error| match error {
            unsent @ (TicketError::Unreachable(_) | TicketError::Unwritable(_)) => unsent,
            refused @ (TicketError::Refused(_) | TicketError::NoSuchTicket) => refused,
            unclear => TicketError::Unknown(Box::new(unclear)),
        })
    }

    /// One call of the API.
    async fn act(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Value, TicketError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("action", action)
            .append_pair("identifier", self.credentials.identifier.expose())
            .append_pair("secret", self.credentials.secret.expose())
            .append_pair("responsetype", "json");
        if let Some(key) = &self.credentials.access_key {
            form.append_pair("accesskey", key.expose());
        }
        form.extend_pairs(parameters);
        let request = Request::post(self.address.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("user-agent", "mailvan")
            .body(form.finish())
            .map_err(|error| TicketError::Unwritable(error.into()))?;
        let (status, body) = call(&self.caller, request).await?;
        let answer: Option<Value> = serde_json::from_slice(&body).ok();
        let result = answer.as_ref().and_then(|answer| answer["result"].as_str());
        match (result, answer.as_ref()) {
            (Some("success"), Some(_)) if status.is_success() => Ok(answer.unwrap_or_default()),
            (Some("error"), Some(answer)) => Err(self.refused(answer)),
            _ if status == StatusCode::OK => Err(TicketError::CutOff("its answer is not one of the API".to_owned())),
            _ => Err(TicketError::Status(status)),
        }
    }

    fn refused(&self, answer: &Value) -> TicketError {
        let words = answer["message"].as_str().unwrap_or("it does not say why");
        if words.eq_ignore_ascii_case(NO_TICKET) {
            return TicketError::NoSuchTicket;
        }
        if self.credentials.each().any(|secret| words.contains(secret)) {
            return TicketError::Refused("its words repeat what is secret".to_owned());
        }
        let shown = words.chars().filter(|c| !c.is_control()).take(LONGEST_WORDS);
        TicketError::Refused(shown.collect())
    }
}

/// Whether a text below holds the id.
fn holds(value: &Value, id: &str) -> bool {
    match value {
        Value::String(text) => text.contains(id),
        Value::Array(values) => values.iter().any(|value| holds(value, id)),
        Value::Object(values) => values.values().any(|value| holds(value, id)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_json_or_lines() {
        for (text, access_key) in [
            (r#"{"identifier": "i", "secret": "s"}"#, None),
            (r#"{"identifier": "i", "secret": "s", "access_key": "k"}"#, Some("k")),
            ("i\ns\n", None),
            ("i\r\ns\r\nk\r\n", Some("k")),
        ] {
            let read = Credentials::parse(&Secret::from(text)).unwrap();
            assert_eq!((read.identifier.expose(), read.secret.expose()), ("i", "s"), "{text}");
            assert_eq!(read.access_key.as_ref().map(Secret::expose), access_key, "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused_and_not_repeated() {
        for text in [
            "",
            "hunter2",
            "hunter2\n",
            r#"{"identifier": "hunter2"}"#,
            "a\nb\nhunter2\nd",
            "\nhunter2\n\n",
        ] {
            let error = Credentials::parse(&Secret::from(text)).unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn an_id_is_found_wherever_it_stands() {
        let part = serde_json::json!({ "reply": [{ "message": "a" }, { "message": "b\r\n\r\nMailvan x-1" }] });
        assert!(holds(&part, "x-1") && !holds(&part, "x-2"));
        assert!(!holds(&Value::from(""), "x-1"));
    }
}
