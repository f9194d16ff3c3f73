use mailvan::domain::{ClassCounts, FaultCode, JobState, Pass};
use mailvan::store::Discrepancy;
use mailvan::store::job::CertificateNote;
use serde_json::json;

use super::*;
use crate::samples;

fn records(lines: &[Line]) -> Vec<Vec<String>> {
    let mut report = Report::begin().unwrap();
    for line in lines {
        report.add(line).unwrap();
    }
    let text = report.end().unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap(), COLUMNS.as_slice());
    reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

fn folder_and_chunk(job: &JobRecord) -> (FolderRecord, ChunkRecord) {
    let folder = json!({
        "job_id": job.job_id, "folder": 1, "source_name": "Old", "title": "=Old/Größe", "destination_name": "Old", "source_uid_validity": 1,
        "destination_uid_validity": 2, "chunks": 1, "last_uid": 9, "planned_pass": "first",
        "error": "the previous provider does not list 2 messages of it", "note": "at the new provider it is Old: so it is",
    });
    let chunk = json!({
        "job_id": job.job_id, "folder": 1, "chunk": 0, "first_uid": 1, "last_uid": 9, "messages": 9, "bytes": 90, "map": "", "flags": "",
        "exceptions": [{"uid": 7, "code": "LIMIT", "class": "too_large", "text": "too \"large\",\nreally"}, {"uid": 8, "code": "REPAIRED", "text": "1 NUL byte became 0x80"}],
        "dropped": {"messages": 3, "flags": {"$Work": 3, "=Home": 1}, "others": 2},
    });
    (
        serde_json::from_value(folder).unwrap(),
        serde_json::from_value(chunk).unwrap(),
    )
}

#[test]
fn mailboxes_skipped_folders_refused_messages_and_refused_rows_have_lines() {
    let mut job = samples::job(2, JobState::AwaitingCutover, Some(Pass::First));
    job.exceptions = 1;
    let (folder, chunk) = folder_and_chunk(&job);
    let fault = Fault::at(3, "port", FaultCode::BadPort, "write a number");
    let mut lines = vec![mailbox(&job)];
    lines.extend(messages(&job, &[folder], &[chunk]));
    lines.push(refused_row(&fault));
    let records = records(&lines);
    let address = "user2@example.com";
    assert_eq!(
        records[0],
        [
            "mailbox",
            "2",
            address,
            address,
            "awaiting_cutover",
            "first",
            "3",
            "10",
            "4",
            "1000",
            "400",
            "1",
            "",
            "",
            "",
            "",
            "",
            ""
        ]
    );
    let unlisted = "the previous provider does not list 2 messages of it";
    assert_eq!(records[1][..3], ["skipped_folder", "2", address]);
    assert_eq!(
        records[1][12..],
        ["", "'=Old/Größe", "folder_not_copied", unlisted, "", ""]
    );
    let words = "the message with UID 7 was not copied because it is too large: too \"large\",\nreally";
    assert_eq!(records[2][..3], ["refused_message", "2", address]);
    assert_eq!(records[2][12..], ["", "'=Old/Größe", "LIMIT", words, "", "too_large"]);
    assert_eq!((records[4][0].as_str(), records[4][1].as_str()), ("refused_row", "3"));
    assert_eq!(records[4][12..], ["port", "", "bad_port", "write a number", "", ""]);
}

#[test]
fn a_certificate_has_a_link_and_lines_of_what_it_found() {
    let mut job = samples::job(2, JobState::CompletedWithExceptions, Some(Pass::Final));
    job.certificate = Some(CertificateNote {
        made_at: "2026-11-24T09:00:00Z".to_owned(),
        pass: Pass::Final,
        agrees: false,
        classes: ClassCounts::default(),
    });
    let (folder, _) = folder_and_chunk(&job);
    let found = |chunk, messages, uids: &str| {
        let mut finding = Finding::new(job.job_id, Pass::Final, 1, Some(chunk));
        finding.done = true;
        finding.discrepancies = vec![Discrepancy {
            code: "REWRITTEN".to_owned(),
            text: "other bytes".to_owned(),
            messages,
            uids: uids.parse().unwrap(),
        }];
        finding
    };
    let mut lines = vec![mailbox(&job)];
    lines.extend(discrepancies(&job, &[folder], &[found(0, 2, "7:8"), found(1, 1, "20")]));
    let records = records(&lines);
    let path = format!("/v1/requests/{}/mailboxes/2/certificate", samples::id());
    assert_eq!((records.len(), records[0][16].as_str()), (2, path.as_str()));
    let words = "other bytes: 3 messages, with the UIDs 7:8,20";
    assert_eq!(records[1][..3], ["certificate_exception", "2", "user2@example.com"]);
    assert_eq!(records[1][12..], ["", "'=Old/Größe", "REWRITTEN", words, "", ""]);
    let many = listed((1..1000).step_by(2).collect());
    assert!(many.len() < 450 && many.starts_with("1,3,") && many.ends_with("and more, which the certificate lists"));
}

#[test]
fn a_report_that_grows_too_large_says_how_much_is_left_out() {
    let long = || Line {
        kind: "refused_message",
        message: "x".repeat(1024 * 1024),
        ..Line::default()
    };
    let records = records(&[long(), long(), long(), long(), long()]);
    assert_eq!(records.len(), 4);
    assert_eq!(records[3][0], "left_out");
    assert!(records[3][15].starts_with("2 more lines"), "{}", records[3][15]);
}

#[test]
fn what_is_there_otherwise_than_it_was_has_lines() {
    let job = samples::job(2, JobState::AwaitingCutover, Some(Pass::First));
    let (folder, chunk) = folder_and_chunk(&job);
    let mut lines = renamed_folders(&job, std::slice::from_ref(&folder));
    lines.extend(messages(&job, &[folder], std::slice::from_ref(&chunk)).split_off(2));
    lines.extend(dropped_flags(&job, &[chunk.clone(), chunk]));
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.kind, line.code.as_str(), line.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "renamed_folder",
                "folder_renamed",
                "at the new provider it is Old: so it is"
            ),
            (
                "repaired_message",
                "REPAIRED",
                "the message with UID 8 was refused as it was, and is copied repaired: 1 NUL byte became 0x80"
            ),
            (
                "dropped_flag",
                "flag_not_kept",
                "the new provider does not keep the flag $Work, which 6 messages had"
            ),
            (
                "dropped_flag",
                "flag_not_kept",
                "the new provider does not keep the flag =Home, which 2 messages had"
            ),
            (
                "dropped_flag",
                "flag_not_kept",
                "the new provider does not keep other flags, which 4 messages had"
            ),
        ]
    );
}
