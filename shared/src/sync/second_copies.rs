//! Second copies that came late: what a worker had on the wire when it ended, arriving after the next
//! one had looked for it and sent it again.
//!
//! A message is taken for one only where all of this is so: it belongs to no chunk; it came after the
//! broken batch was begun; and in bytes and date it is a message of that batch whose own copy is there
//! too, and not marked to be removed. So it is one more than the source has, and nothing is lost with it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::reading::{Readings, Seen};
use crate::domain::tally::Tally;
use crate::domain::uid::{UidMap, UidRuns, UidSet};
use crate::imap::digest::{self, Listed};
use crate::imap::{ImapError, Session};
use crate::store::ChunkRecord;

/// Second copies of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SecondCopies {
    /// Destination UID to source UID.
    pub(crate) uids: UidMap,
    /// How much mail they are.
    pub(crate) tally: Tally,
}

/// A message of a broken batch, and where its own copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Original {
    uid: u32,
    copy_uid: u32,
    /// No second copy of it has a destination UID below this.
    from_uid: u32,
    /// Whether it was marked as deleted at the source: then the mark here says nothing.
    was_deleted: bool,
}

/// Messages of the open folder that belong to no chunk, neither to one of its own nor to one of another folder that
/// goes to the same one.
///
/// # Errors
/// [`ImapError`].
pub(crate) async fn beyond_chunks(
    session: &mut Session,
    own: &[ChunkRecord],
    beside: &[ChunkRecord],
) -> Result<UidRuns, ImapError> {
    let mut others = digest::uids(session).await?;
    for uids in own.iter().chain(beside).flat_map(|chunk| chunk.map.destinations()) {
        others.remove_range(uids);
    }
    Ok(others)
}

impl SecondCopies {
    /// Looks for second copies of a folder's messages among those of the open folder that belong to no chunk.
    ///
    /// # Errors
    /// [`ImapError`].
    pub(crate) async fn find(
        session: &mut Session,
        chunks: &[ChunkRecord],
        others: &UidSet,
    ) -> Result<Self, ImapError> {
        let originals = originals(chunks);
        let Some(first) = originals.iter().map(|original| original.from_uid).min() else {
            return Ok(Self::default());
        };
        let others = UidSet::from_sorted(others.iter().filter(|uid| *uid >= first));
        if others.is_empty() {
            return Ok(Self::default());
        }
        let copies = ascending(originals.iter().map(|original| original.copy_uid));
        let marked: BTreeSet<u32> = originals
            .iter()
            .filter(|one| one.was_deleted)
            .map(|one| one.copy_uid)
            .collect();
        let copies = staying(session, &copies, &marked).await?;
        let others = digest::list(session, &others).await?;
        let pairs = possible_pairs(&originals, &copies, &others);
        let wanted = ascending(pairs.iter().flat_map(|(original, other)| [original.copy_uid, *other]));
        let mut readings = Readings::default();
        if !wanted.is_empty() {
            digest::read(session, &wanted, |uid, found| readings.note(uid, found)).await?;
        }
        let mut proven = proven(&pairs, &readings);
        // Reading took its time: what its user removes meanwhile is not there twice.
        let own = ascending(proven.iter().map(|(original, ..)| original.copy_uid));
        let own: BTreeSet<u32> = staying(session, &own, &marked)
            .await?
            .iter()
            .map(|copy| copy.uid)
            .collect();
        proven.retain(|(original, ..)| own.contains(&original.copy_uid));
        let mut copies = Self::default();
        for (original, other, seen) in proven {
            copies.uids.insert(other, original.uid);
            copies.tally.merge(&seen.tally());
        }
        Ok(copies)
    }
}

/// Messages that are there, and that their user has not marked to be removed; `marked` were so before.
async fn staying(session: &mut Session, uids: &UidSet, marked: &BTreeSet<u32>) -> Result<Vec<Listed>, ImapError> {
    if uids.is_empty() {
        return Ok(Vec::new());
    }
    let mut listed = digest::list(session, uids).await?;
    listed.retain(|message| !message.is_deleted || marked.contains(&message.uid));
    Ok(listed)
}

/// The messages whose batches had an unknown end, as far as they are in the map.
fn originals(chunks: &[ChunkRecord]) -> Vec<Original> {
    let broken = chunks.iter().filter_map(|chunk| Some((chunk, chunk.late.as_ref()?)));
    let originals = broken.flat_map(|(chunk, late)| {
        let mapped = late.uids.iter().filter_map(|uid| Some((uid, chunk.map.get(uid)?)));
        mapped.map(|(uid, copy_uid)| Original {
            uid,
            copy_uid,
            from_uid: late.from_uid,
            was_deleted: chunk.flags.get(uid).is_some_and(|flags| flags.contains("\\Deleted")),
        })
    });
    originals.collect()
}

/// Which message may be whose second copy, by size and date.
fn possible_pairs(originals: &[Original], copies: &[Listed], others: &[Listed]) -> Vec<(Original, u32)> {
    let copies: BTreeMap<u32, &Listed> = copies.iter().map(|copy| (copy.uid, copy)).collect();
    let mut alike: BTreeMap<(u64, Option<Timestamp>), Vec<&Original>> = BTreeMap::new();
    for original in originals {
        if let Some(copy) = copies.get(&original.copy_uid) {
            alike.entry((copy.size_bytes, copy.date)).or_default().push(original);
        }
    }
    let mut pairs = Vec::new();
    for other in others {
        let of_same = alike.get(&(other.size_bytes, other.date)).into_iter().flatten();
        let later = of_same.filter(|original| other.uid >= original.from_uid);
        pairs.extend(later.map(|original| (**original, other.uid)));
    }
    pairs
}

/// The pairs whose messages are equal; a message is the second copy of one.
fn proven<'r>(pairs: &[(Original, u32)], readings: &'r Readings) -> Vec<(Original, u32, &'r Seen)> {
    let mut taken = BTreeSet::new();
    let mut proven = Vec::new();
    for (original, other) in pairs {
        let both: Option<(&Seen, &Seen)> = readings.seen(original.copy_uid).zip(readings.seen(*other));
        if let Some((own, second)) = both
            && own == second
            && taken.insert(*other)
        {
            proven.push((*original, *other, second));
        }
    }
    proven
}

fn ascending(uids: impl Iterator<Item = u32>) -> UidSet {
    let mut uids: Vec<u32> = uids.collect();
    uids.sort_unstable();
    uids.dedup();
    UidSet::from_sorted(uids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reading::Reading;
    use crate::domain::tally::body_digest;

    const ORIGINALS: [Original; 2] = [
        Original {
            uid: 1,
            copy_uid: 11,
            from_uid: 50,
            was_deleted: false,
        },
        Original {
            uid: 2,
            copy_uid: 12,
            from_uid: 50,
            was_deleted: false,
        },
    ];

    fn listed(uid: u32, size_bytes: u64, second: i64) -> Listed {
        Listed {
            uid,
            size_bytes,
            date: Timestamp::from_second(second).ok(),
            is_deleted: false,
        }
    }

    fn readings(messages: &[(u32, &str)]) -> Readings {
        let mut readings = Readings::default();
        for (uid, body) in messages {
            let seen = Seen {
                body: body_digest(body.as_bytes()),
                size_bytes: 3,
                date: None,
            };
            readings.note(*uid, Reading::Seen(seen));
        }
        readings
    }

    #[test]
    fn only_what_has_size_and_date_of_a_copy_and_came_after_the_batch_may_be_a_second_one() {
        let copies = [listed(11, 10, 7), listed(12, 20, 8)];
        let others = [
            listed(49, 10, 7),
            listed(50, 10, 7),
            listed(51, 11, 7),
            listed(52, 10, 8),
            listed(53, 20, 8),
        ];
        let pairs = possible_pairs(&ORIGINALS, &copies, &others);
        assert_eq!(pairs, [(ORIGINALS[0], 50), (ORIGINALS[1], 53)]);
    }

    #[test]
    fn only_equal_bytes_beside_the_own_copy_prove_it() {
        let pairs = [
            (ORIGINALS[0], 50),
            (ORIGINALS[1], 50),
            (ORIGINALS[0], 51),
            (ORIGINALS[1], 52),
        ];
        let all = readings(&[(11, "one"), (12, "two"), (50, "one"), (51, "eno"), (52, "two")]);
        let uids = |readings: &Readings| -> Vec<(u32, u32)> {
            let proven = proven(&pairs, readings);
            proven
                .iter()
                .map(|(original, other, _)| (*other, original.uid))
                .collect()
        };
        assert_eq!(uids(&all), [(50, 1), (52, 2)]);
        // The user has removed the own copy of 2: what is left of it stays.
        let some = readings(&[(11, "one"), (50, "one"), (52, "two")]);
        assert_eq!(uids(&some), [(50, 1)]);
    }
}
