//! What is told of a request that nobody comes back to.

use super::*;

const SOON: NoticeKind = NoticeKind::ForgottenSoon { until: 1_795_600_000 };

#[test]
fn who_is_waited_for_is_told_what_for_and_until_when() {
    for (state, named, jobs) in [
        (RequestState::AwaitingUpload, "upload", Vec::new()),
        (RequestState::NeedsAttention, "mending", waiting()),
        (RequestState::AwaitingCutover, "cutover", waiting()),
    ] {
        for (prefix, language) in [("", Language::English), ("de_", Language::German)] {
            let request = RequestRecord {
                language,
                expires_at: Some(1_795_600_000),
                ..request(state)
            };
            snapshot(
                &format!("{prefix}forgotten_soon_{named}"),
                &composed(SOON, &request, &jobs, &[]),
            );
        }
    }
}

#[test]
fn who_did_not_come_back_is_not_told_that_somebody_cancelled() {
    for (name, language) in [("forgotten", Language::English), ("de_forgotten", Language::German)] {
        let request = RequestRecord {
            language,
            error_code: Some("forgotten".to_owned()),
            ..request(RequestState::Cancelled)
        };
        let mail = composed(NoticeKind::Cancelled, &request, &waiting(), &[]);
        assert!(
            !mail.text.contains("not you") && !mail.html.contains("nicht Sie"),
            "{}",
            mail.text
        );
        snapshot(name, &mail);
    }
}

#[test]
fn whoever_has_to_change_the_dns_is_told_until_when() {
    for (language, words) in [
        (Language::English, "until Wednesday, 25 November 2026"),
        (Language::German, "bis Mittwoch, 25. November 2026"),
    ] {
        let request = RequestRecord {
            language,
            expires_at: Some(1_795_600_000),
            ..request(RequestState::AwaitingCutover)
        };
        let mail = composed(NoticeKind::FirstPassDone, &request, &waiting(), &[]);
        assert!(mail.text.contains(words) && mail.html.contains(words), "{}", mail.text);
    }
}
