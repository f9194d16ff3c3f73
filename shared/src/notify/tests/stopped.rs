//! What is told where the first pass could copy none of the mailboxes.

use super::*;

#[test]
fn first_pass_that_copied_nothing_says_why_and_that_it_can_be_tried_again() {
    let jobs = [failed(2, "anna", Pass::First)];
    let kind = NoticeKind::Refused { generation: 0 };
    for (name, language) in [("stopped", Language::English), ("de_stopped", Language::German)] {
        let request = RequestRecord {
            language,
            error_code: Some("none_copied".to_owned()),
            expires_at: Some(1_795_600_000),
            ..request(RequestState::NeedsAttention)
        };
        let mail = composed(kind, &request, &jobs, &[]);
        for text in [&mail.text, &mail.html] {
            assert!(
                text.contains("anna@example.com") && text.contains("2026, 10:46"),
                "{text}"
            );
        }
        snapshot(name, &mail);
    }
}
