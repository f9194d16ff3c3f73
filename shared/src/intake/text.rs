//! A file's bytes as text, whichever program wrote them.
//!
//! What can be told from the bytes is taken: a byte order mark, the NULs of UTF-16, valid UTF-8. What
//! is left is Windows-1252, in which Western European spreadsheets save their CSV. A file in two
//! encodings is refused, because a password read in the wrong one is another password.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use zeroize::Zeroizing;

use super::quoting::Lines;
use crate::domain::{Fault, FaultCode};

/// How much is looked at for the NULs of UTF-16.
const SAMPLE_BYTES: usize = 1_024;

/// The text of a file; wiped after use where it is a copy.
pub(super) enum Text<'a> {
    /// The file was UTF-8.
    AsItWas(&'a str),
    /// It was in another encoding.
    Decoded(Zeroizing<String>),
}

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::AsItWas(text) => text,
            Self::Decoded(text) => text,
        }
    }
}

/// Decodes a file.
///
/// # Errors
/// [`FaultCode::UnknownEncoding`] with the line, or [`FaultCode::UnsupportedFile`] for what is no text.
pub(super) fn decode(bytes: &[u8]) -> Result<Text<'_>, Fault> {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return decode_as(UTF_16LE, rest);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return decode_as(UTF_16BE, rest);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Some(encoding) = unmarked_utf_16(bytes) {
        return decode_as(encoding, bytes);
    }
    let text = std::str::from_utf8(bytes);
    if bytes.contains(&0) {
        return Err(no_text());
    }
    match text {
        Ok(text) => Ok(Text::AsItWas(text)),
        Err(error) if is_mixed(bytes) => {
            let (row, _) = Lines::new(bytes).next_content(error.valid_up_to());
            Err(unknown_encoding(row))
        }
        Err(_) => match bytes.iter().position(|byte| UNASSIGNED.contains(byte)) {
            Some(at) => Err(unknown_encoding(Lines::new(bytes).next_content(at).0)),
            None => decode_as(WINDOWS_1252, bytes),
        },
    }
}

/// What Windows-1252 leaves out: a file that has one of these is in another encoding.
const UNASSIGNED: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> Result<Text<'static>, Fault> {
    let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
    let text = Zeroizing::new(text.into_owned());
    if had_errors {
        let at = text.find('\u{fffd}').unwrap_or_default();
        return Err(unknown_encoding(Lines::new(text.as_bytes()).next_content(at).0));
    }
    if text.contains('\0') {
        return Err(no_text());
    }
    Ok(Text::Decoded(text))
}

/// UTF-16 without a mark: of Western text every second byte is NUL.
fn unmarked_utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..bytes.len().min(SAMPLE_BYTES)).unwrap_or_default();
    let nuls = |side: usize| {
        let halves = sample.iter().skip(side).step_by(2);
        (halves.clone().filter(|byte| **byte == 0).count(), halves.count())
    };
    let ((even_nuls, even), (odd_nuls, odd)) = (nuls(0), nuls(1));
    if odd > 1 && even_nuls == 0 && odd_nuls * 2 > odd {
        Some(UTF_16LE)
    } else if even > 1 && odd_nuls == 0 && even_nuls * 2 > even {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Whether there is UTF-8 beyond ASCII beside bytes that are none.
fn is_mixed(bytes: &[u8]) -> bool {
    bytes.utf8_chunks().any(|chunk| !chunk.valid().is_ascii())
}

fn unknown_encoding(row: u32) -> Fault {
    let message = "here is a character that cannot be read, because the file is in no encoding that is known, or in two. Save it again and choose \"CSV UTF-8\" as its format.";
    Fault::of_row(row, FaultCode::UnknownEncoding, message)
}

fn no_text() -> Fault {
    let message = "this is neither a CSV file nor an .xlsx workbook. Save the table as \"CSV UTF-8\" or as .xlsx, or begin with the template.";
    Fault::of_file(FaultCode::UnsupportedFile, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn the_encodings_of_spreadsheets_are_told_apart() {
        let text = "email;Kennwort\nanna@müller.example;pä€s";
        let marked = |mark: &str, order| [utf_16(mark, order), utf_16(text, order)].concat();
        let (windows, _, _) = WINDOWS_1252.encode(text);
        for (name, bytes) in [
            ("utf-8", text.as_bytes().to_vec()),
            ("utf-8 with a mark", format!("\u{feff}{text}").into_bytes()),
            ("utf-16le", marked("\u{feff}", u16::to_le_bytes)),
            ("utf-16be", marked("\u{feff}", u16::to_be_bytes)),
            ("utf-16le without a mark", marked("", u16::to_le_bytes)),
            ("utf-16be without a mark", marked("", u16::to_be_bytes)),
            ("windows-1252", windows.into_owned()),
        ] {
            assert_eq!(
                decode(&bytes).map(|text| text.as_str().to_owned()),
                Ok(text.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn two_encodings_in_one_file_are_told_by_their_line() {
        for (bytes, row) in [
            (&b"a\nb\xc3\xbc\nc\xfc"[..], 3),
            (b"a\n\xfc\x81", 2),
            (b"\xff\xfea\0\n\0\x00\xd8b\0", 2),
        ] {
            let fault = decode(bytes).err().unwrap();
            assert_eq!((fault.code, fault.row), (FaultCode::UnknownEncoding, row), "{bytes:?}");
        }
        assert_eq!(decode(b"a\0\0\0b").err().unwrap().code, FaultCode::UnsupportedFile);
    }
}
