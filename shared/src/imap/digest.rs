//! Reading messages to their digests: what a folder holds, without holding it.
//!
//! It is what certifying reads by, and shares no FETCH with the copying ([`super::fetch`]), so that a
//! fault of the one cannot hide in the other. Small messages come whole and one by one, large ones in
//! parts, so the memory it takes depends neither on their sizes nor on how many there are.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::date::InternalDate;
use super::error::ImapError;
use super::response::{Data, Status};
use super::session::{Event, Session, check};
use super::value::Value;
use super::withheld::Halving;
use crate::domain::reading::{Reading, Seen};
use crate::domain::tally::{BodyDigester, body_digest};
use crate::domain::uid::{UidRuns, UidSet};

const FETCH: &str = "FETCH";

/// Messages beyond this are read in parts of this length, in bytes.
const PART_BYTES: u64 = 1 << 20;

/// A message of the opened folder, as it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its UID.
    pub uid: u32,
    /// RFC822.SIZE in bytes; 0 where the server does not say.
    pub size_bytes: u64,
    /// Its INTERNALDATE; `None` where it has none.
    pub date: Option<Timestamp>,
    /// Whether it is marked as deleted: its user's program may remove it at any time.
    pub is_deleted: bool,
}

/// The UIDs of all messages of the opened folder.
///
/// # Errors
/// [`ImapError`].
pub async fn uids(session: &mut Session) -> Result<UidRuns, ImapError> {
    let mut uids = UidRuns::default();
    let note = |uid, _: &Data| {
        uids.insert(uid);
    };
    let status = each(session, "1:*", "(UID)", note).await?;
    check(FETCH, status).map(|_| uids)
}

/// Sizes, dates and marks of messages, ascending by UID. One that is not there is left out; one of which the server
/// does not even tell this much is there, without.
///
/// # Errors
/// [`ImapError`].
pub async fn list(session: &mut Session, uids: &UidSet) -> Result<Vec<Listed>, ImapError> {
    let mut listed = BTreeMap::new();
    let withheld = each_of(session, uids, "(UID FLAGS INTERNALDATE RFC822.SIZE)", |uid, data| {
        let (size, date) = (attribute(data, "RFC822.SIZE"), attribute(data, "INTERNALDATE"));
        // A FETCH that nobody asked for tells changed flags, and has neither.
        let is_answer = size.is_some() || date.is_some();
        if is_answer {
            let size_bytes = size.and_then(Value::number).unwrap_or_default();
            let date = date.and_then(Value::text).and_then(InternalDate::parse);
            let date = date.map(|date| date.instant());
            let flags = attribute(data, "FLAGS").map(Value::list).unwrap_or_default();
            let mut flags = flags.iter().filter_map(Value::text);
            let is_deleted = flags.any(|flag| flag.eq_ignore_ascii_case("\\Deleted"));
            let message = Listed {
                uid,
                size_bytes,
                date,
                is_deleted,
            };
            listed.insert(uid, message);
        }
        is_answer
    })
    .await?;
    let unknown = withheld.into_iter().map(|uid| Listed {
        uid,
        size_bytes: 0,
        date: None,
        is_deleted: false,
    });
    listed.extend(unknown.map(|message| (message.uid, message)));
    Ok(listed.into_values().collect())
}

/// Reads messages of the opened folder; `on_each` gets every UID that was asked for once, as soon
/// as it is known what came of it.
///
/// # Errors
/// [`ImapError`]; what `on_each` got until then holds.
pub async fn read(
    session: &mut Session,
    uids: &UidSet,
    mut on_each: impl FnMut(u32, Reading),
) -> Result<(), ImapError> {
    let mut open: BTreeMap<u32, Listed> = list(session, uids).await?.into_iter().map(|m| (m.uid, m)).collect();
    uids.iter()
        .filter(|uid| !open.contains_key(uid))
        .for_each(|uid| on_each(uid, Reading::Gone));
    let is_large = |message: &&Listed| message.size_bytes > PART_BYTES;
    let large: Vec<Listed> = open.values().filter(is_large).copied().collect();
    let small = UidSet::from_sorted(open.values().filter(|message| !is_large(message)).map(|m| m.uid));
    each_of(session, &small, "(UID BODY.PEEK[])", |uid, data| {
        let Some((listed, body)) = body(data).and_then(|body| Some((open.remove(&uid)?, body))) else {
            return false;
        };
        let seen = Seen {
            body: body_digest(body),
            size_bytes: body.len() as u64,
            date: listed.date,
        };
        on_each(uid, Reading::Seen(seen));
        true
    })
    .await?;
    for listed in large {
        if let Some(seen) = read_in_parts(session, listed).await? {
            open.remove(&listed.uid);
            on_each(listed.uid, Reading::Seen(seen));
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    // It went meanwhile, or the server keeps it back.
    let left = UidSet::from_sorted(open.into_keys());
    let still = list(session, &left).await?;
    for uid in left.iter() {
        let is_listed = still.iter().any(|message| message.uid == uid);
        on_each(uid, if is_listed { Reading::Withheld } else { Reading::Gone });
    }
    Ok(())
}

/// Reads a large message; `None` where it is not given out. The size that is listed may be wrong, so
/// it ends with a part that is not full.
async fn read_in_parts(session: &mut Session, listed: Listed) -> Result<Option<Seen>, ImapError> {
    let mut digester = BodyDigester::default();
    let mut size_bytes = 0;
    loop {
        let items = format!("(UID BODY.PEEK[]<{size_bytes}.{PART_BYTES}>)");
        let mut read = None;
        let status = each(session, &listed.uid.to_string(), &items, |uid, data| {
            if let Some(part) = body(data).filter(|_| uid == listed.uid) {
                digester.update(part);
                read = Some(part.len() as u64);
            }
        })
        .await?;
        match check(FETCH, status) {
            Err(error) if error.is_refused_reading() => return Ok(None),
            checked => checked?,
        };
        size_bytes += match read {
            // It went meanwhile; behind the end, where nothing lies, servers differ.
            None if size_bytes < listed.size_bytes => return Ok(None),
            None => break,
            Some(length) => length,
        };
        if read.is_some_and(|length| length < PART_BYTES) {
            break;
        }
    }
    Ok(Some(Seen {
        body: digester.finish(),
        size_bytes,
        date: listed.date,
    }))
}

/// Asks for items of messages, in halves where the server refuses. `on_each` tells whether what it was handed
/// is an answer; gives those that the server refuses alone.
async fn each_of(
    session: &mut Session,
    uids: &UidSet,
    items: &str,
    mut on_each: impl FnMut(u32, &Data) -> bool,
) -> Result<Vec<u32>, ImapError> {
    let mut halving = Halving::default();
    let mut todo: VecDeque<UidSet> = uids.pieces().into();
    while let Some(set) = todo.pop_front() {
        let mut given = UidRuns::default();
        let status = each(session, &set.to_string(), items, |uid, data| {
            if uids.contains(uid) && on_each(uid, data) {
                given.insert(uid);
                halving.note_given();
            }
        })
        .await?;
        let left = set.iter().filter(|uid| !given.contains(*uid));
        todo.extend(halving.note_end(status, set.len(), left)?);
    }
    let withheld = halving.sure().into_iter().map(|withheld| withheld.uid).collect();
    halving.rest().map(|()| withheld)
}

/// Runs `UID FETCH` and hands over each answer that has a UID as it arrives.
async fn each(
    session: &mut Session,
    set: &str,
    items: &str,
    mut on_each: impl FnMut(u32, &Data),
) -> Result<Status, ImapError> {
    let tag = session.send(FETCH, &format!("UID FETCH {set} {items}")).await?;
    loop {
        match session.next_event(FETCH).await? {
            Event::Data(data) if data.name == FETCH => {
                if let Some(uid) = attribute(&data, "UID").and_then(Value::number) {
                    on_each(uid, &data);
                }
            }
            Event::Done(done, status) if done == tag => return Ok(status),
            Event::Data(_) | Event::Notice(_) | Event::Continue | Event::Done(..) => {}
        }
    }
}

fn attribute<'a>(data: &'a Data, name: &str) -> Option<&'a Value> {
    value_of(data, |key| key.eq_ignore_ascii_case(name))
}

/// The bytes of `BODY[]` or of a part of it, `BODY[]<0>`; some servers leave the offset out.
fn body(data: &Data) -> Option<&[u8]> {
    let value = value_of(data, |key| {
        key.get(..6).is_some_and(|name| name.eq_ignore_ascii_case("BODY[]"))
    });
    value.and_then(Value::bytes).map(AsRef::as_ref)
}

fn value_of(data: &Data, is_wanted: impl Fn(&str) -> bool) -> Option<&Value> {
    let items = data.values.first()?.list();
    items.chunks_exact(2).find_map(|pair| match pair {
        [key, value] if key.text().is_some_and(&is_wanted) => Some(value),
        _ => None,
    })
}

#[cfg(test)]
#[path = "digest_tests.rs"]
mod tests;
