//! Google's export of contacts as a table (.csv), in its old and its new form.
//!
//! What has a place in a vCard goes there; every other cell goes into the note with its heading, so that nothing is
//! missing.

use std::collections::BTreeMap;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::charset::decode;
use super::contact::Card;
use super::objects::{Component, Index, Piece};
use super::scan::{MAX_PIECES, ScanError};

/// The largest table: its rows are held one by one, but a quote that does not end holds the rest.
const MAX_TABLE_BYTES: u64 = 20 << 20;

/// What Google puts between several values of a cell.
const BETWEEN: &str = ":::";

/// Whether a text begins with the headings of Google's table.
pub fn is_table(text: &[u8]) -> bool {
    let line = text
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line).to_lowercase();
    let names = [("given name", "family name"), ("first name", "last name")];
    names
        .iter()
        .any(|(given, family)| line.contains(given) && line.contains(family))
        && line.contains("e-mail")
}

/// Finds the rows of a table.
///
/// # Errors
/// [`ScanError`].
pub fn scan(index: &mut Index, part: u32, offset: u64, length: u64, reader: &mut impl Read) -> Result<(), ScanError> {
    if length > MAX_TABLE_BYTES {
        index.note(part, 0, "a table may have 20 MiB at most; split it", true);
        return Ok(());
    }
    // Records end with LF alone, so that a row begins where its line does; cells lose the CR when they are trimmed.
    let mut table = ReaderBuilder::new()
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .from_reader(reader);
    let headings = table.byte_headers().map_err(not_a_table)?;
    let headings = headings
        .iter()
        .map(|heading| decode(heading, None).trim().to_owned())
        .collect();
    index.headings.insert(part, headings);
    let mut record = ByteRecord::new();
    let mut rows: Vec<(u64, u64)> = Vec::new();
    while table.read_byte_record(&mut record).map_err(not_a_table)? {
        let is_empty = record.iter().all(|cell| cell.trim_ascii().is_empty());
        if let Some(position) = record.position().filter(|_| !is_empty) {
            rows.push((position.byte(), position.line()));
        }
        if rows.len() + index.pieces.len() > MAX_PIECES {
            return Err(ScanError::TooMany);
        }
    }
    let ends: Vec<u64> = rows.iter().skip(1).map(|(byte, _)| *byte).chain([length]).collect();
    for ((start, line), end) in rows.into_iter().zip(ends) {
        index.pieces.push(Piece {
            component: Component::Row,
            part,
            container: None,
            start: offset + start,
            end: offset + end,
            line,
            uid: None,
            is_override: false,
            zones: Vec::new(),
        });
    }
    Ok(())
}

fn not_a_table(error: csv::Error) -> ScanError {
    ScanError::Read(std::io::Error::other(error))
}

/// A row as a vCard; an empty one is none.
pub fn card(headings: &[String], row: &[u8]) -> Option<Card> {
    let mut reader = ReaderBuilder::new().flexible(true).has_headers(false).from_reader(row);
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record).ok()?;
    let mut cells: BTreeMap<String, String> = BTreeMap::new();
    let mut order = Vec::new();
    for (n, cell) in record.iter().enumerate() {
        let text = decode(cell, None).trim().to_owned();
        let mut heading = headings.get(n).cloned().unwrap_or_else(|| format!("Column {}", n + 1));
        if !text.is_empty() {
            if cells.contains_key(&heading.to_lowercase()) {
                heading = format!("{heading} (column {})", n + 1);
            }
            order.push(heading.clone());
            cells.insert(heading.to_lowercase(), text);
        }
    }
    if cells.is_empty() {
        return None;
    }
    let mut row = Row {
        cells,
        card: Card::new(),
    };
    row.names();
    row.values("e-mail", "EMAIL");
    row.values("phone", "TEL");
    row.values("website", "URL");
    row.addresses();
    row.plain();
    row.rest(&order);
    Some(row.card)
}

struct Row {
    /// What has not found its place yet, by the heading in lower case.
    cells: BTreeMap<String, String>,
    card: Card,
}

impl Row {
    fn take(&mut self, headings: &[&str]) -> String {
        headings
            .iter()
            .find_map(|heading| self.cells.remove(*heading))
            .unwrap_or_default()
    }

    fn names(&mut self) {
        let parts = [
            self.take(&["family name", "last name"]),
            self.take(&["given name", "first name"]),
            self.take(&["additional name", "middle name"]),
            self.take(&["name prefix"]),
            self.take(&["name suffix"]),
        ];
        let [family, given, middle, prefix, suffix] = &parts;
        let whole = [prefix, given, middle, family, suffix];
        let whole: Vec<&str> = whole
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        let told = self.take(&["name", "file as"]);
        let shown = if told.is_empty() { whole.join(" ") } else { told };
        if !shown.is_empty() {
            self.card.text("FN", &shown);
        }
        self.card.structured("N", &parts);
    }

    /// `E-mail 1 - Value` with its `Type` or `Label`, and so on.
    fn values(&mut self, heading: &str, property: &str) {
        for n in 1..=50 {
            let values = self.take(&[&format!("{heading} {n} - value")]);
            let label = self.take(&[&format!("{heading} {n} - type"), &format!("{heading} {n} - label")]);
            if values.is_empty() {
                self.keep(&format!("{heading} {n} - label"), label);
                continue;
            }
            for value in values.split(BETWEEN).map(str::trim).filter(|value| !value.is_empty()) {
                self.card.labelled(property, &label, value);
            }
        }
    }

    fn addresses(&mut self) {
        for n in 1..=20 {
            let mut part = |name: &str| self.take(&[&format!("address {n} - {name}")]);
            let label = [part("type"), part("label")].concat();
            let parts = [
                part("po box"),
                part("extended address"),
                part("street"),
                part("city"),
                part("region"),
                part("postal code"),
                part("country"),
            ];
            let formatted = part("formatted");
            if parts.iter().any(|part| !part.is_empty()) {
                self.card.labelled_address(&label, &parts);
            } else {
                self.keep(&format!("address {n} - formatted"), formatted);
                self.keep(&format!("address {n} - label"), label);
            }
        }
    }

    fn plain(&mut self) {
        let organisation = [
            self.take(&["organization name", "organization 1 - name"]),
            self.take(&["organization department", "organization 1 - department"]),
        ];
        if organisation.iter().any(|part| !part.is_empty()) {
            self.card.structured("ORG", &organisation);
        }
        for (property, headings) in [
            ("TITLE", &["organization title", "organization 1 - title"][..]),
            ("NICKNAME", &["nickname"]),
            ("BDAY", &["birthday"]),
        ] {
            let value = self.take(headings);
            if !value.is_empty() {
                self.card.text(property, &value);
            }
        }
        let photo = self.take(&["photo"]);
        if !photo.is_empty() {
            self.card.uri("PHOTO;VALUE=uri", &photo);
        }
        let labels = self.take(&["labels", "group membership"]);
        let labels: Vec<&str> = labels
            .split(BETWEEN)
            .map(|label| label.trim().trim_start_matches(['*', ' ']))
            .filter(|label| !label.is_empty() && !label.eq_ignore_ascii_case("mycontacts"))
            .collect();
        if !labels.is_empty() {
            self.card.list("CATEGORIES", &labels);
        }
    }

    fn keep(&mut self, heading: &str, value: String) {
        if !value.is_empty() {
            self.cells.insert(heading.to_owned(), value);
        }
    }

    /// The note, and in it every cell that has no place of its own.
    fn rest(&mut self, order: &[String]) {
        let mut lines = vec![self.take(&["notes"])];
        for heading in order {
            if let Some(value) = self.cells.remove(&heading.to_lowercase()) {
                lines.push(format!("{heading}: {value}"));
            }
        }
        lines.extend(self.cells.values().cloned());
        lines.retain(|line| !line.is_empty());
        if !lines.is_empty() {
            self.card.text("NOTE", &lines.join("\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_the_same_heading_are_both_kept() {
        let headings = ["First Name", "Notes", "Notes", "notes"].map(str::to_owned);
        let text = card(&headings, b"Ana,one,two,three\n").unwrap().finish();
        assert!(["one", "two", "three"].iter().all(|note| text.contains(note)), "{text}");
    }

    #[test]
    fn every_cell_is_somewhere_in_the_card() {
        let headings = "First Name,Last Name,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Labels,\
                        Custom Field 1 - Label,Custom Field 1 - Value,Address 1 - City,Notes";
        let headings: Vec<String> = headings.split(',').map(str::to_owned).collect();
        let row = "Jörg,\"Müller, Dr.\",* Work,j@example.org ::: k@example.org,Boat,+49 1,* Family ::: * myContacts,\
                   Shoe,44,Köln,\"a\nb\"\n";
        let text = card(&headings, row.as_bytes()).unwrap().finish();
        insta::assert_snapshot!(text.replace("\r\n", "\n"));
    }
}
