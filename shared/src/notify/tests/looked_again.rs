//! What a pass after the final one brought.

use jiff::SignedDuration;

use super::*;
use crate::domain::LaterLooks;
use crate::store::Looked;
use crate::store::job::Failure;

/// A request that was completed a moment ago, with a look to come a day later.
fn looked_after(state: RequestState) -> RequestRecord {
    let now = "2026-11-26T04:12:00Z".parse().unwrap();
    let looks = LaterLooks::planned(&[SignedDuration::from_hours(24)]).unwrap();
    RequestRecord {
        data_key: Some("DATAKEY".to_owned()),
        looks: Some(looks.after_pass(Pass::Final, now)),
        ..request(state)
    }
}

fn in_german(request: &RequestRecord) -> RequestRecord {
    RequestRecord {
        language: Language::German,
        ..request.clone()
    }
}

fn looked(row: u32, name: &str, messages: i64, trouble: Option<&str>) -> JobRecord {
    let trouble = trouble.map(|code| Failure {
        code: code.to_owned(),
        message: "at the new provider: the mailbox is full".to_owned(),
    });
    JobRecord {
        looked: Some(Looked {
            pass: Pass::Later(1),
            messages,
            in_all: messages,
            is_amiss: trouble
                .as_ref()
                .is_some_and(|failure| failure.code != "source_login_refused"),
            is_repeated: false,
            left_exceptions: false,
            trouble,
        }),
        ..job(row, name, JobState::Completed, Pass::Later(1))
    }
}

const KIND: NoticeKind = NoticeKind::LookedAgain { pass: 1 };

#[test]
fn late_mail_is_told_with_what_could_not_be_fetched() {
    let jobs = [
        looked(2, "anna", 3, None),
        // Given up at the previous provider, as is to be expected.
        looked(3, "ben", 0, Some("source_login_refused")),
        looked(4, "info", 0, Some("destination_over_quota")),
    ];
    let over = request(RequestState::CompletedWithExceptions);
    let mail = composed(KIND, &over, &jobs, &[]);
    assert!(!mail.text.contains("ben@example.com"));
    snapshot("looked_again", &mail);
    snapshot("de_looked_again", &composed(KIND, &in_german(&over), &jobs, &[]));
    for state in RequestState::ALL {
        assert!(!is_overtaken(KIND, state), "{state}");
    }
}

#[test]
fn finished_notice_tells_until_when_the_passwords_are_needed() {
    let jobs = [certified(2, "anna", JobState::Completed)];
    let request = looked_after(RequestState::Completed);
    snapshot(
        "finished_with_looks",
        &composed(NoticeKind::Finished, &request, &jobs, &[]),
    );
    let german = composed(NoticeKind::Finished, &in_german(&request), &jobs, &[]);
    snapshot("de_finished_with_looks", &german);
    let next = composed(KIND, &request, &[looked(2, "anna", 1, None)], &[]);
    for when in [
        "we look is Friday, 27 November 2026",
        "as they are until\nSaturday, 28 November 2026",
    ] {
        assert!(next.text.contains(when), "{}", next.text);
    }
}

#[test]
fn previous_provider_that_lets_nobody_in_is_told() {
    let jobs = [
        looked(2, "anna", 0, Some("source_login_refused")),
        job(3, "ben", JobState::Failed, Pass::Final),
    ];
    let over = request(RequestState::Completed);
    let mail = composed(KIND, &over, &jobs, &[]);
    assert!(!mail.text.contains("anna@example.com"), "{}", mail.text);
    snapshot("looked_again_in_vain", &mail);
    snapshot(
        "de_looked_again_in_vain",
        &composed(KIND, &in_german(&over), &jobs, &[]),
    );
    let one_in = [
        looked(2, "anna", 0, Some("source_login_refused")),
        looked(3, "ben", 0, None),
    ];
    assert!(!composed(KIND, &over, &one_in, &[]).text.contains("let us into"));
}

#[test]
fn notice_that_the_next_pass_overtook_names_no_mailboxes() {
    let mut jobs = [looked(2, "anna", 3, None)];
    jobs[0].looked.as_mut().unwrap().pass = Pass::Later(2);
    let mail = composed(KIND, &request(RequestState::Completed), &jobs, &[]);
    assert!(
        mail.text.contains("several times") && !mail.text.contains("could be"),
        "{}",
        mail.text
    );
}

#[test]
fn a_look_that_did_not_begin_in_time_is_told() {
    let request = RequestRecord {
        data_key: None,
        looks: looked_after(RequestState::Completed)
            .looks
            .map(|looks| looks.ended(true)),
        ..request(RequestState::Completed)
    };
    let jobs = [certified(2, "anna", JobState::Completed)];
    let mail = composed(KIND, &request, &jobs, &[]);
    assert!(mail.text.contains("was not fetched") && !mail.text.contains("anna@example.com"));
    snapshot("not_looked_again", &mail);
    snapshot("de_not_looked_again", &composed(KIND, &in_german(&request), &jobs, &[]));
}
