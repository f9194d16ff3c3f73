//! An .xlsx workbook: its first sheet, cell by cell.
//!
//! A workbook is a ZIP of XML, and both can unpack to far more than they are. So all of it is
//! unpacked once into nothing, up to [`MAX_UNPACKED_BYTES`], before the reader may see it; and the
//! reader is asked for one cell after the other, never for the rectangle they span.

use std::io::{self, Cursor, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use zip::ZipArchive;

use super::header::MAX_COLUMNS;
use super::table::{Stopped, Table};
use crate::domain::{Fault, FaultCode};

/// What a workbook may unpack to: 50,000 rows of eight long cells have half of it.
const MAX_UNPACKED_BYTES: u64 = 64 * 1024 * 1024;
/// How many files a workbook may consist of.
const MAX_PARTS: usize = 500;
/// From here on a spreadsheet keeps no more than 15 digits of a number.
const EXACT_UP_TO: f64 = 1e15;

/// Why a workbook is not read.
enum Refusal {
    Broken,
    TooLarge,
    Encrypted,
    SeveralSheets,
    /// The table has had enough, and the fault has been told.
    Stopped,
}

/// A row while its cells come in.
#[derive(Default)]
struct Row {
    number: u32,
    cells: Vec<String>,
    damaged: Vec<(usize, FaultCode)>,
}

/// Whether these are the first bytes of a ZIP file.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Whether these are the first bytes of what Office wraps encrypted and old documents in.
pub(super) fn is_old_or_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

/// Reads the rows of the first sheet into the table.
pub(super) fn read_workbook(bytes: &[u8], table: &mut Table) -> Result<(), Stopped> {
    // The reader is somebody else's and its input a stranger's: if it panics, the file is at fault.
    let read = catch_unwind(AssertUnwindSafe(|| {
        check_parts(bytes)?;
        read_sheet(bytes, table)
    }));
    let (code, message) = match read.unwrap_or(Err(Refusal::Broken)) {
        Ok(()) => return Ok(()),
        Err(Refusal::Stopped) => return Err(Stopped),
        Err(Refusal::Encrypted) => (
            FaultCode::EncryptedWorkbook,
            "this file has a password. Take it off and save the file again.",
        ),
        Err(Refusal::TooLarge) => (
            FaultCode::UnreadableWorkbook,
            "this workbook unpacks to more than is read. Keep nothing in it but the list of the mailboxes, or save that as \"CSV UTF-8\".",
        ),
        Err(Refusal::SeveralSheets) => (
            FaultCode::SeveralSheets,
            "more than one sheet of this workbook has something in it: put all mailboxes into one, and delete the others.",
        ),
        Err(Refusal::Broken) => (
            FaultCode::UnreadableWorkbook,
            "this is not an .xlsx workbook that can be read. Open it in a spreadsheet and save it as .xlsx or as \"CSV UTF-8\".",
        ),
    };
    table.stop(Fault::of_file(code, message))
}

/// Unpacks all of it into nothing.
fn check_parts(bytes: &[u8]) -> Result<(), Refusal> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Refusal::Broken)?;
    if archive.len() > MAX_PARTS {
        return Err(Refusal::TooLarge);
    }
    let mut left = MAX_UNPACKED_BYTES;
    for number in 0..archive.len() {
        let part = archive.by_index(number).map_err(|error| match error {
            zip::result::ZipError::UnsupportedArchive(zip::result::ZipError::PASSWORD_REQUIRED) => Refusal::Encrypted,
            _ => Refusal::Broken,
        })?;
        let is_strings = part
            .name()
            .map_err(|_| Refusal::Broken)?
            .to_ascii_lowercase()
            .ends_with("sharedstrings.xml");
        let mut part = part.take(left + 1);
        let mut head = Vec::new();
        if is_strings {
            let head_bytes = 64 * 1024;
            part.by_ref()
                .take(head_bytes)
                .read_to_end(&mut head)
                .map_err(|_| Refusal::Broken)?;
        }
        let rest = io::copy(&mut part, &mut io::sink()).map_err(|_| Refusal::Broken)?;
        let unpacked = rest + head.len() as u64;
        left = left.checked_sub(unpacked).ok_or(Refusal::TooLarge)?;
        if is_strings && promised_strings(&head).is_some_and(|promised| promised > unpacked) {
            return Err(Refusal::Broken);
        }
    }
    Ok(())
}

/// How many texts the list of all texts says it has. The reader makes room for that many before it
/// has seen one, so it must not be more than there are bytes.
fn promised_strings(head: &[u8]) -> Option<u64> {
    let name = b"uniqueCount";
    let mut promised = None;
    for at in head
        .windows(name.len())
        .enumerate()
        .filter(|(_, window)| window == name)
    {
        let value = head.get(at.0 + name.len()..).unwrap_or_default();
        let digits: Vec<u8> = value
            .iter()
            .skip_while(|byte| !byte.is_ascii_digit())
            .take_while(|byte| byte.is_ascii_digit())
            .copied()
            .collect();
        let number = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
        promised = promised.max(Some(number.unwrap_or(u64::MAX)));
    }
    promised
}

fn read_sheet(bytes: &[u8], table: &mut Table) -> Result<(), Refusal> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes))?;
    let mut sheets = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .collect::<Vec<_>>()
        .into_iter();
    let first = sheets.next().ok_or(Refusal::Broken)?;
    for other in sheets {
        let mut cells = workbook.worksheet_cells_reader(&other)?;
        while let Some(cell) = cells.next_cell()? {
            if !matches!(cell.get_value(), DataRef::Empty) {
                return Err(Refusal::SeveralSheets);
            }
        }
    }
    let mut cells = workbook.worksheet_cells_reader(&first)?;
    let mut row = Row::default();
    while let Some(cell) = cells.next_cell_with_formula_metadata()? {
        let (at, place) = (cell.pos.0.saturating_add(1), cell.pos.1 as usize);
        if at != row.number {
            row.give(table)?;
            if at < row.number {
                return Err(Refusal::Broken);
            }
            row.number = at;
        }
        row.add(place, &cell.value, cell.formula.is_some());
    }
    row.give(table)
}

impl Row {
    fn add(&mut self, place: usize, value: &DataRef<'_>, is_formula: bool) {
        // One place more than a header may have, so that it is told of a wider one.
        let place = place.min(MAX_COLUMNS);
        let cell = if is_formula {
            Err(FaultCode::Formula)
        } else {
            text_of(value)
        };
        if cell.as_deref() == Ok("") {
            return;
        }
        if self.cells.len() <= place {
            self.cells.resize(place + 1, String::new());
        }
        match (cell, self.cells.get_mut(place)) {
            (Ok(text), Some(own)) => *own = text,
            (Err(code), _) => self.damaged.push((place, code)),
            (Ok(_), None) => {}
        }
    }

    fn give(&mut self, table: &mut Table) -> Result<(), Refusal> {
        let cells: Vec<&str> = self.cells.iter().map(String::as_str).collect();
        let taken = table.take(self.number, &cells, &self.damaged);
        self.cells.iter_mut().for_each(zeroize::Zeroize::zeroize);
        self.cells.clear();
        self.damaged.clear();
        taken.map_err(|Stopped| Refusal::Stopped)
    }
}

/// A cell as the customer sees it, or why it is not what was typed.
fn text_of(value: &DataRef<'_>) -> Result<String, FaultCode> {
    match value {
        DataRef::Empty => Ok(String::new()),
        DataRef::String(text) => Ok(text.clone()),
        DataRef::SharedString(text) => Ok((*text).to_owned()),
        DataRef::Int(number) => Ok(number.to_string()),
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < EXACT_UP_TO => Ok(format!("{number:.0}")),
        DataRef::Float(_)
        | DataRef::Bool(_)
        | DataRef::DateTime(_)
        | DataRef::DateTimeIso(_)
        | DataRef::DurationIso(_) => Err(FaultCode::AlteredBySpreadsheet),
        DataRef::Error(_) => Err(FaultCode::SpreadsheetError),
    }
}

impl From<XlsxError> for Refusal {
    fn from(error: XlsxError) -> Self {
        match error {
            XlsxError::Password => Self::Encrypted,
            _ => Self::Broken,
        }
    }
}
