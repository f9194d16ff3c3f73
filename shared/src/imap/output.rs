//! Writing to the server: small parts are gathered, large ones go out from where they lie.
//!
//! While the server takes nothing, what it says is read, so that two sides that both write cannot
//! wait for each other, and a server's last words are heard where a write fails.

use std::io::{Error, ErrorKind, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Buf as _;
use tokio::io::AsyncReadExt as _;

use super::error::ImapError;
use super::input::READ_BYTES;
use super::response::{Kind, Response};
use super::session::{Session, timed};

/// How much is gathered before it is written, in bytes.
const GATHER_BYTES: usize = 64 << 10;

/// How much is handed to the stream at once, in bytes: TLS and DEFLATE copy what they take.
const PART_BYTES: usize = 256 << 10;

/// How much of the server's words is kept while we write, in bytes. More is left in the socket.
const HEARD_BYTES: usize = 1 << 20;

impl Session {
    /// Writes bytes; [`Self::flush`] makes sure that they leave. What does not fit the buffer is
    /// written from where it lies, without a copy. The idle time bounds each wait for the server to
    /// take something, so that a large message may take longer on a slow line.
    pub(super) async fn write(&mut self, name: &'static str, bytes: &[u8]) -> Result<(), ImapError> {
        self.check_usable(name)?;
        if self.output.len() + bytes.len() <= GATHER_BYTES {
            self.output.extend_from_slice(bytes);
            return Ok(());
        }
        self.write_out(name, bytes).await
    }

    /// Sends what was written on its way.
    pub(super) async fn flush(&mut self, name: &'static str) -> Result<(), ImapError> {
        self.check_usable(name)?;
        self.write_out(name, &[]).await?;
        let idle = self.idle;
        let flushed = timed(idle, name, std::future::poll_fn(|cx| self.poll_flush(cx))).await;
        match flushed {
            Ok(()) => Ok(()),
            Err(error) => Err(self.write_error(name, error).await),
        }
    }

    /// Writes the buffer and these bytes.
    async fn write_out(&mut self, name: &'static str, bytes: &[u8]) -> Result<(), ImapError> {
        let idle = self.idle;
        let mut rest = bytes;
        while !(self.output.is_empty() && rest.is_empty()) {
            let part = rest.get(..PART_BYTES).unwrap_or(rest);
            let writing = std::future::poll_fn(|cx| self.poll_write(cx, part));
            match timed(idle, name, writing).await {
                Ok(written) => {
                    let gathered = written.min(self.output.len());
                    self.output.advance(gathered);
                    rest = rest.get(written - gathered..).unwrap_or_default();
                }
                Err(error) => return Err(self.write_error(name, error).await),
            }
        }
        Ok(())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, part: &[u8]) -> Poll<std::io::Result<usize>> {
        let slices = [IoSlice::new(&self.output), IoSlice::new(part)];
        let slices = if self.output.is_empty() {
            &slices[1..]
        } else {
            &slices[..]
        };
        match Pin::new(&mut *self.wire).poll_write_vectored(cx, slices) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(ErrorKind::WriteZero.into())),
            Poll::Ready(written) => Poll::Ready(written),
            Poll::Pending => self.poll_hear(cx).map(Err),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match Pin::new(&mut *self.wire).poll_flush(cx) {
            Poll::Pending => self.poll_hear(cx).map(Err),
            flushed @ Poll::Ready(_) => flushed,
        }
    }

    /// Reads what has arrived. Ready only when nothing more can be written: at the end of stream.
    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        while self.framer.buffer().len() < HEARD_BYTES {
            let buffer = self.framer.buffer();
            buffer.reserve(READ_BYTES);
            let heard = pin!(self.wire.read_buf(buffer)).poll(cx);
            match heard {
                Poll::Ready(Ok(0)) => return Poll::Ready(ErrorKind::UnexpectedEof.into()),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(error),
                Poll::Pending => break,
            }
        }
        Poll::Pending
    }

    /// The server's own reason where it gave one before it closed the connection.
    async fn write_error(&mut self, name: &'static str, error: ImapError) -> ImapError {
        std::future::poll_fn(|cx| {
            let _ = self.poll_hear(cx);
            Poll::Ready(())
        })
        .await;
        while let Ok(Some(response)) = self.buffered_response(name) {
            if let Response::Untagged(status) = response
                && status.kind == Kind::Bye
            {
                return self.bye(name, &status);
            }
        }
        self.lose(match error {
            ImapError::Io { command, source } if source.kind() == ErrorKind::UnexpectedEof => {
                ImapError::Closed { command }
            }
            other => other,
        })
    }
}
