//! Mending a message that the destination refused: its bytes, and nothing that they mean.
//!
//! Done only where the customer asked for it, after a refusal, and named in the report, because a
//! mended message is not the same any more: a signature over it may no longer hold.

use std::fmt;

/// What stands for a NUL byte. IMAP has no way to send one outside of BINARY (RFC 9051, section
/// 4.3). To leave it out would move everything behind it and could join what it kept apart; this is
/// as long, is in no text, and is what Dovecot gives out for a NUL that it has stored.
const IN_PLACE_OF_NUL: u8 = 0x80;

/// A message with what was mended in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The message as it can be sent.
    pub bytes: Vec<u8>,
    /// What was mended.
    pub repairs: Repairs,
}

/// How often each thing was mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// NUL bytes that are now 0x80.
    pub nul_bytes: usize,
    /// Line ends of LF alone that are now CRLF.
    pub bare_lf: usize,
    /// Line ends of CR alone, or of several before a LF, that are now CRLF.
    pub bare_cr: usize,
}

/// Mends a message: NUL bytes, and line ends that are not CRLF. `None` where there is nothing to
/// mend, so that sending it again would be refused again.
///
/// ```
/// # use mailvan::sync::repair;
/// let repaired = repair(b"Subject: a\nb\0\r\n").unwrap();
/// assert_eq!(repaired.bytes, b"Subject: a\r\nb\x80\r\n");
/// assert_eq!(repaired.repairs.to_string(), "1 NUL byte became 0x80, 1 bare LF became CRLF");
/// assert_eq!(repair(&repaired.bytes), None);
/// ```
pub fn repair(message: &[u8]) -> Option<Repaired> {
    let mut repairs = Repairs::default();
    let mut bytes = Vec::with_capacity(message.len() + message.len() / 32);
    let mut rest = message.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            0 => {
                repairs.nul_bytes += 1;
                bytes.push(IN_PLACE_OF_NUL);
            }
            b'\n' => {
                repairs.bare_lf += 1;
                bytes.extend(b"\r\n");
            }
            b'\r' => {
                let mut returns = 1;
                // CR CR LF is one line end that was translated twice. As two, it would end a header.
                while rest.next_if_eq(&b'\r').is_some() {
                    returns += 1;
                }
                if rest.next_if_eq(&b'\n').is_some() {
                    repairs.bare_cr += usize::from(returns > 1);
                    bytes.extend(b"\r\n");
                } else {
                    repairs.bare_cr += returns;
                    bytes.extend(b"\r\n".repeat(returns));
                }
            }
            other => bytes.push(other),
        }
    }
    (repairs != Repairs::default()).then_some(Repaired { bytes, repairs })
}

impl fmt::Display for Repairs {
    /// What was mended, for the report.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nul = if self.nul_bytes == 1 { "NUL byte" } else { "NUL bytes" };
        let mut comma = "";
        for (count, thing, became) in [
            (self.nul_bytes, nul, "0x80"),
            (self.bare_lf, "bare LF", "CRLF"),
            (self.bare_cr, "bare CR", "CRLF"),
        ] {
            if count > 0 {
                write!(f, "{comma}{count} {thing} became {became}")?;
                comma = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mended(message: &[u8]) -> (Vec<u8>, (usize, usize, usize)) {
        let Repaired { bytes, repairs } = repair(message).unwrap();
        (bytes, (repairs.nul_bytes, repairs.bare_lf, repairs.bare_cr))
    }

    #[test]
    fn each_fault_is_mended_and_counted() {
        for (message, bytes, counts) in [
            (&b"a\0\0b"[..], &b"a\x80\x80b"[..], (2, 0, 0)),
            (b"a\nb\n", b"a\r\nb\r\n", (0, 2, 0)),
            (b"a\rb\r", b"a\r\nb\r\n", (0, 0, 2)),
            (b"a\r\r\nb", b"a\r\nb", (0, 0, 1)),
            (b"a\r\rb", b"a\r\n\r\nb", (0, 0, 2)),
            (b"a\r\n\nb\r\n", b"a\r\n\r\nb\r\n", (0, 1, 0)),
            (b"a\n\rb", b"a\r\n\r\nb", (0, 1, 1)),
        ] {
            assert_eq!(mended(message), (bytes.to_vec(), counts), "{message:?}");
        }
    }

    #[test]
    fn nothing_to_mend_is_no_repair() {
        for message in [&b""[..], b"Subject: x\r\n\r\n\xe4\x80\xff text\r\n"] {
            assert_eq!(repair(message), None);
        }
    }

    /// A text without its line ends, and with 0x80 for NUL.
    fn content(message: &[u8]) -> Vec<u8> {
        let kept = message.iter().filter(|byte| !b"\r\n".contains(byte));
        kept.map(|byte| if *byte == 0 { 0x80 } else { *byte }).collect()
    }

    fn is_clean(message: &[u8]) -> bool {
        let text: Vec<char> = message.iter().map(|byte| char::from(*byte)).collect();
        let without_ends = String::from_iter(text).replace("\r\n", "");
        !without_ends.contains(['\0', '\r', '\n'])
    }

    proptest! {
        #[test]
        fn repair_leaves_nothing_to_mend_and_keeps_the_rest(
            message in prop::collection::vec(prop_oneof![Just(0), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..200)
        ) {
            match repair(&message) {
                None => prop_assert!(is_clean(&message)),
                Some(Repaired { bytes, repairs }) => {
                    prop_assert!(!is_clean(&message));
                    prop_assert!(is_clean(&bytes));
                    prop_assert_eq!(content(&bytes), content(&message));
                    prop_assert_eq!(repair(&bytes), None);
                    prop_assert_eq!(repairs.nul_bytes, message.split(|byte| *byte == 0).count() - 1);
                    prop_assert!(!repairs.to_string().is_empty());
                }
            }
        }
    }
}
