//! What the look before the start found.

use super::*;
use crate::domain::{CheckCode, CheckFault, CheckState, Window};

#[test]
fn look_before_the_start_tells_what_to_mend_and_until_when() {
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    let window = Window::parse("2026-11-25T22:00", None, "Europe/Berlin", now).unwrap();
    let start = window.start().as_second();
    let request = RequestRecord {
        window: Some(window),
        ..request(RequestState::Scheduled)
    };
    let mut jobs = waiting();
    jobs[1].check = Check {
        state: CheckState::Failed,
        faults: vec![CheckFault::new(
            CheckCode::SourceWrongPassword,
            "The previous provider refused the password",
            "Write the right one",
        )],
        ..Check::default()
    };
    let kind = NoticeKind::FoundAgain { start, further: false };
    snapshot("found_again", &composed(kind, &request, &jobs, &[]));
    let german = RequestRecord {
        language: Language::German,
        ..request
    };
    snapshot("found_again_german", &composed(kind, &german, &jobs, &[]));
    assert!(is_overtaken(kind, RequestState::FirstPass) && !is_overtaken(kind, RequestState::Scheduled));
}
