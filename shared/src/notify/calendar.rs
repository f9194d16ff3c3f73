//! A request's time frame as an entry for the customer's calendar (RFC 5545), published without an answer being asked
//! for (RFC 5546, section 3.2.1).
//!
//! The entry keeps its UID as long as the request lives, and its SEQUENCE grows with each change of the frame: a
//! calendar that takes it up moves its entry instead of making a second one. The words are a template like those of
//! the mails: the first line is the title, the others are the text.

use jiff::Timestamp;

use super::ComposeError;
use super::templates::Templates;
use super::view::View;
use super::wording::one_line;
use crate::dav::content_line::fold;
use crate::domain::Window;
use crate::profile::Profile;
use crate::store::{NoticeKind, NoticeRecord, RequestRecord};

/// What a calendar has to be told of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// It holds, perhaps in the place of another one.
    Holds(&'a Window),
    /// It was told, and no longer holds.
    IsOff(&'a Window),
}

impl<'a> Entry<'a> {
    /// What the calendar has to be told with a notice, by what the outbox says was told before; nothing of a frame
    /// that is over anyway.
    pub fn with(
        kind: NoticeKind,
        request: &'a RequestRecord,
        outbox: &'a [NoticeRecord],
        now: Timestamp,
    ) -> Option<Self> {
        match kind {
            NoticeKind::Scheduled => request.window.as_ref().map(Self::Holds),
            NoticeKind::Accepted if request.window.is_some() => None,
            NoticeKind::Accepted | NoticeKind::Cancelled => {
                let notice = outbox
                    .iter()
                    .find(|notice| notice.notice == NoticeKind::Scheduled && notice.may_have_told(request))?;
                let frame = notice.frame.as_ref().or(request.window.as_ref())?;
                (frame.end().unwrap_or(frame.start()) > now).then_some(Self::IsOff(frame))
            }
            _ => None,
        }
    }

    /// Which frame it is, in which state, and how many changes came before.
    fn parts(self, kind: NoticeKind, request: &RequestRecord) -> (&'a Window, &'static str, u32) {
        match self {
            Self::Holds(frame) => (frame, "CONFIRMED", request.reschedules),
            // Taking the frame away counted as a change already; ending the request did not.
            Self::IsOff(frame) if kind == NoticeKind::Accepted => (frame, "CANCELLED", request.reschedules),
            Self::IsOff(frame) => (frame, "CANCELLED", request.reschedules.saturating_add(1)),
        }
    }
}

/// Writes the calendar that goes with a notice, as of `now`.
///
/// # Errors
/// [`ComposeError`].
pub fn calendar(
    kind: NoticeKind,
    entry: Entry<'_>,
    request: &RequestRecord,
    profile: &Profile,
    now: Timestamp,
) -> Result<String, ComposeError> {
    let view = View::new(kind.word(), request, &[], &[], &[], profile);
    let words = Templates::of(view.language, &profile.templates)
        .and_then(|templates| templates.calendar(&view))
        .map_err(|source| ComposeError {
            notice: kind.word(),
            source,
        })?;
    let mut lines = words.lines().map(one_line).filter(|line| !line.is_empty());
    let title = lines.next().unwrap_or_default();
    let text: Vec<String> = lines.collect();
    let (frame, status, changes) = entry.parts(kind, request);
    let organizer = profile.notices.support.as_ref().unwrap_or(&profile.notices.sender);
    let mut properties = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Mailvan//Mailvan//EN".to_owned(),
        "METHOD:PUBLISH".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{}-first-pass", request.request_id),
        format!("SEQUENCE:{changes}"),
        format!("DTSTAMP:{}", utc(now)),
        format!("DTSTART:{}", utc(frame.start())),
    ];
    properties.extend(frame.end().map(|end| format!("DTEND:{}", utc(end))));
    properties.extend([
        format!("SUMMARY:{}", escaped(&title)),
        format!("DESCRIPTION:{}", escaped(&text.join("\n"))),
        format!("STATUS:{status}"),
        // Mailboxes move without their owners.
        "TRANSP:TRANSPARENT".to_owned(),
        format!("ORGANIZER;CN=\"{}\":mailto:{organizer}", unquoted(&view.provider)),
    ]);
    properties.extend(view.page.as_ref().map(|page| format!("URL:{page}")));
    properties.extend(["END:VEVENT".to_owned(), "END:VCALENDAR".to_owned()]);
    let mut text = String::new();
    for property in properties {
        fold(&property, &mut text);
    }
    Ok(text)
}

/// A moment in UTC (RFC 5545, section 3.3.5, form 2): no calendar has to know a time zone for it.
fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A text with its escapes (RFC 5545, section 3.3.11).
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c => escaped.push(c),
        }
        escaped
    })
}

/// A parameter's value for its quotes, which it cannot hold itself (RFC 5545, section 3.1).
fn unquoted(value: &str) -> String {
    value.replace('"', "'")
}
