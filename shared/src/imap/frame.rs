//! Cuts a byte stream into whole responses: a line with all literals that belong to it.
//!
//! Sans I/O: bytes are put in, frames come out, however the bytes were split on the way.

use bytes::{Bytes, BytesMut};

/// The longest line, literals not counted, in bytes. Servers answer `SEARCH` on one line.
const LINE_LIMIT_BYTES: usize = 16 << 20;

/// The largest literal that is accepted, in bytes.
const LITERAL_LIMIT_BYTES: usize = 512 << 20;

/// Why the stream cannot be cut any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameError {
    /// A line beyond [`LINE_LIMIT_BYTES`].
    LineTooLong,
    /// A literal beyond [`LITERAL_LIMIT_BYTES`].
    LiteralTooLarge,
}

impl FrameError {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::LineTooLong => "a line is too long",
            Self::LiteralTooLarge => "a literal is too large",
        }
    }
}

/// The cutter: a buffer and where in it the search stands.
#[derive(Default)]
pub(super) struct Framer {
    buffer: BytesMut,
    /// Where the current line (after the last literal) begins.
    line_start: usize,
    /// Up to where no line feed was found yet.
    scanned: usize,
    /// Bytes of literals in the current frame.
    literal_bytes: usize,
}

impl Framer {
    /// The buffer to read into; append only.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// What has arrived and is in no frame yet; the framer is as new.
    pub(super) fn take_rest(&mut self) -> BytesMut {
        std::mem::take(self).buffer
    }

    /// How many bytes are missing at least, where that is known: a hint for reading.
    pub(super) fn missing(&self) -> usize {
        self.line_start.saturating_sub(self.buffer.len())
    }

    /// The next whole response without its last line end, or `None` when more bytes are needed.
    pub(super) fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            if self.buffer.len() < self.line_start {
                return Ok(None);
            }
            let from = self.scanned.max(self.line_start);
            let Some(feed) = self
                .buffer
                .get(from..)
                .and_then(|rest| rest.iter().position(|&b| b == b'\n'))
            else {
                self.scanned = self.buffer.len();
                if self.buffer.len() - self.line_start >= LINE_LIMIT_BYTES {
                    return Err(FrameError::LineTooLong);
                }
                return Ok(None);
            };
            let end = from + feed + 1;
            if end - self.line_start > LINE_LIMIT_BYTES {
                return Err(FrameError::LineTooLong);
            }
            let line = self.buffer.get(self.line_start..end).unwrap_or_default();
            let is_first = self.line_start == 0;
            match literal_length(line) {
                Some(length) if !(is_first && is_status(line)) => {
                    self.literal_bytes = self.literal_bytes.saturating_add(length);
                    if self.literal_bytes > LITERAL_LIMIT_BYTES {
                        return Err(FrameError::LiteralTooLarge);
                    }
                    self.line_start = end + length;
                    self.scanned = self.line_start;
                }
                _ => {
                    let mut frame = self.buffer.split_to(end);
                    let text = frame.len() - line_end(&frame);
                    frame.truncate(text);
                    self.line_start = 0;
                    self.scanned = 0;
                    self.literal_bytes = 0;
                    return Ok(Some(frame.freeze()));
                }
            }
        }
    }
}

/// How many bytes of line end a line has: 2 for CRLF, 1 for a bare LF.
fn line_end(line: &[u8]) -> usize {
    if line.ends_with(b"\r\n") {
        2
    } else {
        usize::from(line.ends_with(b"\n"))
    }
}

/// The length announced at the end of a line: `{n}` or `~{n}` (RFC 3516), also `{n+}`.
fn literal_length(line: &[u8]) -> Option<usize> {
    let text = line.get(..line.len() - line_end(line))?;
    let inner = text.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|&b| b == b'{')?;
    let digits = inner.get(open + 1..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Status responses end in free text, in which `{5}` is not a literal.
fn is_status(line: &[u8]) -> bool {
    let mut words = line.split(|&b| b == b' ');
    let tag = words.next().unwrap_or_default();
    let word = words.next().unwrap_or_default();
    tag == b"+"
        || [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"]
            .iter()
            .any(|w| word.eq_ignore_ascii_case(w))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(pieces: &[&[u8]]) -> Vec<Bytes> {
        let mut framer = Framer::default();
        let mut out = Vec::new();
        for piece in pieces {
            framer.buffer().extend_from_slice(piece);
            while let Some(frame) = framer.next_frame().unwrap() {
                out.push(frame);
            }
        }
        out
    }

    #[test]
    fn literal_belongs_to_its_response() {
        let got = frames(&[b"* 1 FETCH (BODY[] {7}\r\na\r\nb)\r\n UID 4)\r\na1 OK done\r\n"]);
        assert_eq!(
            got,
            [&b"* 1 FETCH (BODY[] {7}\r\na\r\nb)\r\n UID 4)"[..], b"a1 OK done"]
        );
    }

    #[test]
    fn braces_in_the_text_of_a_status_are_not_a_literal() {
        assert_eq!(frames(&[b"a1 NO go away {5}\r\n* BYE {3}\r\n"]).len(), 2);
    }

    #[test]
    fn boundless_line_is_refused_however_it_comes() {
        let mut line = vec![b'a'; LINE_LIMIT_BYTES];
        line.push(b'\n');
        let mut framer = Framer::default();
        framer.buffer().extend_from_slice(&line);
        assert_eq!(framer.next_frame(), Err(FrameError::LineTooLong));
        let mut framer = Framer::default();
        let ends = line.chunks(1 << 20).map(|piece| {
            framer.buffer().extend_from_slice(piece);
            framer.next_frame()
        });
        assert_eq!(ends.last(), Some(Err(FrameError::LineTooLong)));
    }

    #[test]
    fn boundless_literal_is_refused() {
        let mut framer = Framer::default();
        framer
            .buffer()
            .extend_from_slice(b"* 1 FETCH (BODY[] {99999999999}\r\n");
        assert_eq!(framer.next_frame(), Err(FrameError::LiteralTooLarge));
    }

    proptest! {
        #[test]
        fn any_split_of_the_stream_gives_the_same_frames(cuts in prop::collection::vec(0_usize..90, 0..8)) {
            let stream: &[u8] = b"* LIST () \"/\" {3}\r\na\r\n\r\n* 2 FETCH (UID 9 BODY[] ~{0}\r\n)\r\n+ ok\r\nA OK [X] {1}\r\n* SEARCH 1 2\n";
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(stream.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut at = 0;
            for cut in cuts {
                pieces.push(&stream[at..cut]);
                at = cut;
            }
            pieces.push(&stream[at..]);
            prop_assert_eq!(frames(&pieces), frames(&[stream]));
            prop_assert_eq!(frames(&[stream]).len(), 5);
        }
    }
}
