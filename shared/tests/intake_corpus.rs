//! Files as people's programs write them, in `tests/fixtures/intake`, and what becomes of each.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test as a whole: a wrong answer may end it anywhere, and it measures"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use mailvan::domain::{Fault, FaultCode, MailboxOrder, Secret};
use mailvan::intake::{Intake, MAX_ROWS, Policy, read_file, template_xlsx};

mod shown;

use shown::{faults, rows};

static CORPUS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/intake");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                std::fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
});

#[test]
fn every_file_of_the_corpus_has_the_expected_outcome() {
    let files = &*CORPUS;
    assert!(files.len() >= 60, "{}", files.len());
    let mut outcome = String::new();
    for (name, bytes) in files {
        let intake = read_file(bytes, Policy::STRICT);
        writeln!(outcome, "== {name}").unwrap();
        for row in rows(&intake) {
            writeln!(outcome, "row {row}").unwrap();
        }
        for fault in &intake.faults {
            let column = fault.column.as_deref().unwrap_or("-");
            writeln!(outcome, "FAULT {}:{column}:{} {}", fault.row, fault.code, fault.message).unwrap();
        }
    }
    insta::assert_snapshot!(outcome);
}

#[test]
fn the_workbook_to_fill_in_is_the_same_as_the_file() {
    let workbook = template_xlsx().unwrap();
    assert_eq!(faults(&read_file(&workbook, Policy::STRICT)), ["2:-:example_row"]);
}

fn file_of(mailboxes: usize) -> String {
    let mut text = "email,password,source_host,destination_email\n".to_owned();
    for n in 0..mailboxes {
        // Every fourth with faults, every tenth a mailbox that was there before.
        let (user, host) = if n % 10 == 9 {
            (n - 9, "imap")
        } else {
            (n, if n % 4 == 3 { "/" } else { "imap" })
        };
        writeln!(text, "user{user}@example.com,hunter{n},{host}.example.com,").unwrap();
    }
    text
}

/// Ten times the rows in far less than a hundred times the time. The fastest of three counts, so
/// that a busy machine does not.
#[test]
fn time_is_linear_up_to_the_largest_file() {
    let fastest = |mailboxes: usize| -> Duration {
        let text = file_of(mailboxes);
        let read = || {
            let begun = Instant::now();
            let intake = read_file(text.as_bytes(), Policy::STRICT);
            assert!(intake.rows.len() > mailboxes / 2 && intake.faults.len() > mailboxes / 5);
            begun.elapsed()
        };
        (0..3).map(|_| read()).min().unwrap()
    };
    let (few, many) = (fastest(MAX_ROWS / 10), fastest(MAX_ROWS));
    assert!(
        many < few * 40,
        "{few:?} for {}, {many:?} for {MAX_ROWS}",
        MAX_ROWS / 10
    );
}

#[test]
fn rows_and_lines_beyond_the_limits_are_told() {
    let intake = read_file(file_of(MAX_ROWS + 1).as_bytes(), Policy::STRICT);
    assert_eq!(
        intake.faults.last().map(|fault| (fault.row, fault.code)),
        Some((50_002, FaultCode::TooManyRows))
    );
    let text = format!(
        "email,password,source_host\n{}a@example.com,x,imap.example.com\n",
        "\n".repeat(99_998)
    );
    assert_eq!(
        faults(&read_file(text.as_bytes(), Policy::STRICT)),
        ["100000:-:too_many_rows"]
    );
}

#[test]
fn a_workbook_reads_like_the_file_it_was_made_of() {
    let text = file_of(300);
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, line) in (0..).zip(text.lines()) {
        for (column, cell) in (0..).zip(line.split(',')) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    let (file, book) = (
        read_file(text.as_bytes(), Policy::STRICT),
        read_file(&workbook.save_to_buffer().unwrap(), Policy::STRICT),
    );
    assert_eq!((rows(&file), faults(&file)), (rows(&book), faults(&book)));
}

proptest! {
    /// Single bytes of real files turned into others: whatever comes out, it comes out.
    #[test]
    fn no_damaged_file_makes_the_reader_panic(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let files: Vec<_> = CORPUS.iter().filter(|(_, bytes)| (1..20_000).contains(&bytes.len())).collect();
        let (_, bytes) = which.get(&files);
        let mut bytes = bytes.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_file(&bytes, Policy::STRICT);
    }

    #[test]
    fn one_text_reads_the_same_in_every_encoding(
        passwords in prop::collection::vec("[a-zäöüéß ]{1,12}", 1..8),
    ) {
        let mut text = "email;password;source_host\r\n".to_owned();
        for (n, password) in passwords.iter().enumerate() {
            write!(text, "user{n}@example.com;{password};imap.example.com\r\n").unwrap();
        }
        let (windows, _, unmappable) = encoding_rs::WINDOWS_1252.encode(&text);
        prop_assert!(!unmappable);
        let utf_16 = |mark: &str, order: fn(u16) -> [u8; 2]| format!("{mark}{text}").encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let expected = rows(&read_file(text.as_bytes(), Policy::STRICT));
        prop_assert_eq!(expected.len(), passwords.len());
        for bytes in [windows.into_owned(), utf_16("\u{feff}", u16::to_le_bytes), utf_16("\u{feff}", u16::to_be_bytes), utf_16("", u16::to_le_bytes)] {
            prop_assert_eq!(&rows(&read_file(&bytes, Policy::STRICT)), &expected);
        }
    }
}
