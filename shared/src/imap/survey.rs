//! Asking many folders at once: what is in them, what changed, and the bytes of a few messages.
//!
//! Each folder is opened with what is asked of it right behind, and the next folders' questions are
//! sent ahead of the answers. Answers are handed over as they arrive, and none is kept, so that a
//! folder may hold any number of messages. A folder that cannot be opened is told as such, and what
//! a server then says to the questions about it counts for nothing.

use bytes::Bytes;

use super::error::ImapError;
use super::fetch::{self, Metadata, attribute, uid_of};
use super::open::{Selected, sendable};
use super::pipeline::{Group, Heard, pipeline};
use super::response::Data;
use super::search::found;
use super::session::Session;
use super::value::Value;
use crate::domain::flags::FlagSet;
use crate::domain::uid::UidSet;

/// What is asked of one folder. Nothing in it is changed, but for `\Recent` where it is opened by SELECT.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its name on the wire.
    pub wire_name: String,
    /// Whether it is opened by SELECT: because it is changed afterwards, or because its UIDs are kept, which Courier makes
    /// up for EXAMINE; behind a proxy nobody can tell that it is Courier.
    pub selects: bool,
    /// What is asked; empty where the folder shall only be opened.
    pub asks: Vec<Ask>,
}

/// One thing that is asked of a folder. Where several are asked they are about different messages.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Each message from this UID on, by its size and date where they are wanted.
    Sizes {
        /// The first UID.
        from: u32,
        /// Whether the date is wanted.
        dated: bool,
        /// Whether the size is wanted.
        sized: bool,
    },
    /// Each message from this UID on, by all that tells it from others without its bytes.
    IdentitiesFrom(u32),
    /// The same of these messages.
    Identities(UidSet),
    /// The flags of these messages.
    Flags(UidSet),
    /// The flags of each message up to a UID; where `since` is given, only of those that changed
    /// after that MODSEQ (RFC 7162).
    Changes {
        /// The last UID.
        last: u32,
        /// HIGHESTMODSEQ of then.
        since: Option<u64>,
    },
    /// Which messages up to a UID there are.
    Present {
        /// The last UID.
        last: u32,
        /// Whether the server can tell it in few words (RFC 4731).
        briefly: bool,
    },
    /// The bytes of these messages. Few and small: an answer is held whole.
    Bodies(UidSet),
}

/// What a folder's answer tells.
#[derive(Debug)]
pub enum Told {
    /// It has been opened; what was asked follows.
    Opened(Selected),
    /// It cannot be opened.
    Closed(ImapError),
    /// A message, for [`Ask::Sizes`], [`Ask::Identities`] and [`Ask::IdentitiesFrom`].
    Message(Metadata),
    /// A message's flags.
    Flags(u32, FlagSet),
    /// Messages that are there, for [`Ask::Present`]; may come in several parts.
    Present(UidSet),
    /// A message's bytes.
    Body(u32, Bytes),
    /// The server did not want to answer one of the questions; what it told of it may not be all.
    Refused(Ask, ImapError),
    /// Nothing follows about this folder.
    End,
}

/// The answers to one folder's questions, as they come.
struct Answers<'q> {
    question: &'q Question,
    /// Which ask each command belongs to; none for the first, which opens the folder.
    asked: Vec<Option<usize>>,
    selected: Selected,
    is_open: bool,
    is_search_answered: bool,
    done: usize,
}

/// How far the questions run ahead of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As far as the buffers allow.
    Ahead,
    /// Not at all: a command is sent when the one before it has ended. For servers that cannot bear
    /// more, and those that count refusals: a folder that cannot be opened is asked nothing.
    OneByOne,
}

/// Asks all questions, in their order; `on` is told everything with the number of its question.
/// `may_go_on` is asked before each folder, and what it keeps back is never told of.
///
/// # Errors
/// [`ImapError`]; the session is lost.
pub async fn survey(
    session: &mut Session,
    questions: &[Question],
    pace: Pace,
    may_go_on: impl Fn() -> bool,
    mut on: impl FnMut(usize, Told),
) -> Result<(), ImapError> {
    let examine = session.examines_by();
    let mut answers: Vec<Answers<'_>> = questions
        .iter()
        .map(|question| Answers::new(question, examine))
        .collect();
    for (number, question) in questions.iter().enumerate() {
        if let Err(error) = sendable(SELECT, &question.wire_name) {
            on(number, Told::Closed(error));
            on(number, Told::End);
        }
    }
    if pace == Pace::OneByOne {
        for (number, answers) in answers.iter_mut().enumerate() {
            if !may_go_on() {
                break;
            }
            answers.ask(session, &mut |told| on(number, told)).await?;
        }
        return Ok(());
    }
    let groups = (0..questions.len()).map_while(|number| {
        let question = questions.get(number).filter(|_| may_go_on())?;
        Some(Group::opening(commands(question, examine).0))
    });
    pipeline(session, groups, |number, heard| {
        if let Some(answers) = answers.get_mut(number) {
            answers.hear(heard, &mut |told| on(number, told));
        }
    })
    .await
}

/// The commands that a question takes, none where the folder's name cannot be sent; and to which ask
/// each belongs. `examine` opens a folder that is only read.
fn commands(question: &Question, examine: &'static str) -> (Vec<(&'static str, String)>, Vec<Option<usize>>) {
    let Ok(name) = sendable(SELECT, &question.wire_name) else {
        return (Vec::new(), Vec::new());
    };
    let open = if question.selects { SELECT } else { examine };
    let mut commands = vec![(open, format!("{open} {name}"))];
    let mut asked = vec![None];
    for (at, ask) in question.asks.iter().enumerate() {
        for command in ask.commands() {
            commands.push(command);
            asked.push(Some(at));
        }
    }
    (commands, asked)
}

const SELECT: &str = "SELECT";
const FETCH: &str = "FETCH";
const SEARCH: &str = "SEARCH";

impl Ask {
    fn commands(&self) -> Vec<(&'static str, String)> {
        let fetch = |set: &str, items: &str| (FETCH, format!("UID FETCH {set} {items}"));
        let fetch_set = |set: &UidSet, items: &str| set.commands().iter().map(|set| fetch(set, items)).collect();
        match self {
            Self::Sizes { from, dated, sized } => {
                let items = match (sized, dated) {
                    (true, false) => "(UID RFC822.SIZE)",
                    (true, true) => "(UID RFC822.SIZE INTERNALDATE)",
                    (false, false) => "(UID)",
                    (false, true) => "(UID INTERNALDATE)",
                };
                vec![fetch(&format!("{from}:*"), items)]
            }
            Self::IdentitiesFrom(from) => vec![fetch(&format!("{from}:*"), fetch::IDENTITY_ITEMS)],
            Self::Identities(set) => fetch_set(set, fetch::IDENTITY_ITEMS),
            Self::Flags(set) => fetch_set(set, "(UID FLAGS)"),
            Self::Changes { last, since: None } => vec![fetch(&format!("1:{last}"), "(UID FLAGS)")],
            Self::Changes {
                last,
                since: Some(since),
            } => {
                vec![fetch(
                    &format!("1:{last}"),
                    &format!("(UID FLAGS) (CHANGEDSINCE {since})"),
                )]
            }
            Self::Present { last, briefly: true } => {
                vec![(SEARCH, format!("UID SEARCH RETURN (ALL) UID 1:{last}"))]
            }
            Self::Present { last, briefly: false } => vec![fetch(&format!("1:{last}"), "(UID)")],
            Self::Bodies(set) => fetch_set(set, "(UID BODY.PEEK[])"),
        }
    }

    /// What a FETCH answer about this message says to the question; `None` where it is no answer.
    fn answered(&self, uid: u32, data: &Data) -> Option<Told> {
        match self {
            Self::Sizes { from, .. } | Self::IdentitiesFrom(from) if uid >= *from => message(data),
            Self::Identities(set) if set.contains(uid) => message(data),
            Self::Flags(set) if set.contains(uid) => flags(uid, data),
            Self::Changes { last, .. } if uid <= *last => flags(uid, data),
            Self::Present { last, briefly: false } if uid <= *last => {
                Some(Told::Present(UidSet::from_sorted(vec![uid])))
            }
            Self::Bodies(set) if set.contains(uid) => {
                let body = attribute(data, "BODY[]").and_then(Value::bytes)?;
                Some(Told::Body(uid, body.clone()))
            }
            _ => None,
        }
    }
}

fn message(data: &Data) -> Option<Told> {
    fetch::is_asked_for(data)
        .then(|| fetch::to_metadata(data))
        .flatten()
        .map(Told::Message)
}

fn flags(uid: u32, data: &Data) -> Option<Told> {
    let words = attribute(data, "FLAGS")?.list().iter().filter_map(Value::text);
    Some(Told::Flags(uid, FlagSet::new(words)))
}

impl<'q> Answers<'q> {
    fn new(question: &'q Question, examine: &'static str) -> Self {
        Self {
            question,
            asked: commands(question, examine).1,
            selected: Selected::default(),
            is_open: false,
            is_search_answered: false,
            done: 0,
        }
    }

    /// Asks this question alone, one command after the other.
    async fn ask(&mut self, session: &mut Session, on: &mut impl FnMut(Told)) -> Result<(), ImapError> {
        let examine = session.examines_by();
        for (at, (name, command)) in commands(self.question, examine).0.into_iter().enumerate() {
            pipeline(session, [Group::one(name, command)], |_, heard| match heard {
                Heard::Done(_, ended) => self.hear(Heard::Done(at, ended), on),
                heard => self.hear(heard, on),
            })
            .await?;
            if !self.is_open {
                on(Told::End);
                break;
            }
        }
        Ok(())
    }

    fn hear(&mut self, heard: Heard, on: &mut impl FnMut(Told)) {
        match heard {
            Heard::Data(data) if !self.is_open => self.selected.note_data(&data),
            Heard::Data(data) => self.note(&data, on),
            Heard::Notice(status) if !self.is_open => self.selected.note_status(&status),
            Heard::Notice(_) => {}
            Heard::Done(command, ended) => {
                self.done += 1;
                let ask = self.asked.get(command).copied().flatten();
                match ask.and_then(|at| self.question.asks.get(at)) {
                    None => match ended {
                        Ok(()) => {
                            self.is_open = true;
                            on(Told::Opened(self.selected.clone()));
                        }
                        Err(error) => on(Told::Closed(error)),
                    },
                    // Refused because the folder could not be opened, or answered for another one.
                    Some(_) if !self.is_open => {}
                    // Silence is not "nothing is there".
                    Some(ask @ Ask::Present { briefly: true, .. }) if ended.is_ok() && !self.is_search_answered => {
                        let what = "it does not say in numbers what was found";
                        let error = ImapError::Unreadable { command: SEARCH, what };
                        on(Told::Refused(ask.clone(), error));
                    }
                    Some(ask) => {
                        if let Err(error) = ended {
                            on(Told::Refused(ask.clone(), error));
                        }
                    }
                }
                if self.done == self.asked.len() {
                    on(Told::End);
                }
            }
        }
    }

    fn note(&mut self, data: &Data, on: &mut impl FnMut(Told)) {
        match data.name.as_str() {
            FETCH => {
                let told = uid_of(data).and_then(|uid| {
                    let mut asks = self.question.asks.iter();
                    asks.find_map(|ask| ask.answered(uid, data))
                });
                told.into_iter().for_each(on);
            }
            "ESEARCH" => {
                let set = found(data);
                self.is_search_answered |= set.is_some();
                set.map(Told::Present).into_iter().for_each(on);
            }
            _ => {}
        }
    }
}
