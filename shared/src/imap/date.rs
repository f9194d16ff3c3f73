//! INTERNALDATE (RFC 9051, section 9: `date-time`).

use jiff::Timestamp;
use jiff::fmt::strtime;

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

    /// The date as an APPEND takes it, without quotes.
    pub fn wire(&self) -> &str {
        &self.wire
    }

    /// The instant it stands for; equal for equal moments in different zones.
    pub fn instant(&self) -> Timestamp {
        self.instant
    }
}
