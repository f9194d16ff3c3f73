//! An authenticated session: commands out, checked answers in.
//!
//! Invariants: a command's answer ends with its own tagged status or with an error; an end of
//! stream is an error wherever it happens; after an error other than [`ImapError::Refused`] the
//! session is lost, and whoever uses it nevertheless is told so. Reading is in `input.rs`, writing in
//! `output.rs`; opening folders in `open.rs`, finding messages in `search.rs`.

use std::fmt;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

use super::capability::Capabilities;
use super::deflate::Deflated;
use super::error::ImapError;
use super::frame::Framer;
pub use super::open::{FolderStatus, Selected};
use super::quirks::Quirks;
use super::response::{Data, Kind, Status};

/// How long a goodbye may take: a server that does not answer must not hold up the work.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) const LOGOUT: &str = "LOGOUT";

/// The name of the wait for a server's first words.
pub(super) const GREETING: &str = "greeting";

/// A byte stream to a server: TCP or TLS, compressed or not.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug> Wire for T {}

/// A session with one server, after the login. `Debug` shows nothing of what is on its way.
pub struct Session {
    pub(super) wire: Box<dyn Wire>,
    pub(super) framer: Framer,
    /// What is written and has not left yet.
    pub(super) output: BytesMut,
    pub(super) idle: Duration,
    /// Set by the first error that is not a refusal.
    pub(super) lost: bool,
    pub(super) quirks: Quirks,
    pub(super) capabilities: Option<Capabilities>,
    last_tag: u32,
    /// The commands whose end has not been seen.
    running: Vec<u32>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("capabilities", &self.capabilities)
            .field("running", &self.running)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
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

static NO_CAPABILITIES: Capabilities = Capabilities::none();

impl Session {
    /// Wraps a stream whose buffers are empty. `idle` bounds each wait for the server.
    pub(super) fn new(wire: Box<dyn Wire>, idle: Duration) -> Self {
        Self {
            wire,
            framer: Framer::default(),
            output: BytesMut::new(),
            idle,
            lost: false,
            quirks: Quirks::default(),
            capabilities: None,
            last_tag: 0,
            running: Vec::new(),
        }
    }

    /// The stream itself. Only while no command is running: what the server sent ahead is dropped.
    pub(super) fn into_wire(self) -> Box<dyn Wire> {
        self.wire
    }

    /// What the server can do.
    pub fn capabilities(&self) -> &Capabilities {
        self.capabilities.as_ref().unwrap_or(&NO_CAPABILITIES)
    }

    /// Whether the server has said what it can do since it was last asked to be forgotten.
    pub(super) fn has_told_capabilities(&self) -> bool {
        self.capabilities.is_some()
    }

    /// After a login or STARTTLS the server may be able to do other things than before.
    pub(super) fn forget_capabilities(&mut self) {
        self.capabilities = None;
    }

    /// Asks what the server can do.
    pub(super) async fn read_capabilities(&mut self) -> Result<(), ImapError> {
        self.run("CAPABILITY", "CAPABILITY").await.map(|_| ())
    }

    /// Compresses the connection where the server offers it (RFC 4978). One that offers it and then
    /// refuses, because TLS compresses or something in between does, is spoken to as before.
    pub(super) async fn compress(mut self) -> Result<Self, ImapError> {
        if !self.capabilities().has("COMPRESS=DEFLATE") {
            return Ok(self);
        }
        match self.run("COMPRESS", "COMPRESS DEFLATE").await {
            Ok(_) => {}
            Err(ImapError::Refused { .. }) => return Ok(self),
            Err(error) => return Err(error),
        }
        let rest = self.framer.take_rest();
        self.wire = Box::new(Deflated::new(self.wire, rest));
        Ok(self)
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
        let _ = tokio::time::timeout(LOGOUT_TIMEOUT, self.run(LOGOUT, LOGOUT)).await;
    }

    /// Runs a command to its end and returns the untagged data that came meanwhile. No other
    /// command may be running: its data could not be told from this one's.
    pub(super) async fn run(&mut self, name: &'static str, command: &str) -> Result<Vec<Data>, ImapError> {
        self.check_usable(name)?;
        if !self.running.is_empty() {
            return Err(self.unreadable(name, "the answer to an earlier command was not read to its end"));
        }
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

    /// The tag of a command that is about to be written.
    pub(super) fn next_tag(&mut self) -> Tag {
        self.last_tag += 1;
        self.running.push(self.last_tag);
        Tag(self.last_tag)
    }

    /// Notes that a command has ended; `None` where none with this tag is running.
    pub(super) fn end_of(&mut self, tag: &str) -> Option<Tag> {
        let number: u32 = tag.strip_prefix('v')?.parse().ok()?;
        let at = self.running.iter().position(|&running| running == number)?;
        self.running.remove(at);
        Some(Tag(number))
    }

    /// An error where the session was lost earlier.
    pub(super) fn check_usable(&self, name: &'static str) -> Result<(), ImapError> {
        if self.lost {
            return Err(ImapError::Closed { command: name });
        }
        Ok(())
    }

    pub(super) fn lose(&mut self, error: ImapError) -> ImapError {
        self.lost = true;
        error
    }

    pub(super) fn bye(&mut self, command: &'static str, status: &Status) -> ImapError {
        let text = status.with_code();
        self.lose(ImapError::Bye { command, text })
    }

    pub(super) fn unreadable(&mut self, command: &'static str, what: &'static str) -> ImapError {
        self.lose(ImapError::Unreadable { command, what })
    }
}

/// What Exchange and Microsoft 365 (2026) say to every command after a login that they said OK to,
/// where they cannot reach the mailbox or do not let the user in.
const NOT_CONNECTED: &str = "authenticated but not connected";

/// The status of a command's end, where it is OK.
pub(super) fn check(command: &'static str, status: Status) -> Result<Status, ImapError> {
    match status.kind {
        Kind::Ok => Ok(status),
        _ if status.text.contains(NOT_CONNECTED) => Err(ImapError::NotConnected { text: status.text }),
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

pub(super) async fn timed<T>(
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
