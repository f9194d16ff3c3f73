//! What no program would write costs its length, and no more.

#![expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use super::{all, spool};
use crate::dav::meaning::meaning;
use crate::dav::spool::SpoolError;

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

#[test]
fn a_zone_that_every_entry_would_carry_along_is_bounded() {
    let mut text = "BEGIN:VCALENDAR\n".to_owned();
    for zone in 0..60 {
        let filler = "X-FILLER:0123456789\n".repeat(12_000);
        write!(text, "BEGIN:VTIMEZONE\nTZID:Z{zone}\n{filler}END:VTIMEZONE\n").unwrap();
    }
    let huge = "X-FILLER:0123456789\n".repeat(15_000);
    write!(text, "BEGIN:VTIMEZONE\nTZID:huge\n{huge}END:VTIMEZONE\n").unwrap();
    let zones: String = (0..60).fold(String::new(), |zones, zone| {
        zones + &format!("RDATE;TZID=Z{zone}:20260101T100000\n")
    });
    write!(text, "BEGIN:VEVENT\nUID:all\n{zones}END:VEVENT\nBEGIN:VEVENT\nUID:one\nDTSTART;TZID=Z1:20260101T100000\nEND:VEVENT\nEND:VCALENDAR\n").unwrap();
    let (objects, problems) = all(text.as_bytes());
    let uids: Vec<&str> = objects.iter().map(|object| object.uid.as_str()).collect();
    assert_eq!(uids, ["one"]);
    let told: Vec<&str> = problems.iter().map(|problem| problem.reason.as_str()).collect();
    assert_eq!(
        told,
        [
            "its time zone is larger than 256 KiB",
            "with its time zones and all entries of its UID it is larger than 10 MiB"
        ]
    );
    assert_eq!(spool(text.as_bytes()).unwrap().index.broken, 0, "a zone is no entry");
}

#[test]
fn no_file_asks_for_more_calendars_than_there_may_be() {
    let calendar = |n| format!("BEGIN:VCALENDAR\nX-WR-CALNAME:{n}\nBEGIN:VEVENT\nUID:{n}\nEND:VEVENT\nEND:VCALENDAR\n");
    let text: Vec<String> = (0..5_000).map(calendar).collect();
    let grouped = spool(text.concat().as_bytes()).unwrap().index.objects();
    assert_eq!((grouped.wanted.len(), grouped.groups.len()), (99, 5_000));
    assert!(grouped.too_many_names && grouped.wanted[98].name.is_none());
    let few = spool(text[..90].concat().as_bytes()).unwrap().index.objects();
    assert!(!few.too_many_names && few.wanted.len() == 90);
}

#[test]
fn one_uid_on_everything_is_one_object_of_bounded_size() {
    let filler = "x".repeat(2_000);
    let mut text = "BEGIN:VCALENDAR\n".to_owned();
    for n in 0..6_000 {
        write!(
            text,
            "BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:{n}\nX-F:{filler}\nEND:VEVENT\n"
        )
        .unwrap();
    }
    text.push_str("BEGIN:VEVENT\nUID:2\nEND:VEVENT\nEND:VCALENDAR\n");
    let (objects, problems) = all(text.as_bytes());
    assert_eq!((objects.len(), problems.len()), (1, 6_000), "each entry is told");
}

/// A shape of a file, of `n` parts.
type Shape = (&'static str, fn(usize) -> String);

const SHAPES: [Shape; 14] = [
    ("properties", |n| {
        format!("BEGIN:VEVENT\n{}END:VEVENT\n", "X:1\n".repeat(n))
    }),
    ("folded lines", |n| {
        format!("BEGIN:VEVENT\nX:{}\nEND:VEVENT\n", "abcdef\n ".repeat(n))
    }),
    ("soft breaks", |n| {
        format!("BEGIN:VCARD\nNOTE;QUOTED-PRINTABLE:{}\nEND:VCARD\n", "=41=\n".repeat(n))
    }),
    ("base64", |n| {
        format!("BEGIN:VCARD\nPHOTO;BASE64:\n{}\nEND:VCARD\n", "AAAAAAAA\n".repeat(n))
    }),
    ("parameters", |n| {
        format!("BEGIN:VEVENT\nX{}:v\nEND:VEVENT\n", ";a=b".repeat(n))
    }),
    ("values of a parameter", |n| {
        format!("BEGIN:VEVENT\nX;A=b{}:v\nEND:VEVENT\n", ",b".repeat(n))
    }),
    ("quotes", |n| {
        format!("BEGIN:VEVENT\nX;A={}:v\nEND:VEVENT\n", "\"\"".repeat(n | 1))
    }),
    ("backslashes", |n| {
        format!("BEGIN:VCARD\nFN:{}\nEND:VCARD\n", "\\;".repeat(n))
    }),
    ("components in one another", |n| {
        format!("BEGIN:VEVENT\n{}", "BEGIN:VALARM\n".repeat(n))
    }),
    ("ends of nothing", |n| {
        format!("BEGIN:VCALENDAR\n{}", "END:VEVENT\n".repeat(n))
    }),
    ("overrides of one UID", |n| {
        let event = |n| format!("BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:{n}\nEND:VEVENT\n");
        (0..n / 20).map(event).collect()
    }),
    ("contacts of one UID", |n| {
        let long = "x".repeat(n);
        format!(
            "BEGIN:VCARD\nUID:1\nNOTE:{long}\nEND:VCARD\n{}",
            "BEGIN:VCARD\nUID:1\nEND:VCARD\n".repeat(n / 100)
        )
    }),
    ("zones of one name", |n| {
        format!(
            "BEGIN:VCALENDAR\n{}",
            "BEGIN:VTIMEZONE\nTZID:A\nEND:VTIMEZONE\n".repeat(n / 10)
        )
    }),
    ("a quote that does not end in a table", |n| {
        format!("First Name,Last Name,E-mail 1 - Value\na,\"{}", "b\n".repeat(n))
    }),
];

#[test]
fn four_times_as_much_takes_about_four_times_as_long() {
    for (name, shape) in SHAPES {
        let seconds = |n| {
            let text = shape(n);
            let begun = Instant::now();
            if let Ok(spool) = spool(text.as_bytes()) {
                drop(spool);
                let (objects, _) = all(text.as_bytes());
                for object in &objects {
                    meaning(&object.text);
                }
            }
            begun.elapsed().as_secs_f64()
        };
        // Sixteen times where it were quadratic; the rest, and the other tries, are for a machine that is busy with
        // something else.
        let is_linear = |_| seconds(200_000) < 9.0 * seconds(50_000) + 1.5;
        assert!((0..3).any(is_linear), "{name}");
    }
}

#[test]
fn a_million_properties_are_read_in_seconds() {
    let text = format!("BEGIN:VEVENT\nUID:1\n{}END:VEVENT\n", "X-A:12\n".repeat(1_000_000));
    let begun = Instant::now();
    let (objects, _) = all(text.as_bytes());
    assert_eq!(
        objects[0].text.lines().filter(|line| line.starts_with("X-A")).count(),
        1_000_000
    );
    assert_eq!(meaning(&objects[0].text), meaning(&objects[0].text.clone()));
    assert!(begun.elapsed() < Duration::from_mins(2), "{:?}", begun.elapsed());
}
