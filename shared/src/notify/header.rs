//! Addresses with a name, as they stand in a header.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::wording::one_line;
use crate::domain::EmailAddress;

/// The most bytes of text in one encoded word: 45 bytes are 60 of base64, with the frame of 12 that
/// stays below the 75 allowed (RFC 2047, section 2).
const ENCODED_BYTES: usize = 45;

/// `"Name" <address>`: a quoted string (RFC 5322, section 3.2.4), or encoded words (RFC 2047) where
/// the name is not ASCII.
pub(super) fn named(name: &str, address: &EmailAddress) -> String {
    let name = one_line(name);
    if name.is_empty() {
        address.to_string()
    } else if name.is_ascii() {
        let quoted = name.replace('\\', r"\\").replace('"', "\\\"");
        format!("\"{quoted}\" <{address}>")
    } else {
        format!("{} <{address}>", encoded_words(&name))
    }
}

/// Encoded words, cut between characters; the space between two of them is not part of the text.
fn encoded_words(text: &str) -> String {
    let mut pieces = vec![String::new()];
    for character in text.chars() {
        match pieces.last_mut() {
            Some(piece) if piece.len() + character.len_utf8() <= ENCODED_BYTES => piece.push(character),
            _ => pieces.push(character.to_string()),
        }
    }
    pieces
        .iter()
        .map(|piece| format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(piece)))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str) -> String {
        named(name, &"migration@example.net".parse().unwrap())
    }

    #[test]
    fn names_are_quoted_or_encoded_and_cannot_break_out() {
        for (name, header) in [
            ("Example Hosting", r#""Example Hosting" <migration@example.net>"#),
            (
                r#"A "B" \ <x@y>, C"#,
                r#""A \"B\" \\ <x@y>, C" <migration@example.net>"#,
            ),
            (
                "Ex\r\nBcc: a@b.example",
                r#""Ex Bcc: a@b.example" <migration@example.net>"#,
            ),
            (
                "Müller Hosting",
                "=?UTF-8?B?TcO8bGxlciBIb3N0aW5n?= <migration@example.net>",
            ),
            (" \0 ", "migration@example.net"),
        ] {
            assert_eq!(shown(name), header);
        }
    }

    #[test]
    fn long_names_are_cut_into_words_of_75_characters_at_most() {
        let name = "Hébergement à l'étoile – ".repeat(8);
        let header = shown(&name);
        let words: Vec<&str> = header.split(' ').filter(|word| word.starts_with("=?")).collect();
        assert!(words.len() > 3 && words.iter().all(|word| word.len() <= 75));
        let decoded: Vec<u8> = words
            .iter()
            .flat_map(|word| BASE64_STANDARD.decode(&word[10..word.len() - 2]).unwrap())
            .collect();
        assert_eq!(String::from_utf8(decoded).unwrap(), name.trim());
    }
}
