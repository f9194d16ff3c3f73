//! The first line of the file: which column stands where.

use strsim::levenshtein;

use super::synonyms::{self, is_beside_the_point};
use crate::domain::{Fault, FaultCode};

/// The most cells a first line is looked at: the cost of a row, and the number of faults, grow with them.
pub(super) const MAX_COLUMNS: usize = 64;

/// A column of the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Email,
    Password,
    SourceHost,
    Port,
    Security,
    SourceUser,
    DestinationEmail,
    DestinationPassword,
}

/// Where the columns are.
pub(super) struct Header {
    /// One entry a cell; none where the name is empty or was a fault.
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Known(Column),
    /// Without a name: its cells must be empty.
    Unnamed,
    /// With a name that was refused or does not matter: its cells are not looked at.
    Ignored,
}

impl Column {
    pub(super) const ALL: [Self; 8] = [
        Self::Email,
        Self::Password,
        Self::SourceHost,
        Self::Port,
        Self::Security,
        Self::SourceUser,
        Self::DestinationEmail,
        Self::DestinationPassword,
    ];
    const REQUIRED: [Self; 2] = [Self::Email, Self::Password];

    /// Whether its values are taken as they are.
    pub(super) fn is_password(self) -> bool {
        matches!(self, Self::Password | Self::DestinationPassword)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Password => "password",
            Self::SourceHost => "source_host",
            Self::Port => "port",
            Self::Security => "security",
            Self::SourceUser => "source_user",
            Self::DestinationEmail => "destination_email",
            Self::DestinationPassword => "destination_password",
        }
    }
}

impl Header {
    /// Reads the names. The header is none when no row below it could be understood; the faults
    /// then say why.
    pub(super) fn read(row: u32, cells: &[&str]) -> (Option<Self>, Vec<Fault>) {
        if cells.len() > MAX_COLUMNS {
            let message = format!(
                "the first line has more than {MAX_COLUMNS} cells. Begin with the template and keep its first line."
            );
            return (None, vec![Fault::of_row(row, FaultCode::TooManyCells, message)]);
        }
        let names: Vec<String> = cells.iter().map(|cell| normal(cell)).collect();
        let known: Vec<Option<Column>> = cells.iter().map(|cell| synonyms::column(cell)).collect();
        // A row of data must not be repeated in a message, and no heading has an @ in it.
        if known.iter().all(Option::is_none) || cells.iter().any(|cell| cell.contains('@')) {
            let message = format!(
                "the first line has to be the names of the columns, separated by commas, semicolons or tabs: {}. Begin with the template and keep its first line.",
                list()
            );
            return (None, vec![Fault::of_row(row, FaultCode::MissingHeader, message)]);
        }
        let is_header = known.contains(&Some(Column::Email));
        let (mut slots, mut faults) = (Vec::new(), Vec::new());
        for (number, (name, column)) in names.iter().zip(&known).enumerate() {
            slots.push(match column {
                Some(column) if slots.contains(&Slot::Known(*column)) => {
                    let message = format!("the column {} is there twice: remove one of them.", column.name());
                    faults.push(Fault::at(row, column.name(), FaultCode::DuplicateColumn, message));
                    Slot::Ignored
                }
                Some(column) => Slot::Known(*column),
                None if name.is_empty() => Slot::Unnamed,
                None if is_beside_the_point(name) => Slot::Ignored,
                None => {
                    faults.push(unknown(row, number + 1, name, is_header));
                    Slot::Ignored
                }
            });
        }
        for column in Column::REQUIRED {
            if !slots.contains(&Slot::Known(column)) {
                let message = format!(
                    "the column {} is missing: add it to the first line and fill it in for every mailbox.",
                    column.name()
                );
                faults.push(Fault::at(row, column.name(), FaultCode::MissingColumn, message));
            }
        }
        let complete = faults.iter().all(|fault| fault.code != FaultCode::MissingColumn);
        (complete.then_some(Self { slots }), faults)
    }

    /// The place of a column in a row.
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.slots.iter().position(|slot| *slot == Slot::Known(column))
    }

    /// The column at a place; none where no column is that is looked at.
    pub(super) fn column(&self, place: usize) -> Option<Column> {
        match self.slots.get(place) {
            Some(Slot::Known(column)) => Some(*column),
            _ => None,
        }
    }

    /// Whether something stands where no column is.
    pub(super) fn is_overrun_by(&self, cells: &[&str]) -> bool {
        let no_column = |at: usize| self.slots.get(at).is_none_or(|slot| *slot == Slot::Unnamed);
        cells
            .iter()
            .enumerate()
            .any(|(at, cell)| no_column(at) && !cell.trim().is_empty())
    }
}

/// The name as the template would write it, for a customer to recognise.
fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

fn list() -> String {
    Column::ALL.map(Column::name).join(", ")
}

fn unknown(row: u32, number: usize, name: &str, is_header: bool) -> Fault {
    let harmless = name.len() <= 40 && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let shown = if is_header && harmless {
        name.to_owned()
    } else {
        format!("column {number}")
    };
    let advice = match nearest(name) {
        Some(column) => format!(
            "perhaps {} is meant. Correct the name or remove the column.",
            column.name()
        ),
        None => format!("remove it or choose one of {}.", list()),
    };
    let message = format!("the name of {shown} is not known: {advice}");
    Fault::at(row, &shown, FaultCode::UnknownColumn, message)
}

/// The column that alone has the name as a part, as `host` is one of `source_host`; else the one
/// fewest slips of the pen away, when that is few for its length.
fn nearest(name: &str) -> Option<Column> {
    if name.len() > 40 {
        return None;
    }
    let mut wider = Column::ALL
        .into_iter()
        .filter(|column| name.len() > 2 && column.name().contains(name));
    if let (Some(column), None) = (wider.next(), wider.next()) {
        return Some(column);
    }
    let (slips, column) = Column::ALL
        .into_iter()
        .map(|column| (levenshtein(name, column.name()), column))
        .min_by_key(|(slips, _)| *slips)?;
    (slips * 2 <= column.name().len()).then_some(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (bool, Vec<(FaultCode, Option<String>)>) {
        let (header, faults) = Header::read(1, &line.split(',').collect::<Vec<_>>());
        (
            header.is_some(),
            faults.into_iter().map(|fault| (fault.code, fault.column)).collect(),
        )
    }

    #[test]
    fn names_are_found_in_any_order_and_spelling_of_case_and_spaces() {
        for line in [
            "email,password,source_host",
            "Name,E-Mail-Adresse,Passwort,Server,Bemerkung",
            "Source Host,EMAIL, Password ,port,,",
            "source-host,security,password,email",
        ] {
            assert_eq!(read(line), (true, Vec::new()), "{line}");
        }
    }

    #[test]
    fn a_slip_in_a_name_is_answered_with_the_name() {
        let (header, faults) = Header::read(
            1,
            &[
                "email",
                "password",
                "source_host",
                "prot",
                "destination_emial",
                "colour",
            ],
        );
        assert!(header.is_some());
        let messages: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert!(messages[0].contains("prot is not known: perhaps port"), "{messages:?}");
        assert!(messages[1].contains("perhaps destination_email"), "{messages:?}");
        assert!(
            messages[2].contains("colour is not known: remove it or choose one of"),
            "{messages:?}"
        );
    }

    #[test]
    fn missing_and_double_columns_are_all_named() {
        let expected = vec![
            (FaultCode::DuplicateColumn, Some("email".to_owned())),
            (FaultCode::MissingColumn, Some("password".to_owned())),
        ];
        assert_eq!(read("email,email,port"), (false, expected));
    }

    #[test]
    fn a_first_line_of_data_is_not_repeated() {
        for line in [
            "anna@example.com,hunter2,imap.example.com",
            "anna,hunter2,imap.example.com",
            "hunter2,password,port",
            "anna@example.com,password,hunter2",
        ] {
            let (header, faults) = Header::read(1, &line.split(',').collect::<Vec<_>>());
            assert!(header.is_none());
            assert!(!format!("{faults:?}").contains("hunter2"), "{faults:?}");
        }
    }

    #[test]
    fn the_nearest_column_is_the_one_meant() {
        for (name, column) in [
            ("host", Some(Column::SourceHost)),
            ("user", Some(Column::SourceUser)),
            ("e_mail", Some(Column::Email)),
            ("mail", Some(Column::Email)),
            ("passwort", Some(Column::Password)),
            ("comment", None),
            ("", None),
        ] {
            assert_eq!(nearest(name), column, "{name}");
        }
    }

    #[test]
    fn a_very_wide_first_line_is_one_fault() {
        let wide = [vec!["a"; MAX_COLUMNS - 2], vec!["email"; 3]].concat();
        let (header, faults) = Header::read(1, &wide);
        assert!(header.is_none());
        assert_eq!(
            faults.iter().map(|fault| fault.code).collect::<Vec<_>>(),
            [FaultCode::TooManyCells]
        );
    }

    #[test]
    fn slips_are_counted() {
        for (a, b, count) in [
            ("", "", 0),
            ("", "abc", 3),
            ("port", "prot", 2),
            ("emails", "email", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(levenshtein(a, b), count, "{a} {b}");
            assert_eq!(levenshtein(b, a), count, "{b} {a}");
        }
    }
}
