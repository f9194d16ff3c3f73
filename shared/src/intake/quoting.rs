//! What the CSV crate does not tell: the separator, the line a record begins at, and whether its
//! quotation marks make sense.
//!
//! The crate reads on over a lost quotation mark and joins what it finds; for a password that would
//! be a silent change, so such rows are refused.

use super::synonyms::column;

/// What a file can be separated by; of equals the first is taken.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// The separator of the file: what its line `sep=` says, else the one that makes the most known
/// names of the first line that is neither empty nor a comment, else the most frequent one there.
pub(super) fn separator(text: &str) -> u8 {
    let mut lines = text.split(['\r', '\n']).filter(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    let first = lines.next().unwrap_or_default();
    let said = declared(first);
    if let Some(separator) = said {
        return separator;
    }
    let by_merit = SEPARATORS.map(|separator| {
        let cells = split_unquoted(first, separator);
        let known = cells
            .iter()
            .filter(|cell| column(cell.trim().trim_matches('"')).is_some());
        ((known.count(), cells.len()), separator)
    });
    // Of equals the first: `max_by_key` takes the last.
    by_merit
        .into_iter()
        .rev()
        .max_by_key(|(merit, _)| *merit)
        .map_or(b',', |(_, separator)| separator)
}

/// What a line of the form `sep=;` says, as Excel writes it before the names.
pub(super) fn declared(line: &str) -> Option<u8> {
    let (key, value) = line.trim_start_matches('"').split_at_checked("sep=".len())?;
    let separator = value.bytes().next().filter(|byte| SEPARATORS.contains(byte))?;
    (key.eq_ignore_ascii_case("sep=") && value.trim_matches(['"', ',', ';', '\t', ' ']).is_empty()).then_some(separator)
}

/// The cells of a line, at most a little more than a header may have.
fn split_unquoted(line: &str, separator: u8) -> Vec<&str> {
    let mut quoted = false;
    let cut = |character: char| {
        quoted ^= character == '"';
        !quoted && character == char::from(separator)
    };
    line.split(cut).take(256).collect()
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
    fn the_separator_is_said_or_makes_the_most_names() {
        for (text, expected) in [
            ("email,password\na;b;c;d", b','),
            ("# a, b, c, d\n\nemail;password", b';'),
            ("sep=;\r\nemail,password", b';'),
            ("\"sep=\t\"\nemail,password", b'\t'),
            ("sep=|\nemail;password", b','),
            ("email;password;a,b,c,d,e", b';'),
            ("email;password;\"a,b,c,d\"", b';'),
            ("\r\n email\tpassword", b'\t'),
            ("email", b','),
            ("", b','),
            ("a,b;c", b','),
        ] {
            assert_eq!(separator(text), expected, "{text}");
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
