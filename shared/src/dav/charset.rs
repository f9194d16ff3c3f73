//! Bytes to text. A line is UTF-8, or what it says it is, or else Windows-1252, as Outlook writes it.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Decodes a line; `label` is what its CHARSET parameter says.
pub fn decode<'a>(bytes: &'a [u8], label: Option<&str>) -> Cow<'a, str> {
    if let Some(encoding) = label.and_then(|label| Encoding::for_label(label.as_bytes()))
        && encoding != UTF_8
    {
        return encoding.decode_without_bom_handling(bytes).0;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// The encoding of a file whose bytes are no line of ASCII: UTF-16, by its mark or by its look.
pub fn wide(start: &[u8]) -> Option<&'static Encoding> {
    match start {
        [0xff, 0xfe, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] => Some(UTF_16BE),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Some(UTF_16LE),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// Writes a file of another encoding anew as UTF-8, without ever holding the whole of it.
///
/// # Errors
/// Those of reading and writing.
pub fn transcode(from: &mut impl Read, encoding: &'static Encoding, to: &mut impl Write) -> io::Result<()> {
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let mut input = vec![0; 64 << 10];
    let mut text = String::with_capacity(256 << 10);
    loop {
        let read = from.read(&mut input)?;
        let is_last = read == 0;
        let mut rest = input.get(..read).unwrap_or_default();
        loop {
            let (result, taken, _) = decoder.decode_to_string(rest, &mut text, is_last);
            rest = rest.get(taken..).unwrap_or_default();
            to.write_all(text.as_bytes())?;
            text.clear();
            if result == encoding_rs::CoderResult::InputEmpty {
                break;
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_it_says_or_utf_8_or_windows_1252() {
        assert_eq!(decode("Jörg".as_bytes(), None), "Jörg");
        assert_eq!(decode(b"J\xf6rg \x80", None), "Jörg €");
        assert_eq!(decode(b"\x83e\x83X\x83g", Some("Shift_JIS")), "テスト");
        assert_eq!(decode(b"J\xf6rg", Some("utf-8")), "Jörg");
    }

    #[test]
    fn utf_16_becomes_utf_8_with_and_without_a_mark() {
        let text = "BEGIN:VCARD\r\nFN:Jörg 😀\r\n".repeat(10_000);
        for (mark, big) in [(true, false), (true, true), (false, false), (false, true)] {
            let units = text.encode_utf16();
            let mut bytes: Vec<u8> = match (mark, big) {
                (false, _) => Vec::new(),
                (true, false) => vec![0xff, 0xfe],
                (true, true) => vec![0xfe, 0xff],
            };
            bytes.extend(units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }));
            let mut out = Vec::new();
            transcode(&mut &*bytes, wide(&bytes).unwrap(), &mut out).unwrap();
            assert!(out == text.as_bytes());
        }
        assert_eq!(wide(b"BEGIN:VCARD"), None);
    }
}
