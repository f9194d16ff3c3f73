//! References of the provider's tickets, as orders and permits name them.

/// The longest, in characters.
pub const MAX_TICKET_CHARS: usize = 64;

/// Why a text is no reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTicket {
    /// Nothing is in it, or nothing but what stands around references.
    #[error("it is empty")]
    Empty,
    /// It has more than [`MAX_TICKET_CHARS`] characters.
    #[error("it has more than {MAX_TICKET_CHARS} characters")]
    TooLong,
    /// It has a character that is not seen.
    #[error("it has an invisible character")]
    Invisible,
}

/// Reads a reference: visible characters and spaces.
///
/// # Errors
/// [`BadTicket`].
pub fn read(text: &str) -> Result<String, BadTicket> {
    let text = text.trim();
    if bare(text).is_none() {
        Err(BadTicket::Empty)
    } else if text.chars().count() > MAX_TICKET_CHARS {
        Err(BadTicket::TooLong)
    } else if text.contains(is_invisible) {
        Err(BadTicket::Invisible)
    } else {
        Ok(text.to_owned())
    }
}

/// A reference as ticket systems know it: in one line, without brackets and a `#` before it; none where nothing is left.
pub fn bare(ticket: &str) -> Option<String> {
    let shown: String = ticket
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '[' | ']'))
        .collect();
    let shown = shown.trim().trim_start_matches('#').trim();
    (!shown.is_empty()).then(|| shown.to_owned())
}

/// Whether two references mean the same ticket.
pub fn is_same(one: &str, other: &str) -> bool {
    bare(one) == bare(other)
}

/// Control characters, and those of Unicode that change how the text around them is shown.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_short_and_visible() {
        for (text, expected) in [
            (" T-1 ", Ok("T-1".to_owned())),
            ("Fall 12/ü", Ok("Fall 12/ü".to_owned())),
            ("  ", Err(BadTicket::Empty)),
            ("[#]", Err(BadTicket::Empty)),
            ("##", Err(BadTicket::Empty)),
            ("a\u{202e}b", Err(BadTicket::Invisible)),
            ("a\nb", Err(BadTicket::Invisible)),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        assert!(read(&"ü".repeat(MAX_TICKET_CHARS)).is_ok());
        assert_eq!(read(&"x".repeat(MAX_TICKET_CHARS + 1)), Err(BadTicket::TooLong));
    }

    #[test]
    fn a_bare_reference_is_one_line_without_frame() {
        for (ticket, read) in [
            ("#4711", Some("4711")),
            (" [#ABC-1] ", Some("ABC-1")),
            ("T 1", Some("T 1")),
            ("1\r\nBcc: a@b.example", Some("1Bcc: a@b.example")),
            ("[#]", None),
        ] {
            assert_eq!(bare(ticket).as_deref(), read, "{ticket}");
        }
    }

    #[test]
    fn the_same_ticket_is_known_with_and_without_its_frame() {
        assert!(is_same("4711", "#4711") && is_same("[#ABC-1]", "ABC-1"));
        assert!(!is_same("4711", "4712") && !is_same("4711", "47 11"));
    }
}
