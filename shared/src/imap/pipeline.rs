//! Commands sent ahead of their answers: a round trip is paid once for many of them.
//!
//! Commands go in groups: one alone, or a SELECT with what is asked of the folder that it opens.
//! Groups are answered in their order, and a group has ended when each of its commands has its tagged
//! status. Within a group an answer is told by what it is about and not by its place: Dovecot (2.3,
//! 2022) holds the statuses of pipelined commands back behind the data of later ones.

use std::collections::{BTreeMap, VecDeque};

use super::error::ImapError;
use super::response::{Data, Status};
use super::session::{Event, Session, Tag, check};

/// How many commands may be unanswered.
const AHEAD_COMMANDS: usize = 96;

/// How many bytes of commands may be unanswered: they fit the buffers on the way, so that a server
/// that answers at length is never waited for while it waits for us.
const AHEAD_BYTES: usize = 24 << 10;

/// Commands that belong together, each with its name for errors.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    commands: Vec<(&'static str, String)>,
    /// Whether it opens a folder, so that its answers must not be taken for another group's.
    opens: bool,
}

/// What was heard of a group.
#[derive(Debug)]
pub(super) enum Heard {
    /// Untagged data.
    Data(Data),
    /// An untagged status.
    Notice(Status),
    /// The end of the command with this number within the group, from 0; where it is an error, a refusal.
    Done(usize, Result<(), ImapError>),
}

impl Group {
    /// A command alone.
    pub(super) fn one(name: &'static str, command: String) -> Self {
        Self {
            commands: vec![(name, command)],
            opens: false,
        }
    }

    /// Commands of which the first opens a folder.
    pub(super) fn opening(commands: Vec<(&'static str, String)>) -> Self {
        Self { commands, opens: true }
    }

    fn bytes(&self) -> usize {
        self.commands.iter().map(|(_, command)| command.len() + 12).sum()
    }
}

/// A group that has been sent.
struct Sent {
    number: usize,
    opens: bool,
    name: &'static str,
    bytes: usize,
    waiting: Vec<(Tag, &'static str, usize)>,
}

/// Runs commands that stand each for itself. Gives all data that came meanwhile, and each command's
/// status in the order of the commands.
///
/// # Errors
/// [`ImapError`]; the session is lost.
pub(super) async fn run_all(
    session: &mut Session,
    name: &'static str,
    commands: Vec<String>,
) -> Result<(Vec<Data>, Vec<Result<(), ImapError>>), ImapError> {
    let groups = commands.into_iter().map(|command| Group::one(name, command));
    let mut all = Vec::new();
    let mut statuses = BTreeMap::new();
    pipeline(session, groups, |group, heard| match heard {
        Heard::Data(data) => all.push(data),
        Heard::Done(_, ended) => {
            statuses.insert(group, ended);
        }
        Heard::Notice(_) => {}
    })
    .await?;
    Ok((all, statuses.into_values().collect()))
}

/// Sends groups as far ahead as is allowed, and hands over what is heard with the number of the group
/// it belongs to, from 0. Statuses of refused commands are handed over like any other.
///
/// # Errors
/// [`ImapError`]; the session is lost.
pub(super) async fn pipeline(
    session: &mut Session,
    groups: impl IntoIterator<Item = Group>,
    mut on: impl FnMut(usize, Heard),
) -> Result<(), ImapError> {
    let mut todo = groups.into_iter().enumerate().peekable();
    let mut sent: VecDeque<Sent> = VecDeque::new();
    loop {
        let mut has_sent = false;
        while let Some((_, next)) = todo.peek() {
            let commands: usize = sent.iter().map(|group| group.waiting.len()).sum();
            let bytes: usize = sent.iter().map(|group| group.bytes).sum();
            let has_room = commands + next.commands.len() <= AHEAD_COMMANDS && bytes + next.bytes() <= AHEAD_BYTES;
            if !(has_room || sent.is_empty()) {
                break;
            }
            let Some((number, group)) = todo.next() else { break };
            if !group.commands.is_empty() {
                sent.push_back(send(session, number, &group).await?);
                has_sent = true;
            }
        }
        let Some(current) = sent.front() else { return Ok(()) };
        if has_sent {
            session.flush(current.name).await?;
        }
        match session.next_event(current.name).await? {
            Event::Data(data) => on(current.number, Heard::Data(data)),
            Event::Notice(status) => on(current.number, Heard::Notice(status)),
            Event::Continue => {}
            Event::Done(tag, status) => {
                let (number, command, name) = end_of(session, &mut sent, tag)?;
                match check(name, status) {
                    Ok(_) => on(number, Heard::Done(command, Ok(()))),
                    Err(error @ ImapError::Refused { .. }) => on(number, Heard::Done(command, Err(error))),
                    // The server does not want the session any more.
                    Err(error) => return Err(error),
                }
            }
        }
        while sent.front().is_some_and(|group| group.waiting.is_empty()) {
            sent.pop_front();
        }
    }
}

async fn send(session: &mut Session, number: usize, group: &Group) -> Result<Sent, ImapError> {
    let mut waiting = Vec::with_capacity(group.commands.len());
    for (at, (name, command)) in group.commands.iter().enumerate() {
        let tag = session.next_tag();
        session.write(name, format!("{tag} {command}\r\n").as_bytes()).await?;
        waiting.push((tag, *name, at));
    }
    Ok(Sent {
        number,
        opens: group.opens,
        name: group.commands.first().map_or("", |(name, _)| name),
        bytes: group.bytes(),
        waiting,
    })
}

/// Notes that a command has ended; gives its group, its number within it and its name.
fn end_of(
    session: &mut Session,
    sent: &mut VecDeque<Sent>,
    tag: Tag,
) -> Result<(usize, usize, &'static str), ImapError> {
    let (current, name, opens) = sent
        .front()
        .map_or((0, "", false), |group| (group.number, group.name, group.opens));
    let found = sent.iter_mut().find_map(|group| {
        let at = group.waiting.iter().position(|(waiting, _, _)| *waiting == tag)?;
        let (_, name, command) = group.waiting.remove(at);
        Some((group.number, group.opens, command, name))
    });
    match found {
        Some((number, also_opens, command, name)) if number == current || !(opens || also_opens) => {
            Ok((number, command, name))
        }
        // What was heard may be another folder's.
        _ => Err(session.unreadable(name, "answers are out of order")),
    }
}
