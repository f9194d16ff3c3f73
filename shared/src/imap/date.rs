//! INTERNALDATE (RFC 9051, section 9: `date-time`).

use jiff::Timestamp;
use jiff::fmt::{rfc2822, strtime};

/// When a message arrived at its server: to the second, with the zone it was given in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalDate {
    wire: String,
    instant: Timestamp,
}

impl InternalDate {
    /// Reads a server's date, also with a day of one digit. `None` where it is no date.
    ///
    /// ```
    /// use mailvan::imap::date::InternalDate;
    /// let date = InternalDate::parse(" 7-Feb-1994 21:52:25 -0800").unwrap();
    /// assert_eq!(date.instant().to_string(), "1994-02-08T05:52:25Z");
    /// assert_eq!(InternalDate::parse("7-Feb-1994 21:52:25 -0800").unwrap(), date);
    /// assert_eq!(InternalDate::parse("NIL"), None);
    /// ```
    pub fn parse(wire: &str) -> Option<Self> {
        let trimmed = wire.trim();
        let instant = strtime::parse("%d-%b-%Y %H:%M:%S %z", trimmed)
            .ok()?
            .to_timestamp()
            .ok()?;
        // The grammar wants two characters for the day: a digit or a space first.
        Some(Self {
            wire: format!("{trimmed:>26}"),
            instant,
        })
    }

    /// When a message arrived, as its own header says: by the last server that noted it, else when it was written.
    /// `beginning` holds the header. `None` where it says nothing that can be understood, or a time before 1970.
    ///
    /// ```
    /// use mailvan::imap::date::InternalDate;
    /// let message = b"Received: from a by b;\r\n Tue, 8 Feb 1994 05:52:25 -0800 (PST)\r\nDate: Mon, 7 Feb 1994 21:00:00 +0100\r\n\r\n";
    /// assert_eq!(InternalDate::of_header(message).unwrap().wire(), "08-Feb-1994 05:52:25 -0800");
    /// assert_eq!(InternalDate::of_header(b"Subject: x\r\n\r\nDate: Mon, 7 Feb 1994 21:00:00 +0100\r\n"), None);
    /// ```
    pub fn of_header(beginning: &[u8]) -> Option<Self> {
        let mut lines = beginning
            .get(..HEADER_BYTES)
            .unwrap_or(beginning)
            .split(|byte| *byte == b'\n');
        let mut fields: Vec<String> = Vec::new();
        while let Some(line) = lines.next().map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty()) {
            let text = String::from_utf8_lossy(line);
            match fields.last_mut() {
                Some(field) if text.starts_with([' ', '\t']) => field.push_str(&text),
                _ => fields.push(text.into_owned()),
            }
        }
        let named = |wanted: &'static str| {
            let fields = fields.iter().filter_map(|field| field.split_once(':'));
            fields.filter(move |(name, _)| name.trim_end().eq_ignore_ascii_case(wanted))
        };
        let received = named("Received").filter_map(|(_, value)| Some(value.rsplit_once(';')?.1));
        let written = named("Date").map(|(_, value)| value);
        received.chain(written).find_map(of_mail)
    }

    /// The date as an APPEND takes it, without quotes.
    pub fn wire(&self) -> &str {
        &self.wire
    }

    /// The instant it stands for; equal for equal moments in different zones.
    pub fn instant(&self) -> Timestamp {
        self.instant
    }
}

/// How much of a message is looked at for its header.
const HEADER_BYTES: usize = 64 << 10;

/// A date as messages have it (RFC 5322, section 3.3), with whatever day of the week.
fn of_mail(text: &str) -> Option<InternalDate> {
    const PARSER: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let date = PARSER.parse_zoned(text.trim()).ok()?;
    (date.timestamp() >= Timestamp::UNIX_EPOCH).then_some(())?;
    InternalDate::parse(&date.strftime("%d-%b-%Y %H:%M:%S %z").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(header: &str) -> Option<String> {
        let message = format!("{header}\r\n\r\nDate: Sat, 1 Jan 2000 00:00:00 +0000\r\n");
        InternalDate::of_header(message.as_bytes()).map(|date| date.wire().to_owned())
    }

    #[test]
    fn header_tells_the_date_of_a_message_without_another() {
        for (header, date) in [
            (
                "Subject: x\r\ndate : Wed, 7 Feb 2024 10:00:01 +0545",
                Some("07-Feb-2024 10:00:01 +0545"),
            ),
            ("Date: 7 Feb 2024 10:00 GMT", Some("07-Feb-2024 10:00:00 +0000")),
            // The wrong day of the week, and an older date behind a line that none can be read from.
            (
                "Date: Mon, 7 Feb 2024 10:00:00 -0330",
                Some("07-Feb-2024 10:00:00 -0330"),
            ),
            (
                "Received: by a\r\nReceived: by b; soon\r\nReceived: by c;\r\n\tWed, 7 Feb 2024 10:00:00 +0000",
                Some("07-Feb-2024 10:00:00 +0000"),
            ),
            ("Date: Thu, 1 Jan 1960 00:00:00 +0000", None),
            ("Date: yesterday", None),
            ("Subject: x", None),
            ("", None),
        ] {
            assert_eq!(dated(header).as_deref(), date, "{header}");
        }
    }
}
