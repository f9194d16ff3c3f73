//! What a ticket system is told of a notice.

use jiff::Timestamp;

use crate::domain::{Language, RequestId, RequestState, ticket};
use crate::notify::Mail;
use crate::profile::{Tickets, Unproven};
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
    /// Its state now; where a later pass runs already, how the move ended.
    pub state: RequestState,
    /// Whether the ticket is certainly the customer's; else what is told is for staff alone.
    pub is_proven: bool,
    /// Whether it is for staff alone, whatever the ticket is.
    pub is_internal: bool,
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
    /// None too where nothing is told of a ticket that is not proven.
    pub fn of(
        notice: NoticeKind,
        queued_at: &str,
        request: &RequestRecord,
        settings: &Tickets,
        mail: &Mail,
        is_whole: bool,
    ) -> Option<Self> {
        let ticket = ticket::bare(request.ticket.as_deref()?)?;
        let is_proven = request.ticket_is_proven || settings.unproven == Unproven::Trusted;
        if !is_proven && settings.unproven == Unproven::Nothing {
            return None;
        }
        // A notice that takes another's place in the outbox is another one.
        let second = queued_at.parse().map_or(0, Timestamp::as_second);
        Some(Self {
            id: format!("{}-{notice}-{second}", request.request_id).replace('_', "-"),
            about: notice.word(),
            at: queued_at.to_owned(),
            ticket,
            request: request.request_id,
            state: told_state(request.state, notice, is_whole),
            language: settings.language.unwrap_or(request.language),
            is_proven,
            is_internal: notice.is_for_staff(),
            is_whole,
            subject: mail.subject.clone(),
            text: mail.text.clone(),
        })
    }

    /// Whether the ticket's customer may see it.
    pub fn is_for_customer(&self) -> bool {
        self.is_proven && !self.is_internal
    }

    /// What staff are to know who read it, where its customer may not.
    pub fn caveat(&self) -> Option<String> {
        let ticket = &self.ticket;
        if self.is_proven && self.is_internal {
            return Some(match self.language {
                Language::English => format!("For staff alone, about ticket {ticket}."),
                Language::German => format!("Nur für Mitarbeiter, zu Ticket {ticket}."),
            });
        }
        (!self.is_proven).then(|| match self.language {
            Language::English => format!(
                "For staff alone: the order names ticket {ticket}, and no permit does. Make sure that it is this customer's."
            ),
            Language::German => format!(
                "Nur für Mitarbeiter: Der Auftrag nennt Ticket {ticket}, aber keine Erlaubnis. Bitte prüfen, ob es das dieses Kunden ist."
            ),
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

/// A later pass that has begun meanwhile is no news of the end that is told of.
fn told_state(state: RequestState, notice: NoticeKind, is_whole: bool) -> RequestState {
    match (state, notice, is_whole) {
        (RequestState::LaterPass, NoticeKind::Finished, true) => RequestState::Completed,
        (RequestState::LaterPass, NoticeKind::Finished, false) => RequestState::CompletedWithExceptions,
        _ => state,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_as_an_end_also_while_a_later_pass_runs() {
        let running = RequestState::LaterPass;
        let exceptions = RequestState::CompletedWithExceptions;
        for (state, notice, is_whole, told) in [
            (running, NoticeKind::Finished, true, RequestState::Completed),
            (running, NoticeKind::Finished, false, exceptions),
            (exceptions, NoticeKind::Finished, true, exceptions),
            (running, NoticeKind::LookedAgain { pass: 1 }, false, running),
        ] {
            assert_eq!(told_state(state, notice, is_whole), told, "{state} {notice}");
        }
    }

    fn tickets(unproven: Unproven) -> Tickets {
        Tickets {
            language: Some(Language::German),
            unproven,
            ..Tickets::default()
        }
    }

    fn request() -> RequestRecord {
        let at: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        RequestRecord {
            ticket: Some(" #4711 ".to_owned()),
            ticket_is_proven: true,
            ..RequestRecord::made(
                RequestId::from_parts(1_795_600_000_000, [7; 10]),
                RequestState::Completed,
                "it@example.com".parse().unwrap(),
                String::new(),
                at,
            )
        }
    }

    fn tell(request: &RequestRecord, tickets: &Tickets) -> Option<Told> {
        let mut mail = crate::notify::compose(
            NoticeKind::Finished,
            &without_reference(request, None),
            &crate::notify::Facts::default(),
            &profile(),
        )
        .unwrap();
        mail.text = "Everything has moved.\n#close\n".to_owned();
        Told::of(
            NoticeKind::Finished,
            "2026-11-23T10:00:00Z",
            request,
            tickets,
            &mail,
            false,
        )
    }

    pub(in crate::tickets) fn told() -> Told {
        tell(&request(), &tickets(Unproven::default())).unwrap()
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
    fn what_no_permit_names_is_for_staff_or_for_nobody() {
        let unproven = RequestRecord {
            ticket_is_proven: false,
            ..request()
        };
        for (settings, of_proven, of_unproven) in [
            (Unproven::Note, Some(true), Some(false)),
            (Unproven::Nothing, Some(true), None),
            (Unproven::Trusted, Some(true), Some(true)),
        ] {
            let is_proven = |request: &RequestRecord| tell(request, &tickets(settings)).map(|told| told.is_proven);
            assert_eq!(is_proven(&request()), of_proven, "{settings:?}");
            assert_eq!(is_proven(&unproven), of_unproven, "{settings:?}");
        }
        assert_eq!(told().caveat(), None);
        let caveat = tell(&unproven, &tickets(Unproven::Note)).unwrap().caveat();
        assert!(caveat.is_some_and(|caveat| caveat.contains("4711")));
    }

    #[test]
    fn no_line_looks_like_a_command() {
        assert_eq!(told().plain_text(), "Everything has moved.\n #close");
    }
}
