use std::fmt::Write as _;
use std::io::Write as _;

use proptest::prelude::*;

use crate::dav::import::objects_of;
use crate::dav::spool::{Spool, SpoolError};
use crate::dav::{Built, Problem};

fn spool(bytes: &[u8]) -> Result<Spool, SpoolError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Spool::open(file)
}

/// All that becomes of a file: its objects and its problems.
fn all(bytes: &[u8]) -> (Vec<Built>, Vec<Problem>) {
    let mut spool = spool(bytes).unwrap();
    let (objects, problems) = objects_of(&mut spool).unwrap();
    (objects, spool.index.problems.iter().cloned().chain(problems).collect())
}

fn shown(bytes: &[u8]) -> String {
    let (objects, problems) = all(bytes);
    let mut text = String::new();
    for object in objects {
        writeln!(text, "--- {} {}", object.component, object.uid).unwrap();
        text.push_str(&object.text.replace("\r\n", "\n"));
    }
    for problem in problems {
        writeln!(text, "! line {}: {}", problem.line, problem.reason).unwrap();
    }
    text
}

#[test]
fn exports_of_common_programs_become_what_is_expected() {
    for (name, bytes) in [
        ("outlook_vcf", &include_bytes!("fixtures/outlook.vcf")[..]),
        ("icloud_vcf", include_bytes!("fixtures/icloud.vcf")),
        ("nextcloud_vcf", include_bytes!("fixtures/nextcloud.vcf")),
        ("google_ics", include_bytes!("fixtures/google.ics")),
        ("thunderbird_ics", include_bytes!("fixtures/thunderbird.ics")),
        ("google_csv", include_bytes!("fixtures/google.csv")),
    ] {
        insta::assert_snapshot!(name, shown(bytes));
    }
}

#[test]
fn utf_16_says_the_same_as_utf_8() {
    let text = String::from_utf8(include_bytes!("fixtures/icloud.vcf").to_vec()).unwrap();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(shown(&[&[0xff, 0xfe], &*wide].concat()), shown(text.as_bytes()));
}

#[test]
fn a_line_and_a_component_without_end_cost_their_length_and_nothing_else() {
    let mut bytes = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDESCRIPTION:".to_vec();
    for _ in 0..200_000 {
        bytes.extend_from_slice(b"0123456789012345678901234567890123456789\r\n ");
    }
    bytes.extend_from_slice(b"\r\n");
    for n in 0..200_000 {
        write!(bytes, "X-{n}:1\r\n").unwrap();
    }
    bytes.extend_from_slice(b"END:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    let (objects, problems) = all(&bytes);
    let uids: Vec<&str> = objects.iter().map(|object| object.uid.as_str()).collect();
    assert_eq!(uids, ["2"]);
    assert_eq!(
        (problems[0].line, problems[0].reason.as_str()),
        (2, "it is larger than 10 MiB")
    );
}

#[test]
fn too_many_entries_are_refused_as_a_whole() {
    let bytes = b"BEGIN:VCARD\nEND:VCARD\n".repeat(200_001);
    assert!(matches!(spool(&bytes), Err(SpoolError::Scan(_))));
    assert!(matches!(spool(b"nothing known"), Err(SpoolError::Unknown)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_it_fail(start in "(BEGIN:VCALENDAR|BEGIN:VCARD)\n", bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        all(&[start.as_bytes(), &bytes].concat());
    }

    #[test]
    fn every_entry_is_an_object_or_a_problem_on_its_lines(entries in proptest::collection::vec((0..6_usize, any::<bool>()), 0..20)) {
        let mut text = "BEGIN:VCALENDAR\n".to_owned();
        let mut places = Vec::new();
        // An entry without an END holds what follows, unless that is an entry that lies in no other.
        let mut unended = None;
        for (n, (fault, has_uid)) in entries.iter().enumerate() {
            let uid = if *has_uid { format!("UID:{n}\n") } else { String::new() };
            let name = if *fault == 5 { "X-ODD" } else { "VEVENT" };
            let wrong = ["", "no line\n", "", "END:VALARM\n", "BEGIN:VALARM\n", ""][*fault];
            let end = if *fault == 2 { String::new() } else { format!("END:{name}\n") };
            let first = text.lines().count() as u64 + 1;
            write!(text, "BEGIN:{name}\n{uid}X-MARK:{n}.\n{wrong}{end}").unwrap();
            let first = if *fault == 5 { unended.unwrap_or(first) } else { first };
            places.push((n, first, text.lines().count() as u64));
            unended = if *fault == 2 || *fault == 5 && unended.is_some() { Some(first) } else { None };
        }
        text.push_str("END:VCALENDAR\n");
        let (objects, problems) = all(text.as_bytes());
        let out: String = objects.iter().map(|object| object.text.as_str()).collect();
        for (n, first, last) in places {
            let is_there = out.contains(&format!("X-MARK:{n}.\r\n"));
            let is_told = problems.iter().any(|problem| (first..=last).contains(&problem.line));
            prop_assert!(is_there != is_told, "entry {n} on lines {first} to {last}\n{text}\n{problems:?}");
        }
    }

    #[test]
    fn what_was_made_is_read_as_the_same(name in "[a-zäöü ,;]{1,20}", uid in "[a-z]{1,9}") {
        let card = format!("BEGIN:VCARD\nVERSION:3.0\nUID:{uid}\nFN:{}\nEND:VCARD\n", name.replace(',', "\\,").replace(';', "\\;"));
        let (first, _) = all(card.as_bytes());
        let (again, problems) = all(first[0].text.as_bytes());
        prop_assert_eq!(&first, &again);
        prop_assert!(problems.is_empty());
    }
}
