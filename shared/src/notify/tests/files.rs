//! What notices tell of contacts and calendars, and of the page.

use super::*;
use crate::dav::Kind;
use crate::dav::import::{Counts, Progress};
use crate::store::AttachmentState;

pub(super) fn file(name: &str, row: u32, state: AttachmentState) -> AttachmentRecord {
    let request_id = request(RequestState::Completed).request_id;
    AttachmentRecord {
        state,
        state_since: "2026-11-27T02:00:00Z".to_owned(),
        ..AttachmentRecord::announced(
            JobId::new(request_id, 1, row),
            "0000000000000007".to_owned(),
            Kind::Contacts,
            name.to_owned(),
            1,
            "2026-11-27T01:00:00Z".parse().unwrap(),
        )
    }
}

fn imported(name: &str, row: u32, counts: Counts, problems_found: u64) -> AttachmentRecord {
    let state = if problems_found == 0 {
        AttachmentState::Completed
    } else {
        AttachmentState::CompletedWithExceptions
    };
    AttachmentRecord {
        progress: Progress {
            counts,
            problems_found,
            ..Progress::default()
        },
        ..file(name, row, state)
    }
}

fn files() -> [AttachmentRecord; 7] {
    let counts = |imported, existing, kept, failed| Counts {
        imported,
        existing,
        updated: existing / 2,
        kept,
        failed,
    };
    [
        imported("contacts.vcf", 2, counts(412, 0, 0, 0), 0),
        imported("takeout.zip", 3, counts(1_518, 4, 2, 3), 9),
        imported("remarks.ics", 3, counts(12, 0, 0, 0), 1),
        AttachmentRecord {
            error_code: Some("dav_full".to_owned()),
            error_message: Some("there is no room left for contacts and calendars at the new provider".to_owned()),
            ..imported("old.vcf", 2, counts(80, 0, 0, 0), 1)
        },
        file("calendar.ics", 2, AttachmentState::Importing),
        file("never-sent.vcf", 2, AttachmentState::AwaitingUpload),
        file("a-mistake.vcf", 2, AttachmentState::Undone),
    ]
}

fn told() -> [AttachmentRecord; 7] {
    let mut files = files();
    files[3].state = AttachmentState::Failed;
    files
}

fn jobs() -> [JobRecord; 2] {
    [
        certified(2, "anna", JobState::Completed),
        certified(3, "ben", JobState::Completed),
    ]
}

const IMPORTED: NoticeKind = NoticeKind::Imported { attachment: 7 };

fn in_german(state: RequestState) -> RequestRecord {
    RequestRecord {
        language: Language::German,
        ..request(state)
    }
}

#[test]
fn finished_tells_of_contacts_and_calendars_and_which_still_run() {
    let mail = with_files(
        NoticeKind::Finished,
        &request(RequestState::Completed),
        &jobs(),
        &[],
        &told(),
    );
    assert!(mail.text.contains("Still being imported") && mail.html.contains("Still being imported"));
    for name in ["never-sent.vcf", "a-mistake.vcf"] {
        assert!(!mail.text.contains(name) && !mail.html.contains(name), "{name}");
    }
    snapshot("finished_with_files", &mail);
    let mail = with_files(
        NoticeKind::Finished,
        &in_german(RequestState::Completed),
        &jobs(),
        &[],
        &told(),
    );
    snapshot("de_finished_with_files", &mail);
}

#[test]
fn imported_begins_with_what_went_wrong() {
    let mail = with_files(IMPORTED, &request(RequestState::Completed), &jobs(), &[], &told());
    let place = |name: &str| mail.text.find(name).unwrap();
    assert!(place("old.vcf") < place("takeout.zip") && place("takeout.zip") < place("contacts.vcf"));
    snapshot("imported_with_exceptions", &mail);
    let mail = with_files(IMPORTED, &in_german(RequestState::Completed), &jobs(), &[], &told());
    snapshot("de_imported_with_exceptions", &mail);
}

#[test]
fn imported_without_exceptions_asks_for_nothing() {
    let good = &told()[..1];
    let mail = with_files(IMPORTED, &request(RequestState::Completed), &jobs(), &[], good);
    assert!(mail.subject.contains("have been imported") && !mail.text.contains("What you can do"));
    snapshot("imported", &mail);
    snapshot(
        "de_imported",
        &with_files(IMPORTED, &in_german(RequestState::Completed), &jobs(), &[], good),
    );
}

#[test]
fn the_page_is_named_in_every_notice_where_there_is_one_and_no_token_is() {
    for kind in EVERY_KIND.into_iter().filter(|kind| !kind.is_for_staff()) {
        for request in [request(RequestState::Failed), in_german(RequestState::Failed)] {
            let mail = compose(kind, &request, &facts(&jobs(), &[], &told()), &profile()).unwrap();
            let link = "href=\"https:&#x2f;&#x2f;move.example.net&#x2f;\"";
            assert!(
                mail.text.contains("\nhttps://move.example.net/\n"),
                "{kind}: {}",
                mail.text
            );
            assert!(mail.html.contains(link), "{kind}: {}", mail.html);
            assert!(!mail.text.contains("#r=") && !mail.html.contains("#r="), "{kind}");
            let mut without = profile();
            without.notices.page = None;
            let mail = compose(kind, &request, &facts(&jobs(), &[], &told()), &without).unwrap();
            assert!(
                !mail.text.contains("move.example.net") && !mail.html.contains("move.example.net"),
                "{kind}"
            );
        }
    }
}
