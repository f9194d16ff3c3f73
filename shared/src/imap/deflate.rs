//! COMPRESS=DEFLATE (RFC 4978): a stream within a stream, in bounded memory.

use std::fmt;
use std::io::{Error, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::session::Wire;

/// How much is read or expanded at once, in bytes.
const PART_BYTES: usize = 16 << 10;

/// How much compressed data is gathered before it is written, in bytes.
const GATHER_BYTES: usize = 64 << 10;

/// How hard it is tried, of 9. Measured on mail, most of it base64: 1 leaves 87%, because it has one
/// code for all texts; 2 leaves 67%, and so does 9, at half the speed.
const LEVEL: u32 = 2;

/// RFC 1951 and zlib: the marker of a flush needs 6 bytes of room, or it is written twice.
const MARKER_BYTES: usize = 16;

/// A stream that is compressed in both directions, each with raw DEFLATE. `Debug` shows nothing of what
/// is on its way.
pub(super) struct Deflated {
    wire: Box<dyn Wire>,
    inflate: Decompress,
    /// What has arrived and is not expanded yet.
    arrived: BytesMut,
    /// Whether there may be more to expand without anything new.
    is_held: bool,
    /// Whether the server ended its side, which only the end of the connection should do.
    has_ended: bool,
    deflate: Compress,
    /// Compressed and not sent yet; sent up to `sent`.
    leaving: Vec<u8>,
    sent: usize,
    /// Whether something was written since the last flush.
    is_dirty: bool,
}

impl fmt::Debug for Deflated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deflated").field(&self.wire).finish()
    }
}

impl Deflated {
    /// Compresses from here on. `arrived` is what the server has sent already.
    pub(super) fn new(wire: Box<dyn Wire>, arrived: BytesMut) -> Self {
        Self {
            wire,
            inflate: Decompress::new(false),
            arrived,
            is_held: false,
            has_ended: false,
            deflate: Compress::new(Compression::new(LEVEL), false),
            leaving: Vec::with_capacity(GATHER_BYTES),
            sent: 0,
            is_dirty: false,
        }
    }

    fn room(&self) -> usize {
        GATHER_BYTES.saturating_sub(self.leaving.len())
    }

    /// Sends everything that is compressed.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while let Some(rest) = self.leaving.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *self.wire).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        self.leaving.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Deflated {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        while !this.has_ended && into.remaining() > 0 {
            if this.arrived.is_empty() && !this.is_held {
                this.arrived.reserve(PART_BYTES);
                if ready!(pin!(this.wire.read_buf(&mut this.arrived)).poll(cx))? == 0 {
                    break;
                }
            }
            let room = into.initialize_unfilled_to(into.remaining().min(PART_BYTES));
            let (taken, given) = (this.inflate.total_in(), this.inflate.total_out());
            let status = this
                .inflate
                .decompress(&this.arrived, room, FlushDecompress::None)
                .map_err(|_| ErrorKind::InvalidData)?;
            let filled = difference(given, this.inflate.total_out());
            let taken = difference(taken, this.inflate.total_in());
            if taken == 0 && filled == 0 && !this.arrived.is_empty() {
                return Poll::Ready(Err(ErrorKind::InvalidData.into()));
            }
            this.arrived.advance(taken);
            this.is_held = filled == room.len();
            this.has_ended = status == Status::StreamEnd;
            if filled > 0 {
                into.advance(filled);
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Deflated {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Error>> {
        let this = self.get_mut();
        loop {
            if this.room() < MARKER_BYTES {
                ready!(this.poll_drain(cx))?;
            }
            let taken = this.deflate.total_in();
            this.deflate
                .compress_vec(bytes, &mut this.leaving, FlushCompress::None)
                .map_err(|_| ErrorKind::InvalidData)?;
            let written = difference(taken, this.deflate.total_in());
            if written > 0 || bytes.is_empty() {
                this.is_dirty = true;
                return Poll::Ready(Ok(written));
            }
            ready!(this.poll_drain(cx))?;
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        while this.is_dirty {
            if this.room() < MARKER_BYTES {
                ready!(this.poll_drain(cx))?;
            }
            this.deflate
                .compress_vec(&[], &mut this.leaving, FlushCompress::Sync)
                .map_err(|_| ErrorKind::InvalidData)?;
            // Where room is left, all of it is out; where none is, there may be more.
            this.is_dirty = this.room() == 0;
        }
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut *this.wire).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut *self.get_mut().wire).poll_shutdown(cx)
    }
}

/// How far a counter has come; both values lie within what one call was given.
fn difference(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or_default()
}
