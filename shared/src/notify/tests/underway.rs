//! What is told on the way: the order has arrived, the copying and the final copy begin, staff are needed; and who gets
//! a mail of it.

use super::*;
use crate::domain::speed::Seconds;
use crate::domain::{AfterEnd, Window};
use crate::notify::{recipient, shown_to};
use crate::profile::TicketOnly;

fn frame() -> Window {
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    Window::parse("2026-11-25T22:00", Some("2026-11-26T06:00"), "Europe/Berlin", now).unwrap()
}

/// The same in both languages.
fn in_both(name: &str, kind: NoticeKind, request: &RequestRecord, jobs: &[JobRecord]) {
    snapshot(name, &composed(kind, request, jobs, &[]));
    let german = RequestRecord {
        language: Language::German,
        ..request.clone()
    };
    snapshot(&format!("de_{name}"), &composed(kind, &german, jobs, &[]));
}

#[test]
fn received_says_what_comes_next() {
    let file = RequestRecord {
        window: Some(frame()),
        ..request(RequestState::Checking)
    };
    in_both("received", NoticeKind::Received, &file, &[]);
    let form = RequestRecord {
        generation: 0,
        ..request(RequestState::Checking)
    };
    in_both("received_by_form", NoticeKind::Received, &form, &waiting());
}

#[test]
fn started_says_how_long_and_what_the_end_of_the_frame_means() {
    let started = RequestRecord {
        window: Some(frame()),
        estimated: Some(Seconds {
            low: 3_000,
            high: 12_000,
        }),
        ..request(RequestState::FirstPass)
    };
    in_both("started", NoticeKind::Started, &started, &waiting());
    let goes_on = RequestRecord {
        window: Some(frame().with_after_end(AfterEnd::Continue)),
        estimated: None,
        ..started
    };
    let mail = composed(NoticeKind::Started, &goes_on, &waiting(), &[]);
    for text in [&mail.text, &mail.html] {
        assert!(
            text.contains("without a break") && text.contains("within 24 hours"),
            "{text}"
        );
        assert!(!text.contains("next night"), "{text}");
    }
}

#[test]
fn dns_seen_names_the_domains() {
    let elsewhere = JobRecord {
        destination: "team@shop.example".parse().unwrap(),
        ..job(3, "team", JobState::AwaitingCutover, Pass::First)
    };
    let jobs = [job(2, "anna", JobState::AwaitingCutover, Pass::First), elsewhere];
    in_both(
        "dns_seen",
        NoticeKind::DnsSeen,
        &request(RequestState::AwaitingCutover),
        &jobs,
    );
}

#[test]
fn staff_are_told_what_happened_and_where_to_look() {
    let jobs = [
        job(2, "anna", JobState::AwaitingCutover, Pass::First),
        failed(3, "ben", Pass::First),
    ];
    for (cause, state) in [
        (StaffCause::GivenUp, RequestState::FirstPass),
        (StaffCause::Late, RequestState::FirstPass),
        (StaffCause::AllFailed, RequestState::Failed),
    ] {
        let kind = NoticeKind::NeedsStaff { cause };
        let request = request(state);
        let mail = composed(kind, &request, &jobs, &[]);
        // By the reference in its subject it would be filed where its customer sees it.
        assert!(
            !mail.subject.contains("4711") && mail.text.contains("4711"),
            "{}",
            mail.subject
        );
        assert!(
            mail.text.contains("it@example.com") && !mail.text.contains("answer this e-mail"),
            "{}",
            mail.text
        );
        in_both(&kind.to_string(), kind, &request, &jobs);
    }
}

#[test]
fn mails_go_to_whom_they_are_for() {
    let mut profile = profile();
    let file = request(RequestState::Checking);
    let form = RequestRecord {
        generation: 0,
        ..file.clone()
    };
    let mailed = |kind, request: &RequestRecord, profile: &Profile| {
        recipient(kind, request, profile).map(|to| to.as_str().to_owned())
    };
    let customer = Some("it@example.com".to_owned());
    assert_eq!(mailed(NoticeKind::Received, &file, &profile), customer);
    assert_eq!(mailed(NoticeKind::Received, &form, &profile), None);
    let staff = NoticeKind::NeedsStaff {
        cause: StaffCause::Late,
    };
    assert_eq!(mailed(staff, &file, &profile).as_deref(), Some("support@example.net"));
    profile.notices.ticket_only = vec![TicketOnly::Received, TicketOnly::Started, TicketOnly::DnsSeen];
    profile.notices.support = None;
    for kind in EVERY_KIND {
        let asks_for_nothing = matches!(kind, NoticeKind::Received | NoticeKind::Started | NoticeKind::DnsSeen);
        let nobody = asks_for_nothing || kind.is_for_staff();
        assert_eq!(
            mailed(kind, &file, &profile),
            customer.clone().filter(|_| !nobody),
            "{kind}"
        );
    }
}

#[test]
fn staff_read_their_own_language_and_customers_theirs() {
    let profile = profile();
    assert_eq!(
        profile.tickets.as_ref().and_then(|tickets| tickets.language),
        Some(Language::English)
    );
    let german = RequestRecord {
        language: Language::German,
        ..request(RequestState::FirstPass)
    };
    let staff = NoticeKind::NeedsStaff {
        cause: StaffCause::Late,
    };
    assert_eq!(shown_to(staff, &german, &profile).language, Language::English);
    assert_eq!(
        shown_to(NoticeKind::Started, &german, &profile).language,
        Language::German
    );
}
