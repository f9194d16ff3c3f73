//! What an import brings, and what it says of what it does not.

use mailvan::dav::import::Counts;
use mailvan::dav::meaning::meaning;
use mailvan::dav::server::DavError;
use mailvan_engine::MemoryJournal;

use crate::place::{KEEP, MAILBOX, UPDATE, count, import, login, server, texts};

/// A calendar with a series, a task, a broken entry and something unknown.
pub const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nMETHOD:PUBLISH\r\nX-WR-CALNAME:Familie\r\nX-APPLE-CALENDAR-COLOR:#FF2968\r\n\
BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
BEGIN:VTIMEZONE\r\nTZID:America/Unused\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
BEGIN:VEVENT\r\nUID:series@example.org\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20260105T100000\r\nRRULE:FREQ=WEEKLY;COUNT=5\r\nSUMMARY:Chor\r\nORGANIZER;CN=\"A, B\":mailto:a@example.org\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:b@example.org\r\nX-EXAMPLE-THING;X-A=\"b;c\":ä\\, ö\r\nEND:VEVENT\r\n\
BEGIN:VTODO\r\nUID:task@example.org\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Einkaufen\r\nEND:VTODO\r\n\
BEGIN:VEVENT\r\nUID:broken@example.org\r\nthis is no line\r\nEND:VEVENT\r\n\
BEGIN:X-THING\r\nA:b\r\nEND:X-THING\r\n\
BEGIN:VEVENT\r\nUID:series@example.org\r\nRECURRENCE-ID;TZID=Europe/Berlin:20260112T100000\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20260112T120000\r\nSUMMARY:Chor, später\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20260201\r\nSUMMARY:Ohne UID\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_arrives_whole_once_and_with_its_name_and_colour() {
    let server = server("whole").await;
    let journal = MemoryJournal::default();
    let progress = import(&server, CALENDAR.as_bytes(), &journal, KEEP).await;
    let expected = Counts {
        imported: 3,
        failed: 2,
        ..Counts::default()
    };
    assert_eq!((progress.objects, progress.counts), (5, expected), "{progress:?}");
    let told: Vec<(u64, &str)> = progress
        .problems
        .iter()
        .map(|problem| (problem.line, problem.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (42, "X-THING is nothing that a calendar or an address book holds"),
            (40, "this line has no name and no value"),
        ]
    );
    assert_eq!(progress.collections.len(), 1);
    assert_eq!(
        (progress.collections[0].name.as_deref(), progress.collections[0].made),
        (Some("Familie"), true)
    );

    let objects = server.objects(MAILBOX).unwrap();
    assert_eq!(objects.len(), 3);
    let series = &objects
        .iter()
        .find(|(_, text)| text.contains("series@example.org"))
        .unwrap()
        .1;
    assert_eq!(series.matches("BEGIN:VEVENT").count(), 2, "{series}");
    assert!(
        series.contains("TZID:Europe/Berlin") && !series.contains("America/Unused"),
        "{series}"
    );
    assert!(
        !series.contains("METHOD") && series.matches("SCHEDULE-AGENT=CLIENT").count() == 2,
        "{series}"
    );
    assert!(series.contains("X-EXAMPLE-THING"), "{series}");

    // Again, as another upload: nothing new.
    let again = import(&server, CALENDAR.as_bytes(), &MemoryJournal::default(), KEEP).await;
    assert_eq!(
        (again.counts.imported, again.counts.existing, count(&server)),
        (0, 3, 3),
        "{again:?}"
    );
    assert!(!again.collections[0].made);
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_of_every_version_arrive_and_a_changed_one_is_kept_or_replaced_as_wished() {
    let server = server("contacts").await;
    let mut cards = b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=Windows-1252:M\xfcller;J\xf6rg\r\nTEL;WORK:+49 1\r\nNOTE;ENCODING=QUOTED-PRINTABLE:a=0D=0Ab=\r\nc\r\nEND:VCARD\r\n".to_vec();
    cards.extend_from_slice("BEGIN:VCARD\nVERSION:3.0\nUID:3\nFN:Ärztin\nitem1.URL:http\\://example.org\nitem1.X-ABLabel:_$!<HomePage>!$_\nEND:VCARD\n".as_bytes());
    cards.extend_from_slice(
        b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:4\r\nFN:New\r\nTEL;PREF=1;VALUE=uri:tel:+491\r\nEND:VCARD\r\n",
    );
    let progress = import(&server, &cards, &MemoryJournal::default(), KEEP).await;
    assert_eq!(
        (progress.counts.imported, progress.counts.failed),
        (3, 0),
        "{progress:?}"
    );
    let all = texts(&server);
    assert!(
        all.contains("Müller;Jörg") && all.contains("Ärztin") && all.contains("a\\nbc"),
        "{all}"
    );

    let changed = String::from_utf8_lossy(&cards).replace("FN:Ärztin", "FN:Neue Ärztin");
    let kept = import(&server, changed.as_bytes(), &MemoryJournal::default(), KEEP).await;
    assert_eq!(kept.counts.kept, 1, "{kept:?}");
    let updated = import(&server, changed.as_bytes(), &MemoryJournal::default(), UPDATE).await;
    assert_eq!(updated.counts.updated, 1, "{updated:?}");
    let all = texts(&server);
    assert!(all.contains("Neue Ärztin"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_under_another_name_is_recognised_by_its_uid() {
    let server = server("elsewhere").await;
    let first = import(&server, CALENDAR.as_bytes(), &MemoryJournal::default(), KEEP).await;
    assert_eq!(first.counts.imported, 3);
    // As if another program had put them there.
    for (path, _) in server.objects(MAILBOX).unwrap() {
        std::fs::rename(
            &path,
            path.with_file_name(format!("x{}", path.file_name().unwrap().to_string_lossy())),
        )
        .unwrap();
    }
    let again = import(&server, CALENDAR.as_bytes(), &MemoryJournal::default(), KEEP).await;
    assert_eq!((again.counts.existing, count(&server)), (3, 3), "{again:?}");

    let changed = CALENDAR.replace("SUMMARY:Einkaufen", "SUMMARY:Milch");
    let updated = import(&server, changed.as_bytes(), &MemoryJournal::default(), UPDATE).await;
    let expected = Counts {
        updated: 1,
        existing: 2,
        failed: 2,
        ..Counts::default()
    };
    assert_eq!((updated.counts, count(&server)), (expected, 3), "{updated:?}");
    assert!(texts(&server).contains("SUMMARY:Milch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_its_uid_among_the_tasks_is_not_told_as_another_version() {
    let server = server("other-kind").await;
    let calendar = |entries: &str| {
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nX-WR-CALNAME:Both\r\n{entries}END:VCALENDAR\r\n")
    };
    let entry = |name, uid| {
        format!(
            "BEGIN:{name}\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T100000Z\r\nSUMMARY:a\r\nEND:{name}\r\n"
        )
    };
    let both = calendar(&[entry("VTODO", 1), entry("VEVENT", 2)].concat());
    import(&server, both.as_bytes(), &MemoryJournal::default(), KEEP).await;
    let event = calendar(&entry("VEVENT", 1));
    let progress = import(&server, event.as_bytes(), &MemoryJournal::default(), KEEP).await;
    assert_eq!((progress.counts.kept, count(&server)), (1, 2), "{progress:?}");
    assert!(progress.problems[0].reason.contains("of another kind"), "{progress:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_stand_behind_another_of_their_uid_count_as_failed() {
    let server = server("behind").await;
    let card = |name| format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:{name}\r\nEND:VCARD\r\n");
    let cards: String = ["One", "Two", "Two", "One", "Three"].map(card).concat();
    let progress = import(&server, cards.as_bytes(), &MemoryJournal::default(), KEEP).await;
    assert_eq!((progress.objects, progress.counts.all()), (4, 4), "{progress:?}");
    assert_eq!(
        (progress.counts.imported, progress.counts.failed),
        (1, 3),
        "{progress:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_needs_a_person_and_changes_nothing() {
    let server = server("refused").await;
    let refused = login(&server, "wrong").collections(mailvan::dav::Kind::Calendar).await;
    assert!(matches!(refused, Err(DavError::LoginRefused)), "{refused:?}");
    assert_eq!(count(&server), 0);
}

#[test]
fn the_same_in_other_words_means_the_same() {
    let one = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\\, B\r\nTEL;TYPE=WORK,CELL:1\r\nEND:VCARD\r\n";
    let other = "BEGIN:VCARD\nVERSION:3.0\nTEL;TYPE=cell;TYPE=work:1\nREV:x\nFN:A, \n B\nEND:VCARD\n";
    assert_eq!(meaning(one), meaning(other));
    assert_ne!(meaning(one), meaning(&other.replace("cell", "home")));
}
