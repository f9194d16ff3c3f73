//! What a byte stream says, however it is cut into pieces: for the property tests and the fuzz target
//! (`shared/fuzz`), which knows this file, the framing and the parser, and nothing else.

use super::frame::{FrameError, Framer};
use super::response::{Response, parse_response};

/// Responses, and the bytes that are left over or the error that ended them.
type Replayed = (Vec<Response>, Result<usize, FrameError>);

/// Feeds the pieces to the framing and parses what comes out.
///
/// # Panics
/// Where a response takes no bytes, so that there would be more of them without end.
pub(super) fn replay<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Replayed {
    let mut framer = Framer::default();
    let mut responses = Vec::new();
    for piece in pieces {
        framer.buffer().extend_from_slice(piece);
        loop {
            let held = framer.buffer().len();
            match framer.next_frame() {
                Ok(Some(frame)) => responses.push(parse_response(&frame)),
                Ok(None) => break,
                Err(error) => return (responses, Err(error)),
            }
            assert!(framer.buffer().len() < held, "a response of no bytes");
        }
    }
    (responses, Ok(framer.buffer().len()))
}

/// Checks an input of the fuzz target: its first bytes say where the others are cut.
///
/// # Panics
/// Where the stream does not say the same however it is cut.
pub(super) fn check_input(input: &[u8]) {
    let (places, stream) = input.split_at(input.len().min(4));
    let cuts = places.iter().map(|&place| usize::from(place) * stream.len() / 256);
    check(stream, &cuts.collect::<Vec<_>>());
}

/// The stream cut at these places, in any order, as far as they lie within it.
pub(super) fn pieces<'a>(stream: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|&cut| cut.min(stream.len())).collect();
    places.push(stream.len());
    places.sort_unstable();
    let mut from = 0;
    let mut pieces = Vec::with_capacity(places.len());
    for place in places {
        pieces.extend(stream.get(from..place));
        from = place;
    }
    pieces
}

/// Checks that the stream says the same whole, cut, and byte by byte.
///
/// # Panics
/// Where it does not.
pub(super) fn check(stream: &[u8], cuts: &[usize]) {
    let whole = replay([stream]);
    assert_eq!(whole, replay(pieces(stream, cuts)), "cut at {cuts:?}");
    assert_eq!(whole, replay(stream.chunks(1)), "byte by byte");
    let lines = stream.split(|&byte| byte == b'\n').count();
    assert!(whole.0.len() < lines, "more responses than lines");
}
