//! Opening folders, and what is known of them without that (RFC 9051, sections 6.3.2, 6.3.3 and
//! 6.3.11).

use super::error::ImapError;
use super::response::{Data, Status};
use super::session::{Event, Session, check, quote};
use super::value::Value;

const EXAMINE: &str = "EXAMINE";
const SELECT: &str = "SELECT";
const STATUS: &str = "STATUS";

/// A folder that has been opened with SELECT or EXAMINE.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Number of messages.
    pub exists: u32,
    /// UIDVALIDITY; 0 where the server gives none.
    pub uid_validity: u32,
    /// UIDNEXT, where the server gives it.
    pub uid_next: Option<u32>,
    /// Flags that can be kept, or `None` where the server did not say (then all can).
    pub permanent_flags: Option<Vec<String>>,
}

/// A folder's numbers from STATUS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderStatus {
    /// Number of messages.
    pub messages: u32,
    /// The UID the next message will get, or a lower one.
    pub uid_next: u32,
    /// UIDVALIDITY.
    pub uid_validity: u32,
    /// HIGHESTMODSEQ, where it was asked for and the folder has one (RFC 7162): it grows with every
    /// change of a flag.
    pub highest_modseq: Option<u64>,
}

impl Selected {
    /// Notes untagged data that came with the opening.
    pub(super) fn note_data(&mut self, data: &Data) {
        if data.name == "EXISTS" {
            self.exists = data.number.unwrap_or_default();
        }
    }

    /// Notes an untagged status that came with the opening.
    pub(super) fn note_status(&mut self, status: &Status) {
        match status.code.as_str() {
            "UIDVALIDITY" => self.uid_validity = status.arguments.parse().unwrap_or_default(),
            "UIDNEXT" => self.uid_next = status.arguments.parse().ok(),
            "PERMANENTFLAGS" => {
                let flags = status
                    .arguments
                    .trim_matches(['(', ')'])
                    .split_whitespace()
                    .map(str::to_owned);
                self.permanent_flags = Some(flags.collect());
            }
            _ => {}
        }
    }
}

impl FolderStatus {
    /// What a STATUS answer says; `None` where a number is missing without which nothing can be told.
    pub(super) fn of(answer: &Data) -> Option<Self> {
        Some(Self {
            messages: status_item(answer, "MESSAGES")?,
            uid_next: status_item(answer, "UIDNEXT")?,
            uid_validity: status_item(answer, "UIDVALIDITY")?,
            // 0 where the folder keeps none.
            highest_modseq: status_item(answer, "HIGHESTMODSEQ").filter(|highest: &u64| *highest > 0),
        })
    }
}

impl Session {
    /// Opens a folder without changing anything in it: by EXAMINE, or by SELECT where that alone gives
    /// UIDs that last.
    ///
    /// # Errors
    /// [`ImapError::Refused`] where the folder cannot be opened; else the session is lost.
    pub async fn examine(&mut self, wire_name: &str) -> Result<Selected, ImapError> {
        self.open(self.examines_by(), wire_name).await
    }

    /// The command that opens a folder without changing anything in it.
    pub(super) fn examines_by(&self) -> &'static str {
        if self.quirks.examine_is_made_up {
            SELECT
        } else {
            EXAMINE
        }
    }

    /// Opens a folder for changes (SELECT).
    ///
    /// # Errors
    /// [`ImapError::Refused`] where the folder cannot be opened; else the session is lost.
    pub async fn select(&mut self, wire_name: &str) -> Result<Selected, ImapError> {
        self.open(SELECT, wire_name).await
    }

    async fn open(&mut self, command: &'static str, wire_name: &str) -> Result<Selected, ImapError> {
        let tag = self
            .send(command, &format!("{command} {}", sendable(command, wire_name)?))
            .await?;
        let mut selected = Selected::default();
        loop {
            match self.next_event(command).await? {
                Event::Data(data) => selected.note_data(&data),
                Event::Notice(status) => selected.note_status(&status),
                Event::Done(done, status) if done == tag => {
                    check(command, status)?;
                    return Ok(selected);
                }
                Event::Continue | Event::Done(..) => {}
            }
        }
    }

    /// UIDNEXT and UIDVALIDITY of a folder (STATUS), without opening it.
    ///
    /// # Errors
    /// [`ImapError::Refused`]; [`ImapError::Unreadable`] where the server answers without the
    /// numbers.
    pub async fn status(&mut self, wire_name: &str) -> Result<FolderStatus, ImapError> {
        let command = format!("STATUS {} (MESSAGES UIDNEXT UIDVALIDITY)", sendable(STATUS, wire_name)?);
        let data = self.run(STATUS, &command).await?;
        let answer = data.iter().find(|data| data.name == "STATUS");
        answer.and_then(FolderStatus::of).ok_or(ImapError::Unreadable {
            command: "STATUS",
            what: "UIDNEXT or UIDVALIDITY is missing",
        })
    }
}

/// A folder's name as it is sent. A name with a line break or NUL in it, which a server can list as a
/// literal, would be another folder's without them.
pub(super) fn sendable(command: &'static str, wire_name: &str) -> Result<String, ImapError> {
    if wire_name.contains(['\r', '\n', '\0']) {
        return Err(ImapError::Refused {
            command,
            code: "CANNOT".to_owned(),
            text: "the folder's name has a line break or a NUL in it".to_owned(),
        });
    }
    Ok(quote(wire_name))
}

/// A number from a STATUS answer, which holds the folder's name and a list of items. Items that are
/// not known (`MAILBOXID (F2212ea87)`, `APPENDLIMIT NIL`) stand beside it without harm.
pub(super) fn status_item<N: std::str::FromStr>(answer: &Data, name: &str) -> Option<N> {
    let items = answer
        .values
        .iter()
        .rev()
        .find(|value| matches!(value, Value::List(_)))?;
    let pairs = items.list().chunks_exact(2);
    pairs
        .filter_map(|pair| Some((pair.first()?.text()?, pair.last()?)))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))?
        .1
        .number()
}
