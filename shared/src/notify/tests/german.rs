//! Each notice in German, as a snapshot; and no English word left where there is a German one.

use super::*;

fn german(state: RequestState) -> RequestRecord {
    RequestRecord {
        language: Language::German,
        ..request(state)
    }
}

#[test]
fn every_notice_has_its_german_words() {
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    let window = crate::domain::Window::parse("2026-11-25T22:00", Some("2026-11-26T06:00"), "Europe/Berlin", now);
    let scheduled = RequestRecord {
        window: Some(window.unwrap()),
        ..german(RequestState::Scheduled)
    };
    let faults = [
        Fault::of_file(FaultCode::MissingColumn, "in English"),
        Fault::at(7, "port", FaultCode::BadPort, "in English"),
        Fault::of_row(9, FaultCode::TooManyCells, "in English"),
    ];
    let first = [
        job(2, "anna", JobState::AwaitingCutover, Pass::First),
        failed(3, "ben", Pass::First),
    ];
    let mut lossy = certified(4, "info", JobState::CompletedWithExceptions);
    (lossy.exceptions, lossy.messages_copied) = (2, lossy.messages_total - 2);
    lossy.certificate.as_mut().unwrap().classes = ClassCounts {
        too_large: 1,
        over_quota: 1,
        ..ClassCounts::default()
    };
    let ended = [
        certified(2, "anna", JobState::Completed),
        failed(3, "ben", Pass::Final),
        lossy,
    ];
    let whole = [certified(2, "anna", JobState::Completed)];
    let none: &[Fault] = &[];
    let notices = [
        (
            "accepted",
            NoticeKind::Accepted,
            german(RequestState::Scheduled),
            &waiting()[..],
            none,
        ),
        ("scheduled", NoticeKind::Scheduled, scheduled, &waiting()[..], none),
        (
            "refused",
            NoticeKind::Refused { generation: 1 },
            german(RequestState::NeedsAttention),
            &[],
            &faults,
        ),
        (
            "first_pass_done",
            NoticeKind::FirstPassDone,
            german(RequestState::AwaitingCutover),
            &first,
            none,
        ),
        (
            "finished",
            NoticeKind::Finished,
            german(RequestState::Completed),
            &whole,
            none,
        ),
        (
            "finished_with_exceptions",
            NoticeKind::Finished,
            german(RequestState::CompletedWithExceptions),
            &ended,
            none,
        ),
        (
            "failed",
            NoticeKind::Failed,
            german(RequestState::Failed),
            &first[1..],
            none,
        ),
        (
            "cancelled",
            NoticeKind::Cancelled,
            german(RequestState::Cancelled),
            &waiting()[..],
            none,
        ),
    ];
    for (name, kind, request, jobs, faults) in notices {
        let mail = composed(kind, &request, jobs, faults);
        assert!(mail.html.contains("<html lang=\"de\">"), "{name}");
        for english in [
            "in English",
            " the ",
            " your ",
            "messages",
            "previous provider",
            "could not",
        ] {
            assert!(
                !mail.text.contains(english) && !mail.html.contains(english),
                "{name}: {english}"
            );
        }
        snapshot(&format!("de_{name}"), &mail);
    }
}
