use proptest::prelude::*;

use super::template::EXAMPLE_HOST;
use super::*;
use crate::domain::Secret;

#[path = "../../tests/shown/mod.rs"]
mod shown;

use shown::{faults, rows};

fn read(text: &str) -> Intake {
    read_file(text.as_bytes(), Policy::STRICT)
}

const HEADER: &str = "email,password,source_host\n";

#[test]
fn the_shortest_file_is_one_mailbox() {
    let intake = read("email,password,source_host\nanna@example.com,hunter2,imap.example.com\n");
    assert_eq!(
        rows(&intake),
        ["2 anna@example.com anna@example.com \"hunter2\" imap.example.com:993 (tls) anna@example.com -"]
    );
    assert!(intake.faults.is_empty());
}

#[test]
fn all_columns_in_any_order_with_any_separator_and_line_break() {
    let expected = [
        "2 Anna@example.com anna7 \" pa,s;s\\\" \" imap.example.com:143 (starttls) a@example.net new",
        "4 bert@example.com bert@example.com \"x\" 192.0.2.1:993 (tls) bert@example.com -",
    ];
    for separator in [",", ";", "\t"] {
        for line_break in ["\n", "\r\n", "\r"] {
            for bom in ["", "\u{feff}"] {
                let lines = [
                    "Port|SECURITY|Destination Password|destination-email|source_user|Email|password|source_host",
                    " 143 | StartTLS |new| a@example.net |anna7 | Anna@Example.com |\" pa,s;s\"\" \"| IMAP.example.com.",
                    " | | | | | | | ",
                    "||||| bert@example.com|x|192.0.2.1",
                    "",
                ];
                let text = format!("{bom}{}", lines.join(line_break).replace('|', separator));
                let intake = read(&text);
                assert_eq!(faults(&intake), Vec::<String>::new(), "{text:?}");
                assert_eq!(rows(&intake), expected, "{text:?}");
            }
        }
    }
}

#[test]
fn blank_lines_do_not_count_but_are_numbered() {
    for line_break in ["\n", "\r\n", "\r"] {
        let text =
            format!("\n\n{HEADER}\n\nanna,x,imap.example.com\n   \n\nb@example.com,\"x\",imap.example.com\n\n\nc,x,h")
                .replace('\n', line_break);
        let intake = read(&text);
        assert_eq!(
            faults(&intake),
            ["6:email:bad_address", "12:email:bad_address"],
            "{text:?}"
        );
        assert_eq!(intake.rows[0].0, 9);
    }
}

#[test]
fn all_faults_of_all_rows_come_at_once() {
    let intake = read(concat!(
        "email,password,source_host,port,security,source_user,destination_email,destination_password\n",
        ",,,,,,,\n",
        "anna,,imaps://imap.example.com,0,yes,\"a\u{1}b\",b@,\"x\ty\"\n",
        "anna@example.com,x,,65536,none,,,\n",
        "bert@example.com,x,imap.example.com,99x,plain,,,\n",
        "cleo@example.com,x,imap.example.com,993,tls,,,\n",
    ));
    assert_eq!(
        faults(&intake),
        [
            "3:email:bad_address",
            "3:password:empty_value",
            "3:source_host:bad_host",
            "3:port:bad_port",
            "3:security:bad_security",
            "3:source_user:bad_character",
            "3:destination_email:bad_address",
            "3:destination_password:bad_character",
            "4:port:bad_port",
            "4:security:plaintext_refused",
            "5:port:bad_port",
            "5:security:plaintext_refused",
        ]
    );
    assert_eq!(intake.rows.len(), 1);
}

#[test]
fn plaintext_is_a_matter_of_policy() {
    let text = b"email,password,source_host,security\nanna@example.com,x,localhost,none\n";
    assert_eq!(
        faults(&read_file(text, Policy::STRICT)),
        ["2:security:plaintext_refused"]
    );
    let allowed = read_file(
        text,
        Policy {
            plaintext_imap: true,
            ..Policy::STRICT
        },
    );
    assert_eq!(
        rows(&allowed),
        ["2 anna@example.com anna@example.com \"x\" localhost:143 (none) anna@example.com -"]
    );
}

#[test]
fn duplicates_are_told_on_the_later_row() {
    let intake = read(concat!(
        "email,password,source_host,destination_email\n",
        "anna@example.com,x,imap.example.com,\n",
        "ANNA@Example.com,y,IMAP.example.com,\n",
        "anna@example.com,x,imap.example.net,\n",
        "anna@example.com,x,imap.example.org,other@example.com\n",
        "bert@example.com,,imap.example.org,\n",
        "bert@example.com,x,imap.example.org,\n",
        "cleo@example.com,x,imap.example.org,Other@example.com\n",
        "anna@example.com,x,imap.example.com,\n",
    ));
    assert_eq!(
        faults(&intake),
        [
            "3:email:contradictory_rows",
            "4:destination_email:duplicate_destination",
            "6:password:empty_value",
            "7:email:contradictory_rows",
            "8:destination_email:duplicate_destination",
            "9:email:duplicate_mailbox",
        ]
    );
    assert!(intake.faults[0].message.contains("row 2"), "{:?}", intake.faults);
    assert!(intake.faults[4].message.contains("row 5"), "{:?}", intake.faults);
    assert_eq!(intake.rows.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 5]);
}

#[test]
fn lost_quotation_marks_are_told_and_never_change_a_password() {
    for (row, expected) in [
        (
            "anna@example.com,\"pass,imap.example.com\nbert@example.com,x,imap.example.com\n",
            "2:-:malformed_csv",
        ),
        ("anna@example.com,\"pass\"word,imap.example.com\n", "2:-:malformed_csv"),
        ("anna@example.com, \"password\",imap.example.com\n", "2:-:malformed_csv"),
        ("anna@example.com,pass,word,imap.example.com\n", "2:-:too_many_cells"),
        (
            "anna@example.com,\"pass\nword\",imap.example.com\n",
            "2:password:bad_character",
        ),
    ] {
        let intake = read(&format!("{HEADER}{row}"));
        assert_eq!(faults(&intake), [expected], "{row}");
        assert!(intake.rows.is_empty());
    }
    let kept = read(&format!("{HEADER}anna@example.com,pass\"word,imap.example.com\n"));
    assert_eq!(kept.rows[0].1.password.expose(), "pass\"word");
}

#[test]
fn a_line_break_in_quotation_marks_does_not_shift_the_numbers() {
    let intake = read(&format!(
        "{HEADER}\"anna@example.com\r\n\",x,imap.example.com\nbert,x,imap.example.com\n"
    ));
    assert_eq!(intake.rows[0].0, 2);
    assert_eq!(faults(&intake), ["4:email:bad_address"]);
}

#[test]
fn whole_files_that_cannot_be_read_say_why() {
    let large = vec![b'a'; MAX_FILE_BYTES + 1];
    for (bytes, expected) in [
        (large.as_slice(), "0:-:file_too_large"),
        (b"", "0:-:no_rows"),
        (b"\xef\xbb\xbf\r\n \n", "0:-:no_rows"),
        (b"email,password,source_host\n", "0:-:no_rows"),
        (
            b"email,password,source_host\nanna@example.com,p\xe4ss\xc3\xa4,imap.example.com\n",
            "2:-:unknown_encoding",
        ),
        (b"%PDF-1.7\n\0\0", "0:-:unsupported_file"),
        (b"PK\x03\x04 and no more", "0:-:unreadable_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "0:-:encrypted_workbook"),
        (b"anna@example.com,x,imap.example.com\n", "1:-:missing_header"),
        (b"email|password|source_host\n", "1:-:missing_header"),
        (b"\"email,password,source_host\n", "1:-:malformed_csv"),
        (b"email,source_host\nanna@example.com,x\n", "1:password:missing_column"),
    ] {
        assert_eq!(
            faults(&read_file(bytes, Policy::STRICT)),
            [expected],
            "{}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(60)])
        );
    }
}

#[test]
fn a_column_with_an_unknown_name_is_told_and_the_rows_are_still_read() {
    let intake = read("email,password,source_host,prot\nanna@example.com,x,imap.example.com,143\nbert,x,h,1\n");
    assert_eq!(faults(&intake), ["1:prot:unknown_column", "3:email:bad_address"]);
}

#[test]
fn long_cells_and_many_rows_are_refused() {
    let long = "x".repeat(MAX_CELL_BYTES + 1);
    let intake = read(&format!(
        "{HEADER}anna@example.com,{long},imap.example.com\nbert@example.com,x,{long}\n"
    ));
    assert_eq!(faults(&intake), ["2:password:too_long", "3:source_host:too_long"]);

    let many: Vec<_> = (0..=MAX_ROWS)
        .map(|n| format!("u{n}@example.com,x,imap.example.com"))
        .collect();
    let intake = read(&format!("{HEADER}{}", many.join("\n")));
    assert_eq!(intake.rows.len(), MAX_ROWS);
    assert_eq!(faults(&intake), [format!("{}:-:too_many_rows", MAX_ROWS + 2)]);
}

/// Counts, not time: what grows faster than the file would show here as faults, or as a test that never ends.
#[test]
fn hostile_files_cost_little() {
    for (head, unit) in [
        ("", "a,"),
        ("", "email,"),
        (HEADER, "\n"),
        (HEADER, "\""),
        (HEADER, "\"a\n"),
        (HEADER, "a,"),
        ("email,password,source_host,", "a,"),
        (HEADER, "a@b.example,x,h\n"),
        (HEADER, "a,\u{1},/\n"),
    ] {
        let text = format!("{head}{}", unit.repeat((MAX_FILE_BYTES / 8 - head.len()) / unit.len()));
        let intake = read(&text);
        assert!(intake.rows.len() <= 1, "{head} {unit}");
        assert!(intake.faults.len() <= 8 * MAX_ROWS + 1, "{head} {unit}");
    }
}

#[test]
fn the_template_is_good_but_for_its_example() {
    let intake = read(TEMPLATE_CSV);
    assert_eq!(faults(&intake), ["2:-:example_row"]);
    let overwritten = read(&TEMPLATE_CSV.replace(EXAMPLE_HOST, "imap.example.net"));
    assert_eq!(
        rows(&overwritten),
        ["2 anna@example.com anna@example.com \"the password there\" imap.example.net:993 (tls) anna@example.com -"]
    );
}

/// Cells with everything that CSV makes difficult, and a password that nothing may repeat.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("hunter2-S3cret".to_owned()),
        "[ a-z@.,;\"\t0-9äß=+-]{0,12}",
        "[a-c]{1,3}@(example|müller)\\.(com|net)",
        "imap\\.[a-c]\\.example",
        Just(String::new()),
    ]
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, text in "[a-z@.,;\"\r\n\t ]{0,80}") {
        read_file(&bytes, Policy::STRICT);
        read(&text);
        read(&format!("{HEADER}{text}"));
    }

    #[test]
    fn a_row_is_accepted_or_has_a_fault_and_its_line_is_right(
        table in prop::collection::vec(prop::collection::vec(cell(), 8), 1..12),
        line_break in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        separator in prop::sample::select(vec![",", ";", "\t"]),
    ) {
        let header = TEMPLATE_CSV.lines().next().unwrap().replace(',', separator);
        let lines: Vec<_> = table.iter().map(|row| row.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(separator)).collect();
        let intake = read(&format!("{header}{line_break}{}", lines.join(line_break)));
        for (row, cells) in (2_u32..).zip(&table) {
            let accepted = intake.rows.iter().filter(|(accepted, _)| *accepted == row).count();
            let refused = intake.faults.iter().filter(|fault| fault.row == row).count();
            let blank = cells.iter().all(|cell| cell.trim().is_empty());
            prop_assert!(if blank { accepted + refused == 0 } else { (accepted == 1) != (refused > 0) }, "{} {:?}", row, cells);
            if let Some((_, order)) = intake.rows.iter().find(|(accepted, _)| *accepted == row) {
                prop_assert_eq!(order.password.expose(), &cells[1], "a password is taken as it is");
            }
        }
        let shown = format!("{:?}", intake.faults);
        prop_assert!(!shown.contains("S3cret"), "a fault repeats a cell: {}", shown);
    }

    #[test]
    fn what_was_accepted_is_accepted_again_as_the_same(
        table in prop::collection::vec(("[a-zA-Z0-9]{1,6}", "[a-z \"',;äß=]{1,12}", "[a-e]{1,2}", prop::option::of(1_u16..)), 1..12),
    ) {
        let header = TEMPLATE_CSV.lines().next().unwrap();
        let first: Vec<_> = table
            .iter()
            .map(|(user, password, host, port)| {
                let port = port.map(|port| port.to_string()).unwrap_or_default();
                format!("{user}@example.com,{},imap.{host}.example.com,{port},,,,", quoted(password))
            })
            .collect();
        let first = read(&format!("{header}\n{}", first.join("\n")));
        let again: Vec<_> = first
            .rows
            .iter()
            .map(|(_, order)| {
                let (source, password) = (&order.source, quoted(order.password.expose()));
                format!("{},{password},{},{},{},{},{},", order.address, source.host, source.port, source.security, order.source_user, order.destination)
            })
            .collect();
        let second = read(&format!("{header}\n{}", again.join("\n")));
        prop_assert!(second.faults.is_empty(), "{:?}", second.faults);
        let without_row = |intake: &Intake| rows(intake).iter().map(|row| row.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>();
        prop_assert_eq!(without_row(&first), without_row(&second));
    }
}
