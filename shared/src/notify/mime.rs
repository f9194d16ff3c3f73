//! A mail as its bytes (RFC 5322, RFC 2045): text and HTML as alternatives, and beside them the calendar or the file for
//! Apple's devices, where there is one.

use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};

use super::Mail;
use crate::apple;

/// What a calendar's file is named.
const CALENDAR_FILE: &str = "move.ics";

/// What the file for Apple's devices is named.
const APPLE_FILE: &str = "mailbox.mobileconfig";

/// The header fields of a mail beside its subject. Addresses are written as they stand here.
pub(super) struct Header<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) reply_to: Option<&'a str>,
    /// Fields of our own, by name.
    pub(super) own: &'a [(&'static str, String)],
}

/// The whole message. When it was sent and its id are for the mail service to add.
pub(super) fn message(mail: &Mail, header: &Header<'_>) -> Vec<u8> {
    let alternatives = vec![
        MimePart::new("text/plain", mail.text.as_str()),
        MimePart::new("text/html", mail.html.as_str()),
    ];
    let alternatives = MimePart::new("multipart/alternative", alternatives);
    let calendar = mail.calendar.as_deref().map(calendar_part);
    let files: Vec<MimePart<'_>> = calendar
        .into_iter()
        .chain(mail.apple.as_deref().map(apple_part))
        .collect();
    let body = if files.is_empty() {
        alternatives
    } else {
        let parts = std::iter::once(alternatives).chain(files);
        MimePart::new("multipart/mixed", parts.collect::<Vec<_>>())
    };
    let mut body = body
        .header("MIME-Version", Raw::new("1.0"))
        .header("From", Raw::new(header.from))
        .header("To", Raw::new(header.to))
        .header("Subject", Text::new(mail.subject.as_str()));
    if let Some(reply_to) = header.reply_to {
        body = body.header("Reply-To", Raw::new(reply_to));
    }
    for (name, value) in header.own {
        body = body.header(*name, Raw::new(value.as_str()));
    }
    let mut bytes = Vec::new();
    body.write_part(&mut bytes);
    bytes
}

fn calendar_part(calendar: &str) -> MimePart<'_> {
    let kind = mail_builder::headers::content_type::ContentType::new("text/calendar")
        .attribute("charset", "utf-8")
        .attribute("method", "PUBLISH");
    // As bytes, so that base64 keeps its line ends: not every reader takes others.
    MimePart::new(kind, BodyPart::Binary(calendar.as_bytes().into())).attachment(CALENDAR_FILE)
}

fn apple_part(file: &str) -> MimePart<'_> {
    MimePart::new(apple::CONTENT_TYPE, BodyPart::Binary(file.as_bytes().into())).attachment(APPLE_FILE)
}
