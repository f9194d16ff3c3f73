//! What the server says of messages, and of which.

use std::fmt::Write as _;

use super::{Ended, Fate, Message, State};

impl State {
    /// Answers a FETCH; gives what it is refused with at its end.
    pub(super) fn fetch(
        &self,
        messages: &[Message],
        set: &str,
        items: &str,
        text: &mut Vec<u8>,
    ) -> Result<Option<&'static str>, Ended> {
        let mut end = None;
        for (number, message) in (1..).zip(messages).filter(|(_, message)| is_in(set, message.uid)) {
            if items.contains("RFC822.SIZE") && self.odd.unsized_uids.contains(&message.uid) {
                return Ok(Some("NO [SERVERBUG] Internal error occurred"));
            }
            if items.contains("BODY.PEEK[]") {
                match self.odd.fates.get(&message.uid) {
                    Some(Fate::Close) => return Err(Ended::Closed),
                    Some(Fate::Silence) => return Err(Ended::Silent),
                    Some(Fate::NoAtOnce(no)) => return Ok(Some(no)),
                    Some(Fate::NoAtTheEnd(no)) => {
                        end = Some(*no);
                        continue;
                    }
                    Some(Fate::NoBody | Fate::Empty) | None => {}
                }
            }
            let mut line = format!("* {number} FETCH (UID {}", message.uid);
            if items.contains("FLAGS") {
                write!(line, " FLAGS ({})", message.flags).unwrap();
            }
            if items.contains("INTERNALDATE") {
                match message.date.as_str() {
                    "" => {}
                    "NIL" => line.push_str(" INTERNALDATE NIL"),
                    date => write!(line, " INTERNALDATE \"{date}\"").unwrap(),
                }
            }
            if items.contains("RFC822.SIZE") {
                let size = (message.body.len() as u64).saturating_add_signed(self.odd.excess);
                write!(line, " RFC822.SIZE {size}").unwrap();
            }
            text.extend(line.bytes());
            if items.contains("HEADER.FIELDS") {
                let mut header = header(&message.body);
                if self.odd.disagreeing_uids.contains(&message.uid) {
                    header = header.replace('<', "<x");
                }
                let name = "BODY[HEADER.FIELDS (MESSAGE-ID)]";
                text.extend(format!(" {name} {{{}}}\r\n{header}", header.len()).bytes());
            }
            let is_given = !matches!(self.odd.fates.get(&message.uid), Some(Fate::NoBody));
            if let Some((_, section)) = items.split_once("BODY.PEEK[]").filter(|_| is_given) {
                let is_empty = matches!(self.odd.fates.get(&message.uid), Some(Fate::Empty));
                let (name, part) = part(section, if is_empty { &[] } else { &message.body });
                text.extend(format!(" BODY[]{name} {{{}}}\r\n", part.len()).bytes());
                text.extend(part);
            }
            text.extend(b")\r\n");
        }
        Ok(end)
    }
}

pub(super) fn is_in(set: &str, uid: u32) -> bool {
    let number = |text: &str| if text == "*" { u32::MAX } else { text.parse().unwrap() };
    set.split(',').any(|range| match range.split_once(':') {
        Some((first, last)) => (number(first)..=number(last)).contains(&uid),
        None => number(range) == uid,
    })
}

fn header(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let found = text
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("message-id:"));
    found.map_or("\r\n".to_owned(), |line| format!("{line}\r\n\r\n"))
}

/// What an answer's section is called, and the bytes that it asks for.
fn part<'b>(section: &str, body: &'b [u8]) -> (String, &'b [u8]) {
    let asked = section.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let Some((from, length)) = asked.and_then(|(asked, _)| asked.split_once('.')) else {
        return (String::new(), body);
    };
    let from: usize = from.parse().unwrap();
    let first = from.min(body.len());
    let last = (first + length.parse::<usize>().unwrap()).min(body.len());
    (format!("<{from}>"), &body[first..last])
}
