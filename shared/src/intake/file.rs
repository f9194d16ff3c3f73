//! The customer's file: a CSV, or a workbook of a spreadsheet program.

use super::quoting::{Lines, is_well_quoted, separator};
use super::table::{Stopped, Table};
use super::text::decode;
use super::workbook::{is_old_or_encrypted, is_zip, read_workbook};
use super::{Intake, MAX_FILE_BYTES, Policy};
use crate::domain::{Fault, FaultCode};

/// Reads the file: every row is accepted or has its faults in the result. What it is, is told by its
/// content.
///
/// A CSV is text in UTF-8, UTF-16 or Windows-1252; separated by commas, semicolons or tabs; lines
/// end in CR, LF or CRLF; empty ones, and those that begin with `#`, do not count. The first line
/// names the columns, in any order, by the names of the template or by usual ones in English,
/// German, French, Italian and Spanish. Spaces around values are dropped, except in passwords. Rows
/// are numbered by the line they begin at, as an editor shows it, so the first row below the names
/// is usually 2.
///
/// Of an .xlsx workbook the first sheet is read, and its rows have the numbers that the spreadsheet
/// shows.
pub fn read_file(bytes: &[u8], policy: Policy<'_>) -> Intake {
    let mut table = Table::new(policy);
    let ended = if bytes.len() > MAX_FILE_BYTES {
        table.stop(too_large())
    } else if is_zip(bytes) {
        read_workbook(bytes, &mut table)
    } else if is_old_or_encrypted(bytes) {
        let message = "this workbook has a password, or is in the old format .xls. Take the password off, and save it as .xlsx or as \"CSV UTF-8\".";
        table.stop(Fault::of_file(FaultCode::EncryptedWorkbook, message))
    } else {
        match decode(bytes) {
            Ok(text) => read_csv(text.as_str(), &mut table),
            Err(fault) => table.stop(fault),
        }
    };
    table.finish(ended.is_ok())
}

/// The fault of a file that is larger than is read.
pub fn too_large() -> Fault {
    let message = format!(
        "the file is larger than {} MiB. Split it into several requests.",
        MAX_FILE_BYTES / 1024 / 1024
    );
    Fault::of_file(FaultCode::FileTooLarge, message)
}

fn read_csv(text: &str, table: &mut Table) -> Result<(), Stopped> {
    let bytes = text.as_bytes();
    let separator = separator(text);
    let mut lines = Lines::new(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(bytes);
    let mut record = csv::StringRecord::new();
    loop {
        let from = offset(reader.position());
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(_) => return table.stop(unreadable()),
        }
        let (row, start) = lines.next_content(from);
        let raw = bytes.get(start..offset(reader.position())).unwrap_or_default();
        if is_well_quoted(raw, separator) {
            table.take(row, &record.iter().collect::<Vec<_>>(), &[])?;
        } else {
            table.take_malformed(row)?;
        }
    }
}

fn unreadable() -> Fault {
    Fault::of_file(
        FaultCode::MalformedCsv,
        "the file could not be read as CSV. Begin with the template.",
    )
}

fn offset(position: &csv::Position) -> usize {
    usize::try_from(position.byte()).unwrap_or(usize::MAX)
}
