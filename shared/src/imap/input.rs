//! Reading from the server: whole responses, whatever pieces they come in.

use tokio::io::AsyncReadExt as _;

use super::capability::Capabilities;
use super::error::ImapError;
use super::response::{Kind, Response, Status, parse_response};
use super::session::{Event, GREETING, LOGOUT, Session, timed};
use super::value::Value;

/// How much room a read is given, in bytes.
pub(super) const READ_BYTES: usize = 64 << 10;

/// The most that is made room for before it arrives, in bytes: a server may announce what it likes.
const ROOM_BYTES: usize = 4 << 20;

/// Responses that are asked for: what they said must not be passed over.
const MUST_BE_READABLE: [&str; 7] = ["FETCH", "LIST", "LSUB", "STATUS", "SEARCH", "ESEARCH", "EXISTS"];

impl Session {
    /// The next thing the server says. `BYE`, an end of stream and unreadable data are errors, and
    /// so is a tagged status of a command that is not running.
    pub(super) async fn next_event(&mut self, name: &'static str) -> Result<Event, ImapError> {
        self.check_usable(name)?;
        loop {
            let Some(response) = self.buffered_response(name)? else {
                self.fill(name).await?;
                continue;
            };
            return match response {
                Response::Continue(_) => Ok(Event::Continue),
                Response::Data(data) => Ok(Event::Data(data)),
                Response::Untagged(status) if status.kind == Kind::Bye && name != LOGOUT => {
                    Err(self.bye(name, &status))
                }
                Response::Untagged(status) if keeps_a_message_back(&status) => {
                    Err(self.unreadable(name, "the server keeps back a message with Unicode in its header"))
                }
                Response::Untagged(status) => Ok(Event::Notice(status)),
                Response::Done(tag, status) => match self.end_of(&tag) {
                    Some(tag) => Ok(Event::Done(tag, status)),
                    None => Err(self.unreadable(name, "a tag of no command that is running")),
                },
                // Data that no command of ours asks for may be in any shape; these may not.
                Response::Unreadable(what) if !MUST_BE_READABLE.contains(&what.as_str()) => {
                    tracing::debug!(command = name, "skipped an untagged response that cannot be read");
                    continue;
                }
                Response::Unreadable(_) => Err(self.unreadable(name, "a response is malformed")),
                Response::Foreign(word) if name != GREETING && self.end_of(&word).is_none() => {
                    tracing::debug!(command = name, "skipped a line that is not IMAP");
                    continue;
                }
                Response::Foreign(_) => Err(self.unreadable(name, "this is not IMAP")),
            };
        }
    }

    /// The next response that has arrived whole.
    pub(super) fn buffered_response(&mut self, name: &'static str) -> Result<Option<Response>, ImapError> {
        let frame = match self.framer.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.unreadable(name, error.as_str())),
        };
        let response = parse_response(&frame);
        self.note_capabilities(&response);
        Ok(Some(response))
    }

    /// Servers tell what they can do in data, in a greeting and in the status of a login.
    pub(super) fn note_capabilities(&mut self, response: &Response) {
        match response {
            // Sohu (2026) answers NAMESPACE under the name of CAPABILITY: what is no list of words is none.
            Response::Data(data) if data.name == "CAPABILITY" => {
                let words: Option<Vec<&str>> = data.values.iter().map(Value::text).collect();
                self.learn(words.into_iter().flatten());
            }
            Response::Untagged(status) | Response::Done(_, status) if status.code == "CAPABILITY" => {
                self.learn(status.arguments.split_whitespace());
            }
            _ => {}
        }
    }

    fn learn<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        let told = Capabilities::new(words);
        if told != Capabilities::none() {
            self.capabilities = Some(told);
        }
    }

    async fn fill(&mut self, name: &'static str) -> Result<(), ImapError> {
        let missing = self.framer.missing();
        let buffer = self.framer.buffer();
        buffer.reserve(missing.clamp(READ_BYTES, ROOM_BYTES));
        match timed(self.idle, name, self.wire.read_buf(buffer)).await {
            Ok(0) => Err(self.lose(ImapError::Closed { command: name })),
            Ok(_) => Ok(()),
            Err(error) => Err(self.lose(error)),
        }
    }
}

/// RFC 6855 lets a server hide messages with 8-bit headers from who did not enable UTF8=ACCEPT. One
/// does: Courier-IMAP 5.0.0 gives no body, and 5.0.1 gives another one (2018); both say this. Since
/// 5.0.2 the bytes are given as they are, and the words are others.
fn keeps_a_message_back(status: &Status) -> bool {
    status.text.starts_with("Cannot open message") && status.text.contains("because it is a Unicode message")
}
