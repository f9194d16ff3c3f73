//! The values IMAP responses are made of: atoms, strings and lists (RFC 9051, section 4).
//!
//! Lenient on purpose: a server that forgets to quote a name costs nothing, and a value that is
//! not understood stays a value instead of ending the session.

use bytes::Bytes;

/// How deep lists may nest. BODYSTRUCTURE, which nests deepest, is never asked for.
const DEPTH_LIMIT: usize = 64;

/// One value. Text is as on the wire, quotes and escapes removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// An atom, number, flag or attribute name such as `BODY[HEADER.FIELDS (DATE)]<0>`.
    Atom(Bytes),
    /// A quoted string or a literal.
    Text(Bytes),
    /// A parenthesised list.
    List(Vec<Value>),
}

impl Value {
    /// The bytes of an atom or string; `None` for a list and for `NIL`.
    pub(super) fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Atom(atom) if atom.eq_ignore_ascii_case(b"NIL") => None,
            Self::Atom(bytes) | Self::Text(bytes) => Some(bytes),
            Self::List(_) => None,
        }
    }

    /// The text of an atom or string, where it is UTF-8.
    pub(super) fn text(&self) -> Option<&str> {
        self.bytes().and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The number an atom stands for.
    pub(super) fn number<N: std::str::FromStr>(&self) -> Option<N> {
        self.text().and_then(|text| text.parse().ok())
    }

    /// The values of a list; empty for anything else.
    pub(super) fn list(&self) -> &[Self] {
        match self {
            Self::List(values) => values,
            Self::Atom(_) | Self::Text(_) => &[],
        }
    }
}

/// Reads all values of a response's rest. `None` when it cannot be read to its end.
pub(super) fn parse_values(frame: &Bytes, from: usize) -> Option<Vec<Value>> {
    let mut reader = Reader::new(frame, from);
    let values = reader.values(0)?;
    (reader.at >= frame.len()).then_some(values)
}

/// Reads what follows `LIST` or `LSUB`: attributes, separator, name, extended data. A name without
/// quotes is the rest of the line as it stands, with spaces, brackets and all: Exchange lists
/// `* LIST () "/" Sent Items`.
pub(super) fn parse_list_line(frame: &Bytes, from: usize) -> Option<Vec<Value>> {
    let mut reader = Reader::new(frame, from);
    let attributes = reader.value(0)?;
    let separator = reader.value(0)?;
    if reader.peek() == Some(b' ') {
        reader.at += 1;
    }
    let mut values = vec![attributes, separator];
    let tail = parse_values(frame, reader.at).unwrap_or_default();
    match &tail[..] {
        [Value::Text(_), ..] => values.extend(tail),
        [Value::Atom(name), extended @ Value::List(items)] if is_extended_data(items) => {
            values.extend([Value::Text(name.clone()), extended.clone()]);
        }
        _ if reader.rest().is_empty() => {}
        _ => values.push(Value::Text(frame.slice(reader.at..))),
    }
    Some(values)
}

/// The extended data that RFC 5258 and RFC 9051 know; a name may end in parentheses too.
fn is_extended_data(items: &[Value]) -> bool {
    let tag = items.first().and_then(Value::text).unwrap_or_default();
    tag.eq_ignore_ascii_case("CHILDINFO") || tag.eq_ignore_ascii_case("OLDNAME")
}

struct Reader<'a> {
    frame: &'a Bytes,
    at: usize,
    /// Set once no `]` was found, so that a line full of `[` is not searched again and again.
    no_bracket_follows: bool,
}

impl<'a> Reader<'a> {
    fn new(frame: &'a Bytes, at: usize) -> Self {
        Self {
            frame,
            at,
            no_bracket_follows: false,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.frame.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.frame.get(self.at..).unwrap_or_default()
    }

    /// Values up to the end or the closing parenthesis, which is left to the caller.
    fn values(&mut self, depth: usize) -> Option<Vec<Value>> {
        if depth > DEPTH_LIMIT {
            return None;
        }
        let mut values = Vec::new();
        loop {
            match self.peek() {
                None | Some(b')') => return Some(values),
                Some(b' ' | b'\r' | b'\n') => self.at += 1,
                Some(_) => values.push(self.value(depth)?),
            }
        }
    }

    /// The value that begins here, after spaces; `None` at the end or at a closing parenthesis.
    fn value(&mut self, depth: usize) -> Option<Value> {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
        match self.peek()? {
            b')' => None,
            b'(' => {
                self.at += 1;
                let inner = self.values(depth + 1)?;
                if self.peek() != Some(b')') {
                    return None;
                }
                self.at += 1;
                Some(Value::List(inner))
            }
            b'"' => self.quoted().map(Value::Text),
            b'{' => self.literal().map(Value::Text),
            b'~' if self.rest().starts_with(b"~{") => {
                self.at += 1;
                self.literal().map(Value::Text)
            }
            _ => Some(Value::Atom(self.atom())),
        }
    }

    fn quoted(&mut self) -> Option<Bytes> {
        self.at += 1;
        let start = self.at;
        let mut unescaped: Option<Vec<u8>> = None;
        loop {
            let byte = self.peek()?;
            match byte {
                b'"' => {
                    let end = self.at;
                    self.at += 1;
                    return Some(unescaped.map_or_else(|| self.frame.slice(start..end), Bytes::from));
                }
                b'\\' => {
                    let so_far = self.frame.get(start..self.at).unwrap_or_default();
                    let text = unescaped.get_or_insert_with(|| so_far.to_vec());
                    text.push(*self.frame.get(self.at + 1)?);
                    self.at += 2;
                }
                _ => {
                    if let Some(text) = &mut unescaped {
                        text.push(byte);
                    }
                    self.at += 1;
                }
            }
        }
    }

    fn literal(&mut self) -> Option<Bytes> {
        let close = self.rest().iter().position(|&b| b == b'}')?;
        let digits = std::str::from_utf8(self.rest().get(1..close)?).ok()?;
        let length: usize = digits.trim_end_matches('+').parse().ok()?;
        let after = self.rest().get(close + 1..)?;
        let feed = after.iter().position(|&b| b == b'\n')?;
        let start = self.at + close + 1 + feed + 1;
        let end = start.checked_add(length).filter(|&end| end <= self.frame.len())?;
        self.at = end;
        Some(self.frame.slice(start..end))
    }

    /// An atom; brackets within it may hold spaces and parentheses (`BODY[HEADER.FIELDS (DATE)]`).
    fn atom(&mut self) -> Bytes {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'(' | b')' | b'\r' | b'\n' => break,
                b'[' if !self.no_bracket_follows => {
                    let close = self.rest().iter().position(|&b| b == b']');
                    self.no_bracket_follows = close.is_none();
                    self.at += close.map_or(1, |close| close + 1);
                }
                _ => self.at += 1,
            }
        }
        if self.at == start {
            self.at += 1;
        }
        self.frame.slice(start..self.at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &'static [u8]) -> Option<Vec<Value>> {
        parse_values(&Bytes::from_static(text), 0)
    }

    fn atom(text: &'static str) -> Value {
        Value::Atom(Bytes::from_static(text.as_bytes()))
    }

    fn text(text: &'static str) -> Value {
        Value::Text(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn names_in_every_form_are_the_same_text() {
        let got = parse(b"(\\HasNoChildren) \"/\" \"a \\\"b\\\\\"").unwrap();
        assert_eq!(
            got,
            [Value::List(vec![atom("\\HasNoChildren")]), text("/"), text("a \"b\\")]
        );
        assert_eq!(
            parse(b"() NIL {3}\r\na)b").unwrap(),
            [Value::List(vec![]), atom("NIL"), text("a)b")]
        );
    }

    #[test]
    fn section_names_are_one_atom() {
        let got = parse(b"(UID 3 BODY[HEADER.FIELDS (MESSAGE-ID)] {2}\r\n\r\n FLAGS ())").unwrap();
        assert_eq!(got[0].list()[2], atom("BODY[HEADER.FIELDS (MESSAGE-ID)]"));
        assert_eq!(got[0].list()[3], text("\r\n"));
    }

    #[test]
    fn name_without_quotes_is_the_rest_of_the_line() {
        let name = |line: &'static [u8]| parse_list_line(&Bytes::from_static(line), 0).unwrap()[2].clone();
        for unquoted in [
            "Sent Items",
            "Sent  (old) ",
            "a) b",
            "~x \"y\"",
            "[Gmail]/All Mail",
            "{x",
            "NIL",
            "Sent",
        ] {
            let line: &'static str = format!("(\\Sent) \"/\" {unquoted}").leak();
            assert_eq!(name(line.as_bytes()), text(unquoted));
        }
        assert_eq!(
            name(b"() NIL \"Sent Items\" (CHILDINFO (\"SUBSCRIBED\"))"),
            text("Sent Items")
        );
        assert_eq!(name(b"() \"/\" Sent (CHILDINFO (\"SUBSCRIBED\"))"), text("Sent"));
        assert_eq!(name(b"() \"/\" {6}\r\nSent a"), text("Sent a"));
    }

    #[test]
    fn unbalanced_lists_are_not_read() {
        assert_eq!(parse(b"(a (b)"), None);
        assert_eq!(parse(b"a)"), None);
    }

    #[test]
    fn line_full_of_open_brackets_is_read_in_one_go() {
        let (sender, finished) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _ = parse_values(&Bytes::from(vec![b'['; 4 << 20]), 0);
            sender.send(()).unwrap();
        });
        finished.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
    }

    proptest! {
        #[test]
        fn no_input_panics_or_is_read_past_its_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let frame = Bytes::from(bytes);
            let _ = (parse_values(&frame, 0), parse_list_line(&frame, 0));
        }
    }
}
