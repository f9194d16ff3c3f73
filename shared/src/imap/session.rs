//! An authenticated session: commands out, checked answers in.
//!
//! Invariants: a command's answer ends with its own tagged status or with an error; an end of
//! stream is an error wherever it happens; after an error other than [`ImapError::Refused`] the
//! session is not used again.

use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::capability::Capabilities;
use super::error::ImapError;
use super::frame::Framer;
use super::response::{Data, Kind, Response, Status, parse_response};

/// How much room a read is given, in bytes.
const READ_BYTES: usize = 64 << 10;

/// How much is written within one idle time, in bytes.
const WRITE_BYTES: usize = 64 << 10;

/// How long a goodbye may take: a server that does not answer must not hold up the work.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(3);

/// A byte stream to a server: TCP or TLS.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug> Wire for T {}

/// A session with one server, after the login.
#[derive(Debug)]
pub struct Session {
    wire: Box<dyn Wire>,
    framer: Framer,
    capabilities: Capabilities,
    last_tag: u32,
    idle: Duration,
}

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

/// A command's tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(u32);

impl Tag {
    pub(super) fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// What arrived while waiting for a command's end.
#[derive(Debug)]
pub(super) enum Event {
    /// `+`: go on with the literal.
    Continue,
    /// Untagged data.
    Data(Data),
    /// An untagged `OK`/`NO`/`BAD` with what it says.
    Notice(Status),
    /// A tagged status.
    Done(Tag, Status),
}

impl Session {
    /// Wraps a stream whose buffers are empty. `idle` bounds each wait for the server.
    pub(super) fn new(wire: Box<dyn Wire>, idle: Duration) -> Self {
        Self {
            wire,
            framer: Framer::default(),
            capabilities: Capabilities::default(),
            last_tag: 0,
            idle,
        }
    }

    /// The stream itself. Only while no command is running: nothing may be left in the buffer.
    pub(super) fn into_wire(self) -> Box<dyn Wire> {
        self.wire
    }

    /// What the server can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Asks what the server can do.
    pub(super) async fn read_capabilities(&mut self) -> Result<(), ImapError> {
        let data = self.run("CAPABILITY", "CAPABILITY").await?;
        if let Some(line) = data.iter().rev().find(|data| data.name == "CAPABILITY") {
            self.capabilities = Capabilities::new(line.values.iter().filter_map(|value| value.text()));
        }
        Ok(())
    }

    /// Opens a folder without changing anything in it (EXAMINE).
    ///
    /// # Errors
    /// [`ImapError::Refused`] where the folder cannot be opened; else the session is lost.
    pub async fn examine(&mut self, wire_name: &str) -> Result<Selected, ImapError> {
        self.open("EXAMINE", wire_name).await
    }

    /// Opens a folder for changes (SELECT).
    ///
    /// # Errors
    /// [`ImapError::Refused`] where the folder cannot be opened; else the session is lost.
    pub async fn select(&mut self, wire_name: &str) -> Result<Selected, ImapError> {
        self.open("SELECT", wire_name).await
    }

    async fn open(&mut self, command: &'static str, wire_name: &str) -> Result<Selected, ImapError> {
        let tag = self.send(command, &format!("{command} {}", quote(wire_name))).await?;
        let mut selected = Selected::default();
        loop {
            match self.next_event(command).await? {
                Event::Data(data) if data.name == "EXISTS" => selected.exists = data.number.unwrap_or_default(),
                Event::Notice(status) => match status.code.as_str() {
                    "UIDVALIDITY" => selected.uid_validity = status.arguments.parse().unwrap_or_default(),
                    "UIDNEXT" => selected.uid_next = status.arguments.parse().ok(),
                    "PERMANENTFLAGS" => {
                        let flags = status
                            .arguments
                            .trim_matches(['(', ')'])
                            .split_whitespace()
                            .map(str::to_owned);
                        selected.permanent_flags = Some(flags.collect());
                    }
                    _ => {}
                },
                Event::Done(done, status) if done == tag => {
                    check(command, status)?;
                    return Ok(selected);
                }
                Event::Data(_) | Event::Continue | Event::Done(..) => {}
            }
        }
    }

    /// UIDNEXT and UIDVALIDITY of a folder (STATUS), without opening it.
    ///
    /// # Errors
    /// [`ImapError::Refused`], also where the server answers without the numbers.
    pub async fn status(&mut self, wire_name: &str) -> Result<FolderStatus, ImapError> {
        let command = format!("STATUS {} (MESSAGES UIDNEXT UIDVALIDITY)", quote(wire_name));
        let data = self.run("STATUS", &command).await?;
        let items = data
            .iter()
            .find(|data| data.name == "STATUS")
            .and_then(|data| data.values.get(1));
        let item = |name: &str| -> Option<u32> {
            let pairs = items?.list().chunks_exact(2);
            pairs
                .filter_map(|pair| Some((pair.first()?.text()?, pair.last()?)))
                .find(|(key, _)| key.eq_ignore_ascii_case(name))?
                .1
                .number()
        };
        match (item("MESSAGES"), item("UIDNEXT"), item("UIDVALIDITY")) {
            (Some(messages), Some(uid_next), Some(uid_validity)) => Ok(FolderStatus {
                messages,
                uid_next,
                uid_validity,
            }),
            _ => Err(ImapError::Unreadable {
                command: "STATUS",
                what: "UIDNEXT or UIDVALIDITY is missing",
            }),
        }
    }

    /// Lets the server tell what changed in the opened folder, so that new messages can be fetched.
    ///
    /// # Errors
    /// [`ImapError`].
    pub async fn refresh(&mut self) -> Result<(), ImapError> {
        self.run("NOOP", "NOOP").await.map(|_| ())
    }

    /// Says goodbye. Failures do not matter any more.
    pub async fn logout(mut self) {
        let _ = tokio::time::timeout(LOGOUT_TIMEOUT, self.run("LOGOUT", "LOGOUT")).await;
    }

    /// Runs a command to its end and returns the untagged data that came meanwhile.
    pub(super) async fn run(&mut self, name: &'static str, command: &str) -> Result<Vec<Data>, ImapError> {
        let tag = self.send(name, command).await?;
        let mut all = Vec::new();
        loop {
            match self.next_event(name).await? {
                Event::Data(data) => all.push(data),
                Event::Done(done, status) if done == tag => return check(name, status).map(|_| all),
                Event::Done(..) | Event::Continue | Event::Notice(_) => {}
            }
        }
    }

    /// Sends a whole command and does not wait.
    pub(super) async fn send(&mut self, name: &'static str, command: &str) -> Result<Tag, ImapError> {
        let tag = self.next_tag();
        self.write(name, format!("{tag} {command}\r\n").as_bytes()).await?;
        self.flush(name).await?;
        Ok(tag)
    }

    pub(super) fn next_tag(&mut self) -> Tag {
        self.last_tag += 1;
        Tag(self.last_tag)
    }

    /// Writes bytes; [`Self::flush`] makes sure that they leave. The idle time bounds each part, so
    /// that a large message may take longer on a slow line.
    pub(super) async fn write(&mut self, name: &'static str, bytes: &[u8]) -> Result<(), ImapError> {
        for part in bytes.chunks(WRITE_BYTES) {
            timed(self.idle, name, self.wire.write_all(part)).await?;
        }
        Ok(())
    }

    pub(super) async fn flush(&mut self, name: &'static str) -> Result<(), ImapError> {
        timed(self.idle, name, self.wire.flush()).await
    }

    /// The next thing the server says. `BYE`, an end of stream and unreadable data are errors.
    pub(super) async fn next_event(&mut self, name: &'static str) -> Result<Event, ImapError> {
        loop {
            let frame = self.framer.next_frame().map_err(|e| ImapError::Unreadable {
                command: name,
                what: e.as_str(),
            })?;
            let Some(frame) = frame else {
                self.fill(name).await?;
                continue;
            };
            return match parse_response(&frame) {
                Response::Continue => Ok(Event::Continue),
                Response::Data(data) => Ok(Event::Data(data)),
                Response::Untagged(status) if status.kind == Kind::Bye && name != "LOGOUT" => Err(ImapError::Bye {
                    command: name,
                    text: status.text,
                }),
                Response::Untagged(status) => Ok(Event::Notice(status)),
                Response::Done(tag, status) => match tag.strip_prefix('v').and_then(|number| number.parse().ok()) {
                    Some(number) => Ok(Event::Done(Tag(number), status)),
                    None => Err(ImapError::Unreadable {
                        command: name,
                        what: "a tag that was never sent",
                    }),
                },
                // Data that no command of ours asks for may be in any shape; a FETCH may not.
                Response::Unreadable(what) if what != "FETCH" && what != "LIST" && what != "STATUS" => {
                    tracing::debug!(command = name, "skipped an untagged response that cannot be read");
                    continue;
                }
                Response::Unreadable(_) => Err(ImapError::Unreadable {
                    command: name,
                    what: "an untagged response is malformed",
                }),
            };
        }
    }

    async fn fill(&mut self, name: &'static str) -> Result<(), ImapError> {
        let missing = self.framer.missing();
        let buffer = self.framer.buffer();
        buffer.reserve(missing.max(READ_BYTES));
        match timed(self.idle, name, self.wire.read_buf(buffer)).await? {
            0 => Err(ImapError::Closed { command: name }),
            _ => Ok(()),
        }
    }
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
}

/// The status of a command's end, where it is OK.
pub(super) fn check(command: &'static str, status: Status) -> Result<Status, ImapError> {
    match status.kind {
        Kind::Ok => Ok(status),
        Kind::No | Kind::Bad | Kind::Bye | Kind::Preauth => Err(ImapError::Refused {
            command,
            code: status.code,
            text: status.text,
        }),
    }
}

/// A string as IMAP quotes it. Folder names are in modified UTF-7, so they hold no line ends.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')) {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

async fn timed<T>(
    idle: Duration,
    command: &'static str,
    work: impl Future<Output = std::io::Result<T>>,
) -> Result<T, ImapError> {
    match tokio::time::timeout(idle, work).await {
        Ok(done) => done.map_err(|source| ImapError::Io { command, source }),
        Err(_) => Err(ImapError::TimedOut {
            command,
            seconds: idle.as_secs(),
        }),
    }
}
