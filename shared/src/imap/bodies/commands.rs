//! Commands that run ahead of their answers.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{AHEAD_COMMANDS, COMMAND_BYTES, FETCH, PART_BYTES, Wanted};
use crate::domain::uid::{UidRuns, UidSet};
use crate::imap::error::ImapError;
use crate::imap::fetch::{attribute, uid_of};
use crate::imap::response::{Data, Status};
use crate::imap::session::{Event, Session, Tag, check};
use crate::imap::value::Value;
use crate::imap::withheld::Halving;

/// A command, and what its answers are.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// Whole messages.
    Whole { uids: UidSet, bytes: u64 },
    /// The last byte of a large message and what may follow it: whether its size is exact.
    Probe(Wanted),
    /// A part of a large message.
    Part { of: Wanted, offset: u64 },
}

/// What came of a command.
pub(super) enum Answer<'a> {
    /// Bytes.
    Data { to: &'a Command, uid: u32, bytes: Bytes },
    /// It has ended; whether anything came of it, and whether it was refused.
    End { of: &'a Command, any: bool, refused: bool },
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

/// The commands that read whole messages.
pub(super) fn wholes(small: &[Wanted]) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut rest = small;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|wanted| {
            bytes += wanted.size_bytes;
            bytes <= COMMAND_BYTES
        });
        let (these, others) = rest.split_at(fits.count().max(1));
        for uids in UidSet::from_sorted(these.iter().map(|wanted| wanted.uid)).pieces() {
            let within = these.iter().filter(|wanted| uids.contains(wanted.uid));
            let bytes = within.map(|wanted| wanted.size_bytes).sum();
            commands.push(Command::Whole { uids, bytes });
        }
        rest = others;
    }
    commands
}

/// The commands that read large messages, one after the other.
pub(super) fn parts_of(large: &[Wanted]) -> Vec<Command> {
    let parts = |of: &Wanted| {
        let of = *of;
        (0..of.size_bytes.div_ceil(PART_BYTES)).map(move |part| Command::Part {
            of,
            offset: part * PART_BYTES,
        })
    };
    large.iter().flat_map(parts).collect()
}

/// A command that was sent, and which messages have come of it.
struct Asked {
    tag: Tag,
    command: Command,
    given: UidRuns,
}

impl Asked {
    /// What is to be asked because of how it ended.
    fn end(&self, status: Status, halving: &mut Halving) -> Result<Vec<Command>, ImapError> {
        let is_left = |uid: &u32| !self.given.contains(*uid);
        let again = match &self.command {
            Command::Whole { uids, .. } => halving.note_end(status, uids.len(), uids.iter().filter(is_left))?,
            Command::Probe(of) | Command::Part { of, .. } => {
                halving.note_end(status, 1, [of.uid].into_iter().filter(is_left))?
            }
        };
        let bytes = self.command.bytes() / 2;
        Ok(again.into_iter().map(|uids| Command::Whole { uids, bytes }).collect())
    }
}

/// Who takes answers.
pub(super) trait Taker: Send {
    /// Takes an answer; false where no more is wanted.
    fn take(&mut self, answer: Answer<'_>) -> impl Future<Output = Result<bool, ImapError>> + Send;
}

/// Sends commands ahead of their answers and hands each answer over, until all have ended or the
/// taker wants no more; then answers are still on their way. What nobody asked for, and what comes a
/// second time, is passed over. What is refused is asked again in halves.
pub(super) async fn pipelined(
    session: &mut Session,
    commands: Vec<Command>,
    most_ahead_bytes: u64,
    taker: &mut impl Taker,
    halving: &mut Halving,
) -> Result<(), ImapError> {
    let mut todo: VecDeque<Command> = commands.into();
    let mut sent: Vec<Asked> = Vec::new();
    loop {
        let mut ahead: u64 = sent.iter().map(|asked| asked.command.bytes()).sum();
        while todo.front().is_some_and(|next| {
            sent.is_empty() || sent.len() < AHEAD_COMMANDS && ahead + next.bytes() <= most_ahead_bytes
        }) {
            let Some(command) = todo.pop_front() else { break };
            ahead += command.bytes();
            let tag = session.send(FETCH, &command.text()).await?;
            let given = UidRuns::default();
            sent.push(Asked { tag, command, given });
        }
        if sent.is_empty() {
            return Ok(());
        }
        let goes_on = match session.next_event(FETCH).await? {
            Event::Data(data) if data.name == FETCH => {
                let Some(uid) = uid_of(&data) else { continue };
                let mut answered = sent
                    .iter_mut()
                    .filter_map(|asked| asked.command.answered(uid, &data).map(|bytes| (asked, bytes)));
                match answered.find(|(asked, _)| !asked.given.contains(uid)) {
                    Some((asked, bytes)) => {
                        asked.given.insert(uid);
                        halving.note_given();
                        let bytes = bytes.clone();
                        let to = &asked.command;
                        taker.take(Answer::Data { to, uid, bytes }).await?
                    }
                    None => true,
                }
            }
            Event::Done(tag, status) => {
                if let Some(at) = sent.iter().position(|asked| asked.tag == tag) {
                    let asked = sent.remove(at);
                    let refused = !status.is_ok();
                    todo.extend(asked.end(status, halving)?);
                    let any = !asked.given.is_empty();
                    let of = &asked.command;
                    taker.take(Answer::End { of, any, refused }).await?
                } else {
                    check(FETCH, status)?;
                    true
                }
            }
            Event::Data(_) | Event::Notice(_) | Event::Continue => true,
        };
        if !goes_on {
            return Ok(());
        }
    }
}

/// The bytes of `BODY[]<offset>`.
pub(super) fn part(data: &Data, offset: u64) -> Option<&Bytes> {
    attribute(data, &format!("BODY[]<{offset}>")).and_then(Value::bytes)
}
