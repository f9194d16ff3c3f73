//! What customers are told by e-mail, and the sending of it.
//!
//! [`compose`] makes a mail of a request as the table holds it: pure, so that each mail is a
//! snapshot beside the tests. The words stand in `templates/`, in text and in HTML; a template sees
//! only the view made for it, which has no place for a password, a token or their sealed forms, and
//! the records it is made from hold none in the clear. Everything shown is one line of its
//! own: control characters are removed before a template sees a value, and HTML is escaped after.
//!
//! The module does not know when a notice is due nor whether it was sent before: that is the
//! outbox, in [`crate::store::notice`].
//!
//! Reading order: this file, `view`, `templates`, `wording`, [`calendar`], then `mime` and [`mailer`].

pub mod calendar;
mod clients;
mod facts;
mod feedback;
mod files;
mod german;
mod header;
pub mod mailer;
mod mime;
mod own;
mod owner;
mod recipient;
mod templates;
mod view;
mod wording;

pub use calendar::Entry;
pub use facts::Facts;
pub use feedback::Feedback;
pub use mailer::{Mailer, SendError};
pub use own::{OwnTemplateError, OwnTemplates};
pub use owner::{OwnerMailError, compose_for_owner, owner_mail_name};
pub use recipient::{recipient, shown_to};

use crate::domain::{Language, RequestState};
use crate::profile::Profile;
use crate::store::{NoticeKind, RequestRecord, StaffCause};
use templates::Templates;
use view::View;
use wording::{bracketed, one_line};

/// A mail without its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line without control characters: `[#ticket] words (request id)`.
    pub subject: String,
    /// The plain form.
    pub text: String,
    /// The same as a page, styled inline.
    pub html: String,
    /// An entry for the customer's calendar (`text/calendar`), where there is something to enter.
    pub calendar: Option<String>,
    /// What sets up the mailbox on Apple's devices, where it is the mail of one mailbox.
    pub apple: Option<String>,
}

/// A template does not fit its data; every shipped template is rendered by a test, and a
/// provider's own when they are loaded.
#[derive(Debug, thiserror::Error)]
#[error("the notice {notice} cannot be composed")]
pub struct ComposeError {
    /// Which notice.
    pub notice: &'static str,
    /// What the template engine says: template and line, none of the data.
    #[source]
    pub source: minijinja::Error,
}

/// Writes a notice.
///
/// # Errors
/// [`ComposeError`].
pub fn compose(
    kind: NoticeKind,
    request: &RequestRecord,
    facts: &Facts,
    profile: &Profile,
) -> Result<Mail, ComposeError> {
    let Facts {
        jobs, faults, files, ..
    } = facts;
    let view = View::new(kind.word(), request, jobs, faults, files, profile)
        .with_later_pass(kind, request, jobs)
        .with_guide(kind, facts, profile)
        .for_staff(kind, request);
    let rendered = Templates::of(view.language, &profile.templates)
        .and_then(|mut templates| templates.render(&view))
        .map_err(|source| ComposeError {
            notice: kind.word(),
            source,
        })?;
    // By a reference in its subject a mail is filed where the ticket's customer may see it.
    let ticket = view.ticket.as_deref().filter(|_| !kind.is_for_staff());
    let ticket = ticket
        .map(|ticket| format!("[#{}] ", bracketed(ticket)))
        .unwrap_or_default();
    let word = match request.language {
        Language::English => "request",
        Language::German => "Auftrag",
    };
    let subject = one_line(&format!("{ticket}{} ({word} {})", rendered.title, request.request_id));
    Ok(Mail {
        subject,
        text: rendered.text,
        html: rendered.html,
        calendar: None,
        apple: None,
    })
}

/// Whether a notice came too late to be of use: the request has ended since, and what was to be
/// done or to happen next no longer is.
pub fn is_overtaken(kind: NoticeKind, state: RequestState) -> bool {
    match kind {
        // The start has come; the report tells what was left out.
        NoticeKind::FoundAgain { .. } => state != RequestState::Scheduled,
        NoticeKind::ForgottenSoon { .. } => !state.waits_for_its_customer(),
        NoticeKind::Finished | NoticeKind::LookedAgain { .. } | NoticeKind::Failed | NoticeKind::Cancelled => false,
        NoticeKind::Imported { .. } => matches!(state, RequestState::Failed | RequestState::Cancelled),
        NoticeKind::Started => state != RequestState::FirstPass,
        NoticeKind::DnsSeen => !matches!(state, RequestState::AwaitingCutover | RequestState::FinalPass),
        NoticeKind::NeedsStaff {
            cause: StaffCause::Late,
        } => state.is_terminal(),
        NoticeKind::NeedsStaff { .. } => state == RequestState::Cancelled,
        _ => state.is_terminal() || state.has_been_completed(),
    }
}

#[cfg(test)]
mod tests;
