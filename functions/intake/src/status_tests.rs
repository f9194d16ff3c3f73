use mailvan::domain::{ClassCounts, FaultCode, FoundBy, Pass};
use mailvan::store::job::CertificateNote;
use mailvan::store::{Pace, Step};
use serde_json::{Value, json};

use super::*;
use crate::samples;

fn shown(overview: &Overview) -> Value {
    let response = overview.response(200).unwrap();
    serde_json::from_slice(&response.body.unwrap()).unwrap()
}

#[test]
fn a_status_shows_each_mailbox_and_each_refused_row() {
    let mut failed = samples::job(3, JobState::Failed, Some(Pass::First));
    failed.certificate = Some(CertificateNote {
        made_at: "2026-11-24T09:00:00Z".to_owned(),
        pass: Pass::Final,
        agrees: true,
        classes: ClassCounts {
            too_large: 2,
            ..ClassCounts::default()
        },
    });
    failed.check = samples::wrong_password();
    failed.error_code = Some("source_login".to_owned());
    failed.error_message = Some("the password is wrong".to_owned());
    let jobs = vec![samples::job(2, JobState::Copying, Some(Pass::First)), failed];
    let faults = vec![Fault::at(4, "port", FaultCode::BadPort, "write a number")];
    let document = shown(&Overview {
        request: samples::request(RequestState::FirstPass),
        jobs,
        faults,
        read_at: samples::now(),
        forecast: None,
        noted: Noted::new(),
    });
    assert_eq!(document["id"], json!(samples::id()));
    assert_eq!(document["state"], "first_pass");
    assert_eq!(document["window"], Value::Null);
    assert_eq!(
        document["options"],
        json!({"include": [], "exclude": [], "since": null, "before": null, "repair": false, "carry_deletions": false, "tell_owners": false})
    );
    assert_eq!(document["counts"]["mailboxes"], 2);
    assert_eq!(
        (&document["counts"]["copying"], &document["counts"]["failed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        document["mailboxes"][0],
        json!({
            "row": 2, "email": "user2@example.com", "state": "copying", "pass": "first", "folders": 3, "messages_total": 10,
            "messages_copied": 4, "bytes_total": 1000, "bytes_copied": 400, "exceptions": 0, "notes": 0,
            "source": {"host": "imap.example.com", "port": 993, "security": "tls"}, "check": {"state": "waiting"},
        })
    );
    let url = format!("/v1/requests/{}/mailboxes/3/certificate", samples::id());
    assert_eq!(
        document["mailboxes"][1]["certificate"],
        json!({
            "url": url, "made_at": "2026-11-24T09:00:00Z", "agrees": true,
            "refused": {"too_large": 2, "over_quota": 0, "invalid": 0, "other": 0},
        })
    );
    assert_eq!(
        document["mailboxes"][1]["error"],
        json!({"code": "source_login", "message": "the password is wrong"})
    );
    let fault = json!({"code": "source_wrong_password", "message": "The password is wrong", "remedy": "Correct it"});
    assert_eq!(
        document["mailboxes"][1]["check"],
        json!({"state": "failed", "fault": fault, "faults": [fault]})
    );
    assert_eq!(
        document["rows_refused"],
        json!([{"row": 4, "column": "port", "code": "bad_port", "message": "write a number"}])
    );
}

#[test]
fn a_large_request_is_shown_in_parts_that_leave_nothing_out() {
    let jobs = (2..2_502)
        .map(|row| samples::job(row, JobState::Waiting, None))
        .collect();
    let faults = (3_000..3_700)
        .flat_map(|row| ["email", "port", "security"].map(|column| Fault::at(row, column, FaultCode::BadPort, "x")));
    let overview = Overview {
        request: samples::request(RequestState::NeedsAttention),
        jobs,
        faults: faults.collect(),
        read_at: samples::now(),
        forecast: None,
        noted: Noted::new(),
    };
    let (mut from_row, mut mailboxes, mut refused, mut answers) = (0, 0, 0, 0);
    loop {
        let document = serde_json::to_value(overview.view(from_row)).unwrap();
        mailboxes += document["mailboxes"].as_array().unwrap().len();
        refused += document["rows_refused"].as_array().unwrap().len();
        answers += 1;
        assert_eq!(document["counts"]["mailboxes"], 2_500);
        match document["next_row"].as_u64() {
            Some(next) => from_row = u32::try_from(next).unwrap(),
            None => break,
        }
    }
    assert_eq!((mailboxes, refused, answers), (2_500, 2_100, 4));
}

#[test]
fn a_window_is_shown_in_its_own_zone() {
    let mut request = samples::request(RequestState::Scheduled);
    let window = Window::parse(
        "2026-11-25T22:00",
        Some("2026-11-26T06:00"),
        "Europe/Berlin",
        samples::now(),
    );
    request.window = Some(window.unwrap());
    let document = shown(&Overview {
        request,
        jobs: Vec::new(),
        faults: Vec::new(),
        read_at: samples::now(),
        forecast: None,
        noted: Noted::new(),
    });
    let expected = json!({"start": "2026-11-25T22:00:00+01:00", "end": "2026-11-26T06:00:00+01:00", "time_zone": "Europe/Berlin", "after_end": "next_night"});
    assert_eq!(document["window"], expected);
}

#[test]
fn nothing_secret_is_shown() {
    let mut request = samples::request(RequestState::Checking);
    request.data_key = Some("sealed-key".to_owned());
    let jobs = vec![samples::job(2, JobState::Waiting, None)];
    let text = shown(&Overview {
        request,
        jobs,
        faults: Vec::new(),
        read_at: samples::now(),
        forecast: None,
        noted: Noted::new(),
    })
    .to_string();
    for secret in ["sealed", "token", "hash", "data_key", "password"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn a_server_is_shown_once_it_is_known_and_how_it_was_found() {
    let mut overview = Overview {
        request: samples::request(RequestState::Checking),
        jobs: vec![samples::job(2, JobState::Waiting, None)],
        faults: Vec::new(),
        read_at: samples::now(),
        forecast: None,
        noted: Noted::new(),
    };
    let shown = |overview: &Overview| serde_json::to_value(overview.view(0)).unwrap()["mailboxes"][0]["source"].clone();
    let named = json!({ "host": "imap.example.com", "port": 993, "security": "tls" });
    assert_eq!(shown(&overview), named);
    overview.jobs[0].source_found_by = Some(FoundBy::ServiceRecord);
    assert_eq!(shown(&overview)["found_by"], "service_record");
    overview.jobs[0].seeks_source = true;
    assert_eq!(shown(&overview), Value::Null);
}

#[test]
fn what_is_done_with_a_mailbox_is_shown_unless_the_copying_waits_for_the_night() {
    let doing = Doing {
        pass: Pass::First,
        step: Step::Copying,
        folder: "INBOX".to_owned(),
        folders: None,
        pace: Some(Pace {
            messages: 600,
            bytes: 60_000,
        }),
        at: samples::now().as_second(),
    };
    let mut overview = Overview {
        request: samples::request(RequestState::FirstPass),
        jobs: vec![
            samples::job(2, JobState::Copying, Some(Pass::First)),
            samples::job(3, JobState::Copying, Some(Pass::First)),
        ],
        faults: Vec::new(),
        read_at: samples::now(),
        forecast: None,
        noted: Noted::from([(3, vec![doing])]),
    };
    let shown = |overview: &Overview, at: usize| shown(overview)["mailboxes"][at]["doing"].clone();
    assert_eq!(shown(&overview, 0), Value::Null);
    assert_eq!(
        shown(&overview, 1),
        json!({"step": "copying", "folder": "INBOX", "messages_per_minute": 600, "bytes_per_minute": 60_000, "at": "2026-11-24T09:00:00Z"})
    );
    let made = "2026-11-23T12:00:00Z".parse().unwrap();
    let window = Window::parse("2026-11-23T22:00", Some("2026-11-24T06:00"), "Europe/Berlin", made);
    overview.request.window = Some(window.unwrap());
    assert_eq!(shown(&overview, 1), Value::Null);
}
