//! What the IMAP library reads and writes during a login: the server's answers, cut into responses
//! by our own framing, and only those it waits for.
//!
//! The library would drop the capabilities that come with a login, read bytes of what follows into
//! a buffer that is lost with it, end at anything its parser does not know, and panic at a
//! multibyte character behind a response code. So it gets `+` and the tagged status without their
//! texts. Everything else is kept here, with the credentials taken out of it first.

use std::fmt;
use std::io::{Error, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use zeroize::Zeroizing;

use super::frame::FrameError;
use super::input::READ_BYTES;
use super::response::{Kind, Response, Status, parse_hiding};
use super::sasl::Proof;
use super::session::Session;

/// How often a server may ask for more: twice for the longest exchange there is. One that asks for
/// ever would be sent the password for ever.
const CHALLENGES: usize = 3;

/// The library's only tag within one login.
const TAG: &str = "A0001";

/// A session whose stream is lent to the library. `Debug` shows nothing of what is on its way.
pub(super) struct LoginStream<'a> {
    session: Session,
    proof: Proof<'a>,
    for_library: BytesMut,
    from_library: Zeroizing<Vec<u8>>,
    written: usize,
    pub(super) heard: Heard,
}

impl fmt::Debug for LoginStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginStream").finish_non_exhaustive()
    }
}

/// What the server said during a login.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The tagged status.
    pub(super) done: Option<Status>,
    /// `BYE`, after which nothing is read.
    pub(super) bye: Option<Status>,
    /// The texts of `+`, in base64.
    pub(super) challenges: Vec<String>,
    /// What could not be read.
    pub(super) unreadable: Option<&'static str>,
}

impl<'a> LoginStream<'a> {
    pub(super) fn new(session: Session, proof: Proof<'a>) -> Self {
        Self {
            session,
            proof,
            for_library: BytesMut::new(),
            from_library: Zeroizing::default(),
            written: 0,
            heard: Heard::default(),
        }
    }

    pub(super) fn into_session(self) -> Session {
        self.session
    }

    /// Hands what has arrived to the library. `Ok(false)` where more bytes are needed.
    fn pass_on(&mut self) -> Result<bool, &'static str> {
        let Some(frame) = self.session.framer.next_frame().map_err(FrameError::as_str)? else {
            return Ok(false);
        };
        let response = parse_hiding(&frame, &|words| self.proof.hidden_in(words));
        self.session.note_capabilities(&response);
        match response {
            Response::Continue(_) if self.heard.challenges.len() >= CHALLENGES => {
                return Err("it asks for more again and again");
            }
            Response::Continue(text) => {
                self.heard.challenges.push(text);
                self.for_library.extend_from_slice(b"+\r\n");
            }
            Response::Done(tag, status) if tag == TAG => {
                let kind = match status.kind {
                    Kind::Ok => "OK",
                    Kind::Bad => "BAD",
                    Kind::No | Kind::Bye | Kind::Preauth => "NO",
                };
                self.for_library
                    .extend_from_slice(format!("{TAG} {kind} .\r\n").as_bytes());
                self.heard.done = Some(status);
            }
            Response::Done(..) => return Err("a tag of no command that is running"),
            Response::Foreign(word) if word == TAG => return Err("this is not IMAP"),
            Response::Untagged(status) if status.kind == Kind::Bye => self.heard.bye = Some(status),
            Response::Untagged(_) | Response::Data(_) | Response::Unreadable(_) | Response::Foreign(_) => {}
        }
        Ok(true)
    }
}

impl AsyncRead for LoginStream<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.heard.bye.is_some() {
                return Poll::Ready(Ok(()));
            }
            if !this.for_library.is_empty() {
                let length = this.for_library.len().min(into.remaining());
                into.put_slice(&this.for_library.split_to(length));
                return Poll::Ready(Ok(()));
            }
            match this.pass_on() {
                Ok(true) => continue,
                Ok(false) => {}
                Err(what) => {
                    this.heard.unreadable = Some(what);
                    return Poll::Ready(Err(ErrorKind::InvalidData.into()));
                }
            }
            let Session { wire, framer, .. } = &mut this.session;
            let buffer = framer.buffer();
            buffer.reserve(READ_BYTES);
            if ready!(pin!(wire.read_buf(buffer)).poll(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for LoginStream<'_> {
    /// Gathered, because the library writes a command in four parts.
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Error>> {
        self.from_library.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        while let Some(rest) = this.from_library.get(this.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *this.session.wire).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                written => this.written += written,
            }
        }
        this.from_library = Zeroizing::default();
        this.written = 0;
        Pin::new(&mut *this.session.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut *self.session.wire).poll_shutdown(cx)
    }
}
