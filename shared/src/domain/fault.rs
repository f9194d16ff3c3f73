//! What is wrong with a customer's input, where it stands, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One fault of one row. A row with several has several of these.
///
/// The message is for the customer and complete in itself: what is wrong and what to do. It never
/// contains the content of a cell, because any cell may be a password in the wrong column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The line the row begins at in the file, or the position in the form; both from 1. 0 is the
    /// file as a whole.
    pub row: u32,
    /// The column, by the name of the template; none when the whole row or file is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What kind of fault it is, for programs.
    pub code: FaultCode,
    /// What is wrong and what to do, for people.
    pub message: String,
}

/// The kinds of faults; stored and shown in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// The file is larger than allowed.
    FileTooLarge,
    /// The text is in an encoding that is not known, or in two.
    UnknownEncoding,
    /// Neither a CSV file nor an .xlsx workbook.
    UnsupportedFile,
    /// A workbook with a password.
    EncryptedWorkbook,
    /// A workbook that is broken, or unpacks to more than is read.
    UnreadableWorkbook,
    /// More than one sheet with something in it.
    SeveralSheets,
    /// There is no line with the names of the columns.
    MissingHeader,
    /// There is no row below the names of the columns.
    NoRows,
    /// More rows than allowed.
    TooManyRows,
    /// A required column is not there.
    MissingColumn,
    /// A column that nothing is known about.
    UnknownColumn,
    /// A column that is there twice.
    DuplicateColumn,
    /// Quotation marks or line breaks where they cannot be.
    MalformedCsv,
    /// More cells than columns.
    TooManyCells,
    /// A required value is missing.
    EmptyValue,
    /// A value is longer than allowed.
    TooLong,
    /// A value has a character in it that cannot be sent.
    BadCharacter,
    /// A spreadsheet's `####`.
    SpreadsheetOverflow,
    /// A spreadsheet's `#REF!` and the like.
    SpreadsheetError,
    /// A spreadsheet took a text for a number or a date.
    AlteredBySpreadsheet,
    /// A value in quotation marks that a word processor put in.
    TypographicQuotes,
    /// A formula where a value has to be.
    Formula,
    /// Not an e-mail address.
    BadAddress,
    /// Not a server name.
    BadHost,
    /// Not a port.
    BadPort,
    /// Not a way of protecting the connection.
    BadSecurity,
    /// The connection would not be protected, and that is not allowed.
    PlaintextRefused,
    /// The usual port of one way of protection with the other way.
    ContradictoryPort,
    /// The same mailbox stands in an earlier row.
    DuplicateMailbox,
    /// The same mailbox stands in an earlier row with other values.
    ContradictoryRows,
    /// Another mailbox already goes to the same destination.
    DuplicateDestination,
    /// The example of the template was left in.
    ExampleRow,
    /// The order's permit is not for the mailbox that mail is to be moved into.
    NotPermitted,
}

impl Fault {
    /// A fault of one cell.
    pub fn at(row: u32, column: &str, code: FaultCode, message: impl Into<String>) -> Self {
        Self {
            row,
            column: Some(column.to_owned()),
            code,
            message: message.into(),
        }
    }

    /// A fault of a whole row.
    pub fn of_row(row: u32, code: FaultCode, message: impl Into<String>) -> Self {
        Self {
            row,
            column: None,
            code,
            message: message.into(),
        }
    }

    /// A fault of the whole file.
    pub fn of_file(code: FaultCode, message: impl Into<String>) -> Self {
        Self::of_row(0, code, message)
    }
}

impl FaultCode {
    /// The code as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FileTooLarge => "file_too_large",
            Self::UnknownEncoding => "unknown_encoding",
            Self::UnsupportedFile => "unsupported_file",
            Self::EncryptedWorkbook => "encrypted_workbook",
            Self::UnreadableWorkbook => "unreadable_workbook",
            Self::SeveralSheets => "several_sheets",
            Self::MissingHeader => "missing_header",
            Self::NoRows => "no_rows",
            Self::TooManyRows => "too_many_rows",
            Self::MissingColumn => "missing_column",
            Self::UnknownColumn => "unknown_column",
            Self::DuplicateColumn => "duplicate_column",
            Self::MalformedCsv => "malformed_csv",
            Self::TooManyCells => "too_many_cells",
            Self::EmptyValue => "empty_value",
            Self::TooLong => "too_long",
            Self::BadCharacter => "bad_character",
            Self::SpreadsheetOverflow => "spreadsheet_overflow",
            Self::SpreadsheetError => "spreadsheet_error",
            Self::AlteredBySpreadsheet => "altered_by_spreadsheet",
            Self::TypographicQuotes => "typographic_quotes",
            Self::Formula => "formula",
            Self::BadAddress => "bad_address",
            Self::BadHost => "bad_host",
            Self::BadPort => "bad_port",
            Self::BadSecurity => "bad_security",
            Self::PlaintextRefused => "plaintext_refused",
            Self::ContradictoryPort => "contradictory_port",
            Self::ContradictoryRows => "contradictory_rows",
            Self::DuplicateMailbox => "duplicate_mailbox",
            Self::DuplicateDestination => "duplicate_destination",
            Self::ExampleRow => "example_row",
            Self::NotPermitted => "not_permitted",
        }
    }
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_json_that_reads_back() {
        let fault = Fault::at(7, "port", FaultCode::BadPort, "write a number");
        let json = serde_json::to_string(&fault).unwrap();
        assert_eq!(
            json,
            r#"{"row":7,"column":"port","code":"bad_port","message":"write a number"}"#
        );
        assert_eq!(serde_json::from_str::<Fault>(&json).unwrap(), fault);
        let whole = Fault::of_file(FaultCode::UnknownEncoding, "x");
        assert_eq!(
            serde_json::to_string(&whole).unwrap(),
            r#"{"row":0,"code":"unknown_encoding","message":"x"}"#
        );
    }

    #[test]
    fn codes_are_stored_as_they_are_shown() {
        for code in [
            FaultCode::FileTooLarge,
            FaultCode::UnknownEncoding,
            FaultCode::TooManyCells,
            FaultCode::PlaintextRefused,
            FaultCode::ExampleRow,
            FaultCode::NotPermitted,
        ] {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
        }
    }
}
