//! What was found when messages were read to be compared: their digests, or why there is none.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tally::{BodyDigest, Tally};
use super::uid::UidSet;

/// A message as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// SHA-256 of its exact bytes.
    pub body: BodyDigest,
    /// How many bytes.
    pub size_bytes: u64,
    /// Its INTERNALDATE; `None` where it has none.
    pub date: Option<Timestamp>,
}

/// What came of asking for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It was read.
    Seen(Seen),
    /// It is not there, or not any more.
    Gone,
    /// The server lists it and does not give it out.
    Withheld,
}

/// What is known of the messages of one side, by UID. Those that nobody asked for are not in it.
///
/// As text it is what was asked in vain and 52 bytes a message, so that reading a part of a folder
/// can go on in another run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Readings(BTreeMap<u32, Reading>);

/// A stored text that is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of readings")]
pub struct BadReadings;

/// UID, size, date and digest.
const RECORD_BYTES: usize = 4 + 8 + 8 + 32;

impl Seen {
    /// The message as a tally of one.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        tally.add(&self.body, self.size_bytes, self.date);
        tally
    }
}

impl Readings {
    /// Notes what came of asking for a message.
    pub fn note(&mut self, uid: u32, reading: Reading) {
        self.0.insert(uid, reading);
    }

    /// What came of asking for a message; `None` where nobody did.
    pub fn get(&self, uid: u32) -> Option<Reading> {
        self.0.get(&uid).copied()
    }

    /// The message, where it was read.
    pub fn seen(&self, uid: u32) -> Option<&Seen> {
        match self.0.get(&uid) {
            Some(Reading::Seen(seen)) => Some(seen),
            Some(Reading::Gone | Reading::Withheld) | None => None,
        }
    }

    /// All that was asked, ascending by UID.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Reading)> {
        self.0.iter().map(|(uid, reading)| (*uid, *reading))
    }

    /// How many were asked.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of these UIDs, in ascending order, those that nobody has asked for.
    pub fn unasked(&self, uids: impl Iterator<Item = u32>) -> UidSet {
        UidSet::from_sorted(uids.filter(|uid| !self.0.contains_key(uid)))
    }

    fn in_vain(&self, wanted: Reading) -> UidSet {
        let of_kind = self.iter().filter(|(_, reading)| *reading == wanted);
        UidSet::from_sorted(of_kind.map(|(uid, _)| uid))
    }
}

impl fmt::Display for Readings {
    /// `gone withheld records`: two sets of UIDs, and the records in base64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut records = Vec::with_capacity(self.0.len() * RECORD_BYTES);
        for (uid, reading) in &self.0 {
            if let Reading::Seen(seen) = reading {
                records.extend(uid.to_be_bytes());
                records.extend(seen.size_bytes.to_be_bytes());
                records.extend(seen.date.map_or(i64::MIN, Timestamp::as_second).to_be_bytes());
                records.extend(seen.body);
            }
        }
        let (gone, withheld) = (self.in_vain(Reading::Gone), self.in_vain(Reading::Withheld));
        write!(f, "{gone} {withheld} {}", STANDARD_NO_PAD.encode(records))
    }
}

impl FromStr for Readings {
    type Err = BadReadings;

    fn from_str(text: &str) -> Result<Self, BadReadings> {
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or(BadReadings);
        let mut readings = Self::default();
        for in_vain in [Reading::Gone, Reading::Withheld] {
            let uids: UidSet = word()?.parse().map_err(|_| BadReadings)?;
            uids.iter().for_each(|uid| readings.note(uid, in_vain));
        }
        let records = STANDARD_NO_PAD.decode(word()?).map_err(|_| BadReadings)?;
        let (records, rest) = records.as_chunks::<RECORD_BYTES>();
        if !rest.is_empty() {
            return Err(BadReadings);
        }
        for record in records {
            let (uid, seen) = parse_record(record).ok_or(BadReadings)?;
            readings.note(uid, Reading::Seen(seen));
        }
        Ok(readings)
    }
}

fn parse_record(record: &[u8; RECORD_BYTES]) -> Option<(u32, Seen)> {
    let (uid, rest) = record.split_first_chunk()?;
    let (size, rest) = rest.split_first_chunk()?;
    let (date, body) = rest.split_first_chunk()?;
    let date = match i64::from_be_bytes(*date) {
        i64::MIN => None,
        second => Some(Timestamp::from_second(second).ok()?),
    };
    let seen = Seen {
        body: body.try_into().ok()?,
        size_bytes: u64::from_be_bytes(*size),
        date,
    };
    Some((u32::from_be_bytes(*uid), seen))
}

impl From<Readings> for String {
    fn from(readings: Readings) -> Self {
        readings.to_string()
    }
}

impl TryFrom<String> for Readings {
    type Error = BadReadings;

    fn try_from(text: String) -> Result<Self, BadReadings> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading() -> impl Strategy<Value = Reading> {
        let date = prop::option::of(-2_000_000_000_i64..4_000_000_000);
        let seen = (any::<[u8; 32]>(), any::<u64>(), date).prop_map(|(body, size_bytes, date)| {
            Reading::Seen(Seen {
                body,
                size_bytes,
                date: date.and_then(|second| Timestamp::from_second(second).ok()),
            })
        });
        prop_oneof![seen, Just(Reading::Gone), Just(Reading::Withheld)]
    }

    #[test]
    fn odd_text_is_no_readings() {
        for text in ["", "1", "1 2", "0  ", "  AAA", "  !"] {
            assert_eq!(text.parse::<Readings>(), Err(BadReadings), "{text:?}");
        }
        assert_eq!("  ".parse(), Ok(Readings::default()));
    }

    #[test]
    fn only_what_nobody_asked_for_is_asked() {
        let mut readings = Readings::default();
        readings.note(2, Reading::Gone);
        assert_eq!(readings.unasked(1..4).to_string(), "1,3");
    }

    proptest! {
        #[test]
        fn readings_survive_their_text(readings in prop::collection::btree_map(1_u32.., reading(), 0..40)) {
            let readings = Readings(readings);
            prop_assert_eq!(readings.to_string().parse::<Readings>(), Ok(readings));
        }
    }
}
