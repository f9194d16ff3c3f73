use serde_json::{Value, json};

use super::*;
use crate::certify::code::discrepancy;
use crate::domain::tally::body_digest;
use crate::store::ExceptionRecord;

fn job_id() -> JobId {
    JobId::new(RequestId::from_parts(1, [9; 10]), 1, 7)
}

fn folder(number: u32, title: &str) -> FolderRecord {
    serde_json::from_value(json!({
        "job_id": job_id(), "folder": number, "source_name": title, "title": title, "destination_name": "Entw&APw-rfe",
        "source_uid_validity": 1, "destination_uid_validity": 2, "chunks": 2, "last_uid": 40, "planned_pass": "final",
    }))
    .unwrap()
}

/// A chunk with messages that were refused or repaired: UID and code.
fn chunk(number: u32, exceptions: &[(u32, &str)]) -> ChunkRecord {
    let mut chunk = ChunkRecord::new(job_id(), 0, number, 1..=20);
    chunk.exceptions = exceptions
        .iter()
        .map(|(uid, code)| ExceptionRecord {
            uid: *uid,
            code: (*code).to_owned(),
            class: if *code == "TOOBIG" {
                Some(ExceptionClass::TooLarge)
            } else {
                None
            },
            text: format!("words about {code}"),
        })
        .collect();
    chunk
}

fn finding(chunk: Option<u32>, bodies: &[&str]) -> Finding {
    let mut finding = Finding::new(job_id(), Pass::Final, 0, chunk);
    for body in bodies {
        finding
            .source
            .add(&body_digest(body.as_bytes()), body.len() as u64, None);
    }
    finding.destination = finding.source;
    finding.done = true;
    finding
}

fn certificate(draft: Draft) -> (Certificate, Value) {
    let subject = Subject {
        pass: Pass::Final,
        job_id: job_id(),
        mailbox: "anna@example.com".to_owned(),
        destination: "anna@example.net".to_owned(),
    };
    let certificate = draft.finish(subject, "2026-11-24T09:00:00Z".to_owned());
    let json = serde_json::to_value(&certificate).unwrap();
    (certificate, json)
}

#[test]
fn what_copying_left_out_is_an_exception_and_does_not_make_the_sides_disagree() {
    let mut draft = Draft::default();
    let mut skipped = folder(0, "Entwürfe");
    skipped.error = Some("it was not opened".to_owned());
    let chunks = [
        chunk(0, &[(3, "TOOBIG"), (4, "TOOBIG"), (9, "LIMIT")]),
        chunk(1, &[(30, "TOOBIG"), (31, "REPAIRED")]),
    ];
    let findings = [
        finding(None, &[]),
        finding(Some(0), &["one", "two"]),
        finding(Some(1), &["three"]),
    ];
    draft.add(&skipped, &chunks, &findings.iter().collect::<Vec<_>>());
    let (certificate, json) = certificate(draft);
    assert_eq!((certificate.agrees(), certificate.exceptions()), (true, 5));
    assert_eq!(certificate.failure(), None);
    let folder = &json["folders"][0];
    let exceptions: Vec<_> = folder["exceptions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["code"].as_str().unwrap(),
                one["messages"].as_u64().unwrap(),
                one["uids"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        exceptions,
        [("FOLDER_NOT_COPIED", 0, ""), ("LIMIT", 1, "9"), ("TOOBIG", 3, "3:4,30")]
    );
    assert_eq!(folder["repaired"][0]["uids"], "31");
    assert_eq!(folder["source_side"]["messages"], 3);
    assert_eq!(folder["source_side"], json["totals"]["destination_side"]);
    assert_eq!((&folder["destination"], &json["row"]), (&json!("Entwürfe"), &json!(7)));
}

#[test]
fn one_folder_that_disagrees_makes_the_certificate_disagree_and_says_why_the_mailbox_is_not_completed() {
    let mut draft = Draft::default();
    draft.add(&folder(0, "INBOX"), &[], &[&finding(None, &["same"])]);
    let mut ill = finding(Some(0), &["one"]);
    ill.destination = Tally::default();
    ill.discrepancies = vec![discrepancy(code::MISSING, &"5:6".parse().unwrap())];
    draft.add(&folder(1, "Sent"), &[], &[&ill]);
    let (certificate, json) = certificate(draft);
    assert_eq!((certificate.agrees(), certificate.exceptions()), (false, 2));
    assert_eq!(
        (&json["folders"][0]["agrees"], &json["folders"][1]["agrees"]),
        (&json!(true), &json!(false))
    );
    let failure = certificate.failure().unwrap();
    assert_eq!(failure.code, "not_as_at_the_source");
    assert!(failure.message.starts_with("2 messages are not"), "{}", failure.message);
    assert!(!certificate.note().agrees);
}

#[test]
fn more_exceptions_than_can_be_listed_are_counted() {
    let mut draft = Draft::default();
    for number in 0..3 {
        let refused: Vec<(u32, String)> = (1..=9000).map(|uid| (uid, format!("CODE{uid}"))).collect();
        let refused: Vec<(u32, &str)> = refused.iter().map(|(uid, code)| (*uid, code.as_str())).collect();
        draft.add(&folder(number, "INBOX"), &[chunk(0, &refused)], &[&finding(None, &[])]);
    }
    let (certificate, json) = certificate(draft);
    assert_eq!(certificate.exceptions(), 27_000);
    assert_eq!(json["totals"]["exceptions_not_listed"], 7000);
    assert_eq!(json["folders"][2]["exceptions"].as_array().unwrap().len(), 2000);
}

#[test]
fn the_key_names_request_and_job() {
    let id = job_id();
    let expected = format!("certificates/{}/{id}.json", id.request());
    assert_eq!(CertificateKey(id).to_string(), expected);
}

/// What the description of the API says a certificate has, and what it has.
#[test]
fn every_member_is_in_the_description_of_the_api() {
    let described = include_str!("../../../infra/openapi.yaml");
    let mut draft = Draft::default();
    let mut found = finding(None, &["one"]);
    found.late_copies.insert(9, 3);
    found.discrepancies = vec![discrepancy(code::DOUBLED, &"3".parse().unwrap())];
    draft.add(&folder(0, "INBOX"), &[chunk(0, &[])], &[&found]);
    let (_, json) = certificate(draft);
    let schema = |name: &str| {
        let start = described.find(&format!("\n    {name}:\n")).unwrap();
        let lines = described[start + 1..].lines().skip(1);
        lines
            .take_while(|line| line.starts_with("     "))
            .collect::<Vec<_>>()
            .join("\n")
    };
    for (name, value) in [
        ("Certificate", &json),
        ("CertificateFolder", &json["folders"][0]),
        ("CertificateSide", &json["folders"][0]["source_side"]),
        ("CertificateMessages", &json["folders"][0]["gone_since"]),
        ("CertificateException", &json["folders"][0]["exceptions"][0]),
    ] {
        let schema = schema(name);
        for member in value.as_object().unwrap().keys() {
            assert!(
                schema.contains(&format!("        {member}:")),
                "{name} has {member}, which is not described"
            );
        }
    }
}
