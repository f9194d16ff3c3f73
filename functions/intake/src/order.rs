//! What a customer orders: the body of `POST /v1/requests`, checked as a whole.
//!
//! All faults of the fields and of the rows are told at once. A form is taken whole or not at all:
//! nothing is stored of one that has a fault.

use jiff::{SignedDuration, Timestamp};
use mailvan::domain::capacity::summed_up;
use mailvan::domain::{CopyOptions, EmailAddress, Language, LeadTimes, Loads, MailboxOrder, Window, Workdays};
use mailvan::intake::{FormMailbox, Intake, Policy, WantedOptions};
use mailvan::store::request::AnnouncedFile;
use serde::Deserialize;

use crate::body;
use crate::faults::{Faults, Frame};
use crate::problem::Problem;

/// The most mailboxes of a form; a file may have more.
pub const MAX_FORM_MAILBOXES: usize = 500;

/// An order that can be taken.
#[derive(Debug)]
pub struct Order {
    /// Whom to tell.
    pub contact_email: EmailAddress,
    /// The language to tell them in.
    pub language: Language,
    /// The provider's ticket, where there is one.
    pub ticket: Option<String>,
    /// Whether the permit names that ticket.
    pub ticket_is_proven: bool,
    /// The wanted time frame; none means as soon as possible.
    pub window: Option<Window>,
    /// What is to be copied, and how.
    pub options: CopyOptions,
    /// Where the mailboxes stand.
    pub mailboxes: Mailboxes,
}

/// Where the mailboxes of an order stand.
#[derive(Debug)]
pub enum Mailboxes {
    /// In a file that is uploaded afterwards.
    File(AnnouncedFile),
    /// In the order itself, each with its row from 1; at least one.
    Form(Vec<(u32, MailboxOrder)>),
}

impl Mailboxes {
    /// How many there are, as far as that is known: 0 of a file.
    pub fn count(&self) -> usize {
        match self {
            Self::File(_) => 0,
            Self::Form(rows) => rows.len(),
        }
    }

    /// What there is to copy, as far as that is known: how many mailboxes of a form, and nothing of a file.
    pub fn loads(&self) -> Loads {
        let rows = match self {
            Self::File(_) => &[][..],
            Self::Form(rows) => rows,
        };
        let mut loads = Loads::new();
        for (_, order) in rows {
            loads
                .entry(order.source.host.as_str().to_owned())
                .or_default()
                .mailboxes += 1;
        }
        summed_up(loads)
    }
}

/// What an order is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// When it was made.
    pub now: Timestamp,
    /// The provider's working days.
    pub workdays: Workdays<'a>,
    /// The languages that the provider offers.
    pub languages: &'a [Language],
    /// How far ahead a window has to begin.
    pub lead_times: LeadTimes,
    /// How long a window has to be.
    pub shortest_frame: SignedDuration,
    /// What rows may ask for.
    pub policy: Policy<'a>,
    /// The ticket that the permit names, if it names one.
    pub ticket: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    contact_email: Option<String>,
    /// A tag such as `de-AT`; one that is not offered means the provider's first.
    language: Option<String>,
    ticket: Option<String>,
    csv_bytes: Option<i64>,
    csv_sha256: Option<String>,
    window: Option<Frame>,
    options: Option<WantedOptions>,
    mailboxes: Option<Vec<FormMailbox>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFrame {
    #[serde(deserialize_with = "Option::deserialize")]
    window: Option<Frame>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Renewal {
    csv_bytes: Option<i64>,
    csv_sha256: Option<String>,
}

/// Reads the body of a new order.
///
/// # Errors
/// [`Code::InvalidRequest`](crate::problem::Code) with every fault, [`Code::TooEarly`](crate::problem::Code) where that is the only one, or
/// what [`body::parse`] says.
pub fn read(body: &[u8], terms: Terms<'_>) -> Result<Order, Problem> {
    let body: Body = body::parse(body)?;
    let mut faults = Faults::default();
    let contact_email = faults.contact(body.contact_email.as_deref());
    let language = Language::of_tag(body.language.as_deref().unwrap_or_default(), terms.languages);
    let ticket = faults.ticket(body.ticket.as_deref(), terms.ticket);
    let window = body.window.and_then(|frame| faults.window(&frame, terms));
    let options = body.options.map(|wanted| faults.options(&wanted)).unwrap_or_default();
    let has_file = body.csv_bytes.is_some() || body.csv_sha256.is_some();
    let (bytes, sha256) = (body.csv_bytes, body.csv_sha256.as_deref());
    let file = match &body.mailboxes {
        Some(_) => faults.file(bytes, sha256),
        None => faults.awaited_file(bytes, sha256),
    };
    let intake = match &body.mailboxes {
        Some(mailboxes) => faults.form(mailboxes, has_file, terms.policy),
        None => Intake::default(),
    };
    match contact_email {
        Some(contact_email) if faults.is_empty() && intake.faults.is_empty() => {
            let mailboxes = if body.mailboxes.is_some() {
                Mailboxes::Form(intake.rows)
            } else {
                Mailboxes::File(file)
            };
            Ok(Order {
                contact_email,
                language,
                ticket,
                ticket_is_proven: terms.ticket.is_some(),
                window,
                options,
                mailboxes,
            })
        }
        _ => Err(faults.problem(&intake)),
    }
}

/// Reads the body of a wish for another time frame; none is as soon as possible.
///
/// # Errors
/// As [`read`].
pub fn read_window(body: &[u8], terms: Terms<'_>) -> Result<Option<Window>, Problem> {
    let NewFrame { window } = body::parse(body)?;
    let mut faults = Faults::default();
    let window = window.and_then(|frame| faults.window(&frame, terms));
    if faults.is_empty() {
        Ok(window)
    } else {
        Err(faults.problem(&Intake::default()))
    }
}

/// Reads the body of a wish for a new upload: the length of the file.
///
/// # Errors
/// As [`read`].
pub fn read_renewal(body: &[u8]) -> Result<AnnouncedFile, Problem> {
    let renewal: Renewal = body::parse(body)?;
    let mut faults = Faults::default();
    let file = faults.awaited_file(renewal.csv_bytes, renewal.csv_sha256.as_deref());
    if faults.is_empty() {
        Ok(file)
    } else {
        Err(faults.problem(&Intake::default()))
    }
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
