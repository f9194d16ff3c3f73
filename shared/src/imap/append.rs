//! Writing messages: one MULTIAPPEND where the server has it (RFC 3502), pipelined APPENDs where
//! literals need no leave (RFC 7888), else one after the other.
//!
//! APPEND is not idempotent. Whoever calls this has made durable what is about to be sent, and
//! after an error other than a refusal looks at the folder to see what arrived.

use bytes::Bytes;

use super::date::InternalDate;
use super::error::ImapError;
pub use super::refusal::{Refusal, RefusalClass};
use super::response::{Kind, Status};
use super::session::{Event, Session, Tag, quote};
use crate::domain::uid::UidSet;

const APPEND: &str = "APPEND";

/// How many pipelined APPENDs may be unanswered: their answers fit a socket's buffer.
const PIPELINE_DEPTH: usize = 64;

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Flags to set; never `\Recent`.
    pub flags: Vec<String>,
    /// The INTERNALDATE to keep.
    pub date: Option<InternalDate>,
    /// The exact bytes.
    pub body: Bytes,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the folder, durable as the server promises. The UID is known with UIDPLUS.
    Stored {
        /// The destination UID.
        uid: Option<u32>,
    },
    /// The server does not want it; it is not in the folder.
    Refused(Refusal),
}

/// Appends messages to a folder in their order. The answer has one entry a message.
///
/// A refusal that is not about a message ([`Refusal::class`]) ends the work: what was not yet sent
/// gets the same refusal. A message refused with keywords is tried once more without them.
///
/// # Errors
/// [`ImapError`]: some of the messages may be in the folder and some not.
pub async fn append(session: &mut Session, folder: &str, messages: &[Outgoing]) -> Result<Vec<Appended>, ImapError> {
    let multi = session.capabilities().has("MULTIAPPEND");
    let literals = session.capabilities().literals();
    let mut results = Vec::with_capacity(messages.len());
    let mut todo: Vec<&[Outgoing]> = if multi {
        vec![messages]
    } else {
        messages.rchunks(PIPELINE_DEPTH).collect()
    };
    while let Some(part) = todo.pop() {
        let at_once = |message: &Outgoing| literals.may_follow_at_once(message.body.len());
        let appended = match part {
            [] => continue,
            [only] => alone(session, folder, only).await?,
            _ if multi => together(session, folder, part).await?,
            _ if part.iter().all(at_once) => pipelined(session, folder, part).await?,
            _ => {
                todo.extend(part.rchunks(1));
                continue;
            }
        };
        if let Some(refusal) = not_about_a_message(&appended) {
            results.extend(appended);
            results.resize(messages.len(), Appended::Refused(refusal));
        } else if multi && part.len() > 1 && matches!(appended.first(), Some(Appended::Refused(_))) {
            // MULTIAPPEND is all or nothing: halved until the refused message stands alone.
            let (first, second) = part.split_at(part.len() / 2);
            todo.extend([second, first]);
            continue;
        } else {
            results.extend(appended);
        }
        if results.len() >= messages.len() {
            break;
        }
    }
    Ok(results)
}

/// The first refusal that the messages after it would meet as well.
fn not_about_a_message(appended: &[Appended]) -> Option<Refusal> {
    appended.iter().find_map(|one| match one {
        Appended::Refused(refusal) if refusal.class() != RefusalClass::Message => Some(refusal.clone()),
        Appended::Refused(_) | Appended::Stored { .. } => None,
    })
}

/// One message; where it is refused, once more without the keywords that some servers refuse.
async fn alone(session: &mut Session, folder: &str, message: &Outgoing) -> Result<Vec<Appended>, ImapError> {
    let appended = together(session, folder, std::slice::from_ref(message)).await?;
    let refused = matches!(&appended[..], [Appended::Refused(refusal)] if refusal.class() == RefusalClass::Message);
    match without_keywords(message).filter(|_| refused) {
        Some(bare) => together(session, folder, &[bare]).await,
        None => Ok(appended),
    }
}

/// The message with its system flags only; `None` where it has no others.
fn without_keywords(message: &Outgoing) -> Option<Outgoing> {
    let (system, keywords): (Vec<_>, Vec<_>) = message.flags.iter().cloned().partition(|flag| flag.starts_with('\\'));
    (!keywords.is_empty()).then(|| Outgoing {
        flags: system,
        ..message.clone()
    })
}

/// One APPEND command with all messages: they are all stored or all refused.
async fn together(session: &mut Session, folder: &str, messages: &[Outgoing]) -> Result<Vec<Appended>, ImapError> {
    let literals = session.capabilities().literals();
    let tag = session.next_tag();
    let mut head = format!("{tag} APPEND {}", quote(folder));
    for message in messages {
        let size = message.body.len();
        let at_once = literals.may_follow_at_once(size);
        head.push_str(&announcement(message, at_once));
        session.write(APPEND, head.as_bytes()).await?;
        if !at_once {
            session.flush(APPEND).await?;
            if let Some(status) = leave_or_end(session, tag).await? {
                return Ok(outcome(&status, messages.len()));
            }
        }
        session.write(APPEND, &message.body).await?;
        head.clear();
    }
    session.write(APPEND, b"\r\n").await?;
    session.flush(APPEND).await?;
    let status = end_of(session, tag).await?;
    Ok(outcome(&status, messages.len()))
}

/// One APPEND command a message, sent without waiting for the answers.
async fn pipelined(session: &mut Session, folder: &str, messages: &[Outgoing]) -> Result<Vec<Appended>, ImapError> {
    let mut tags = Vec::with_capacity(messages.len());
    for message in messages {
        let tag = session.next_tag();
        let head = format!("{tag} APPEND {}{}", quote(folder), announcement(message, true));
        session.write(APPEND, head.as_bytes()).await?;
        session.write(APPEND, &message.body).await?;
        session.write(APPEND, b"\r\n").await?;
        tags.push(tag);
    }
    session.flush(APPEND).await?;
    let mut results = Vec::with_capacity(messages.len());
    for tag in tags {
        let status = end_of(session, tag).await?;
        results.extend(outcome(&status, 1));
    }
    if not_about_a_message(&results).is_none() {
        for (message, result) in messages.iter().zip(&mut results) {
            if let (Appended::Refused(_), Some(bare)) = (&*result, without_keywords(message)) {
                *result = together(session, folder, &[bare])
                    .await?
                    .pop()
                    .unwrap_or_else(|| result.clone());
            }
        }
    }
    Ok(results)
}

fn announcement(message: &Outgoing, at_once: bool) -> String {
    let date = message
        .date
        .as_ref()
        .map(|date| format!("\"{}\" ", date.wire()))
        .unwrap_or_default();
    let plus = if at_once { "+" } else { "" };
    format!(
        " ({}) {date}{{{}{plus}}}\r\n",
        message.flags.join(" "),
        message.body.len()
    )
}

/// Waits for `+`. A tagged status instead means that the server refused before seeing the bytes.
async fn leave_or_end(session: &mut Session, tag: Tag) -> Result<Option<Status>, ImapError> {
    loop {
        match session.next_event(APPEND).await? {
            Event::Continue => return Ok(None),
            Event::Done(done, status) if done == tag => return Ok(Some(status)),
            Event::Data(_) | Event::Notice(_) | Event::Done(..) => {}
        }
    }
}

async fn end_of(session: &mut Session, tag: Tag) -> Result<Status, ImapError> {
    loop {
        match session.next_event(APPEND).await? {
            Event::Done(done, status) if done == tag => return Ok(status),
            Event::Done(..) => {
                return Err(ImapError::Unreadable {
                    command: APPEND,
                    what: "answers are out of order",
                });
            }
            Event::Data(_) | Event::Notice(_) | Event::Continue => {}
        }
    }
}

fn outcome(status: &Status, count: usize) -> Vec<Appended> {
    if status.kind == Kind::Ok {
        let uids = append_uids(status, count);
        let stored = (0..count).map(|n| Appended::Stored {
            uid: uids.get(n).copied(),
        });
        stored.collect()
    } else {
        vec![Appended::Refused(Refusal::new(&status.code, &status.text)); count]
    }
}

/// The UIDs of APPENDUID (RFC 4315), in the order of the messages; none where they do not fit.
fn append_uids(status: &Status, count: usize) -> Vec<u32> {
    let uids = (status.code == "APPENDUID")
        .then(|| status.arguments.split_once(' '))
        .flatten();
    let set = uids
        .and_then(|(_, set)| set.parse::<UidSet>().ok())
        .filter(|set| set.len() == count as u64);
    set.map(|set| set.iter().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(code: &str, arguments: &str) -> Status {
        Status {
            kind: Kind::Ok,
            code: code.to_owned(),
            arguments: arguments.to_owned(),
            text: String::new(),
        }
    }

    #[test]
    fn uids_of_a_multiappend_are_in_order() {
        assert_eq!(append_uids(&ok("APPENDUID", "7 3:5,9"), 4), [3, 4, 5, 9]);
    }

    #[test]
    fn uids_that_do_not_fit_the_messages_are_not_believed() {
        assert_eq!(append_uids(&ok("APPENDUID", "7 3:5"), 4), [0_u32; 0]);
        assert_eq!(append_uids(&ok("APPENDUID", "7 3:4000000000"), 2), [0_u32; 0]);
        assert_eq!(append_uids(&ok("", ""), 1), [0_u32; 0]);
    }
}
