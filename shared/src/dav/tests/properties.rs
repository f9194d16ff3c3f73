//! What holds for all files: nothing that is in one is missing from the sum of its objects and its errors, and read
//! again it brings nothing new.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::{all, spool, zipped};
use crate::dav::meaning::meaning;

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

/// The names under which objects are stored, with what they say.
fn stored(bytes: &[u8]) -> BTreeSet<(&'static str, String, [u8; 16])> {
    let (objects, _) = all(bytes);
    let stored = objects
        .iter()
        .map(|object| (object.component, object.uid.clone(), meaning(&object.text)));
    stored.collect()
}

/// An event, task or journal entry with some of what they have.
#[derive(Clone, Debug)]
struct Entry {
    name: &'static str,
    uid: Option<u8>,
    /// An override of this occurrence, of an entry with a UID.
    occurrence: Option<u8>,
    sequence: u8,
    zone: Option<u8>,
}

fn entry() -> impl Strategy<Value = Entry> {
    let name = prop_oneof![Just("VEVENT"), Just("VTODO"), Just("VJOURNAL")];
    let parts = (
        name,
        prop::option::of(0..4_u8),
        prop::option::of(0..3_u8),
        0..3_u8,
        prop::option::of(0..4_u8),
    );
    parts.prop_map(|(name, uid, occurrence, sequence, zone)| Entry {
        name,
        uid,
        occurrence: occurrence.filter(|_| uid.is_some()),
        sequence,
        zone,
    })
}

/// A calendar with zones 0 to 2; zone 3 is defined nowhere. Each entry has a mark of its own, and with the first line of
/// each.
fn calendar(entries: &[Entry], stamp: &str) -> (String, Vec<u64>) {
    let mut text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:{stamp}\n");
    for zone in 0..3 {
        write!(text, "BEGIN:VTIMEZONE\nTZID:Zone {zone}\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0{zone}00\nX-ZONE:{zone}.\nEND:STANDARD\nEND:VTIMEZONE\n").unwrap();
    }
    let mut lines = Vec::new();
    for (n, entry) in entries.iter().enumerate() {
        lines.push(text.lines().count() as u64 + 1);
        write!(text, "BEGIN:{}\nDTSTAMP:{stamp}\n", entry.name).unwrap();
        if let Some(uid) = entry.uid {
            write!(text, "UID:{uid}\nSEQUENCE:{}\n", entry.sequence).unwrap();
        }
        if let Some(occurrence) = entry.occurrence {
            writeln!(text, "RECURRENCE-ID:2026010{}T100000Z", occurrence + 1).unwrap();
        }
        if let Some(zone) = entry.zone {
            writeln!(text, "DTSTART;TZID=Zone {zone}:20260101T100000").unwrap();
        }
        write!(text, "X-MARK:{n}.\nEND:{}\n", entry.name).unwrap();
    }
    text.push_str("END:VCALENDAR\n");
    (text, lines)
}

fn card() -> impl Strategy<Value = (Option<u8>, &'static str, bool)> {
    let version = prop_oneof![Just("2.1"), Just("3.0"), Just("4.0"), Just("")];
    (prop::option::of(0..4_u8), version, any::<bool>())
}

fn cards(cards: &[(Option<u8>, &str, bool)]) -> (String, Vec<(u64, u64)>) {
    let (mut text, mut lines) = (String::new(), Vec::new());
    for (n, (uid, version, is_broken)) in cards.iter().enumerate() {
        let first = text.lines().count() as u64 + 1;
        text.push_str("BEGIN:VCARD\n");
        if !version.is_empty() {
            writeln!(text, "VERSION:{version}").unwrap();
        }
        if let Some(uid) = uid {
            writeln!(text, "UID:{uid}").unwrap();
        }
        let wrong = if *is_broken { "no line\n" } else { "" };
        write!(text, "N:Mark{n}.;Ana\nTEL;TYPE=HOME:+49 {n}\n{wrong}END:VCARD\n").unwrap();
        lines.push((first, text.lines().count() as u64));
    }
    (text, lines)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_entry_with_its_overrides_and_zones_is_there_or_told(entries in prop::collection::vec(entry(), 0..16)) {
        let (text, lines) = calendar(&entries, "20260101T000000Z");
        let (objects, problems) = all(text.as_bytes());
        for (n, (entry, line)) in entries.iter().zip(&lines).enumerate() {
            let mark = format!("X-MARK:{n}.\r\n");
            let own: Vec<_> = objects.iter().filter(|object| object.text.contains(&mark)).collect();
            let is_told = problems.iter().any(|problem| problem.line == *line && problem.reason.contains("same UID"));
            prop_assert!((own.len() == 1) != is_told, "entry {n}\n{text}\n{problems:?}");
            let Some(object) = own.first() else { continue };
            let Some(zone) = entry.zone else { continue };
            if zone < 3 {
                let zone_mark = format!("X-ZONE:{zone}.\r\n");
                prop_assert_eq!(object.text.matches(zone_mark.as_str()).count(), 1, "zone {} of entry {}\n{}", zone, n, text);
            } else {
                prop_assert!(problems.iter().any(|problem| problem.reason.contains("Zone 3")), "{text}");
            }
        }
        for object in &objects {
            for zone in (0..3).filter(|zone| object.text.contains(&format!("X-ZONE:{zone}."))) {
                prop_assert!(object.text.contains(&format!("TZID=Zone {zone}:")), "{zone} is carried for nothing\n{}", object.text);
            }
            let uids = object.text.matches("\r\nUID:").count();
            prop_assert_eq!(uids, object.text.matches(&format!("BEGIN:{}", object.component)).count());
        }
    }

    #[test]
    fn every_contact_is_there_or_told(them in prop::collection::vec(card(), 0..12)) {
        let (text, lines) = cards(&them);
        prop_assume!(!them.is_empty());
        let (objects, problems) = all(text.as_bytes());
        for (n, (first, last)) in lines.iter().enumerate() {
            let is_there = objects.iter().any(|object| object.text.contains(&format!("Mark{n}.")));
            let is_told = problems.iter().any(|problem| (*first..=*last).contains(&problem.line));
            prop_assert!(is_there != is_told, "contact {n}\n{text}\n{problems:?}");
        }
    }

    #[test]
    fn an_archive_holds_what_its_files_hold(entries in prop::collection::vec(entry(), 1..6), them in prop::collection::vec(card(), 1..6)) {
        let (calendar, _) = calendar(&entries, "20260101T000000Z");
        let (contacts, _) = cards(&them);
        let files: [(&str, &[u8]); 3] = [("a/x", calendar.as_bytes()), ("y", contacts.as_bytes()), ("z.pdf", b"%PDF")];
        let zip = zipped(&files);
        let apart: BTreeSet<_> = stored(calendar.as_bytes()).into_iter().chain(stored(contacts.as_bytes())).collect();
        prop_assert_eq!(stored(&zip), apart);
        let told = |bytes: &[u8]| all(bytes).1.len();
        let (_, problems) = all(&zip);
        prop_assert_eq!(problems.len(), told(calendar.as_bytes()) + told(contacts.as_bytes()) + 1);
        prop_assert!(problems.iter().all(|problem| problem.file.is_some()));
        prop_assert_eq!(spool(&zip).unwrap().index.left_out, 1);
    }

    #[test]
    fn every_cell_of_a_table_is_in_a_contact(rows in prop::collection::vec(prop::collection::vec("[a-zA-Z0-9äöü ,;\"\\\\]{0,12}", 6), 1..8)) {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["First Name", "Last Name", "E-mail 1 - Label", "E-mail 1 - Value", "Shoe Size", "Notes"]).unwrap();
        for (n, row) in rows.iter().enumerate() {
            let cells = row.iter().enumerate().map(|(m, cell)| format!("{cell} r{n}c{m}."));
            table.write_record(cells).unwrap();
        }
        let (objects, problems) = all(&table.into_inner().unwrap());
        prop_assert!(problems.is_empty() && objects.len() == rows.len(), "{problems:?}");
        for (n, object) in objects.iter().enumerate() {
            let text = object.text.replace("\r\n ", "");
            for m in 0..6 {
                prop_assert!(text.contains(&format!("r{n}c{m}.")), "{text}");
            }
        }
    }

    #[test]
    fn the_same_exported_anew_brings_nothing_new(entries in prop::collection::vec(entry(), 0..10), them in prop::collection::vec(card(), 1..10)) {
        let (first, _) = calendar(&entries, "20260101T000000Z");
        let (again, _) = calendar(&entries, "20270202T020202Z");
        let crlf = again.replace('\n', "\r\n").replace("X-MARK:", "X-MA\r\n RK:");
        prop_assert_eq!(stored(first.as_bytes()), stored(crlf.as_bytes()));
        let (contacts, _) = cards(&them);
        let again = contacts.replace("N:Mark", "REV:20270101T000000Z\nPRODID:y\nN:Mark").replace('\n', "\r\n");
        prop_assert_eq!(stored(contacts.as_bytes()), stored(again.as_bytes()));
    }

    #[test]
    fn what_was_stored_and_exported_again_is_the_same(entries in prop::collection::vec(entry(), 0..10), them in prop::collection::vec(card(), 1..10)) {
        let (text, _) = calendar(&entries, "20260101T000000Z");
        let text = [text, cards(&them).0].concat();
        let (objects, _) = all(text.as_bytes());
        prop_assume!(!objects.is_empty());
        let back: String = objects.iter().map(|object| object.text.as_str()).collect();
        let (again, problems) = all(back.as_bytes());
        let unknown_zone = problems.iter().all(|problem| problem.reason.contains("Zone 3"));
        prop_assert!(unknown_zone, "{problems:?}");
        let said = |objects: &[crate::dav::Built]| -> BTreeSet<_> {
            objects.iter().map(|object| (object.uid.clone(), meaning(&object.text))).collect()
        };
        prop_assert_eq!(said(&objects), said(&again));
    }
}
