//! What a ticket system is told of a notice.

use jiff::Timestamp;

use crate::domain::{EmailAddress, Language, RequestId, RequestState};
use crate::notify::Mail;
use crate::store::{NoticeKind, RequestRecord};

/// A notice, for a ticket system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The same for each try and no other notice's: letters, digits and hyphens.
    pub id: String,
    /// What it is about, such as `first_pass_done`.
    pub about: &'static str,
    /// When what it tells of happened.
    pub at: String,
    /// The provider's reference, without a `#` before it.
    pub ticket: String,
    /// The request.
    pub request: RequestId,
    /// Its state now.
    pub state: RequestState,
    /// Whom the mail goes to.
    pub contact: EmailAddress,
    /// Whether it was ordered with a permit of the provider.
    pub is_permitted: bool,
    /// Whether it tells that everything has moved.
    pub is_whole: bool,
    /// The language of the text.
    pub language: Language,
    /// The mail's subject, without the reference.
    pub subject: String,
    /// What the mail says.
    pub text: String,
}

impl Told {
    /// What a notice that is in the outbox since `queued_at` tells; none where the order has no reference. The mail is made
    /// of [`without_reference`], in the same language; `is_whole` says whether it tells that everything has moved.
    pub fn of(
        notice: NoticeKind,
        queued_at: &str,
        request: &RequestRecord,
        language: Option<Language>,
        mail: &Mail,
        is_whole: bool,
    ) -> Option<Self> {
        let ticket = reference(request.ticket.as_deref()?)?;
        // A notice that takes another's place in the outbox is another one.
        let second = queued_at.parse().map_or(0, Timestamp::as_second);
        Some(Self {
            id: format!("{}-{notice}-{second}", request.request_id).replace('_', "-"),
            about: notice.word(),
            at: queued_at.to_owned(),
            ticket,
            request: request.request_id,
            state: request.state,
            contact: request.contact_email.clone(),
            language: language.unwrap_or(request.language),
            is_permitted: request.grants.is_some(),
            is_whole,
            subject: mail.subject.clone(),
            text: mail.text.clone(),
        })
    }

    /// The text, with no line in it that a ticket system could take for a command of its own (`#close`, `@owner`): a
    /// customer's words stay words.
    pub fn plain_text(&self) -> String {
        let line = |line: &str| {
            let first = line.chars().next().unwrap_or(' ');
            let guard = if "#@!/%~`".contains(first) { " " } else { "" };
            format!("{guard}{line}")
        };
        self.text.lines().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A request as its notices are composed for a ticket system: in the staff's language if there is one, and without the
/// reference, which has a place of its own.
#[must_use]
pub fn without_reference(request: &RequestRecord, language: Option<Language>) -> RequestRecord {
    RequestRecord {
        ticket: None,
        language: language.unwrap_or(request.language),
        ..request.clone()
    }
}

/// A reference as ticket systems know it: in one line, without brackets and a `#` before it.
fn reference(ticket: &str) -> Option<String> {
    let shown = ticket
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '[' | ']'))
        .collect::<String>();
    let shown = shown.trim().trim_start_matches('#').trim();
    (!shown.is_empty()).then(|| shown.to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::tickets) fn told() -> Told {
        let at: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let request = RequestRecord {
            ticket: Some(" #4711 ".to_owned()),
            ..RequestRecord::made(
                RequestId::from_parts(1_795_600_000_000, [7; 10]),
                RequestState::Completed,
                "it@example.com".parse().unwrap(),
                String::new(),
                at,
            )
        };
        let mut mail = crate::notify::compose(
            NoticeKind::Finished,
            &without_reference(&request, None),
            &[],
            &[],
            &[],
            &profile(),
        )
        .unwrap();
        mail.text = "Everything has moved.\n#close\n".to_owned();
        Told::of(
            NoticeKind::Finished,
            "2026-11-23T10:00:00Z",
            &request,
            Some(Language::German),
            &mail,
            false,
        )
        .unwrap()
    }

    pub(in crate::tickets) fn profile() -> crate::profile::Profile {
        crate::profile::Profile::parse(include_str!("../../../infra/profile.example.toml")).unwrap()
    }

    #[test]
    fn a_notice_has_an_id_of_plain_characters() {
        let told = told();
        assert_eq!(told.id, format!("{}-finished-1795428000", told.request));
        assert!(told.id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        assert_eq!((told.ticket.as_str(), told.about), ("4711", "finished"));
        assert!(!told.subject.contains("4711"), "{}", told.subject);
        // That of the text, not the customer's.
        assert_eq!(told.language, Language::German);
    }

    #[test]
    fn no_line_looks_like_a_command() {
        assert_eq!(told().plain_text(), "Everything has moved.\n #close");
    }

    #[test]
    fn a_reference_is_one_line_without_frame() {
        for (ticket, read) in [
            ("#4711", Some("4711")),
            (" [#ABC-1] ", Some("ABC-1")),
            ("T 1", Some("T 1")),
            ("1\r\nBcc: a@b.example", Some("1Bcc: a@b.example")),
            ("[#]", None),
        ] {
            assert_eq!(reference(ticket).as_deref(), read, "{ticket}");
        }
    }
}
