//! The time frame in the customer's calendar.

use ical::parser::ical::component::IcalEvent;
use jiff::Timestamp;

use super::*;
use crate::domain::Window;
use crate::notify::calendar::calendar;
use crate::store::NoticeRecord;

const NOW: &str = "2026-11-23T10:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn window(start: &str, end: Option<&str>) -> Window {
    Window::parse(start, end, "Europe/Berlin", now()).unwrap()
}

fn scheduled(window: Option<Window>, reschedules: u32) -> RequestRecord {
    RequestRecord {
        window,
        reschedules,
        ..request(RequestState::Scheduled)
    }
}

fn told(frame: Option<&Window>) -> NoticeRecord {
    NoticeRecord {
        request_id: request(RequestState::Scheduled).request_id,
        notice: NoticeKind::Scheduled,
        queued_at: NOW.to_owned(),
        overtaken_at: None,
        sent_at: frame.map(|_| NOW.to_owned()),
        tells_of: frame.map(|_| NOW.to_owned()),
        frame: frame.cloned(),
    }
}

/// The calendar that goes with a notice, as it is sent.
fn sent(kind: NoticeKind, request: &RequestRecord, outbox: &[NoticeRecord]) -> Option<String> {
    let entry = Entry::with(kind, request, outbox, now())?;
    Some(calendar(kind, entry, request, &profile(), now()).unwrap())
}

/// The one event of a calendar, as another program reads it.
fn event(text: &str) -> IcalEvent {
    let mut calendars = ical::IcalParser::new(text.as_bytes());
    let calendar = calendars.next().unwrap().unwrap();
    assert!(calendars.next().is_none());
    let method = calendar.properties.iter().find(|property| property.name == "METHOD");
    assert_eq!(method.unwrap().value.as_deref(), Some("PUBLISH"));
    let [event] = calendar.events.as_slice() else {
        panic!("{text}")
    };
    event.clone()
}

fn value(event: &IcalEvent, name: &str) -> Option<String> {
    let mut values = event.properties.iter().filter(|property| property.name == name);
    let value = values.next()?.value.clone();
    assert!(values.next().is_none(), "{name} comes twice");
    value
}

#[test]
fn frame_is_an_entry_in_utc_that_keeps_its_name_when_it_is_moved() {
    let first = scheduled(Some(window("2026-11-25T22:00", Some("2026-11-26T06:00"))), 0);
    let text = sent(NoticeKind::Scheduled, &first, &[told(None)]).unwrap();
    snapshot_text("calendar", &text);
    assert!(text.lines().all(|line| line.len() <= 75) && text.matches('\n').count() == text.matches("\r\n").count());
    let entry = event(&text);
    for (name, expected) in [
        ("DTSTART", "20261125T210000Z"),
        ("DTEND", "20261126T050000Z"),
        ("DTSTAMP", "20261123T100000Z"),
        ("STATUS", "CONFIRMED"),
        ("SEQUENCE", "0"),
        ("TRANSP", "TRANSPARENT"),
    ] {
        assert_eq!(value(&entry, name).as_deref(), Some(expected), "{name}");
    }

    let moved = scheduled(Some(window("2026-11-27T22:00", None)), 1);
    let later = event(&sent(NoticeKind::Scheduled, &moved, &[told(None)]).unwrap());
    assert_eq!(value(&later, "UID"), value(&entry, "UID"));
    assert_eq!(value(&later, "SEQUENCE").as_deref(), Some("1"));
    assert_eq!(value(&later, "DTSTART").as_deref(), Some("20261127T210000Z"));
    assert_eq!(value(&later, "DTEND"), None);
}

#[test]
fn frame_that_was_told_is_taken_back_with_the_request_or_alone() {
    let frame = window("2026-11-25T22:00", Some("2026-11-26T06:00"));
    let cancelled = RequestRecord {
        state: RequestState::Cancelled,
        ..scheduled(Some(frame.clone()), 2)
    };
    let text = sent(NoticeKind::Cancelled, &cancelled, &[told(Some(&frame))]).unwrap();
    snapshot_text("calendar_cancelled", &text);
    let entry = event(&text);
    assert_eq!(value(&entry, "STATUS").as_deref(), Some("CANCELLED"));
    assert_eq!(
        value(&entry, "SEQUENCE").as_deref(),
        Some("3"),
        "later than any that was told"
    );

    let at_once = scheduled(None, 1);
    let entry = event(&sent(NoticeKind::Accepted, &at_once, &[told(Some(&frame))]).unwrap());
    assert_eq!(value(&entry, "STATUS").as_deref(), Some("CANCELLED"));
    assert_eq!(value(&entry, "SEQUENCE").as_deref(), Some("1"));

    let german = RequestRecord {
        language: Language::German,
        ..cancelled
    };
    snapshot_text(
        "calendar_german",
        &sent(NoticeKind::Scheduled, &german, &[told(None)]).unwrap(),
    );
}

#[test]
fn nothing_is_taken_back_that_was_never_told_or_is_over() {
    let frame = window("2026-11-25T22:00", None);
    let cancelled = scheduled(Some(frame.clone()), 0);
    let over = Timestamp::from_second(frame.start().as_second()).unwrap();
    let outbox = [told(Some(&frame))];
    assert_eq!(Entry::with(NoticeKind::Cancelled, &cancelled, &[], now()), None);
    assert_eq!(
        Entry::with(NoticeKind::Cancelled, &cancelled, &[told(None)], now()),
        None
    );
    assert_eq!(Entry::with(NoticeKind::Cancelled, &cancelled, &outbox, over), None);
    assert_eq!(Entry::with(NoticeKind::Accepted, &cancelled, &outbox, now()), None);
    assert_eq!(Entry::with(NoticeKind::Finished, &cancelled, &outbox, now()), None);
    // The second telling took the first one's place and has not gone out yet.
    let moved = scheduled(Some(frame.clone()), 1);
    assert!(Entry::with(NoticeKind::Cancelled, &moved, &[told(None)], now()).is_some());
}

#[test]
fn hostile_words_stay_in_their_property() {
    let hostile = RequestRecord {
        ticket: Some("1\r\nATTACH:https://evil.example/;,\\n".to_owned()),
        ..scheduled(Some(window("2026-11-25T22:00", None)), 0)
    };
    let mut profile = profile();
    profile.provider.name = "A\"B;C:D,E\\\r\nBEGIN:VALARM".to_owned();
    let entry = Entry::with(NoticeKind::Scheduled, &hostile, &[], now()).unwrap();
    let text = calendar(NoticeKind::Scheduled, entry, &hostile, &profile, now()).unwrap();
    let event = event(&text);
    assert!(event.alarms.is_empty() && value(&event, "ATTACH").is_none());
    assert!(
        value(&event, "SUMMARY")
            .unwrap()
            .starts_with("A\"B\\;C:D\\,E\\\\ BEGIN:VALARM: the")
    );
    assert!(
        text.replace("\r\n ", "")
            .contains("ORGANIZER;CN=\"A'B;C:D,E\\ BEGIN:VALARM\":mailto:support@example.net")
    );
}

fn snapshot_text(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name.to_owned(), text.replace('\r', "")));
}
