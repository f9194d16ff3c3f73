//! Reading the bytes of messages as a stream: commands run ahead of their answers, large messages
//! come in parts, and no more is held than the receiver has room for.
//!
//! By `BODY.PEEK[]`, so that nothing is marked as read. Answers are matched by UID, never by
//! position; a UID that is not answered has gone meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::error::ImapError;
use super::fetch::{attribute, uid_of};
use super::response::Data;
use super::session::{Event, Session, Tag, check};
use super::value::Value;
use crate::domain::uid::{UidRuns, UidSet};

const FETCH: &str = "FETCH";

/// Messages above this size come in parts.
const LARGE_BYTES: u64 = 1 << 20;

/// The size of a part.
const PART_BYTES: u64 = 512 << 10;

/// How much is asked for ahead of the answers, at most: enough for a long line; what has not been
/// read yet waits at the server.
const AHEAD_BYTES: u64 = 12 << 20;

/// How many commands are unanswered at most.
const AHEAD_COMMANDS: usize = 32;

/// How many bytes of messages wait for the receiver.
const WAITING_BYTES: u32 = 4 << 20;

/// How many pieces wait for the receiver.
const WAITING_PIECES: usize = 1024;

/// A message to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its UID.
    pub uid: u32,
    /// Its RFC822.SIZE.
    pub size_bytes: u64,
}

/// A piece of what is read, in the order in which it arrives.
#[derive(Debug)]
pub enum Piece {
    /// A whole message.
    Whole {
        /// Its UID.
        uid: u32,
        /// Its bytes.
        body: Bytes,
    },
    /// A large message begins; its parts follow, then [`Piece::End`].
    Begin {
        /// Its UID.
        uid: u32,
        /// How many bytes its parts have in all, exactly.
        size_bytes: u64,
    },
    /// The next bytes of the large message.
    Part(Bytes),
    /// The large message is complete.
    End,
    /// Everything of a set that is still there has been given.
    EndOfSet,
}

/// Where pieces go.
#[derive(Debug)]
pub struct Sink {
    pieces: mpsc::Sender<(Piece, Option<OwnedSemaphorePermit>)>,
    room: Arc<Semaphore>,
}

/// Where pieces come from.
#[derive(Debug)]
pub struct Pieces(mpsc::Receiver<(Piece, Option<OwnedSemaphorePermit>)>);

/// A channel that holds a bounded number of bytes.
pub fn channel() -> (Sink, Pieces) {
    let (sender, receiver) = mpsc::channel(WAITING_PIECES);
    let room = Arc::new(Semaphore::new(WAITING_BYTES as usize));
    (Sink { pieces: sender, room }, Pieces(receiver))
}

impl Pieces {
    /// The next piece; `None` when the reader has ended. The room it took is free as soon as the
    /// piece is taken, so one piece more than the bound may be held.
    pub async fn next(&mut self) -> Option<Piece> {
        self.0.recv().await.map(|(piece, _)| piece)
    }
}

/// The receiver has gone.
struct Gone;

impl Sink {
    async fn give(&self, piece: Piece) -> Result<(), Gone> {
        let bytes = match &piece {
            Piece::Whole { body, .. } => body.len(),
            Piece::Part(part) => part.len(),
            Piece::Begin { .. } | Piece::End | Piece::EndOfSet => 0,
        };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(WAITING_BYTES);
        let permit = Arc::clone(&self.room).acquire_many_owned(bytes).await.ok();
        self.pieces.send((piece, permit)).await.map_err(|_| Gone)
    }
}

/// How a reading ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadEnd {
    /// Everything was given but these: large messages whose RFC822.SIZE is not the number of their
    /// bytes. [`measure`] tells it.
    Given(Vec<u32>),
    /// The receiver has gone; answers are still on their way, and the session is not to be used again.
    Abandoned,
}

/// Reads the messages of each set of the opened folder, set after set, into the sink.
///
/// # Errors
/// [`ImapError`]; the session is lost.
pub async fn read(session: &mut Session, sets: &[Vec<Wanted>], sink: Sink) -> Result<ReadEnd, ImapError> {
    let numbered = sets.iter().enumerate();
    let mut reading = Reading {
        todo: numbered.flat_map(|(set, wanted)| commands(set, wanted)).collect(),
        sent: VecDeque::new(),
        set: 0,
        large: None,
        inexact: Vec::new(),
    };
    while reading.run_ahead(session).await? {
        let given = match session.next_event(FETCH).await? {
            Event::Data(data) if data.name == FETCH => reading.take(&data, &sink).await?,
            Event::Done(tag, status) => {
                check(FETCH, status)?;
                reading.end_command(tag, &sink).await?
            }
            Event::Data(_) | Event::Notice(_) | Event::Continue => Ok(()),
        };
        if given.is_err() {
            return Ok(ReadEnd::Abandoned);
        }
    }
    match reading.end_sets_before(sets.len(), &sink).await {
        Ok(()) => Ok(ReadEnd::Given(reading.inexact)),
        Err(Gone) => Ok(ReadEnd::Abandoned),
    }
}

/// Counts the bytes of a message by reading it in parts; `None` where it has gone.
///
/// # Errors
/// [`ImapError`].
pub async fn measure(session: &mut Session, uid: u32) -> Result<Option<u64>, ImapError> {
    let mut size = 0;
    loop {
        let items = format!("UID FETCH {uid} (UID BODY.PEEK[]<{size}.{PART_BYTES}>)");
        let answers = session.run(FETCH, &items).await?;
        let part = answers
            .iter()
            .filter(|data| data.name == FETCH && uid_of(data) == Some(uid))
            .find_map(|data| part(data, size));
        let Some(part) = part else {
            return Ok((size > 0).then_some(size));
        };
        size += part.len() as u64;
        if (part.len() as u64) < PART_BYTES {
            return Ok(Some(size));
        }
    }
}

/// A command, and what its answers are.
#[derive(Clone, Debug)]
enum Command {
    /// Whole messages.
    Whole { uids: UidSet, bytes: u64 },
    /// The last byte of a large message and what may follow it: whether its size is exact.
    Probe(Wanted),
    /// A part of a large message.
    Part { of: Wanted, offset: u64 },
}

impl Command {
    fn bytes(&self) -> u64 {
        match self {
            Self::Whole { bytes, .. } => *bytes,
            Self::Part { .. } => PART_BYTES,
            Self::Probe(_) => 0,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Whole { uids, .. } => format!("UID FETCH {uids} (UID BODY.PEEK[])"),
            Self::Probe(Wanted { uid, size_bytes }) => {
                let last = size_bytes.saturating_sub(1);
                format!("UID FETCH {uid} (UID BODY.PEEK[]<{last}.2>)")
            }
            Self::Part { of, offset } => {
                let uid = of.uid;
                format!("UID FETCH {uid} (UID BODY.PEEK[]<{offset}.{PART_BYTES}>)")
            }
        }
    }

    /// What an answer about this message says to the command; `None` where it is no answer to it.
    fn answered<'a>(&self, uid: u32, data: &'a Data) -> Option<&'a Bytes> {
        match self {
            Self::Whole { uids, .. } if uids.contains(uid) => attribute(data, "BODY[]").and_then(Value::bytes),
            Self::Probe(of) if of.uid == uid => part(data, of.size_bytes.saturating_sub(1)),
            Self::Part { of, offset } if of.uid == uid => part(data, *offset),
            Self::Whole { .. } | Self::Probe(_) | Self::Part { .. } => None,
        }
    }
}

/// The commands that read a set.
fn commands(set: usize, wanted: &[Wanted]) -> Vec<(usize, Command)> {
    let (large, small): (Vec<Wanted>, Vec<Wanted>) = wanted.iter().partition(|wanted| wanted.size_bytes > LARGE_BYTES);
    let mut commands = Vec::new();
    for uids in UidSet::from_sorted(small.iter().map(|wanted| wanted.uid)).pieces() {
        let within = |wanted: &&Wanted| uids.contains(wanted.uid);
        let bytes = small.iter().filter(within).map(|wanted| wanted.size_bytes).sum();
        commands.push((set, Command::Whole { uids, bytes }));
    }
    for of in large {
        commands.push((set, Command::Probe(of)));
        let mut offset = 0;
        while offset < of.size_bytes {
            commands.push((set, Command::Part { of, offset }));
            offset += PART_BYTES;
        }
    }
    commands
}

/// The state of a reading.
///
/// Servers answer commands in their order, but not always with each one's status before the next
/// one's data: Dovecot (2.3, 2022) holds the statuses of pipelined commands back. So an answer is
/// told by what it is about, and a set has ended when its last status or anything of a later set
/// has come.
struct Reading {
    todo: VecDeque<(usize, Command)>,
    sent: VecDeque<Asked>,
    /// The set whose pieces are being given.
    set: usize,
    /// The large message that is being given, and how many of its bytes have been.
    large: Option<(Wanted, u64)>,
    inexact: Vec<u32>,
}

/// A command that was sent, and what has come of it.
struct Asked {
    tag: Tag,
    set: usize,
    command: Command,
    given: UidRuns,
}

impl Reading {
    /// Sends commands as far ahead as is allowed; false when nothing is left to wait for.
    async fn run_ahead(&mut self, session: &mut Session) -> Result<bool, ImapError> {
        while let Some((_, next)) = self.todo.front() {
            let ahead: u64 = self.sent.iter().map(|asked| asked.command.bytes()).sum();
            let has_room = self.sent.len() < AHEAD_COMMANDS && ahead + next.bytes() <= AHEAD_BYTES;
            if !(has_room || self.sent.is_empty()) {
                break;
            }
            let Some((set, command)) = self.todo.pop_front() else {
                break;
            };
            let tag = session.send(FETCH, &command.text()).await?;
            self.sent.push_back(Asked {
                tag,
                set,
                command,
                given: UidRuns::default(),
            });
        }
        Ok(!self.sent.is_empty())
    }

    /// Takes an answer; what nobody asked for, and what comes a second time, is passed over.
    async fn take(&mut self, data: &Data, sink: &Sink) -> Result<Result<(), Gone>, ImapError> {
        let Some(uid) = uid_of(data) else { return Ok(Ok(())) };
        let set = self.set;
        let mut asked = self.sent.iter_mut().filter(|asked| asked.set >= set);
        let Some((asked, bytes)) = asked.find_map(|asked| {
            let bytes = asked.command.answered(uid, data)?;
            Some((asked, bytes))
        }) else {
            return Ok(Ok(()));
        };
        if !asked.given.insert(uid) {
            return Ok(Ok(()));
        }
        let (set, command) = (asked.set, asked.command.clone());
        if self
            .large
            .is_some_and(|(large, _)| !matches!(&command, Command::Part { of, .. } if *of == large))
        {
            return Err(torn());
        }
        if self.end_sets_before(set, sink).await.is_err() {
            return Ok(Err(Gone));
        }
        let given = match command {
            Command::Whole { .. } => {
                let body = bytes.clone();
                sink.give(Piece::Whole { uid, body }).await
            }
            Command::Probe(of) if bytes.len() == 1 => {
                self.large = Some((of, 0));
                let size_bytes = of.size_bytes;
                sink.give(Piece::Begin { uid, size_bytes }).await
            }
            Command::Probe(_) => {
                self.inexact.push(uid);
                Ok(())
            }
            Command::Part { of, offset } => {
                let Some((_, given)) = &mut self.large else {
                    return Ok(Ok(()));
                };
                if *given != offset || bytes.len() as u64 != PART_BYTES.min(of.size_bytes - offset) {
                    return Err(torn());
                }
                *given += bytes.len() as u64;
                let is_last = *given == of.size_bytes;
                let given = sink.give(Piece::Part(bytes.clone())).await;
                if is_last && given.is_ok() {
                    self.large = None;
                    sink.give(Piece::End).await
                } else {
                    given
                }
            }
        };
        Ok(given)
    }

    /// A command has ended.
    async fn end_command(&mut self, tag: Tag, sink: &Sink) -> Result<Result<(), Gone>, ImapError> {
        let Some(at) = self.sent.iter().position(|asked| asked.tag == tag) else {
            return Ok(Ok(()));
        };
        let Some(asked) = self.sent.remove(at) else {
            return Ok(Ok(()));
        };
        if let (Command::Part { of, offset }, Some((large, given))) = (&asked.command, self.large)
            && *of == large
            && given <= *offset
        {
            return Err(torn());
        }
        let is_last = |set: usize| {
            !self.sent.iter().any(|asked| asked.set == set) && self.todo.iter().all(|(other, _)| *other != set)
        };
        if is_last(asked.set) {
            return Ok(self.end_sets_before(asked.set + 1, sink).await);
        }
        Ok(Ok(()))
    }

    async fn end_sets_before(&mut self, set: usize, sink: &Sink) -> Result<(), Gone> {
        while self.set < set {
            self.set += 1;
            sink.give(Piece::EndOfSet).await?;
        }
        Ok(())
    }
}

fn torn() -> ImapError {
    ImapError::Unreadable {
        command: FETCH,
        what: "a large message was not given whole, or has another length than its size says",
    }
}

/// The bytes of `BODY[]<offset>`.
fn part(data: &Data, offset: u64) -> Option<&Bytes> {
    attribute(data, &format!("BODY[]<{offset}>")).and_then(Value::bytes)
}

#[cfg(test)]
#[path = "bodies_tests.rs"]
mod tests;
