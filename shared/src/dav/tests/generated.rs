//! No bytes make anything fail.

use proptest::prelude::*;

use super::{all, spool, zipped};

/// Words that files are made of, so that chance makes more than noise of them.
const WORDS: [&str; 34] = [
    "BEGIN:VCALENDAR",
    "END:VCALENDAR",
    "BEGIN:VEVENT",
    "END:VEVENT",
    "BEGIN:VTIMEZONE",
    "END:VTIMEZONE",
    "BEGIN:VCARD",
    "END:VCARD",
    "BEGIN:VALARM",
    "END:VALARM",
    "VERSION:1.0",
    "VERSION:2.1",
    "VERSION:4.0",
    "UID:1",
    "UID:",
    "TZID:A",
    "DTSTART;TZID=A:20260101T000000",
    "DTSTART;TZID=\"Europe/Berlin\":1",
    "RECURRENCE-ID:1",
    "SEQUENCE:-9",
    "AGENT:",
    "N:;;;;",
    "FN:\\",
    "ORG:;a\\;b;",
    "NOTE;QUOTED-PRINTABLE:=",
    "NOTE;CHARSET=UTF-7:=ZZ",
    "PHOTO;BASE64:",
    "QUJD",
    " x",
    "\t",
    "X;A=\"b:c",
    ":",
    "\u{feff}",
    "RRULE:W1",
];

/// How files begin that are of some kind.
const STARTS: [&[u8]; 6] = [
    b"",
    b"PK\x03\x04",
    b"\xff\xfe",
    b"\xfe\xff",
    b"First Name,Last Name,E-mail 1 - Value\n",
    b"\xef\xbb\xbfBEGIN:VCARD\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn words_in_any_order_make_nothing_fail(words in prop::collection::vec((0..WORDS.len(), prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("")]), 0..60)) {
        let text: Vec<&str> = words.iter().flat_map(|(n, end)| [WORDS[*n], *end]).collect();
        let text = text.concat();
        let text = format!("BEGIN:VCARD\nEND:VCARD\n{text}");
        let (objects, _) = all(text.as_bytes());
        // And what comes of it can be read.
        for object in objects {
            let (again, _) = all(object.text.as_bytes());
            prop_assert_eq!(again.len(), 1, "{}", object.text);
        }
    }

    #[test]
    fn bytes_in_any_order_make_nothing_fail(bytes in prop::collection::vec(any::<u8>(), 0..400), start in prop::sample::select(STARTS.to_vec())) {
        let bytes = [start, &bytes].concat();
        if spool(&bytes).is_ok() {
            all(&bytes);
        }
        let zip = zipped(&[("a", &bytes)]);
        all(&zip);
    }
}

#[test]
fn a_component_that_begins_in_a_contact_does_not_take_its_end() {
    let (objects, _) = all(b"BEGIN:VCARD\nFN:A\nBEGIN:VTIMEZONE\nAGENT:\nEND:VTIMEZONE\nEND:VCARD\n");
    assert!(!objects.is_empty());
    for object in objects {
        let (again, _) = all(object.text.as_bytes());
        assert_eq!(again.len(), 1, "{}", object.text);
    }
}
