//! The mail to a mailbox's owner.

use mail_parser::{MessageParser, MimeHeaders as _};

use super::*;
use crate::notify::mime::{Header, message};
use crate::profile::DestinationAuth;

fn moved() -> JobRecord {
    let mut job = certified(2, "anna", JobState::Completed);
    job.options.tell_owners = true;
    job
}

fn told(job: &JobRecord, language: Language, profile: &Profile) -> Mail {
    let request = RequestRecord {
        language,
        ..request(RequestState::FinalPass)
    };
    compose_for_owner(&request, job, profile).unwrap()
}

#[test]
fn an_owner_is_told_how_to_go_on() {
    let job = JobRecord {
        destination: "anna@example.net".parse().unwrap(),
        ..moved()
    };
    snapshot("owner", &told(&job, Language::English, &profile()));
    snapshot("de_owner", &told(&job, Language::German, &profile()));
}

#[test]
fn an_owner_is_told_of_what_is_not_there_and_not_of_a_password_that_nobody_knows() {
    let job = JobRecord {
        exceptions: 3,
        sealed_destination_password: None,
        ..certified(2, "anna", JobState::CompletedWithExceptions)
    };
    let mut profile = profile();
    assert_ne!(profile.imap.auth, DestinationAuth::Password);
    let mail = told(&job, Language::English, &profile);
    assert!(mail.text.contains("Not everything could be copied") && !mail.text.contains("Choose a new password"));
    profile.imap.auth = DestinationAuth::Password;
    let mail = told(&job, Language::English, &profile);
    assert!(mail.text.contains("Choose a new password") && mail.html.contains("Choose a new password"));
    // The row gave one, which is deleted here by now.
    let given = JobRecord {
        had_destination_password: true,
        ..job
    };
    let mail = told(&given, Language::English, &self::profile());
    assert!(mail.text.contains("Choose a new password"));
}

#[test]
fn an_owner_learns_nothing_of_the_request_but_its_number() {
    let mail = told(&moved(), Language::English, &profile());
    let all = format!("{}{}{}", mail.subject, mail.text, mail.html);
    for others in [
        "it@example.com",
        "4711",
        "move.example.net",
        "/v1/requests",
        "SEALED",
        "TOKENHASH",
    ] {
        assert!(!all.contains(others), "{others}: {all}");
    }
}

#[test]
fn the_file_for_apples_devices_comes_with_the_mail() {
    let mail = told(&moved(), Language::English, &profile());
    let header = Header {
        from: "move@example.net",
        to: "anna@example.com",
        reply_to: None,
        own: &[],
    };
    let bytes = message(&mail, &header);
    let read = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(read.attachment_count(), 1);
    let file = read.attachment(0).unwrap();
    assert!(file.is_content_type("application", "x-apple-aspen-config"));
    assert_eq!(file.attachment_name(), Some("mailbox.mobileconfig"));
    assert_eq!(file.contents(), mail.apple.unwrap().as_bytes());
}

#[test]
fn only_owners_of_mailboxes_that_were_read_in_their_new_place_are_told_and_once() {
    assert!(moved().owner_is_to_be_told());
    let with = |change: fn(&mut JobRecord)| {
        let mut job = moved();
        change(&mut job);
        job.owner_is_to_be_told()
    };
    assert!(!with(|job| job.options.tell_owners = false));
    assert!(!with(|job| job.certificate = None));
    assert!(!with(|job| job.owner.told_at = Some(String::new())));
    for state in [
        JobState::Failed,
        JobState::Cancelled,
        JobState::Certifying,
        JobState::Copying,
    ] {
        let mut job = job(2, "anna", state, Pass::Final);
        job.options.tell_owners = true;
        job.certificate.clone_from(&moved().certificate);
        assert!(!job.owner_is_to_be_told(), "{state}");
    }
}

#[test]
fn the_mail_of_an_owner_is_known_by_its_name() {
    let job = moved();
    let name = owner_mail_name(job.job_id);
    assert_eq!(name, "owner_1_2");
    let of_name = |name: &str| crate::notify::owner::owner_of_name(job.request_id, name);
    assert_eq!(of_name(&name), Some(job.job_id));
    for other in ["finished", "owner", "owner_1", "owner_1_x", "refused_1", "owners_1_2"] {
        assert_eq!(of_name(other), None, "{other}");
    }
}
