//! From a customer's bytes to accepted mailboxes and to every fault, all at once.
//!
//! A CSV file ([`read_csv`]) and the form of the API ([`orders_from_form`]) go through the same
//! checks, row by row; a row is either accepted or has at least one fault, never both. What is
//! wrong is data here, not an error: a file full of rubbish is read to its end. The module connects
//! to nothing, so whether a server answers or a password is right is not its question.
//!
//! The input is bounded ([`MAX_FILE_BYTES`], [`MAX_ROWS`], [`MAX_CELL_BYTES`]); time and memory are
//! linear in it. Passwords leave only as [`Secret`](crate::domain::Secret), and no fault repeats
//! the content of a cell. The bytes that came in belong to the caller, who wipes them.
//!
//! Reading order: `file` (the CSV), `header` (its columns), `row` (the checks), [`form`], [`options`].

mod file;
pub mod form;
mod header;
pub mod options;
mod quoting;
mod row;
mod spreadsheet;

pub use file::read_csv;
pub use form::{FormMailbox, orders_from_form};
pub use options::{OptionFault, WantedOptions, read_options};
pub use spreadsheet::spreadsheet_safe;

use crate::domain::{Fault, MailboxOrder};

/// The largest file that is read: with 5,000 rows, some 400 bytes a row.
pub const MAX_FILE_BYTES: usize = 2 * 1024 * 1024;
/// The most mailboxes of one request.
pub const MAX_ROWS: usize = 5_000;
/// The longest cell, in bytes: no address, host or user name comes near it, and a longer password
/// is likelier a lost quotation mark.
pub const MAX_CELL_BYTES: usize = 1_024;

/// The file customers download and fill in.
///
/// It has one example row, because a header alone does not show what goes where. A row that still
/// has the example's server is refused with [`ExampleRow`](crate::domain::FaultCode::ExampleRow):
/// that name ends in `.example`, which never exists (RFC 6761), so no true row can be meant.
pub const TEMPLATE_CSV: &str = "email,password,source_host,port,security,source_user,destination_email,destination_password\r\n\
    anna@example.com,the password there,imap.previous-provider.example,993,tls,anna@example.com,anna@example.com,\r\n";

/// The server of the template's example row.
const EXAMPLE_HOST: &str = "imap.previous-provider.example";

/// What the place it runs at allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether a row may ask for a connection without TLS; only on the local stack.
    pub plaintext_imap: bool,
}

/// What came out of a file or form.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    /// The accepted mailboxes, each with its row; in the order of the file.
    pub rows: Vec<(u32, MailboxOrder)>,
    /// What is wrong with the file and with the other rows; in the order of the file.
    pub faults: Vec<Fault>,
}

impl Policy {
    /// What production allows.
    pub const STRICT: Self = Self { plaintext_imap: false };
}

#[cfg(test)]
mod tests;
