//! Short digests of messages as they were copied: enough to know one again.
//!
//! When a message has gone from a folder at the source, and its copy has gone from the destination,
//! nothing else tells which message it was.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tally::{BodyDigest, Tally};
use super::uid::{BadUids, run, stored_as_text};

/// How many bytes a print has. Of a million pairs of different messages, one in 280 million has
/// equal ones.
const PRINT_BYTES: usize = 6;

/// How many characters it has in base64.
const PRINT_CHARACTERS: usize = 8;

/// The beginning of a message's digest, over its bytes and its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Print([u8; PRINT_BYTES]);

impl Print {
    /// The print of a message. `date` is its INTERNALDATE; `None` where it has none.
    pub fn of(body: &BodyDigest, date: Option<Timestamp>) -> Self {
        let mut tally = Tally::default();
        tally.add(body, 0, date);
        let mut print = [0; PRINT_BYTES];
        print
            .iter_mut()
            .zip(tally.digest_bytes())
            .for_each(|(own, byte)| *own = byte);
        Self(print)
    }
}

/// Prints by source UID, in runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prints(BTreeMap<u32, Vec<Print>>);

stored_as_text!(Prints);

impl Prints {
    /// Notes a message's print.
    pub fn insert(&mut self, uid: u32, print: Print) {
        let before = self.0.range_mut(..=uid).next_back();
        match before {
            Some((first, prints)) if uid - first <= u32::try_from(prints.len()).unwrap_or(u32::MAX) => {
                let at = (uid - first) as usize;
                match prints.get_mut(at) {
                    Some(place) => *place = print,
                    None => prints.push(print),
                }
            }
            _ => {
                self.0.insert(uid, vec![print]);
            }
        }
    }

    /// The print of a message.
    pub fn get(&self, uid: u32) -> Option<Print> {
        let (first, prints) = self.0.range(..=uid).next_back()?;
        prints.get((uid - first) as usize).copied()
    }

    /// Forgets a message.
    pub fn remove(&mut self, uid: u32) {
        let Some((&first, prints)) = self.0.range_mut(..=uid).next_back() else {
            return;
        };
        let at = (uid - first) as usize;
        if at >= prints.len() {
            return;
        }
        let behind = prints.split_off(at + 1);
        prints.truncate(at);
        if prints.is_empty() {
            self.0.remove(&first);
        }
        if !behind.is_empty() {
            self.0.insert(uid + 1, behind);
        }
    }

    /// All of them, ascending by UID.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Print)> {
        self.0
            .iter()
            .flat_map(|(first, prints)| (*first..).zip(prints.iter().copied()))
    }

    /// The UIDs in runs, ascending.
    fn runs(&self) -> impl Iterator<Item = (RangeInclusive<u32>, &[Print])> {
        self.0.iter().map(|(first, prints)| {
            let more = u32::try_from(prints.len() - 1).unwrap_or(u32::MAX);
            (*first..=first.saturating_add(more), prints.as_slice())
        })
    }
}

impl PartialEq for Prints {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl Eq for Prints {}

impl fmt::Display for Prints {
    /// `3:4=AAECAwQFBgcICQoL,9=DA0ODxAR`: a run and its prints behind each other in base64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (uids, prints)) in self.runs().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma}{}:{}=", uids.start(), uids.end())?;
            for print in prints {
                f.write_str(&STANDARD_NO_PAD.encode(print.0))?;
            }
        }
        Ok(())
    }
}

impl FromStr for Prints {
    type Err = BadUids;

    fn from_str(text: &str) -> Result<Self, BadUids> {
        let mut all = Self::default();
        for entry in text.split(',').filter(|entry| !entry.is_empty()) {
            let (uids, prints) = entry.split_once('=').ok_or(BadUids)?;
            let (first, last) = run(uids)?;
            if prints.len() / PRINT_CHARACTERS != (last - first) as usize + 1 || prints.len() % PRINT_CHARACTERS != 0 {
                return Err(BadUids);
            }
            for (uid, print) in (first..=last).zip(prints.as_bytes().chunks(PRINT_CHARACTERS)) {
                let print = STANDARD_NO_PAD.decode(print).map_err(|_| BadUids)?;
                all.insert(uid, Print(print.try_into().map_err(|_| BadUids)?));
            }
        }
        Ok(all)
    }
}

/// Prints without their UIDs: of messages that are not to come back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrintList(Vec<Print>);

stored_as_text!(PrintList);

impl PrintList {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// How often each is there.
    pub fn counted(&self) -> BTreeMap<Print, usize> {
        let mut counted = BTreeMap::new();
        for print in &self.0 {
            *counted.entry(*print).or_default() += 1;
        }
        counted
    }
}

impl Extend<Print> for PrintList {
    fn extend<I: IntoIterator<Item = Print>>(&mut self, prints: I) {
        self.0.extend(prints);
    }
}

impl fmt::Display for PrintList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|print| f.write_str(&STANDARD_NO_PAD.encode(print.0)))
    }
}

impl FromStr for PrintList {
    type Err = BadUids;

    fn from_str(text: &str) -> Result<Self, BadUids> {
        let prints = text.as_bytes().chunks(PRINT_CHARACTERS).map(|print| {
            let print = STANDARD_NO_PAD.decode(print).map_err(|_| BadUids)?;
            Ok(Print(print.try_into().map_err(|_| BadUids)?))
        });
        prints.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::tally::body_digest;

    #[test]
    fn another_date_or_another_byte_is_another_print() {
        let print = |body: &[u8], second| Print::of(&body_digest(body), Timestamp::from_second(second).ok());
        assert_eq!(print(b"a", 1), print(b"a", 1));
        assert_ne!(print(b"a", 1), print(b"a", 2));
        assert_ne!(print(b"a", 1), print(b"b", 1));
    }

    #[test]
    fn odd_text_is_refused() {
        for text in [
            "1",
            "1=AAAA",
            "1:2=AAAAAAAA",
            "1=AAAAAAA*",
            "2:1=AAAAAAAAAAAAAAAA",
            "1:4294967295=AAAAAAAA",
        ] {
            assert_eq!(text.parse::<Prints>(), Err(BadUids), "{text}");
        }
        assert_eq!("AAAAAAA".parse::<PrintList>(), Err(BadUids));
    }

    proptest! {
        /// Whatever is done in whatever order, it is a map, and survives its text.
        #[test]
        fn prints_of_runs_are_a_map(steps in vec((prop::bool::weighted(0.7), 1_u32..40, any::<[u8; 6]>()), 0..120)) {
            let (mut prints, mut model) = (Prints::default(), BTreeMap::new());
            for (add, uid, bytes) in steps {
                if add {
                    prints.insert(uid, Print(bytes));
                    model.insert(uid, Print(bytes));
                } else {
                    prints.remove(uid);
                    model.remove(&uid);
                }
            }
            for uid in 0..41 {
                prop_assert_eq!(prints.get(uid), model.get(&uid).copied());
            }
            prop_assert_eq!(prints.iter().collect::<Vec<_>>(), model.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(prints.to_string().parse::<Prints>().unwrap(), prints);
            let mut list = PrintList::default();
            list.extend(model.into_values());
            prop_assert_eq!(list.to_string().parse::<PrintList>().unwrap(), list);
        }
    }
}
