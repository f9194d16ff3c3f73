//! Reading the bytes of messages as a stream: commands run ahead of their answers, large messages
//! come in parts, and no more is held than the receiver has room for.
//!
//! By `BODY.PEEK[]`, so that nothing is marked as read. Answers are matched by UID, never by
//! position: Dovecot (2.3, 2022) works on pipelined commands side by side when the line is full, and
//! holds their statuses back. A UID that is not answered has gone meanwhile; one that is refused alone
//! is withheld (`withheld`).

mod commands;
mod parts;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::error::ImapError;
use super::fetch::uid_of;
use super::session::Session;
use super::withheld::{Halving, Withheld};
use commands::{Answer, Command, Taker, part, parts_of, pipelined, wholes};
use parts::Parts;

const FETCH: &str = "FETCH";

/// Messages above this size come in parts.
const LARGE_BYTES: u64 = 1 << 20;

/// The size of a part.
const PART_BYTES: u64 = 512 << 10;

/// How much one command asks for, if it is not one message.
const COMMAND_BYTES: u64 = 4 << 20;

/// How much is asked for ahead of the answers, at most: enough for a long line; what has not been
/// read yet waits at the server.
const AHEAD_BYTES: u64 = 12 << 20;

/// The same for parts, which are held until those before them have come.
const AHEAD_PARTS_BYTES: u64 = 3 << 20;

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
        /// Its first part, which follows as such too.
        first: Bytes,
    },
    /// The next bytes of the large message.
    Part(Bytes),
    /// The large message is complete.
    End,
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
            Piece::Begin { .. } | Piece::End => 0,
        };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(WAITING_BYTES);
        let permit = Arc::clone(&self.room).acquire_many_owned(bytes).await.ok();
        self.pieces.send((piece, permit)).await.map_err(|_| Gone)
    }
}

/// How a reading ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadEnd {
    /// Everything was given but what is withheld and these: large messages whose RFC822.SIZE is not the
    /// number of their bytes. [`measure`] tells it.
    Given(Vec<u32>),
    /// The receiver has gone; answers are still on their way, and the session is not to be used again.
    Abandoned,
}

/// Reads messages of the opened folder into the sink: first those that come whole, then the large
/// ones. `withheld` are those that the server refuses to give out, also where there is an error.
///
/// # Errors
/// [`ImapError`]; the session is lost. [`ImapError::Refused`] too where the server may have meant itself,
/// because it gave out nothing.
pub async fn read(
    session: &mut Session,
    wanted: &[Wanted],
    sink: Sink,
    withheld: &mut Vec<Withheld>,
) -> Result<ReadEnd, ImapError> {
    let mut halving = Halving::default();
    let end = read_halving(session, wanted, sink, &mut halving).await;
    withheld.extend(halving.sure());
    let end = end?;
    halving.rest().map(|()| end)
}

async fn read_halving(
    session: &mut Session,
    wanted: &[Wanted],
    sink: Sink,
    halving: &mut Halving,
) -> Result<ReadEnd, ImapError> {
    let (large, small): (Vec<Wanted>, Vec<Wanted>) = wanted.iter().partition(|wanted| wanted.size_bytes > LARGE_BYTES);
    let mut whole = Wholes {
        sink: &sink,
        is_abandoned: false,
    };
    pipelined(session, wholes(&small), AHEAD_BYTES, &mut whole, halving).await?;
    if whole.is_abandoned {
        return Ok(ReadEnd::Abandoned);
    }
    let mut probes = Probes::default();
    let commands = large.into_iter().map(Command::Probe).collect();
    pipelined(session, commands, AHEAD_BYTES, &mut probes, halving).await?;
    let mut parts = Parts::new(&probes.exact, &sink);
    pipelined(session, parts_of(&probes.exact), AHEAD_PARTS_BYTES, &mut parts, halving).await?;
    if parts.is_abandoned {
        return Ok(ReadEnd::Abandoned);
    }
    Ok(ReadEnd::Given(probes.inexact))
}

/// Gives whole messages as they come.
struct Wholes<'a> {
    sink: &'a Sink,
    is_abandoned: bool,
}

impl Taker for Wholes<'_> {
    async fn take(&mut self, answer: Answer<'_>) -> Result<bool, ImapError> {
        if let Answer::Data { uid, bytes, .. } = answer {
            self.is_abandoned = self.sink.give(Piece::Whole { uid, body: bytes }).await.is_err();
        }
        Ok(!self.is_abandoned)
    }
}

/// Sorts large messages by whether their size is exact.
#[derive(Default)]
struct Probes {
    exact: Vec<Wanted>,
    inexact: Vec<u32>,
}

impl Taker for Probes {
    async fn take(&mut self, answer: Answer<'_>) -> Result<bool, ImapError> {
        if let Answer::Data {
            to: Command::Probe(of),
            bytes,
            ..
        } = answer
        {
            if bytes.len() == 1 {
                self.exact.push(*of);
            } else {
                self.inexact.push(of.uid);
            }
        }
        Ok(true)
    }
}

/// Counts the bytes of a message by reading it in parts; `None` where it has gone or is withheld.
///
/// # Errors
/// [`ImapError`].
pub async fn measure(session: &mut Session, uid: u32) -> Result<Option<u64>, ImapError> {
    let mut size = 0;
    loop {
        let items = format!("UID FETCH {uid} (UID BODY.PEEK[]<{size}.{PART_BYTES}>)");
        let answers = match session.run(FETCH, &items).await {
            Err(error) if error.is_refused_reading() => return Ok(None),
            answers => answers?,
        };
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

#[cfg(test)]
mod tests;
