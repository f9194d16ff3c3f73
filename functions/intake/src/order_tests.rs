use mailvan::domain::Zone;
use serde_json::{Value, json};

use super::*;
use crate::problem::Code;

const NOW: &str = "2026-11-24T09:00:00Z";

fn read_at(now: &str, body: &Value) -> Result<Order, Problem> {
    read_with(now, None, body)
}

/// Reads an order that has a permit for this ticket.
fn read_with(now: &str, ticket: Option<&str>, body: &Value) -> Result<Order, Problem> {
    read_of(now, ticket, body, LeadTimes::KEPT, &Language::ALL)
}

/// Reads an order of a provider with other rules.
fn read_of(
    now: &str,
    ticket: Option<&str>,
    body: &Value,
    lead_times: LeadTimes,
    languages: &[Language],
) -> Result<Order, Problem> {
    let zone: Zone = "Europe/Berlin".parse().unwrap();
    let terms = Terms {
        now: now.parse().unwrap(),
        workdays: Workdays {
            zone: zone.rules(),
            holidays: &[],
        },
        languages,
        lead_times,
        shortest_frame: SignedDuration::from_hours(1),
        policy: Policy::STRICT,
        ticket,
    };
    read(body.to_string().as_bytes(), terms)
}

fn refused(body: &Value) -> Value {
    read_at(NOW, body).unwrap_err().document()
}

/// Field and code of each fault.
fn fields(document: &Value) -> Vec<(&str, &str)> {
    let faults = document["faults"].as_array().unwrap();
    faults
        .iter()
        .map(|fault| (fault["field"].as_str().unwrap(), fault["code"].as_str().unwrap()))
        .collect()
}

#[test]
fn an_order_for_a_file_needs_a_contact_and_a_length_only() {
    let missing = refused(&json!({"contact_email": "anna@example.com"}));
    assert_eq!(fields(&missing), [("csv_bytes", "empty_value")]);
    let order = read_at(NOW, &json!({"contact_email": " Anna@Example.com ", "csv_bytes": 9})).unwrap();
    assert_eq!(order.contact_email.as_str(), "Anna@example.com");
    assert_eq!((order.ticket, order.window), (None, None));
    assert!(matches!(
        order.mailboxes,
        Mailboxes::File(AnnouncedFile {
            bytes: Some(9),
            sha256: None
        })
    ));
}

#[test]
fn an_order_by_form_has_its_mailboxes_and_shows_no_password() {
    let body = json!({
        "contact_email": "anna@example.com", "ticket": " T-1 ",
        "window": {"start": "2026-11-25T22:00", "end": "2026-11-26T06:00:00+01:00", "time_zone": "Europe/Berlin"},
        "mailboxes": [
            {"email": "anna@example.com", "password": "hunter2", "source_host": "imap.example.com", "destination_password": "hunter3"},
            {"email": "bert@example.com", "password": "hunter4", "source_host": "imap.example.com"},
        ],
    });
    let order = read_at(NOW, &body).unwrap();
    let shown = format!("{order:?}");
    assert!(!shown.contains("hunter"), "{shown}");
    assert_eq!(order.ticket.as_deref(), Some("T-1"));
    assert_eq!(order.window.unwrap().start().to_string(), "2026-11-25T21:00:00Z");
    let Mailboxes::Form(rows) = order.mailboxes else {
        panic!("not a form")
    };
    assert_eq!(
        rows.iter()
            .map(|(row, order)| (*row, order.password.expose()))
            .collect::<Vec<_>>(),
        [(1, "hunter2"), (2, "hunter4")]
    );
}

#[test]
fn the_ticket_is_the_one_that_the_permit_names() {
    let body = |ticket: Option<&str>| json!({"contact_email": "anna@example.com", "csv_bytes": 9, "ticket": ticket});
    for (permitted, named, ticket, is_proven) in [
        (Some("4711"), None, Some("4711"), true),
        (Some("4711"), Some(" #4711 "), Some("4711"), true),
        (None, Some("4711"), Some("4711"), false),
        (None, None, None, false),
    ] {
        let order = read_with(NOW, permitted, &body(named)).unwrap();
        let read = (order.ticket.as_deref(), order.ticket_is_proven);
        assert_eq!(read, (ticket, is_proven), "{permitted:?} {named:?}");
    }
    for (named, code) in [
        ("4712", "another_ticket"),
        (" ", "empty_value"),
        ("4711\u{200b}", "bad_character"),
    ] {
        let document = read_with(NOW, Some("4711"), &body(Some(named))).unwrap_err().document();
        assert_eq!(fields(&document), [("ticket", code)]);
    }
}

#[test]
fn all_faults_are_told_at_once_and_no_value_is() {
    let document = refused(&json!({
        "contact_email": "hunter2", "ticket": "hunter2\n2", "csv_bytes": 0,
        "window": {"start": "hunter2", "time_zone": "Europe/Berlin"},
        "mailboxes": [
            {"email": "hunter2", "password": "", "source_host": "hunter2 x", "port": 0},
            {"email": "anna@example.com", "password": "hunter2", "source_host": "imap.example.com", "security": "hunter2"},
        ],
    }));
    assert_eq!(document["code"], "invalid_request");
    assert_eq!(
        fields(&document),
        [
            ("contact_email", "bad_address"),
            ("ticket", "bad_character"),
            ("window.start", "bad_time"),
            ("csv_bytes", "out_of_range"),
            ("csv_bytes", "not_with_mailboxes"),
        ]
    );
    let rows: Vec<_> = document["rows_refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| (&fault["row"], &fault["code"]))
        .collect();
    assert_eq!(
        rows,
        [
            (&json!(1), &json!("bad_address")),
            (&json!(1), &json!("empty_value")),
            (&json!(1), &json!("bad_host")),
            (&json!(1), &json!("bad_port")),
            (&json!(2), &json!("bad_security")),
        ]
    );
    assert!(!document.to_string().contains("hunter2"), "{document}");
}

#[test]
fn an_early_start_is_refused_with_the_earliest_in_the_customer_s_zone() {
    let window = json!({"start": "2026-11-25T04:00", "time_zone": "America/New_York"});
    let body = json!({"contact_email": "anna@example.com", "csv_bytes": 9, "window": window});
    assert!(read_at(NOW, &body).is_ok());
    let problem = read_at("2026-11-24T09:00:01Z", &body).unwrap_err();
    assert_eq!(problem.code(), Code::TooEarly);
    let document = problem.document();
    assert_eq!(document["earliest_start"], "2026-11-25T04:01:00-05:00");
    assert_eq!(
        document["earliest_start_words"],
        "Wednesday, 25 November 2026, 04:01 (America/New_York)"
    );
    assert_eq!(
        document["detail"],
        "The earliest start is Wednesday, 25 November 2026, 04:01 (America/New_York)."
    );
    assert_eq!(fields(&document), [("window.start", "too_early")]);
}

#[test]
fn an_early_start_among_other_faults_still_names_the_earliest() {
    let window = json!({"start": "2026-11-24T22:00", "time_zone": "Europe/Berlin"});
    let document = refused(&json!({"csv_bytes": 9, "window": window}));
    assert_eq!(document["code"], "invalid_request");
    assert_eq!(
        fields(&document),
        [("contact_email", "empty_value"), ("window.start", "too_early")]
    );
    assert_eq!(document["earliest_start"], "2026-11-25T10:00:00+01:00");
}

#[test]
fn faults_of_a_window_name_their_field() {
    for (start, end, zone, field, code) in [
        ("2026-11-25T22:00", None, "Berlin", "window.time_zone", "bad_time_zone"),
        (
            "2026-11-25T22:00",
            Some("late"),
            "Europe/Berlin",
            "window.end",
            "bad_time",
        ),
        (
            "2026-11-25T22:00",
            Some("2026-11-25T21:00"),
            "Europe/Berlin",
            "window.end",
            "end_before_start",
        ),
        (
            "2026-11-25T22:00",
            Some("2026-12-25T21:00"),
            "Europe/Berlin",
            "window.end",
            "window_too_long",
        ),
        (
            "2026-11-25T22:00",
            Some("2026-11-25T22:59"),
            "Europe/Berlin",
            "window.end",
            "window_too_short",
        ),
        (
            "2028-11-25T22:00",
            None,
            "Europe/Berlin",
            "window.start",
            "start_too_far_ahead",
        ),
        (
            "2027-03-28T02:30",
            None,
            "Europe/Berlin",
            "window.start",
            "time_does_not_exist",
        ),
    ] {
        let window = json!({"start": start, "end": end, "time_zone": zone});
        let document = refused(&json!({"contact_email": "anna@example.com", "csv_bytes": 9, "window": window}));
        assert_eq!(fields(&document), [(field, code)], "{document}");
        let message = document["faults"][0]["message"].as_str().unwrap();
        assert!(
            !message.starts_with("start:") && !message.starts_with("end:") && message.ends_with('.'),
            "{message}"
        );
    }
}

#[test]
fn empty_and_oversized_forms_are_refused() {
    let empty = refused(&json!({"contact_email": "anna@example.com", "mailboxes": []}));
    assert_eq!(fields(&empty), [("mailboxes", "empty_value")]);
    assert_eq!(empty["rows_refused"], json!([]));
    let row =
        |n: usize| json!({"email": format!("u{n}@example.com"), "password": "x", "source_host": "imap.example.com"});
    let many = |count: usize| json!({"contact_email": "anna@example.com", "mailboxes": (0..count).map(row).collect::<Vec<_>>()});
    assert!(read_at(NOW, &many(MAX_FORM_MAILBOXES)).is_ok());
    assert_eq!(
        fields(&refused(&many(MAX_FORM_MAILBOXES + 1))),
        [("mailboxes", "too_many_mailboxes")]
    );
}

#[test]
fn tickets_are_short_and_visible() {
    for (ticket, code) in [
        (" ".to_owned(), "empty_value"),
        ("x".repeat(65), "too_long"),
        ("a\u{202e}b".to_owned(), "bad_character"),
    ] {
        assert_eq!(
            fields(&refused(
                &json!({"contact_email": "a@example.com", "csv_bytes": 9, "ticket": ticket})
            )),
            [("ticket", code)]
        );
    }
    assert!(
        read_at(
            NOW,
            &json!({"contact_email": "a@example.com", "csv_bytes": 9, "ticket": "№".repeat(64)})
        )
        .is_ok()
    );
}

#[test]
fn unknown_fields_are_refused() {
    let document = refused(&json!({"contact_email": "a@example.com", "mailbox": []}));
    assert_eq!(document["code"], "unexpected_json");
}

#[test]
fn a_renewal_tells_the_length_of_the_file() {
    assert!(read_renewal(b"").is_err());
    let missing = read_renewal(b"{}").unwrap_err().document();
    assert_eq!(fields(&missing), [("csv_bytes", "empty_value")]);
    assert_eq!(
        read_renewal(br#"{"csv_bytes": 20971520}"#).unwrap().bytes,
        Some(20_971_520)
    );
    for bytes in ["0", "-1", "20971521"] {
        let document = read_renewal(format!(r#"{{"csv_bytes": {bytes}}}"#).as_bytes())
            .unwrap_err()
            .document();
        assert_eq!(fields(&document), [("csv_bytes", "out_of_range")]);
    }
    let sum = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let body = json!({ "csv_bytes": 9, "csv_sha256": sum }).to_string();
    assert_eq!(read_renewal(body.as_bytes()).unwrap().sha256.as_deref(), Some(sum));
    for sum in [
        "",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "AAAA",
    ] {
        let document = read_renewal(json!({ "csv_bytes": 9, "csv_sha256": sum }).to_string().as_bytes())
            .unwrap_err()
            .document();
        assert_eq!(fields(&document), [("csv_sha256", "bad_value")], "{sum}");
    }
}

#[test]
fn options_are_taken_and_their_faults_are_told_with_the_others() {
    let options = json!({"exclude": ["Trash"], "since": "2024-01-31", "repair": true});
    let order = read_at(
        NOW,
        &json!({"contact_email": "anna@example.com", "csv_bytes": 9, "options": options}),
    )
    .unwrap();
    assert!(order.options.repair && !order.options.takes(&["trash".to_owned()]));
    let plain = read_at(
        NOW,
        &json!({"contact_email": "anna@example.com", "csv_bytes": 9, "options": null}),
    )
    .unwrap();
    assert!(plain.options.is_default());
    let document = refused(&json!({"csv_bytes": 9, "options": {"include": ["/hunter2"], "before": "hunter2"}}));
    assert_eq!(
        fields(&document),
        [
            ("contact_email", "empty_value"),
            ("options.include", "bad_pattern"),
            ("options.before", "bad_date"),
        ]
    );
    assert!(!document.to_string().contains("hunter2"), "{document}");
    let unknown = json!({"contact_email": "anna@example.com", "options": {"only": []}});
    assert_eq!(read_at(NOW, &unknown).unwrap_err().code(), Code::UnexpectedJson);
}

#[test]
fn frame_that_is_too_short_is_refused_with_the_shortest_and_its_end() {
    let order = |end: &str| {
        let window = json!({"start": "2026-11-25T22:00", "end": end, "time_zone": "Europe/Berlin"});
        json!({"contact_email": "anna@example.com", "csv_bytes": 9, "window": window})
    };
    let document = refused(&order("2026-11-25T22:30"));
    assert_eq!(
        document["faults"][0]["message"],
        "a frame is 1 hour long at least, and this one is 30 minutes: end it on Wednesday, 25 November 2026, 23:00 (Europe/Berlin) or later."
    );
    assert!(read_at(NOW, &order("2026-11-25T23:00")).is_ok());
}

#[test]
fn lead_times_and_languages_are_the_provider_s() {
    let lead_times = LeadTimes {
        ordinary: SignedDuration::from_hours(72),
        weekend: SignedDuration::from_hours(96),
    };
    let body = json!({"contact_email": "anna@example.com", "language": "en-GB", "csv_bytes": 12,
        "window": {"start": "2026-11-26T20:00", "end": "2026-11-27T06:00", "time_zone": "Europe/Berlin"}});
    let problem = read_of(NOW, None, &body, lead_times, &Language::ALL)
        .unwrap_err()
        .document();
    assert_eq!(fields(&problem), [("window.start", "too_early")]);
    assert!(
        problem["faults"][0]["message"]
            .as_str()
            .unwrap()
            .starts_with("a migration is ordered 72 hours ahead, and 96 hours before")
    );
    let offered = [Language::German];
    let order = read_of(NOW, None, &body, LeadTimes::KEPT, &offered).unwrap();
    assert_eq!(order.language, Language::German, "English is not offered");
    let order = read_of(NOW, None, &body, LeadTimes::KEPT, &Language::ALL).unwrap();
    assert_eq!(order.language, Language::English);
}
