//! A table of texts, whichever file it came in: names of columns first, then mailboxes.

use super::damage;
use super::header::{Column, Header};
use super::quoting::declared;
use super::row::{Checker, RawRow};
use super::{Intake, MAX_LINES, MAX_ROWS, Policy};
use crate::domain::{Fault, FaultCode};

/// Takes rows one after the other; remembers what belongs to all of them.
pub(super) struct Table<'a> {
    checker: Checker<'a>,
    header: Option<Header>,
    rows: usize,
}

/// Nothing more of the file can be read; the fault that says why has been added.
pub(super) struct Stopped;

impl<'a> Table<'a> {
    pub(super) fn new(policy: Policy<'a>) -> Self {
        Self {
            checker: Checker::new(policy),
            header: None,
            rows: 0,
        }
    }

    /// What came of all rows that were taken; `is_whole` where nothing stopped it.
    pub(super) fn finish(mut self, is_whole: bool) -> Intake {
        if is_whole && self.rows == 0 {
            self.checker.refuse(nothing_in_it(self.header.is_some()));
        }
        self.checker.finish()
    }

    pub(super) fn refuse(&mut self, fault: Fault) {
        self.checker.refuse(fault);
    }

    /// Adds the fault after which nothing more is read.
    pub(super) fn stop(&mut self, fault: Fault) -> Result<(), Stopped> {
        self.refuse(fault);
        Err(Stopped)
    }

    /// Takes a row. `damaged` are the places of cells that the file itself says are no plain values.
    pub(super) fn take(&mut self, row: u32, cells: &[&str], damaged: &[(usize, FaultCode)]) -> Result<(), Stopped> {
        if (damaged.is_empty() && cells.iter().all(|cell| cell.trim().is_empty())) || self.is_comment(cells) {
            return Ok(());
        }
        self.count(row)?;
        let Some(header) = &self.header else {
            return self.take_header(row, cells);
        };
        if header.is_overrun_by(cells) {
            let message = "the row has more cells than the first line has names. A value with a separator in it, often a password, has to stand in \
                quotation marks; a quotation mark inside of it is written twice.";
            self.refuse(Fault::of_row(row, FaultCode::TooManyCells, message));
            return Ok(());
        }
        let cell = |column| {
            let cell = header.place(column).and_then(|place| cells.get(place));
            cell.copied().unwrap_or_default()
        };
        let by_file = damaged
            .iter()
            .filter_map(|(place, code)| Some((header.column(*place)?, *code)));
        let by_text = Column::ALL
            .into_iter()
            .filter_map(|column| Some((column, damage::of_text(cell(column))?)))
            .filter(|(column, code)| column.is_password() || *code != FaultCode::TypographicQuotes);
        let damaged: Vec<_> = by_file.chain(by_text).collect();
        self.checker.check(&RawRow {
            row,
            email: cell(Column::Email),
            password: cell(Column::Password),
            source_host: cell(Column::SourceHost),
            port: cell(Column::Port),
            security: cell(Column::Security),
            source_user: cell(Column::SourceUser),
            destination_email: cell(Column::DestinationEmail),
            destination_password: cell(Column::DestinationPassword),
            damaged: &damaged,
        });
        Ok(())
    }

    /// A row whose quotation marks make no sense. Above the names it leaves nothing to go by.
    pub(super) fn take_malformed(&mut self, row: u32) -> Result<(), Stopped> {
        self.count(row)?;
        let message = "the quotation marks of this row do not match, so it and perhaps rows below it could not be read. A value in quotation marks begins and ends \
            with one, right beside the separators; a quotation mark inside of it is written twice.";
        self.refuse(Fault::of_row(row, FaultCode::MalformedCsv, message));
        if self.header.is_some() { Ok(()) } else { Err(Stopped) }
    }

    fn count(&mut self, row: u32) -> Result<(), Stopped> {
        self.rows += usize::from(self.header.is_some());
        if self.rows > MAX_ROWS {
            let message = format!(
                "a request can have {MAX_ROWS} mailboxes at most; this row and all below were not read. Put them into a second request."
            );
            self.stop(Fault::of_row(row, FaultCode::TooManyRows, message))
        } else if row > MAX_LINES {
            let message = format!(
                "a file can have {MAX_LINES} lines at most; this one and all below were not read. Delete empty lines, or put the rest into a second request."
            );
            self.stop(Fault::of_row(row, FaultCode::TooManyRows, message))
        } else {
            Ok(())
        }
    }

    fn take_header(&mut self, row: u32, cells: &[&str]) -> Result<(), Stopped> {
        let (header, faults) = Header::read(row, cells);
        for fault in faults {
            self.refuse(fault);
        }
        self.header = header;
        if self.header.is_some() { Ok(()) } else { Err(Stopped) }
    }

    /// A line that begins with `#`, unless that is a password or a spreadsheet's `####`; and Excel's
    /// `sep=;` above the names.
    fn is_comment(&self, cells: &[&str]) -> bool {
        let first = cells.first().map(|cell| cell.trim()).unwrap_or_default();
        let Some(header) = &self.header else {
            return first.starts_with('#') || declared(&cells.concat()).is_some() || is_bare_declaration(cells);
        };
        let is_password = header.column(0).is_some_and(Column::is_password);
        first.starts_with('#') && !is_password && damage::of_text(first).is_none()
    }
}

/// `sep=` whose separator has been cut away as such.
fn is_bare_declaration(cells: &[&str]) -> bool {
    cells.len() == 2 && cells.concat().trim().eq_ignore_ascii_case("sep=")
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
