//! Contacts and calendars: from an exported file to objects on a CardDAV and CalDAV server.
//!
//! No parser of these formats gives back the bytes it read, and people's files break all rules. So a file is cut by
//! bytes ([`scan`]), and only the properties that have to change are touched.
//!
//! Reading order: [`spool`] keeps a file on disk, in one character set and out of its archive; [`scan`] finds the
//! components in it, with their lines; [`objects`] groups them by UID; [`calendar`], [`contact`] and [`table`] turn one
//! into the text that is stored; [`meaning`] tells whether two texts say the same. [`server`] talks to the server,
//! and [`import`] does the whole in steps that may be repeated. Nothing here knows of SQS or S3.

pub mod access;
pub mod archive;
pub mod calendar;
pub mod charset;
pub mod contact;
pub mod content_line;
pub mod import;
pub mod meaning;
pub mod objects;
pub mod scan;
pub mod server;
pub mod spool;
pub mod table;
pub mod time_zone;
pub mod vcard21;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

/// What an object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A vCard.
    Contacts,
    /// An event, a task or a journal entry.
    #[default]
    Calendar,
}

/// Something of a file that did not become an object, or not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file within an archive; absent where the upload is the file itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1; 0 where the file as a whole is meant.
    pub line: u64,
    /// Why, in words for people.
    pub reason: String,
}

/// An object, as it is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// What it is.
    pub kind: Kind,
    /// `VCARD`, `VEVENT`, `VTODO` or `VJOURNAL`.
    pub component: &'static str,
    /// Its UID: its own, or one derived from its content.
    pub uid: String,
    /// The text, UTF-8 with CRLF.
    pub text: String,
}

impl Problem {
    /// A problem in a line of a file.
    pub fn new(line: u64, reason: impl Into<String>) -> Self {
        Self {
            file: None,
            line,
            reason: reason.into(),
        }
    }
}

/// The first half of SHA-256: what tells texts apart here.
pub(crate) fn print_of(parts: &[&[u8]]) -> [u8; 16] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in parts {
        context.update(part);
        context.update(&[0]);
    }
    let mut print = [0; 16];
    for (to, from) in print.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    print
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing into a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
