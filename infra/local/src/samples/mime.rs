//! Writes ordinary messages: plain, 8-bit, alternative, with attachments.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{Timestamp, tz::Offset};

use super::{Append, Purpose, Random};

const SENDERS: &[&str] = &[
    "\"Harbour Office\" <buero@harbour.example>",
    "=?UTF-8?B?V2Vya3N0YXR0IFPDvGQ=?= <werkstatt@harbour.example>",
    "=?ISO-8859-1?Q?Gr=F6=DFe_=26_Ma=DFe_GmbH?= <masse@groesse.example>",
    "=?ISO-2022-JP?B?GyRCRWw1fjtZRTkbKEI=?= <tokyo@harbour.example>",
    "Lighthouse North <north@lighthouse.example>",
    "no-reply@shipping.example",
];
const SUBJECTS: &[&str] = &[
    "Order confirmed",
    "=?UTF-8?Q?Re:_Lieferung_f=C3=BCr_die_N=C3=A4hte?=",
    "=?UTF-8?B?QW5nZWJvdCBmw7xyIGRhcyBHcm/Dn3NlZ2Vs?=",
    "=?UTF-8?B?6KaL56mN5pu444Gu5Lu2?=",
    "Fwd: Tide tables for next week",
    "Re: Re: AW: Mooring",
    "Invoice",
    "",
];
const WORDS: &[&str] = &[
    "Anker",
    "mooring",
    "Größe",
    "Segel",
    "the",
    "harbour",
    "für",
    "Maße",
    "tide",
    "und",
    "wharf",
    "Leuchtturm",
    "schedule",
    "naïve",
    "cargo",
    "Lieferschein",
    "steel",
    "Öl",
    "boat",
    "paint",
    "rope",
    "Prüfung",
    "of",
    "with",
    "weather",
    "Kran",
    "winch",
    "ab",
    "港",
    "船舶",
];
const FLAGS: &[(&str, usize)] = &[
    ("\\Seen", 75),
    ("\\Answered", 20),
    ("\\Flagged", 8),
    ("\\Deleted", 2),
    ("$Forwarded", 5),
    ("$Label1", 6),
    ("NonJunk", 12),
];
const OFFSETS_MINUTES: &[i32] = &[0, 60, 120, -300, 330, 540, -210, 825];

/// Writes the messages of one account.
pub(super) struct Writer {
    pub(super) random: Random,
    user: String,
    number: usize,
}

impl Writer {
    pub(super) fn new(seed: u64, user: &str) -> Self {
        Self {
            random: Random::new(seed),
            user: user.to_owned(),
            number: 0,
        }
    }

    /// A message as is usual in a folder for `purpose`.
    pub(super) fn message(&mut self, purpose: Option<Purpose>) -> Append {
        let mut message = self.frame(purpose);
        message.bytes.extend(self.body());
        message
    }

    /// A message that ends before the header fields of its content.
    pub(super) fn frame(&mut self, purpose: Option<Purpose>) -> Append {
        let flags = flags(&mut self.random, purpose);
        // 2008 to 2024; mail arrives up to two days after it is written.
        let written = 1_200_000_000 + self.random.below(530_000_000);
        let received = written + self.random.below(172_800);
        let bytes = self.header(written, purpose).into_bytes();
        Append {
            flags,
            internal_date: internal_date(&mut self.random, received),
            bytes,
        }
    }

    fn header(&mut self, written: usize, purpose: Option<Purpose>) -> String {
        self.number += 1;
        let random = &mut self.random;
        let (sender, subject) = (random.pick(SENDERS), random.pick(SUBJECTS));
        let (number, user, mark) = (self.number, &self.user, random.next() >> 40);
        let own = matches!(purpose, Some(Purpose::Sent | Purpose::Drafts));
        let (from, to) = if own {
            (user.as_str(), sender)
        } else {
            (sender, user.as_str())
        };
        let date = format(random, written, "%a, %d %b %Y %H:%M:%S %z");
        format!(
            "Return-Path: <{user}>\r\nReceived: from mx.shipping.example by mx.harbour.example;\r\n\
             \t{date}\r\nDate: {date}\r\nFrom: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\
             Message-ID: <{number}.{mark:x}.{user}>\r\nMIME-Version: 1.0\r\n"
        )
    }

    fn body(&mut self) -> Vec<u8> {
        let random = &mut self.random;
        match random.below(100) {
            0..55 => plain(random),
            55..62 => latin(random),
            62..97 => alternative(random),
            _ => {
                let size = 50_000 + random.below(250_000);
                attachment(random, size)
            }
        }
    }
}

/// IMAP's date-time of an instant, in some zone.
pub(super) fn internal_date(random: &mut Random, unix: usize) -> String {
    format(random, unix, "%d-%b-%Y %H:%M:%S %z")
}

fn format(random: &mut Random, unix: usize, format: &str) -> String {
    let minutes = OFFSETS_MINUTES
        .get(random.below(OFFSETS_MINUTES.len()))
        .copied()
        .unwrap_or(0);
    let offset = Offset::from_seconds(minutes * 60).unwrap_or(Offset::UTC);
    let instant = Timestamp::from_second(i64::try_from(unix).unwrap_or(0)).unwrap_or_default();
    instant.to_zoned(offset.to_time_zone()).strftime(format).to_string()
}

fn flags(random: &mut Random, purpose: Option<Purpose>) -> Vec<String> {
    let mut flags = Vec::new();
    for (flag, chance) in FLAGS {
        if random.percent(*chance) {
            flags.push((*flag).to_owned());
        }
    }
    match purpose {
        Some(Purpose::Drafts) => flags.push("\\Draft".to_owned()),
        Some(Purpose::Junk) => flags.push("$Junk".to_owned()),
        _ => {}
    }
    flags
}

/// Text of about so many bytes, in lines, in UTF-8.
pub(super) fn text(random: &mut Random, bytes: usize) -> String {
    let (mut text, mut column) = (String::with_capacity(bytes + 80), 0);
    while text.len() < bytes {
        let word = random.pick(WORDS);
        text.push_str(word);
        column += word.len() + 1;
        if column > 68 {
            text.push_str("\r\n");
            column = 0;
        } else {
            text.push(' ');
        }
    }
    text.push_str("\r\n");
    text
}

fn plain(random: &mut Random) -> Vec<u8> {
    let size = 200 + random.below(3_000);
    format!(
        "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}",
        text(random, size)
    )
    .into_bytes()
}

/// ISO 8859-1 as it is: no valid UTF-8.
fn latin(random: &mut Random) -> Vec<u8> {
    let mut bytes = b"Content-Type: text/plain; charset=ISO-8859-1\r\n\
        Content-Transfer-Encoding: 8bit\r\n\r\n"
        .to_vec();
    bytes.extend(
        text(random, 900)
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')),
    );
    bytes
}

fn alternative(random: &mut Random) -> Vec<u8> {
    let size = 300 + random.below(4_000);
    let (text, mark) = (text(random, size), random.next());
    format!(
        "Content-Type: multipart/alternative; boundary=\"=_{mark:x}\"\r\n\r\n\
         --=_{mark:x}\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n{text}\r\n\
         --=_{mark:x}\r\nContent-Type: text/html; charset=UTF-8\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}--=_{mark:x}--\r\n",
        lines(&STANDARD.encode(format!("<html><body><p>{text}</p></body></html>")))
    )
    .into_bytes()
}

/// A body with an attachment that has so many bytes before base64.
pub(super) fn attachment(random: &mut Random, bytes: usize) -> Vec<u8> {
    let mark = random.next();
    let (text, data) = (text(random, 400), STANDARD.encode(random.bytes(bytes)));
    format!(
        "Content-Type: multipart/mixed; boundary=\"=_{mark:x}\"\r\n\r\n\
         --=_{mark:x}\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n{text}\r\n\
         --=_{mark:x}\r\nContent-Type: application/pdf\r\n\
         Content-Disposition: attachment; filename*=UTF-8''Ma%C3%9Fe.pdf\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}--=_{mark:x}--\r\n",
        lines(&data)
    )
    .into_bytes()
}

fn lines(base64: &str) -> String {
    let mut lines = String::with_capacity(base64.len() + base64.len() / 30);
    let mut rest = base64;
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(76));
        let _ = write!(lines, "{line}\r\n");
        rest = more;
    }
    lines
}
