//! Writing messages as their bytes come: one MULTIAPPEND a batch where the server has it (RFC 3502),
//! else an APPEND a message, without waiting where literals need no leave (RFC 7888).
//!
//! APPEND is not idempotent. Whoever calls this has made durable what is about to be sent, and
//! after an error other than a refusal looks at the folder to see what arrived.

use std::collections::{BTreeMap, VecDeque};

use super::capability::Literals;
use super::date::InternalDate;
use super::error::ImapError;
pub use super::refusal::{Refusal, RefusalClass};
use super::response::{Kind, Status};
use super::session::{Event, Session, Tag, quote};
use crate::domain::uid::UidSet;

const APPEND: &str = "APPEND";

/// How many commands may be unanswered: their answers fit a socket's buffer.
const MOST_UNANSWERED: usize = 64;

/// What goes before a message's bytes.
#[derive(Clone, Debug)]
pub struct Head {
    /// Flags to set; never `\Recent`.
    pub flags: Vec<String>,
    /// The INTERNALDATE to keep.
    pub date: Option<InternalDate>,
    /// How many bytes will follow, exactly.
    pub size_bytes: u64,
}

/// What a server says to the announcement of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Its bytes may be written.
    Go,
    /// It has been refused before its bytes were sent; it counts in the batch as refused.
    Refused,
    /// The batch had been refused already: the message is no part of it.
    Closed,
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

/// Appends to one folder, batch after batch. A batch is begun by its first message and ended by
/// [`Appender::finish`]; its answer is waited for by [`Appender::answer`], so that the next batch can
/// be under way meanwhile.
///
/// Where the server has MULTIAPPEND a batch is stored or refused as a whole.
#[derive(Debug)]
pub struct Appender<'a> {
    session: &'a mut Session,
    folder: String,
    multi: bool,
    literals: Literals,
    open: Option<Batch>,
    unanswered: VecDeque<Batch>,
    /// Statuses that came while something else was waited for.
    statuses: BTreeMap<u32, Status>,
}

/// The commands of a batch, with how many messages each holds.
#[derive(Debug, Default)]
struct Batch {
    commands: Vec<(Tag, usize)>,
    /// Whether the last command still takes messages (MULTIAPPEND), or bytes.
    is_open: bool,
}

impl<'a> Appender<'a> {
    /// Appends to this folder, whose name is as on the wire.
    pub fn new(session: &'a mut Session, folder: &str) -> Self {
        let capabilities = session.capabilities();
        let (multi, literals) = (capabilities.has("MULTIAPPEND"), capabilities.literals());
        Self {
            session,
            folder: quote(folder),
            multi,
            literals,
            open: None,
            unanswered: VecDeque::new(),
            statuses: BTreeMap::new(),
        }
    }

    /// Appends to another folder from the next batch on.
    pub fn turn_to(&mut self, folder: &str) {
        self.folder = quote(folder);
    }

    /// How many batches may be unanswered before it is better to wait: more than one only where the
    /// server tells the UIDs, because else they must be looked for before the next one is sent.
    pub fn depth(&self) -> usize {
        let told = self.session.capabilities().has("UIDPLUS");
        if told && self.literals == Literals::NonSynchronizing {
            2
        } else {
            1
        }
    }

    /// How many finished batches are unanswered.
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Announces a message.
    ///
    /// # Errors
    /// [`ImapError`]: the session is lost.
    pub async fn begin(&mut self, head: &Head) -> Result<Begun, ImapError> {
        let at_once = self.literals.may_follow_at_once(head.size_bytes);
        let mut batch = self.open.take().unwrap_or_default();
        let begun = self.announce(&mut batch, head, at_once).await;
        self.open = Some(batch);
        begun
    }

    async fn announce(&mut self, batch: &mut Batch, head: &Head, at_once: bool) -> Result<Begun, ImapError> {
        if self.multi && !batch.is_open && !batch.commands.is_empty() {
            return Ok(Begun::Closed);
        }
        let mut line = String::new();
        if let Some((_, messages)) = batch.commands.last_mut().filter(|_| self.multi) {
            *messages += 1;
        } else {
            self.make_room(batch).await?;
            let tag = self.session.next_tag();
            line = format!("{tag} APPEND {}", self.folder);
            batch.commands.push((tag, 1));
            batch.is_open = true;
        }
        line.push_str(&announcement(head, at_once));
        self.session.write(APPEND, line.as_bytes()).await?;
        if at_once {
            return Ok(Begun::Go);
        }
        self.session.flush(APPEND).await?;
        let Some((tag, _)) = batch.commands.last().copied() else {
            return Ok(Begun::Closed);
        };
        if self.is_let_through(tag).await? {
            return Ok(Begun::Go);
        }
        batch.is_open = false;
        Ok(Begun::Refused)
    }

    /// The next bytes of the message announced last.
    ///
    /// # Errors
    /// [`ImapError`]: the session is lost.
    pub async fn write(&mut self, part: &[u8]) -> Result<(), ImapError> {
        self.session.write(APPEND, part).await
    }

    /// Ends the message announced last, of which all bytes have been written.
    ///
    /// # Errors
    /// [`ImapError`]: the session is lost.
    pub async fn end_message(&mut self) -> Result<(), ImapError> {
        if self.multi {
            return Ok(());
        }
        self.session.write(APPEND, b"\r\n").await
    }

    /// Ends the batch; a batch without messages is none.
    ///
    /// # Errors
    /// [`ImapError`]: the session is lost.
    pub async fn finish(&mut self) -> Result<(), ImapError> {
        let Some(batch) = self.open.take() else { return Ok(()) };
        if self.multi && batch.is_open {
            self.session.write(APPEND, b"\r\n").await?;
        }
        self.session.flush(APPEND).await?;
        self.unanswered.push_back(batch);
        Ok(())
    }

    /// What became of the messages of the oldest unanswered batch, in their order; nothing where all
    /// batches have been answered.
    ///
    /// # Errors
    /// [`ImapError`]: some of the messages may be in the folder and some not.
    pub async fn answer(&mut self) -> Result<Vec<Appended>, ImapError> {
        let Some(batch) = self.unanswered.pop_front() else {
            return Ok(Vec::new());
        };
        let mut results = Vec::new();
        for (tag, messages) in batch.commands {
            let status = self.status_of(tag).await?;
            results.extend(outcome(&status, messages));
        }
        Ok(results)
    }

    /// Waits for answers while too many commands have none.
    async fn make_room(&mut self, open: &Batch) -> Result<(), ImapError> {
        let batches = self.unanswered.iter().chain([open]);
        let tags: Vec<Tag> = batches
            .flat_map(|batch| batch.commands.iter().map(|(tag, _)| *tag))
            .filter(|tag| !self.statuses.contains_key(&tag.number()))
            .collect();
        if tags.len() >= MOST_UNANSWERED {
            self.session.flush(APPEND).await?;
            for tag in tags.into_iter().take(MOST_UNANSWERED / 2) {
                let status = self.status_of(tag).await?;
                self.statuses.insert(tag.number(), status);
            }
        }
        Ok(())
    }

    /// Waits for `+`. A tagged status instead means that the server refused before seeing the bytes.
    async fn is_let_through(&mut self, tag: Tag) -> Result<bool, ImapError> {
        loop {
            match self.session.next_event(APPEND).await? {
                Event::Continue => return Ok(true),
                Event::Done(done, status) => {
                    self.statuses.insert(done.number(), status);
                    if done == tag {
                        return Ok(false);
                    }
                }
                Event::Data(_) | Event::Notice(_) => {}
            }
        }
    }

    async fn status_of(&mut self, tag: Tag) -> Result<Status, ImapError> {
        loop {
            if let Some(status) = self.statuses.remove(&tag.number()) {
                return Ok(status);
            }
            if let Event::Done(done, status) = self.session.next_event(APPEND).await? {
                self.statuses.insert(done.number(), status);
            }
        }
    }
}

fn announcement(head: &Head, at_once: bool) -> String {
    let date = head
        .date
        .as_ref()
        .map(|date| format!("\"{}\" ", date.wire()))
        .unwrap_or_default();
    let plus = if at_once { "+" } else { "" };
    format!(" ({}) {date}{{{}{plus}}}\r\n", head.flags.join(" "), head.size_bytes)
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
#[path = "append_tests.rs"]
mod tests;
