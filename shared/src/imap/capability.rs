//! What a server can do, as far as copying cares.

/// The capabilities a server announced after the login (RFC 9051, section 6.1.1), upper case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<String>);

/// How literals may be sent without waiting for the server's leave (RFC 7888).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literals {
    /// `LITERAL+`: any size.
    NonSynchronizing,
    /// `LITERAL-`: up to 4096 bytes.
    NonSynchronizingSmall,
    /// Each literal waits for a `+`.
    Synchronizing,
}

impl Capabilities {
    pub(super) const fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn new<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        Self(words.map(str::to_ascii_uppercase).collect())
    }

    /// Whether the server announced this capability, given in upper case.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|capability| capability == name)
    }

    /// Which of these the server announced, in their order, separated by spaces.
    pub fn among(&self, names: &[&str]) -> String {
        let announced: Vec<&str> = names.iter().copied().filter(|name| self.has(name)).collect();
        announced.join(" ")
    }

    /// Whether folder names are UTF-8 on the wire without having been asked for: with IMAP4rev2 alone
    /// (RFC 9051, appendix A). Everywhere else they are in modified UTF-7.
    pub(super) fn names_are_utf8(&self) -> bool {
        self.has("IMAP4REV2") && !self.has("IMAP4REV1")
    }

    /// How literals may be sent.
    pub fn literals(&self) -> Literals {
        if self.has("LITERAL+") {
            Literals::NonSynchronizing
        } else if self.has("LITERAL-") || self.has("IMAP4REV2") {
            Literals::NonSynchronizingSmall
        } else {
            Literals::Synchronizing
        }
    }

    /// The largest message the server takes in bytes (RFC 7889), where it says so.
    pub fn append_limit_bytes(&self) -> Option<u64> {
        self.0
            .iter()
            .find_map(|capability| capability.strip_prefix("APPENDLIMIT=")?.parse().ok())
    }
}

impl Literals {
    /// Whether a literal of this size may follow its announcement at once.
    pub fn may_follow_at_once(self, size_bytes: u64) -> bool {
        match self {
            Self::NonSynchronizing => true,
            Self::NonSynchronizingSmall => size_bytes <= 4096,
            Self::Synchronizing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_literals_follow_at_once_where_the_server_has_literal_minus() {
        let literals = Capabilities::new(["imap4rev1", "literal-"].into_iter()).literals();
        assert!(literals.may_follow_at_once(4096));
        assert!(!literals.may_follow_at_once(4097));
    }

    #[test]
    fn append_limit_is_read() {
        assert_eq!(
            Capabilities::new(["APPENDLIMIT=35651584"].into_iter()).append_limit_bytes(),
            Some(35_651_584)
        );
        assert_eq!(
            Capabilities::new(["APPENDLIMIT"].into_iter()).append_limit_bytes(),
            None
        );
    }
}
