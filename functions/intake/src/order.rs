//! What a customer orders: the body of `POST /v1/requests`, checked as a whole.
//!
//! All faults of the fields and of the rows are told at once. A form is taken whole or not at all:
//! nothing is stored of one that has a fault.

use jiff::Timestamp;
use mailvan::domain::{EmailAddress, LeadTimes, MailboxOrder, Window, WindowError, Zone, check_start};
use mailvan::intake::{FormMailbox, Intake, MAX_FILE_BYTES, Policy, orders_from_form};
use serde::Deserialize;
use serde_json::json;

use crate::body;
use crate::moment;
use crate::problem::{Code, FieldFault, Problem};

/// The most mailboxes of a form; a file may have more.
pub const MAX_FORM_MAILBOXES: usize = 500;

/// The longest reference of a ticket, in characters.
pub const MAX_TICKET_CHARS: usize = 64;

/// An order that can be taken.
#[derive(Debug)]
pub struct Order {
    /// Whom to tell.
    pub contact_email: EmailAddress,
    /// The provider's ticket, where there is one.
    pub ticket: Option<String>,
    /// The wanted time frame; none means as soon as possible.
    pub window: Option<Window>,
    /// Where the mailboxes stand.
    pub mailboxes: Mailboxes,
}

/// Where the mailboxes of an order stand.
#[derive(Debug)]
pub enum Mailboxes {
    /// In a file that is uploaded afterwards.
    File {
        /// Its exact length, where it is known.
        csv_bytes: Option<u64>,
    },
    /// In the order itself, each with its row from 1; at least one.
    Form(Vec<(u32, MailboxOrder)>),
}

/// What an order is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// When it was made.
    pub now: Timestamp,
    /// The provider's zone, which decides what a weekend is.
    pub zone: &'a Zone,
    /// How far ahead a window has to begin.
    pub lead_times: LeadTimes,
    /// What rows may ask for.
    pub policy: Policy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    contact_email: Option<String>,
    ticket: Option<String>,
    csv_bytes: Option<i64>,
    window: Option<Frame>,
    mailboxes: Option<Vec<FormMailbox>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    start: String,
    end: Option<String>,
    time_zone: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Renewal {
    csv_bytes: Option<i64>,
}

/// The faults of an order.
#[derive(Default)]
struct Faults {
    fields: Vec<FieldFault>,
    /// The earliest start for programs and for people, where the wanted one is too early.
    earliest: Option<(String, String)>,
}

/// Reads the body of a new order.
///
/// # Errors
/// [`Code::InvalidRequest`] with every fault, [`Code::TooEarly`] where that is the only one, or
/// what [`body::parse`] says.
pub fn read(body: &[u8], terms: Terms<'_>) -> Result<Order, Problem> {
    let body: Body = body::parse(body)?;
    let mut faults = Faults::default();
    let contact_email = faults.contact(body.contact_email.as_deref());
    let ticket = body.ticket.and_then(|ticket| faults.ticket(&ticket));
    let window = body.window.and_then(|frame| faults.window(&frame, terms));
    let csv_bytes = body.csv_bytes.and_then(|bytes| faults.csv_bytes(bytes));
    let intake = match &body.mailboxes {
        Some(mailboxes) => faults.form(mailboxes, body.csv_bytes.is_some(), terms.policy),
        None => Intake::default(),
    };
    match contact_email {
        Some(contact_email) if faults.fields.is_empty() && intake.faults.is_empty() => {
            let mailboxes = if body.mailboxes.is_some() { Mailboxes::Form(intake.rows) } else { Mailboxes::File { csv_bytes } };
            Ok(Order { contact_email, ticket, window, mailboxes })
        }
        _ => Err(faults.problem(&intake)),
    }
}

/// Reads the body of a wish for a new upload, which may be empty: the length of the file, where it
/// is known.
///
/// # Errors
/// As [`read`].
pub fn read_renewal(body: &[u8]) -> Result<Option<u64>, Problem> {
    let renewal = if body.is_empty() { Renewal::default() } else { body::parse(body)? };
    let mut faults = Faults::default();
    let csv_bytes = renewal.csv_bytes.and_then(|bytes| faults.csv_bytes(bytes));
    if faults.fields.is_empty() { Ok(csv_bytes) } else { Err(faults.problem(&Intake::default())) }
}

impl Faults {
    fn add(&mut self, field: &'static str, code: &'static str, message: impl Into<String>) {
        self.fields.push(FieldFault { field, code, message: message.into() });
    }

    fn contact(&mut self, text: Option<&str>) -> Option<EmailAddress> {
        let Some(text) = text else {
            self.add("contact_email", "empty_value", "this is missing: write the address the notices go to.");
            return None;
        };
        text.parse()
            .map_err(|error| {
                self.add("contact_email", "bad_address", format!("{error}. Write one complete address, such as anna@example.com."));
            })
            .ok()
    }

    fn ticket(&mut self, text: &str) -> Option<String> {
        let text = text.trim();
        if text.is_empty() {
            self.add("ticket", "empty_value", "this is empty: write the reference of the ticket, or leave the field out.");
        } else if text.chars().count() > MAX_TICKET_CHARS {
            self.add("ticket", "too_long", format!("this can have {MAX_TICKET_CHARS} characters at most."));
        } else if text.contains(is_invisible) {
            self.add("ticket", "bad_character", "this has an invisible character in it: type it in again.");
        } else {
            return Some(text.to_owned());
        }
        None
    }

    fn window(&mut self, frame: &Frame, terms: Terms<'_>) -> Option<Window> {
        let window = match Window::parse(&frame.start, frame.end.as_deref(), &frame.time_zone, terms.now) {
            Ok(window) => window,
            Err(error) => {
                let (field, text) = (window_field(&error), error.to_string());
                let message = text.split_once(": ").map_or(text.as_str(), |(_, message)| message);
                self.add(field, error.code(), format!("{message}."));
                return None;
            }
        };
        if let Err(refused) = check_start(window.start(), terms.now, terms.zone.rules(), terms.lead_times) {
            let words = moment::words(refused.earliest, window.zone());
            let message = format!(
                "a migration is ordered 24 hours ahead, and 48 hours before a start on a weekend: the earliest start is {words}."
            );
            self.add("window.start", "too_early", message);
            self.earliest = Some((moment::rfc3339(refused.earliest, window.zone()), words));
        }
        Some(window)
    }

    fn csv_bytes(&mut self, bytes: i64) -> Option<u64> {
        let bytes = u64::try_from(bytes).ok().filter(|bytes| (1..=MAX_FILE_BYTES as u64).contains(bytes));
        if bytes.is_none() {
            let message = format!("write the exact length of the file in bytes, from 1 to {MAX_FILE_BYTES}, or leave the field out.");
            self.add("csv_bytes", "out_of_range", message);
        }
        bytes
    }

    fn form(&mut self, mailboxes: &[FormMailbox], has_file: bool, policy: Policy) -> Intake {
        if has_file {
            self.add("csv_bytes", "not_with_mailboxes", "send the mailboxes here or in a file, not both: leave one of the two out.");
        }
        if mailboxes.is_empty() {
            let message = "there is no mailbox in it: give one at least, or leave the field out to upload a file.";
            self.add("mailboxes", "empty_value", message);
            return Intake::default();
        }
        if mailboxes.len() > MAX_FORM_MAILBOXES {
            let message = format!("there can be {MAX_FORM_MAILBOXES} mailboxes at most: send more as a CSV file.");
            self.add("mailboxes", "too_many_mailboxes", message);
        }
        orders_from_form(mailboxes, policy)
    }

    fn problem(self, intake: &Intake) -> Problem {
        let only_early = self.fields.len() == 1 && intake.faults.is_empty();
        let problem = match &self.earliest {
            Some((_, words)) if only_early => Problem::new(Code::TooEarly, format!("The earliest start is {words}.")),
            _ => Problem::new(Code::InvalidRequest, "Mend what faults and rows_refused name, and send it again."),
        };
        let problem = problem.with("faults", json!(self.fields)).with("rows_refused", json!(intake.faults));
        match self.earliest {
            Some((earliest, words)) => problem.with("earliest_start", earliest).with("earliest_start_words", words),
            None => problem,
        }
    }
}

fn window_field(error: &WindowError) -> &'static str {
    match error {
        WindowError::Zone(_) => "window.time_zone",
        WindowError::Time { field } | WindowError::Gap { field, .. } if *field == "end" => "window.end",
        WindowError::Time { .. } | WindowError::Gap { .. } | WindowError::TooFarAhead { .. } => "window.start",
        WindowError::EndBeforeStart | WindowError::TooLong => "window.end",
    }
}

/// Control characters, and those of Unicode that change how the text around them is shown.
fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
