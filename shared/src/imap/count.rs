//! Counting what is in folders, without opening them where the server lets us (RFC 9051, section
//! 6.3.11; RFC 8438).

use std::collections::BTreeMap;

use super::error::ImapError;
use super::listing::key;
use super::open::{sendable, status_item};
use super::pipeline::run_all;
use super::session::{Session, quote};
use super::survey::{Ask, Pace, Question, Told, survey};

const STATUS: &str = "STATUS";

/// How much a folder holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Its messages.
    pub messages: u64,
    /// Their bytes, where the server tells.
    pub bytes: Option<u64>,
}

fn items(session: &Session) -> &'static str {
    if session.capabilities().has("STATUS=SIZE") {
        "(MESSAGES SIZE)"
    } else {
        "(MESSAGES)"
    }
}

/// Counts a folder. Nothing in it is changed, not even `\Recent`.
///
/// # Errors
/// [`ImapError::Refused`] where the server does not want it.
pub async fn count(session: &mut Session, wire_name: &str) -> Result<Count, ImapError> {
    let command = format!("STATUS {} {}", quote(wire_name), items(session));
    let data = session.run(STATUS, &command).await?;
    let answer = data.iter().find(|data| data.name == STATUS);
    let messages = answer.and_then(|answer| status_item(answer, "MESSAGES"));
    Ok(Count {
        messages: messages.ok_or(ImapError::Unreadable {
            command: "STATUS",
            what: "MESSAGES is missing",
        })?,
        bytes: answer.and_then(|answer| status_item(answer, "SIZE")),
    })
}

/// Counts folders, asking for the next ones ahead of the answers. `None` where the server does not
/// tell about a folder; nothing is changed.
///
/// # Errors
/// [`ImapError`] where the session is lost.
pub async fn count_all(session: &mut Session, wire_names: &[&str]) -> Result<Vec<Option<Count>>, ImapError> {
    let items = items(session);
    let commands = wire_names.iter().filter_map(|name| {
        let name = sendable(STATUS, name).ok()?;
        Some(format!("STATUS {name} {items}"))
    });
    let (data, _) = run_all(session, STATUS, commands.collect()).await?;
    let mut told = BTreeMap::new();
    for answer in data.iter().filter(|data| data.name == STATUS) {
        let name = answer.values.first().and_then(|name| name.bytes());
        let messages = status_item(answer, "MESSAGES");
        if let (Some(name), Some(messages)) = (name, messages) {
            let bytes = status_item(answer, "SIZE");
            told.insert(key(&String::from_utf8_lossy(name)), Count { messages, bytes });
        }
    }
    Ok(wire_names.iter().map(|name| told.get(&key(name)).copied()).collect())
}

/// Messages that were looked at one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// How many.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of each folder are larger than was asked for.
    pub larger: Vec<u64>,
}

/// The messages of folders, one by one; counts those with more than `limit` bytes. `may_go_on` is asked before each folder. Opens the folders, which takes their messages' `\Recent`.
///
/// # Errors
/// [`ImapError`] where the session is lost.
pub async fn weigh(
    session: &mut Session,
    wire_names: &[&str],
    limit: Option<u64>,
    may_go_on: impl Fn() -> bool,
) -> Result<Weighed, ImapError> {
    let question = |name: &&str| Question {
        wire_name: (*name).to_owned(),
        selects: false,
        asks: vec![Ask::Sizes {
            from: 1,
            dated: false,
            sized: true,
        }],
    };
    let questions: Vec<Question> = wire_names.iter().map(question).collect();
    let mut weighed = Weighed {
        larger: vec![0; wire_names.len()],
        ..Weighed::default()
    };
    survey(session, &questions, Pace::OneByOne, may_go_on, |folder, told| {
        if let Told::Message(message) = told {
            weighed.messages += 1;
            weighed.bytes = weighed.bytes.saturating_add(message.size_bytes);
            let is_larger = limit.is_some_and(|limit| message.size_bytes > limit);
            if let Some(larger) = weighed.larger.get_mut(folder) {
                *larger += u64::from(is_larger);
            }
        }
    })
    .await?;
    Ok(weighed)
}
