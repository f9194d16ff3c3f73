//! The checks of the fields of an order; each adds its faults to those found before.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use mailvan::domain::ticket::{self, BadTicket, MAX_TICKET_CHARS};
use mailvan::domain::{AfterEnd, CopyOptions, EmailAddress, LeadTimes, Window, WindowError, check_start};
use mailvan::intake::{FormMailbox, Intake, MAX_FILE_BYTES, Policy, WantedOptions, orders_from_form, read_options};
use mailvan::store::request::AnnouncedFile;
use serde::Deserialize;
use serde_json::json;

use crate::moment;
use crate::order::{MAX_FORM_MAILBOXES, Terms};
use crate::problem::{Code, FieldFault, Problem};

/// A wanted time frame as the customer writes it; [`Window::parse`] says how.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    start: String,
    end: Option<String>,
    time_zone: String,
    #[serde(default)]
    after_end: AfterEnd,
}

/// The faults found so far.
#[derive(Default)]
pub struct Faults {
    fields: Vec<FieldFault>,
    /// The earliest start for programs and for people, where the wanted one is too early.
    earliest: Option<(String, String)>,
}

impl Faults {
    /// Whether no field has a fault.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The address of the notices.
    pub fn contact(&mut self, text: Option<&str>) -> Option<EmailAddress> {
        let Some(text) = text else {
            self.add(
                "contact_email",
                "empty_value",
                "this is missing: write the address the notices go to.",
            );
            return None;
        };
        text.parse()
            .map_err(|error| {
                self.add(
                    "contact_email",
                    "bad_address",
                    format!("{error}. Write one complete address, such as anna@example.com."),
                );
            })
            .ok()
    }

    /// The reference of the ticket: the one that the permit names, where it names one.
    pub fn ticket(&mut self, text: Option<&str>, permitted: Option<&str>) -> Option<String> {
        let Some(text) = text else {
            return permitted.map(str::to_owned);
        };
        match (ticket::read(text), permitted) {
            (Ok(named), Some(permitted)) if !ticket::is_same(&named, permitted) => self.add(
                "ticket",
                "another_ticket",
                "the permit is for another ticket: leave this out, or follow the link in the provider's customer area for this ticket.",
            ),
            (Ok(_), Some(permitted)) => return Some(permitted.to_owned()),
            (Ok(named), None) => return Some(named),
            (Err(BadTicket::Empty), _) => self.add(
                "ticket",
                "empty_value",
                "this is empty: write the reference of the ticket, or leave the field out.",
            ),
            (Err(BadTicket::TooLong), _) => self.add(
                "ticket",
                "too_long",
                format!("this can have {MAX_TICKET_CHARS} characters at most."),
            ),
            (Err(BadTicket::Invisible), _) => self.add(
                "ticket",
                "bad_character",
                "this has an invisible character in it: type it in again.",
            ),
        }
        None
    }

    /// The time frame, with its lead.
    pub fn window(&mut self, frame: &Frame, terms: Terms<'_>) -> Option<Window> {
        let window = match Window::parse(&frame.start, frame.end.as_deref(), &frame.time_zone, terms.now) {
            Ok(window) => window.with_after_end(frame.after_end),
            Err(error) => {
                let (field, text) = (window_field(&error), error.to_string());
                let message = text.split_once(": ").map_or(text.as_str(), |(_, message)| message);
                self.add(field, error.code(), format!("{message}."));
                return None;
            }
        };
        if let Some(length) = window.length().filter(|length| *length < terms.shortest_frame) {
            let shortest = in_words(terms.shortest_frame);
            let end = window
                .start()
                .checked_add(terms.shortest_frame)
                .unwrap_or(Timestamp::MAX);
            let message = format!(
                "a frame is {shortest} long at least, and this one is {}: end it on {} or later.",
                in_words(length),
                moment::words(end, window.zone())
            );
            self.add("window.end", "window_too_short", message);
        }
        if let Err(refused) = check_start(window.start(), terms.now, terms.workdays, terms.lead_times) {
            let words = moment::words(refused.earliest, window.zone());
            let LeadTimes { ordinary, weekend } = terms.lead_times;
            let message = format!(
                "a migration is ordered {} hours ahead, and {} hours before a start on a weekend or a holiday: the earliest start is {words}.",
                ordinary.as_hours(),
                weekend.as_hours()
            );
            self.add("window.start", "too_early", message);
            self.earliest = Some((moment::rfc3339(refused.earliest, window.zone()), words));
        }
        Some(window)
    }

    /// What is to be copied, and how.
    pub fn options(&mut self, wanted: &WantedOptions) -> CopyOptions {
        read_options(wanted).unwrap_or_else(|faults| {
            for fault in faults {
                self.add(fault.field, fault.code, fault.message);
            }
            CopyOptions::default()
        })
    }

    /// What is said of a file that is to come. Without a length its address would take any amount.
    pub fn awaited_file(&mut self, bytes: Option<i64>, sha256: Option<&str>) -> AnnouncedFile {
        if bytes.is_none() {
            let message = "this is missing: write the exact length of the file in bytes.";
            self.add("csv_bytes", "empty_value", message);
        }
        self.file(bytes, sha256)
    }

    /// What is said of a file, if anything.
    pub fn file(&mut self, bytes: Option<i64>, sha256: Option<&str>) -> AnnouncedFile {
        AnnouncedFile {
            bytes: bytes.and_then(|bytes| self.csv_bytes(bytes)),
            sha256: sha256.and_then(|sum| self.csv_sha256(sum)),
        }
    }

    /// The checksum of the file.
    fn csv_sha256(&mut self, sum: &str) -> Option<String> {
        let is_sum = STANDARD.decode(sum).is_ok_and(|bytes| bytes.len() == 32);
        if !is_sum {
            let message = "write the SHA-256 of the file in base64, which has 44 characters, or leave the field out.";
            self.add("csv_sha256", "bad_value", message);
        }
        is_sum.then(|| sum.to_owned())
    }

    /// The length of the file.
    fn csv_bytes(&mut self, bytes: i64) -> Option<u64> {
        let bytes = u64::try_from(bytes)
            .ok()
            .filter(|bytes| (1..=MAX_FILE_BYTES as u64).contains(bytes));
        if bytes.is_none() {
            let message = format!("write the exact length of the file in bytes, from 1 to {MAX_FILE_BYTES}.");
            self.add("csv_bytes", "out_of_range", message);
        }
        bytes
    }

    /// The mailboxes of a form, with the faults of their rows.
    pub fn form(&mut self, mailboxes: &[FormMailbox], has_file: bool, policy: Policy<'_>) -> Intake {
        if has_file {
            self.add(
                "csv_bytes",
                "not_with_mailboxes",
                "send the mailboxes here or in a file, not both: leave one of the two out.",
            );
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

    /// The problem that tells all faults, those of the rows included.
    pub fn problem(self, intake: &Intake) -> Problem {
        let only_early = self.fields.len() == 1 && intake.faults.is_empty();
        let problem = match &self.earliest {
            Some((_, words)) if only_early => Problem::new(Code::TooEarly, format!("The earliest start is {words}.")),
            _ => Problem::new(
                Code::InvalidRequest,
                "Mend what faults and rows_refused name, and send it again.",
            ),
        };
        let problem = problem
            .with("faults", json!(self.fields))
            .with("rows_refused", json!(intake.faults));
        match self.earliest {
            Some((earliest, words)) => problem
                .with("earliest_start", earliest)
                .with("earliest_start_words", words),
            None => problem,
        }
    }

    fn add(&mut self, field: &'static str, code: &'static str, message: impl Into<String>) {
        self.fields.push(FieldFault {
            field,
            code,
            message: message.into(),
        });
    }
}

/// A length of time, such as `1 hour` or `90 minutes`.
fn in_words(length: SignedDuration) -> String {
    match (length.as_secs(), length.as_mins()) {
        (seconds @ ..60, _) => format!("{seconds} seconds"),
        (_, 60) => "1 hour".to_owned(),
        (_, minutes) if minutes % 60 == 0 => format!("{} hours", minutes / 60),
        (_, 1) => "1 minute".to_owned(),
        (_, minutes) => format!("{minutes} minutes"),
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
