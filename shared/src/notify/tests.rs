//! Each notice as a snapshot, and what no notice may do.

mod calendar;
mod files;
mod forgotten;
mod found_again;
mod german;
mod guide;
mod hostile;
mod lists;
mod looked_again;
mod mime;
mod overtaken;
mod own;
mod owner;
mod stopped;
mod underway;

use super::*;
use crate::domain::{
    Check, ClassCounts, CopyOptions, Endpoint, Fault, FaultCode, JobId, JobState, JobStatus, Language, Pass, RequestId,
};
use crate::store::job::CertificateNote;
use crate::store::{AttachmentRecord, JobRecord, OwnerMail};

fn profile() -> Profile {
    Profile::parse(include_str!("../../../infra/profile.example.toml")).unwrap()
}

fn request(state: RequestState) -> RequestRecord {
    RequestRecord {
        ticket: Some("4711".to_owned()),
        data_key: (!state.is_terminal()).then(|| "DATAKEY".to_owned()),
        generation: 1,
        ..RequestRecord::made(
            RequestId::from_parts(1_795_600_000_000, [7; 10]),
            state,
            "it@example.com".parse().unwrap(),
            "TOKENHASH".to_owned(),
            "2026-11-23T10:00:00Z".parse().unwrap(),
        )
    }
}

fn job(row: u32, name: &str, state: JobState, pass: Pass) -> JobRecord {
    let id = request(RequestState::Scheduled).request_id;
    JobRecord {
        job_id: JobId::new(id, 1, row),
        request_id: id,
        status: JobStatus::new(state, (state != JobState::Waiting).then_some(pass)).unwrap(),
        state_since: "2026-11-24T02:00:00Z".to_owned(),
        created_at: "2026-11-23T10:00:00Z".to_owned(),
        address: format!("{name}@example.com"),
        domain: "example.com".to_owned(),
        source_user: "SOURCEUSER".to_owned(),
        source: Endpoint::with_defaults("imap.example.org".parse().unwrap(), None, None),
        seeks_source: false,
        source_found_by: None,
        sealed_password: Some("SEALED".to_owned()),
        had_destination_password: false,
        destination: format!("{name}@example.com").parse().unwrap(),
        sealed_destination_password: Some("SEALED".to_owned()),
        options: CopyOptions::default(),
        check: Check::default(),
        folders: 9,
        open_folders: 0,
        pass_folders: 0,
        messages_total: 12_345 + i64::from(row),
        messages_copied: 12_345 + i64::from(row),
        bytes_total: 1_449_999_999,
        bytes_copied: 1_449_999_999,
        exceptions: 0,
        notes: 0,
        certificate: None,
        before_look: None,
        looked: None,
        error_code: None,
        error_message: None,
        rest: None,
        owner: OwnerMail::default(),
    }
}

/// A mailbox that has ended with a certificate.
fn certified(row: u32, name: &str, state: JobState) -> JobRecord {
    JobRecord {
        certificate: Some(CertificateNote {
            made_at: "2026-11-27T02:00:00Z".to_owned(),
            pass: Pass::Final,
            agrees: state == JobState::Completed,
            classes: ClassCounts::default(),
        }),
        ..job(row, name, state, Pass::Final)
    }
}

fn waiting() -> Vec<JobRecord> {
    ["anna", "ben", "info"]
        .into_iter()
        .zip(2..)
        .map(|(name, row)| job(row, name, JobState::Waiting, Pass::First))
        .collect()
}

fn failed(row: u32, name: &str, pass: Pass) -> JobRecord {
    JobRecord {
        messages_total: 0,
        messages_copied: 0,
        bytes_total: 0,
        bytes_copied: 0,
        error_code: Some("login_refused".to_owned()),
        error_message: Some(
            "The previous provider refused the password. Check it there by logging in to its webmail.".to_owned(),
        ),
        ..job(row, name, JobState::Failed, pass)
    }
}

fn facts(jobs: &[JobRecord], faults: &[Fault], files: &[AttachmentRecord]) -> Facts {
    Facts {
        jobs: jobs.to_vec(),
        faults: faults.to_vec(),
        files: files.to_vec(),
        domains: Vec::new(),
    }
}

fn composed(kind: NoticeKind, request: &RequestRecord, jobs: &[JobRecord], faults: &[Fault]) -> Mail {
    with_files(kind, request, jobs, faults, &[])
}

fn with_files(
    kind: NoticeKind,
    request: &RequestRecord,
    jobs: &[JobRecord],
    faults: &[Fault],
    files: &[AttachmentRecord],
) -> Mail {
    let mail = compose(kind, request, &facts(jobs, faults, files), &profile()).unwrap();
    assert!(!mail.text.contains("\n\n\n\n") && !mail.html.contains("undefined"));
    mail
}

fn snapshot(name: &str, mail: &Mail) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!(
            format!("{name}_text"),
            format!("Subject: {}\n\n{}", mail.subject, mail.text)
        );
        insta::assert_snapshot!(format!("{name}_html"), mail.html);
    });
}

#[test]
fn accepted_says_that_the_copying_begins() {
    snapshot(
        "accepted",
        &composed(NoticeKind::Accepted, &request(RequestState::Scheduled), &waiting(), &[]),
    );
}

#[test]
fn scheduled_shows_the_start_in_the_zone_of_the_window() {
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    let window =
        crate::domain::Window::parse("2026-11-25T22:00", Some("2026-11-26T06:00"), "America/New_York", now).unwrap();
    let request = RequestRecord {
        window: Some(window),
        ..request(RequestState::Scheduled)
    };
    let mail = composed(NoticeKind::Scheduled, &request, &waiting(), &[]);
    assert!(
        mail.text
            .contains("Wednesday, 25 November 2026, 22:00 (America/New_York, UTC-05:00)")
    );
    snapshot("scheduled", &mail);
}

#[test]
fn refused_lists_rows_columns_and_remedies() {
    let faults = [
        Fault::of_file(
            FaultCode::MissingColumn,
            "the column source_host is missing: take the names of the columns from the template",
        ),
        Fault::at(7, "port", FaultCode::BadPort, "write a number from 1 to 65535"),
        Fault::at(7, "email", FaultCode::BadAddress, "the address has no @ in it"),
        Fault::of_row(
            9,
            FaultCode::TooManyCells,
            "the row has more cells than there are columns",
        ),
    ];
    snapshot(
        "refused",
        &composed(
            NoticeKind::Refused { generation: 1 },
            &request(RequestState::NeedsAttention),
            &[],
            &faults,
        ),
    );
}

#[test]
fn first_pass_done_asks_for_the_dns_and_names_what_failed() {
    let jobs = [
        job(2, "anna", JobState::AwaitingCutover, Pass::First),
        failed(3, "ben", Pass::First),
        job(4, "info", JobState::AwaitingCutover, Pass::First),
    ];
    snapshot(
        "first_pass_done",
        &composed(
            NoticeKind::FirstPassDone,
            &request(RequestState::AwaitingCutover),
            &jobs,
            &[],
        ),
    );
}

#[test]
fn deletions_that_are_to_be_carried_over_are_told_before_the_final_copy() {
    let told = |carry_deletions| {
        let mut request = request(RequestState::AwaitingCutover);
        request.options.carry_deletions = carry_deletions;
        let jobs = [job(2, "anna", JobState::AwaitingCutover, Pass::First)];
        let mail = composed(NoticeKind::FirstPassDone, &request, &jobs, &[]);
        let words = mail.text.split_whitespace().collect::<Vec<_>>().join(" ");
        [
            "nothing is deleted there",
            "only what was deleted in your old ones is deleted there",
        ]
        .map(|one| words.contains(one))
    };
    assert_eq!((told(false), told(true)), ([true, false], [false, true]));
}

#[test]
fn first_pass_done_without_failures_speaks_of_none() {
    let jobs = [job(2, "anna", JobState::AwaitingCutover, Pass::First)];
    let mail = composed(
        NoticeKind::FirstPassDone,
        &request(RequestState::AwaitingCutover),
        &jobs,
        &[],
    );
    assert!(mail.text.contains("is done for 1 mailbox\n") && !mail.text.contains("could not be copied"));
    assert!(mail.html.contains("is done for <strong>1 mailbox</strong>"));
}

#[test]
fn finished_counts_each_mailbox_and_names_the_new_server() {
    let renamed = JobRecord {
        destination: "team@example.com".parse().unwrap(),
        ..certified(4, "info", JobState::Completed)
    };
    let jobs = [
        certified(2, "anna", JobState::Completed),
        certified(3, "ben", JobState::Completed),
        renamed,
    ];
    snapshot(
        "finished",
        &composed(NoticeKind::Finished, &request(RequestState::Completed), &jobs, &[]),
    );
}

#[test]
fn finished_with_exceptions_begins_with_them() {
    let mut lossy = certified(4, "info", JobState::CompletedWithExceptions);
    (lossy.exceptions, lossy.messages_copied) = (2, lossy.messages_total - 2);
    lossy.certificate.as_mut().unwrap().classes = ClassCounts {
        too_large: 1,
        invalid: 1,
        ..ClassCounts::default()
    };
    let partial = JobRecord {
        messages_total: 10,
        messages_copied: 9,
        ..failed(5, "office", Pass::Final)
    };
    let uncertified = JobRecord {
        exceptions: 1,
        error_code: Some("not_certified".to_owned()),
        error_message: Some(
            "the mailbox was copied, but what the new provider holds could not be compared: the connection failed"
                .to_owned(),
        ),
        ..job(6, "sales", JobState::CompletedWithExceptions, Pass::Final)
    };
    let jobs = [
        certified(2, "anna", JobState::Completed),
        uncertified,
        failed(3, "ben", Pass::Final),
        lossy,
        partial,
    ];
    let mail = composed(
        NoticeKind::Finished,
        &request(RequestState::CompletedWithExceptions),
        &jobs,
        &[],
    );
    let place = |name: &str| mail.text.find(name).unwrap();
    assert!(place("ben@") < place("info@") && place("info@") < place("anna@"));
    snapshot("finished_with_exceptions", &mail);
}

#[test]
fn failed_names_the_reasons() {
    let told = RequestRecord {
        error_message: Some("None of the mailboxes could be opened.".to_owned()),
        ..request(RequestState::Failed)
    };
    let jobs = [
        failed(2, "anna", Pass::First),
        JobRecord {
            error_message: None,
            ..failed(3, "ben", Pass::First)
        },
    ];
    snapshot("failed", &composed(NoticeKind::Failed, &told, &jobs, &[]));
}

#[test]
fn failed_without_mailboxes_sends_to_support() {
    let mail = composed(NoticeKind::Failed, &request(RequestState::Failed), &[], &[]);
    assert!(mail.text.contains("Please ask us") && !mail.text.contains("What went wrong"));
}

#[test]
fn cancelled_says_what_stays() {
    let mut jobs = waiting();
    jobs[0].status = JobStatus::new(JobState::Cancelled, Some(Pass::First)).unwrap();
    snapshot(
        "cancelled",
        &composed(NoticeKind::Cancelled, &request(RequestState::Cancelled), &jobs, &[]),
    );
}

const EVERY_KIND: [NoticeKind; 15] = [
    NoticeKind::Received,
    NoticeKind::Accepted,
    NoticeKind::Refused { generation: 1 },
    NoticeKind::Scheduled,
    NoticeKind::FoundAgain {
        start: 1_795_600_000,
        further: false,
    },
    NoticeKind::Started,
    NoticeKind::FirstPassDone,
    NoticeKind::DnsSeen,
    NoticeKind::Finished,
    NoticeKind::Failed,
    NoticeKind::Cancelled,
    NoticeKind::LookedAgain { pass: 1 },
    NoticeKind::ForgottenSoon { until: 1_795_600_000 },
    NoticeKind::Imported { attachment: 7 },
    NoticeKind::NeedsStaff {
        cause: StaffCause::GivenUp,
    },
];

#[test]
fn passwords_are_called_destroyed_only_when_their_key_is_gone() {
    for kind in [NoticeKind::Finished, NoticeKind::Failed, NoticeKind::Cancelled] {
        let gone = request(RequestState::Failed);
        let there = RequestRecord {
            data_key: Some("DATAKEY".to_owned()),
            ..gone.clone()
        };
        assert!(
            composed(kind, &gone, &waiting(), &[])
                .text
                .contains("have been destroyed")
        );
        assert!(!composed(kind, &there, &waiting(), &[]).text.contains("destroyed"));
    }
}

#[test]
fn subjects_do_without_a_ticket_and_mails_without_a_support_address() {
    let mut profile = profile();
    profile.notices.support = None;
    let request = RequestRecord {
        ticket: None,
        ..request(RequestState::Completed)
    };
    let mail = compose(NoticeKind::Finished, &request, &Facts::default(), &profile).unwrap();
    assert_eq!(
        mail.subject,
        format!("Your mailboxes have been moved (request {})", request.request_id)
    );
    assert!(mail.text.contains("Ask the support of Example Hosting.") && !mail.text.contains("ticket"));
}
