//! From a customer's bytes to accepted mailboxes and to every fault, all at once.
//!
//! A file, CSV or .xlsx ([`read_file`]), and the form of the API ([`orders_from_form`]) go through the same
//! checks, row by row; a row is either accepted or has at least one fault, never both. What is
//! wrong is data here, not an error: a file full of rubbish is read to its end. The module connects
//! to nothing, so whether a server answers or a password is right is not its question.
//!
//! The input is bounded ([`MAX_FILE_BYTES`], [`MAX_ROWS`], [`MAX_CELL_BYTES`]); time and memory are
//! linear in it. Passwords leave only as [`Secret`](crate::domain::Secret), and no fault repeats
//! the content of a cell. The bytes that came in belong to the caller, who wipes them.
//!
//! Reading order: `file` with `text` (encodings) and `quoting`, `workbook` (.xlsx), `table` and
//! `header` (columns, with their `synonyms`), `row` (the checks) with `damage` (what spreadsheets do),
//! [`form`], [`options`].

mod damage;
mod file;
pub mod form;
mod header;
pub mod options;
mod quoting;
mod row;
mod spreadsheet;
mod synonyms;
mod table;
mod template;
mod text;
mod workbook;

pub use file::{read_file, too_large};
pub use form::{FormMailbox, orders_from_form};
pub use options::{OptionFault, WantedOptions, read_options};
pub use spreadsheet::spreadsheet_safe;
pub use template::{TEMPLATE_CSV, template_xlsx};

use crate::domain::{Fault, Grants, MailboxOrder};

/// The largest file that is read: with 50,000 rows, some 400 bytes a row.
pub const MAX_FILE_BYTES: usize = 20 * 1024 * 1024;
/// The most mailboxes of one request.
pub const MAX_ROWS: usize = 50_000;
/// The highest number of a line: five digits, as the keys of the job table have them.
pub const MAX_LINES: u32 = 99_999;
/// The longest cell, in bytes: no address, host or user name comes near it, and a longer password
/// is likelier a lost quotation mark.
pub const MAX_CELL_BYTES: usize = 1_024;

/// What the place it runs at, and the order's permit, allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy<'a> {
    /// Whether a row may ask for a connection without TLS; only on the local stack.
    pub plaintext_imap: bool,
    /// The mailboxes that mail may be moved into; `None` where the provider asks for no permits.
    pub grants: Option<&'a Grants>,
}

/// What came out of a file or form.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    /// The accepted mailboxes, each with its row; in the order of the file.
    pub rows: Vec<(u32, MailboxOrder)>,
    /// What is wrong with the file and with the other rows; in the order of the file.
    pub faults: Vec<Fault>,
}

impl Policy<'_> {
    /// What production allows an order that needs no permit.
    pub const STRICT: Self = Self {
        plaintext_imap: false,
        grants: None,
    };
}

#[cfg(test)]
mod tests;
