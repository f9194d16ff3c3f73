//! What the CSV crate does not tell: the separator, the line a record begins at, and whether its
//! quotation marks make sense.
//!
//! The crate reads on over a lost quotation mark and joins what it finds; for a password that would
//! be a silent change, so such rows are refused.

/// The separator of the file, by its first line: the most frequent of comma, semicolon and tab
/// outside of quotation marks.
pub(super) fn separator(text: &[u8]) -> u8 {
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    let first_line = text
        .iter()
        .skip_while(|byte| byte.is_ascii_whitespace())
        .take_while(|byte| !matches!(byte, b'\r' | b'\n'));
    for byte in first_line {
        quoted ^= *byte == b'"';
        if !quoted && let Some((_, count)) = counts.iter_mut().find(|(separator, _)| separator == byte) {
            *count += 1;
        }
    }
    // Of equals the first: `max_by_key` takes the last.
    counts
        .iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b',', |(separator, _)| *separator)
}

/// Whether every quoted cell of a raw record begins at its separator and ends at the next.
pub(super) fn is_well_quoted(record: &[u8], separator: u8) -> bool {
    let mut state = At::Start;
    for byte in record {
        state = match (state, *byte) {
            (At::Start, b'"') => At::Quoted,
            (At::Space, b'"') => return false,
            (At::Start | At::Space | At::Bare | At::Quote, byte) if byte == separator => At::Start,
            (At::Start | At::Space, b' ') => At::Space,
            (At::Start | At::Space | At::Bare, _) => At::Bare,
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) | (At::Quote, b'"') => At::Quoted,
            (At::Quote | At::End, b'\r' | b'\n') => At::End,
            (At::Quote | At::End, _) => return false,
        };
    }
    state != At::Quoted
}

/// Counts lines up to growing positions, so that all together cost one reading.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    position: usize,
    line: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// At the beginning of a cell.
    Start,
    /// After spaces at the beginning of a cell.
    Space,
    /// In a cell without quotation marks.
    Bare,
    /// Inside of quotation marks.
    Quoted,
    /// After a quotation mark inside: the end, or the first of two that mean one.
    Quote,
    /// After the end of the record.
    End,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            position: 0,
            line: 1,
        }
    }

    /// The line, from 1, and the offset of the first byte at or after `position` that is no line
    /// break. CR, LF and CRLF all end a line.
    pub(super) fn next_content(&mut self, position: usize) -> (u32, usize) {
        while let Some(byte) = self.text.get(self.position) {
            let is_break = matches!(byte, b'\r' | b'\n');
            if self.position >= position && !is_break {
                break;
            }
            let pair = *byte == b'\r' && self.text.get(self.position + 1) == Some(&b'\n');
            self.line = self.line.saturating_add(u32::from(is_break && !pair));
            self.position += 1;
        }
        (self.line, self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_the_most_frequent_outside_of_quotes() {
        for (text, expected) in [
            ("email,password\na;b;c;d", b','),
            ("email;password;\"a,b,c,d\"", b';'),
            ("\r\n email\tpassword", b'\t'),
            ("email", b','),
            ("", b','),
            ("a,b;c", b','),
        ] {
            assert_eq!(separator(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn quotation_marks_stand_around_a_whole_cell() {
        for good in [
            "",
            "a,b",
            "\"a\",b",
            "a,\"b\"\r\n",
            "\"a\"\"b\",",
            "a\"b,c",
            "\"a\nb\",c",
            "\"\"",
            "a, b",
            "\"\"\"\"",
            "a,\"\"\n\n",
        ] {
            assert!(is_well_quoted(good.as_bytes(), b','), "{good}");
        }
        for bad in ["\"a", "\"a\"b,c", "a,\"b\" ,c", "a, \"b\",c", "\"a\"\"", "\""] {
            assert!(!is_well_quoted(bad.as_bytes(), b','), "{bad}");
        }
    }

    #[test]
    fn all_three_kinds_of_line_breaks_are_counted() {
        let text = b"a\nb\r\nc\rd\r\n\r\n\n\re";
        let mut lines = Lines::new(text);
        assert_eq!(lines.next_content(0), (1, 0));
        assert_eq!(lines.next_content(2), (2, 2));
        assert_eq!(lines.next_content(3), (3, 5));
        assert_eq!(lines.next_content(6), (4, 7));
        assert_eq!(lines.next_content(8), (8, 14));
        assert_eq!(lines.next_content(15), (8, 15));
        assert_eq!(lines.next_content(99), (8, 15));
    }
}
