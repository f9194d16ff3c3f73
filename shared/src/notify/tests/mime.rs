//! A mail's bytes, as another program reads them.

use mail_parser::{MessageParser, MimeHeaders, PartType};

use super::*;
use crate::notify::header::named;
use crate::notify::mime::{Header, message};

fn bytes(mail: &Mail) -> Vec<u8> {
    let from = named("Müller & Söhne", &"migration@example.net".parse().unwrap());
    message(
        mail,
        &Header {
            from: &from,
            to: "it@example.com",
            reply_to: Some("support@example.net"),
            own: &[("X-Mailvan-Notice", "id/scheduled".to_owned())],
        },
    )
}

fn mail(calendar: Option<&str>) -> Mail {
    Mail {
        subject: "[#4711] Ihr Umzug zu Müller – bald".to_owned(),
        text: format!("Grüße,\n{}\n.\nEnde", "lang ".repeat(300)),
        html: "<p>Grüße</p>".to_owned(),
        calendar: calendar.map(str::to_owned),
        apple: None,
    }
}

#[test]
fn text_and_html_are_alternatives() {
    let bytes = bytes(&mail(None));
    assert!(bytes.is_ascii() && bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 99));
    let read = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(read.subject(), Some("[#4711] Ihr Umzug zu Müller – bald"));
    let from = read.from().unwrap().first().unwrap();
    assert_eq!(
        (from.name(), from.address()),
        (Some("Müller & Söhne"), Some("migration@example.net"))
    );
    assert_eq!(read.to().unwrap().first().unwrap().address(), Some("it@example.com"));
    assert_eq!(
        read.reply_to().unwrap().first().unwrap().address(),
        Some("support@example.net")
    );
    assert_eq!(read.header_raw("X-Mailvan-Notice").map(str::trim), Some("id/scheduled"));
    assert_eq!(
        read.body_text(0).unwrap().replace("\r\n", "\n").trim_end(),
        mail(None).text
    );
    assert_eq!(read.body_html(0).unwrap().trim_end(), "<p>Grüße</p>");
    let root = read.root_part();
    assert!(root.is_content_type("multipart", "alternative"));
    assert_eq!(read.attachment_count(), 0);
}

#[test]
fn calendar_stands_beside_the_alternatives_with_its_method() {
    let calendar = "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nEND:VCALENDAR\r\n";
    let bytes = bytes(&mail(Some(calendar)));
    let read = MessageParser::default().parse(&bytes).unwrap();
    let PartType::Multipart(parts) = &read.root_part().body else {
        panic!("one part")
    };
    assert!(read.root_part().is_content_type("multipart", "mixed"));
    let [alternatives, attached] = parts.as_slice() else {
        panic!("{parts:?}")
    };
    let alternatives = read.part(*alternatives).unwrap();
    assert!(alternatives.is_content_type("multipart", "alternative"));
    let attached = read.part(*attached).unwrap();
    let kind = attached.content_type().unwrap();
    assert_eq!((kind.ctype(), kind.subtype()), ("text", Some("calendar")));
    assert_eq!(
        (kind.attribute("method"), kind.attribute("charset")),
        (Some("PUBLISH"), Some("utf-8"))
    );
    assert_eq!(attached.attachment_name(), Some("move.ics"));
    assert_eq!(attached.contents(), calendar.as_bytes());
}

#[test]
fn no_subject_and_no_name_begins_another_header() {
    let mut mail = mail(None);
    mail.subject = one_line("Hello\r\nBcc: eve@example.org\r\n\r\n<b>");
    let bytes = bytes(&mail);
    let read = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(read.subject(), Some("Hello Bcc: eve@example.org <b>"));
    assert!(read.bcc().is_none());
}
