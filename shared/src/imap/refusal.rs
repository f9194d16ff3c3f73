//! Why a server does not want a message, and whose fault that is.

/// How many of the server's characters a refusal keeps: it is stored once a message.
const TEXT_LIMIT_CHARS: usize = 100;

/// Why a server does not want a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The response code, upper case; empty where there was none.
    pub code: String,
    /// The server's own words, at most 100 characters.
    pub text: String,
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalClass {
    /// This one message; others may well be taken.
    Message,
    /// The mailbox is full; a person has to make room.
    Quota,
    /// The server or the folder at this moment; the same message may be taken later.
    Passing,
}

/// RFC 5530's codes that say nothing of the message itself. LIMIT is not one of them: it may be
/// the size of the message.
const PASSING_CODES: [&str; 10] = [
    "UNAVAILABLE",
    "INUSE",
    "SERVERBUG",
    "TRYCREATE",
    "NONEXISTENT",
    "EXPIRED",
    "AUTHENTICATIONFAILED",
    "AUTHORIZATIONFAILED",
    "NOPERM",
    "CONTACTADMIN",
];

/// What servers without those codes say.
const PASSING_WORDS: [&str; 5] = ["try again", "temporar", "locked", "busy", "internal error"];
const QUOTA_WORDS: [&str; 4] = ["quota", "mailbox is full", "mailbox full", "storage limit"];

impl Refusal {
    /// What a server said.
    pub fn new(code: &str, text: &str) -> Self {
        Self {
            code: code.to_owned(),
            text: text.chars().take(TEXT_LIMIT_CHARS).collect(),
        }
    }

    /// What this refusal is about.
    pub fn class(&self) -> RefusalClass {
        let text = self.text.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if self.code == "OVERQUOTA" || says(&QUOTA_WORDS) {
            RefusalClass::Quota
        } else if PASSING_CODES.contains(&self.code.as_str()) || says(&PASSING_WORDS) {
            RefusalClass::Passing
        } else {
            RefusalClass::Message
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_classed_by_code_or_words() {
        for (code, text, class) in [
            ("OVERQUOTA", "", RefusalClass::Quota),
            ("", "Mailbox is full / Quota exceeded", RefusalClass::Quota),
            ("UNAVAILABLE", "", RefusalClass::Passing),
            ("TRYCREATE", "no such mailbox", RefusalClass::Passing),
            ("", "Mailbox is LOCKED, try again", RefusalClass::Passing),
            ("LIMIT", "Message too large", RefusalClass::Message),
            ("", "Message contains bare newlines", RefusalClass::Message),
        ] {
            assert_eq!(Refusal::new(code, text).class(), class, "{code} {text}");
        }
    }

    #[test]
    fn long_words_of_the_server_are_cut_between_characters() {
        assert_eq!(Refusal::new("", &"ö".repeat(300)).text.chars().count(), 100);
    }
}
