//! What no value can do to a mail, and what no mail can tell.

use super::*;
use crate::store::AttachmentState;

#[test]
fn hostile_texts_are_escaped_and_stay_in_their_line() {
    const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&{{ 7*7 }}\r\nBcc: eve@example.org\u{202e}";
    let hostile = JobRecord {
        address: format!("{HOSTILE}@example.com"),
        error_message: Some(HOSTILE.to_owned()),
        ..failed(2, "anna", Pass::First)
    };
    let fault = Fault::at(2, HOSTILE, FaultCode::UnknownColumn, HOSTILE);
    let file = AttachmentRecord {
        name: HOSTILE.to_owned(),
        error_message: Some(HOSTILE.to_owned()),
        ..files::file("a", 2, AttachmentState::Failed)
    };
    let profile = Profile {
        provider: crate::profile::Provider {
            name: HOSTILE.to_owned(),
            ..profile().provider
        },
        ..profile()
    };
    for kind in EVERY_KIND {
        let request = RequestRecord {
            ticket: Some(format!("1]{HOSTILE}")),
            ..request(RequestState::Failed)
        };
        let mail = compose(
            kind,
            &request,
            &facts(
                std::slice::from_ref(&hostile),
                std::slice::from_ref(&fault),
                std::slice::from_ref(&file),
            ),
            &profile,
        )
        .unwrap();
        assert!(
            !mail.subject.contains(char::is_control) && (kind.is_for_staff() || mail.subject.starts_with("[#1<img")),
            "{kind}: {}",
            mail.subject
        );
        for text in [&mail.text, &mail.html] {
            assert!(
                !text.contains("\nBcc") && !text.contains('\r') && !text.contains('\u{202e}') && !text.contains("49"),
                "{kind}: {text}"
            );
        }
        assert!(
            !mail.html.contains("<img src=x")
                && mail
                    .html
                    .contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;"),
            "{kind}: {}",
            mail.html
        );
    }
}

#[test]
fn nothing_sealed_or_hashed_reaches_a_mail() {
    for kind in EVERY_KIND {
        // Whatever the state, and even where the end has not removed the key.
        let request = RequestRecord {
            data_key: Some("DATAKEY".to_owned()),
            ..request(RequestState::Failed)
        };
        let mail = composed(kind, &request, &[failed(2, "anna", Pass::First)], &[]);
        for secret in ["TOKENHASH", "DATAKEY", "SEALED", "SOURCEUSER"] {
            assert!(
                !mail.subject.contains(secret) && !mail.text.contains(secret) && !mail.html.contains(secret),
                "{kind}: {secret}"
            );
        }
    }
}
