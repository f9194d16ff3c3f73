//! A content line: `group.NAME;PARAMETER=value:value` (RFC 5545 and RFC 6350, section 3.3 in vCard 2.1).
//!
//! The parts keep the text they had; only what is changed is written anew.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How many bytes a line has before it is folded.
const LINE_BYTES: usize = 75;

/// How much of a line is looked at for what it says of its value.
const HEAD_BYTES: usize = 4096;

/// A line, cut into its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentLine<'a> {
    /// What ties it to others, such as `item1`.
    pub group: Option<&'a str>,
    /// The name, as it is written.
    pub name: &'a str,
    /// The parameters, as they are written; the bare ones of vCard 2.1 too.
    pub params: Vec<Cow<'a, str>>,
    /// The value, as it is written.
    pub value: Cow<'a, str>,
}

impl<'a> ContentLine<'a> {
    /// Cuts an unfolded line; `None` where it is none.
    pub fn parse(line: &'a str) -> Option<Self> {
        let end = line.find([':', ';'])?;
        let (full, rest) = line.split_at_checked(end)?;
        let (group, name) = match full.rsplit_once('.') {
            Some((group, name)) => (Some(group), name),
            None => (None, full),
        };
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if !is_word(name) || group.is_some_and(|group| !group.split('.').all(is_word)) {
            return None;
        }
        let mut params = Vec::new();
        let mut begin = 0;
        let mut quoted = false;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'"' => quoted = !quoted,
                b';' | b':' if !quoted => {
                    if at > 0 {
                        params.push(Cow::Borrowed(rest.get(begin..at)?));
                    }
                    begin = at + 1;
                    if byte == b':' {
                        let value = Cow::Borrowed(rest.get(begin..)?);
                        return Some(Self {
                            group,
                            name,
                            params,
                            value,
                        });
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Whether it is this property.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value of a parameter, without its quotes.
    pub fn param(&self, name: &str) -> Option<&str> {
        let values = self.params.iter().filter_map(|param| param.split_once('='));
        let mut own = values.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        own.next().map(|(_, value)| value.trim().trim_matches('"'))
    }

    /// Whether a parameter has this value, or vCard 2.1's bare word is there.
    pub fn says(&self, name: &str, word: &str) -> bool {
        self.param(name).is_some_and(|value| value.eq_ignore_ascii_case(word))
            || self.params.iter().any(|param| param.trim().eq_ignore_ascii_case(word))
    }

    /// Puts a parameter in the place of those of its name.
    pub fn set_param(&mut self, name: &str, value: &str) {
        self.params.retain(|param| {
            !param
                .split_once('=')
                .is_some_and(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        });
        self.params.push(Cow::Owned(format!("{name}={value}")));
    }

    /// The line in one piece, without an end.
    pub fn unfolded(&self) -> String {
        let mut line = String::with_capacity(self.value.len() + 32);
        if let Some(group) = self.group {
            // Writing into a String does not fail.
            let _ = write!(line, "{group}.");
        }
        line.push_str(self.name);
        for param in &self.params {
            line.push(';');
            line.push_str(param);
        }
        line.push(':');
        line.push_str(&self.value);
        line
    }
}

/// A single text with the escapes that some programs leave out: with a bare comma or semicolon servers read it as two
/// texts, and keep the first.
pub fn escaped_text(value: &str) -> Cow<'_, str> {
    if !value.contains([',', ';']) {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len() + 8);
    let mut is_escaped = false;
    for c in value.chars() {
        if matches!(c, ',' | ';') && !is_escaped {
            text.push('\\');
        }
        is_escaped = c == '\\' && !is_escaped;
        text.push(c);
    }
    Cow::Owned(text)
}

/// Writes an unfolded line in lines of at most 75 bytes, never within a character.
pub fn fold(line: &str, text: &mut String) {
    let mut rest = line;
    let mut room = LINE_BYTES;
    while rest.len() > room {
        let mut cut = room;
        while !rest.is_char_boundary(cut) {
            cut -= 1;
        }
        let (now, later) = rest.split_at(cut);
        text.push_str(now);
        text.push_str("\r\n ");
        rest = later;
        room = LINE_BYTES - 1;
    }
    text.push_str(rest);
    text.push_str("\r\n");
}

/// Unfolds bytes into lines with their numbers, counted on from `first`. Empty lines are left out. A line of vCard 2.1
/// in quoted-printable goes on after its `=`, and a base64 value goes on in lines that are nothing but base64.
pub fn unfold(bytes: &[u8], first: u64) -> Vec<(u64, Vec<u8>)> {
    let mut lines: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut soft = false;
    let mut binary = false;
    for (number, line) in (first..).zip(physical(bytes)) {
        let last = lines.last_mut();
        match (line.first(), last) {
            (Some(_), Some((_, last))) if soft => {
                last.pop();
                last.extend_from_slice(line);
            }
            (Some(b' ' | b'\t'), Some((_, last))) => last.extend_from_slice(line.get(1..).unwrap_or_default()),
            (Some(_), Some((_, last))) if binary && is_base64(line) => last.extend_from_slice(line),
            (Some(_), _) => {
                let start = line.get(..line.len().min(HEAD_BYTES)).unwrap_or_default();
                let head = start
                    .split(|byte| *byte == b':')
                    .next()
                    .unwrap_or_default()
                    .to_ascii_uppercase();
                binary = contains(&head, b"BASE64") || contains(&head, b"ENCODING=B");
                lines.push((number, line.to_vec()));
            }
            (None, _) => {
                binary = false;
                soft = false;
                continue;
            }
        }
        soft = lines
            .last()
            .is_some_and(|(_, line)| line.ends_with(b"=") && is_quoted_printable(line));
    }
    lines
}

/// Lines as they stand in the file, without their ends: CRLF, LF or CR.
fn physical(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest.filter(|bytes| !bytes.is_empty())?;
        let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            rest = None;
            return Some(bytes);
        };
        let (line, after) = bytes.split_at_checked(end)?;
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..));
        Some(line)
    })
}

fn is_base64(line: &[u8]) -> bool {
    line.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

/// Whether the head of a line says that its value is quoted-printable.
pub(super) fn is_quoted_printable(line: &[u8]) -> bool {
    let start = line.get(..line.len().min(HEAD_BYTES)).unwrap_or_default();
    let head = start.split(|byte| *byte == b':').next().unwrap_or_default();
    contains(&head.to_ascii_uppercase(), b"QUOTED-PRINTABLE")
}

/// Whether the head of a line names a character set.
pub(super) fn says_charset(line: &[u8]) -> bool {
    let start = line.get(..line.len().min(200)).unwrap_or_default();
    contains(&start.to_ascii_uppercase(), b";CHARSET=")
}

/// The text that a value with escapes stands for.
pub(super) fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other) => text.push(other),
                None => {}
            },
            c => text.push(c),
        }
    }
    text
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Text without the control characters that neither format nor XML can hold.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_bad = |c: char| (c.is_ascii_control() && c != '\t') || matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.contains(is_bad) {
        Cow::Owned(text.replace(is_bad, ""))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
#[path = "content_line_tests.rs"]
mod tests;
