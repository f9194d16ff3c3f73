//! The customer's CSV file.

use super::header::{Column, Header};
use super::quoting::{Lines, is_well_quoted, separator};
use super::row::{Checker, RawRow};
use super::{Intake, MAX_FILE_BYTES, MAX_ROWS, Policy};
use crate::domain::{Fault, FaultCode};

/// Reads the file: every row is accepted or has its faults in the result.
///
/// The file is UTF-8, with or without a byte order mark; separated by commas, semicolons or tabs,
/// which the first line decides; lines end in CR, LF or CRLF, and empty ones do not count. The
/// first line names the columns, in any order and case. Spaces around values are dropped, except in
/// passwords. Rows are numbered by the line they begin at, as an editor shows it, so the first row
/// below the names is usually 2.
pub fn read_csv(bytes: &[u8], policy: Policy) -> Intake {
    let mut checker = Checker::new(policy);
    if let Err(fault) = read(bytes, &mut checker) {
        checker.refuse(fault);
    }
    checker.finish()
}

/// The error is the fault after which nothing more can be read.
fn read(bytes: &[u8], checker: &mut Checker) -> Result<(), Fault> {
    let bytes = check_text(bytes)?;
    let separator = separator(bytes);
    let mut lines = Lines::new(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(bytes);
    let mut record = csv::StringRecord::new();
    let mut header = None;
    let mut rows = 0;
    loop {
        let from = offset(reader.position());
        if !reader.read_record(&mut record).map_err(|_| unreadable())? {
            break;
        }
        let (row, start) = lines.next_content(from);
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        rows += usize::from(header.is_some());
        if rows > MAX_ROWS {
            let message = format!(
                "a request can have {MAX_ROWS} mailboxes at most; this row and all below were not read. Put them into a second request."
            );
            return Err(Fault::of_row(row, FaultCode::TooManyRows, message));
        }
        let raw = bytes.get(start..offset(reader.position())).unwrap_or_default();
        if !is_well_quoted(raw, separator) {
            checker.refuse(malformed(row));
            if header.is_none() {
                return Ok(());
            }
            continue;
        }
        let Some(header) = &header else {
            let (read, faults) = Header::read(row, &record.iter().collect::<Vec<_>>());
            for fault in faults {
                checker.refuse(fault);
            }
            header = Some(match read {
                Some(read) => read,
                None => return Ok(()),
            });
            continue;
        };
        check_record(row, &record, header, checker);
    }
    if rows == 0 {
        Err(nothing_in_it(header.is_some()))
    } else {
        Ok(())
    }
}

fn check_text(bytes: &[u8]) -> Result<&[u8], Fault> {
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!(
            "the file is larger than {} MiB. Split it into several requests.",
            MAX_FILE_BYTES / 1024 / 1024
        );
        return Err(Fault::of_file(FaultCode::FileTooLarge, message));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Err(error) = std::str::from_utf8(bytes) {
        let (row, _) = Lines::new(bytes).next_content(error.valid_up_to());
        let message = "the file is not text in UTF-8. Save it again and choose \"CSV UTF-8\" as its format.";
        return Err(Fault::of_row(row, FaultCode::NotUtf8, message));
    }
    Ok(bytes)
}

fn check_record(row: u32, record: &csv::StringRecord, header: &Header, checker: &mut Checker) {
    if header.is_overrun_by(record) {
        let message = "the row has more cells than the first line has names. A value with a separator in it, often a password, has to stand in \
            quotation marks; a quotation mark inside of it is written twice.";
        return checker.refuse(Fault::of_row(row, FaultCode::TooManyCells, message));
    }
    let cell = |column| header.cell(record, column);
    checker.check(&RawRow {
        row,
        email: cell(Column::Email),
        password: cell(Column::Password),
        source_host: cell(Column::SourceHost),
        port: cell(Column::Port),
        security: cell(Column::Security),
        source_user: cell(Column::SourceUser),
        destination_email: cell(Column::DestinationEmail),
        destination_password: cell(Column::DestinationPassword),
    });
}

fn malformed(row: u32) -> Fault {
    let message = "the quotation marks of this row do not match, so it and perhaps rows below it could not be read. A value in quotation marks begins and ends \
        with one, right beside the separators; a quotation mark inside of it is written twice.";
    Fault::of_row(row, FaultCode::MalformedCsv, message)
}

fn unreadable() -> Fault {
    Fault::of_file(
        FaultCode::MalformedCsv,
        "the file could not be read as CSV. Begin with the template.",
    )
}

fn nothing_in_it(header: bool) -> Fault {
    if header {
        Fault::of_file(
            FaultCode::NoRows,
            "the file has no mailbox in it: write one row for each below the first line.",
        )
    } else {
        Fault::of_file(FaultCode::NoRows, "the file is empty. Begin with the template.")
    }
}

fn offset(position: &csv::Position) -> usize {
    usize::try_from(position.byte()).unwrap_or(usize::MAX)
}
