//! Reading messages: what is there, what they are, and their bytes. Answers are matched by UID,
//! never by position; a UID that is not answered has gone meanwhile.

use std::collections::VecDeque;

use bytes::Bytes;

use super::date::InternalDate;
use super::error::ImapError;
use super::response::{Data, Status};
use super::session::{Event, Session, check};
use super::value::Value;
use super::withheld::{Halving, Withheld};
use crate::domain::uid::{UidRuns, UidSet};

/// What is known of a message without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Its UID.
    pub uid: u32,
    /// RFC822.SIZE in bytes, as this server counts.
    pub size_bytes: u64,
    /// When it arrived; `None` where the server says `NIL` or nothing.
    pub date: Option<InternalDate>,
    /// Its flags without `\Recent`, as the server spells them.
    pub flags: Vec<String>,
    /// The value of its Message-ID header, where that was asked for and is there.
    pub message_id: Option<String>,
}

impl Metadata {
    /// Whether it comes without a byte, though it has a size (Yandex, 2026): it is not given out.
    pub fn is_hollow(&self, body: &[u8]) -> bool {
        body.is_empty() && self.size_bytes > 0
    }
}

/// What was found of a set of messages.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Those that are there, ascending by UID.
    pub messages: Vec<Metadata>,
    /// Those of which the server does not even tell this much.
    pub withheld: Vec<Withheld>,
}

const FETCH: &str = "FETCH";
const PLAIN_ITEMS: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE)";
pub(super) const IDENTITY_ITEMS: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])";

/// UID and size in bytes of each message from `first` on, ascending by UID.
///
/// # Errors
/// [`ImapError`].
pub async fn sizes(session: &mut Session, first: u32) -> Result<Vec<(u32, u64)>, ImapError> {
    let found = uid_fetch(session, &format!("{first}:*"), "(UID RFC822.SIZE)").await?;
    let mut sizes: Vec<_> = found
        .into_iter()
        .map(|m| (m.uid, m.size_bytes))
        .filter(|(uid, _)| *uid >= first)
        .collect();
    sizes.sort_unstable();
    sizes.dedup_by_key(|(uid, _)| *uid);
    Ok(sizes)
}

/// Metadata of the messages of a set.
///
/// # Errors
/// [`ImapError`].
pub async fn metadata(session: &mut Session, uids: &UidSet) -> Result<Found, ImapError> {
    of_set(session, uids, PLAIN_ITEMS).await
}

/// Metadata with Message-IDs of the messages of a set.
///
/// # Errors
/// [`ImapError`].
pub async fn identities(session: &mut Session, uids: &UidSet) -> Result<Found, ImapError> {
    of_set(session, uids, IDENTITY_ITEMS).await
}

/// Metadata with Message-IDs of all messages from `first` on, ascending by UID.
///
/// # Errors
/// [`ImapError`].
pub async fn identities_from(session: &mut Session, first: u32) -> Result<Vec<Metadata>, ImapError> {
    // Where the folder holds nothing from `first` on, `n:*` means its last message.
    let mut found = uid_fetch(session, &format!("{first}:*"), IDENTITY_ITEMS).await?;
    found.retain(|message| message.uid >= first);
    Ok(ascending(found))
}

/// The exact bytes of the messages of a set, ascending by UID, by `BODY.PEEK[]` so that nothing is
/// marked as read. `on_each` takes each message as it arrives; one that is withheld does not.
///
/// # Errors
/// [`ImapError`].
pub async fn bodies(
    session: &mut Session,
    uids: &UidSet,
    mut on_each: impl FnMut(u32, Bytes),
) -> Result<(), ImapError> {
    each_of(session, uids, "(UID BODY.PEEK[])", |uid, data| {
        let body = attribute(data, "BODY[]").and_then(Value::bytes);
        body.is_some_and(|body| {
            on_each(uid, body.clone());
            true
        })
    })
    .await
    .map(|_| ())
}

/// Reads the beginnings of messages: how many bytes came of each.
///
/// # Errors
/// [`ImapError`].
pub async fn sample(session: &mut Session, uids: &UidSet) -> Result<Vec<u64>, ImapError> {
    let mut sizes = Vec::new();
    each_of(session, uids, "(UID BODY.PEEK[]<0.65536>)", |_, data| {
        let part = attribute(data, "BODY[]<0>").and_then(Value::bytes);
        sizes.extend(part.map(|part| part.len() as u64));
        part.is_some()
    })
    .await?;
    Ok(sizes)
}

/// Changes flags of the messages of a set in the opened folder (STORE, silent). `sign` is `+` or `-`.
///
/// # Errors
/// [`ImapError`].
pub async fn store_flags(session: &mut Session, uids: &UidSet, sign: char, flags: &[String]) -> Result<(), ImapError> {
    for set in uids.commands() {
        session
            .run(
                "STORE",
                &format!("UID STORE {set} {sign}FLAGS.SILENT ({})", flags.join(" ")),
            )
            .await?;
    }
    Ok(())
}

async fn of_set(session: &mut Session, uids: &UidSet, items: &'static str) -> Result<Found, ImapError> {
    let mut messages = Vec::new();
    let withheld = each_of(session, uids, items, |_, data| {
        let message = Some(data).filter(|data| is_asked_for(data)).and_then(to_metadata);
        let is_answer = message.is_some();
        messages.extend(message);
        is_answer
    })
    .await?;
    let messages = ascending(messages);
    Ok(Found { messages, withheld })
}

/// Asks for items of messages, and where the server refuses, in halves. `on_each` tells whether what it
/// was handed is an answer; gives those that are withheld.
async fn each_of(
    session: &mut Session,
    uids: &UidSet,
    items: &str,
    mut on_each: impl FnMut(u32, &Data) -> bool,
) -> Result<Vec<Withheld>, ImapError> {
    let mut halving = Halving::default();
    let mut todo: VecDeque<UidSet> = uids.pieces().into();
    while let Some(set) = todo.pop_front() {
        let mut given = UidRuns::default();
        let status = each_answer(session, &set.to_string(), items, |data| {
            let uid = uid_of(data).filter(|uid| uids.contains(*uid));
            if let Some(uid) = uid.filter(|uid| on_each(*uid, data)) {
                given.insert(uid);
                halving.note_given();
            }
        })
        .await?;
        let left = set.iter().filter(|uid| !given.contains(*uid));
        todo.extend(halving.note_end(status, set.len(), left)?);
    }
    let withheld = halving.sure();
    halving.rest().map(|()| withheld)
}

async fn uid_fetch(session: &mut Session, set: &str, items: &str) -> Result<Vec<Metadata>, ImapError> {
    let mut found = Vec::new();
    let status = each_answer(session, set, items, |data| {
        found.extend(Some(data).filter(|data| is_asked_for(data)).and_then(to_metadata));
    })
    .await?;
    check(FETCH, status).map(|_| found)
}

/// A FETCH that nobody asked for tells changed flags: it has neither size nor date. One of the two
/// may be missing from an answer too (a size that is missing counts as 0), and where the size alone
/// was asked for, the UID may stand alone.
pub(super) fn is_asked_for(data: &Data) -> bool {
    let uid_alone = || matches!(&data.values[..], [Value::List(items)] if items.len() == 2);
    attribute(data, "RFC822.SIZE").is_some() || attribute(data, "INTERNALDATE").is_some() || uid_alone()
}

/// Runs `UID FETCH` and hands over each answer as it arrives, so that only one is held; gives how it ended.
async fn each_answer(
    session: &mut Session,
    set: &str,
    items: &str,
    mut on_each: impl FnMut(&Data),
) -> Result<Status, ImapError> {
    let tag = session.send(FETCH, &format!("UID FETCH {set} {items}")).await?;
    loop {
        match session.next_event(FETCH).await? {
            Event::Data(data) if data.name == FETCH => on_each(&data),
            Event::Done(done, status) if done == tag => return Ok(status),
            Event::Data(_) | Event::Notice(_) | Event::Continue | Event::Done(..) => {}
        }
    }
}

fn ascending(mut found: Vec<Metadata>) -> Vec<Metadata> {
    found.sort_by_key(|message| message.uid);
    found.dedup_by_key(|message| message.uid);
    found
}

pub(super) fn to_metadata(data: &Data) -> Option<Metadata> {
    let flags = attribute(data, "FLAGS").map(Value::list).unwrap_or_default();
    let flags = flags
        .iter()
        .filter_map(Value::text)
        .filter(|flag| !flag.eq_ignore_ascii_case("\\Recent"));
    let header = attribute(data, "BODY[HEADER.FIELDS (MESSAGE-ID)]").and_then(Value::bytes);
    Some(Metadata {
        uid: attribute(data, "UID")?.number()?,
        size_bytes: attribute(data, "RFC822.SIZE")
            .and_then(Value::number)
            .unwrap_or_default(),
        date: attribute(data, "INTERNALDATE")
            .and_then(Value::text)
            .and_then(InternalDate::parse),
        flags: flags.map(str::to_owned).collect(),
        message_id: header.and_then(|header| message_id(header)),
    })
}

/// The value behind `Message-ID:`, unfolded; `None` where it is empty.
fn message_id(header: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(header);
    let (_, value) = text.split_once(':')?;
    let value: String = value.split_whitespace().collect();
    (!value.is_empty()).then_some(value)
}

/// The UID an answer is about.
pub(super) fn uid_of(data: &Data) -> Option<u32> {
    attribute(data, "UID").and_then(Value::number)
}

/// The value of a FETCH attribute. Names are compared without regard to case, spaces and quotes:
/// servers answer `BODY[HEADER.FIELDS ("Message-ID")]` too.
pub(super) fn attribute<'a>(data: &'a Data, name: &str) -> Option<&'a Value> {
    let matches = |found: &str| {
        let plain = |c: &char| !matches!(c, ' ' | '"');
        found
            .chars()
            .filter(plain)
            .map(|c| c.to_ascii_uppercase())
            .eq(name.chars().filter(plain))
    };
    let items = data.values.first()?.list();
    items.chunks_exact(2).find_map(|pair| match pair {
        [key, value] if key.text().is_some_and(matches) => Some(value),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::response::{Response, parse_response};
    use super::*;

    fn fetch(line: &'static [u8]) -> Data {
        match parse_response(&Bytes::from_static(line)) {
            Response::Data(data) => data,
            other => panic!("not data: {other:?}"),
        }
    }

    #[test]
    fn metadata_is_read_in_any_order_and_spelling() {
        let data = fetch(
            b"* 4 FETCH (BODY[HEADER.FIELDS (\"Message-Id\")] {29}\r\nMESSAGE-ID:\r\n <a@b.test>\r\n\r\n FLAGS (\\Seen \\Recent $Label1) UID 9 RFC822.SIZE 12 INTERNALDATE NIL)",
        );
        let metadata = to_metadata(&data).unwrap();
        assert_eq!((metadata.uid, metadata.size_bytes, metadata.date), (9, 12, None));
        assert_eq!(metadata.flags, ["\\Seen", "$Label1"]);
        assert_eq!(metadata.message_id.as_deref(), Some("<a@b.test>"));
    }

    #[test]
    fn message_without_a_size_is_still_a_message() {
        let data = fetch(b"* 4 FETCH (UID 9 FLAGS () INTERNALDATE \"07-Feb-1994 21:52:25 -0800\")");
        assert!(is_asked_for(&data));
        assert_eq!(to_metadata(&data).unwrap().size_bytes, 0);
        assert!(is_asked_for(&fetch(b"* 4 FETCH (UID 9)")));
        assert!(!is_asked_for(&fetch(b"* 4 FETCH (FLAGS (\\Seen) UID 9)")));
        assert_eq!(to_metadata(&fetch(b"* 4 FETCH (FLAGS (\\Seen))")), None);
    }

    #[test]
    fn missing_message_id_is_none() {
        let data = fetch(b"* 4 FETCH (UID 9 BODY[HEADER.FIELDS (MESSAGE-ID)] {2}\r\n\r\n)");
        assert_eq!(to_metadata(&data).unwrap().message_id, None);
    }
}
