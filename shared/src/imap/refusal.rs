//! Why a server does not want a message, and whose fault that is.

use crate::domain::ExceptionClass;

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

/// What they may say of the mailbox, or of a message that is too large for any: not enough to stop for.
const FULL_WORDS: [&str; 2] = ["mailbox size", "mailbox has exceeded"];

/// What is said of a message's size, and what makes of a size one that is too large.
const LARGE_WORDS: [&str; 2] = ["too large", "too big"];
const SIZE_WORDS: [&str; 4] = ["exceed", "maxim", "limit", "larger"];

/// What is said of its bytes.
const INVALID_WORDS: [&str; 14] = [
    "nul ",
    "null ",
    "bare ",
    "8bit",
    "8-bit",
    "8 bit",
    "non-ascii",
    "invalid",
    "illegal",
    "malformed",
    "parse",
    "line too long",
    "header",
    "control character",
];

/// RFC 5530, RFC 3501, RFC 6855: codes for bytes that are not as they should be.
const INVALID_CODES: [&str; 5] = ["CANNOT", "PARSE", "CLIENTBUG", "BADCHARSET", "UNKNOWN-CTE"];

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
        if self.is_of_quota() {
            RefusalClass::Quota
        } else if PASSING_CODES.contains(&self.code.as_str()) || self.says(&PASSING_WORDS) {
            RefusalClass::Passing
        } else {
            RefusalClass::Message
        }
    }

    /// What the message is refused for: by the response code where it tells, else by the words.
    pub fn reason(&self) -> ExceptionClass {
        let is_large = self.says(&LARGE_WORDS) || (self.says(&["size"]) && self.says(&SIZE_WORDS));
        if self.is_of_quota() || (self.code != "TOOBIG" && self.says(&FULL_WORDS)) {
            ExceptionClass::OverQuota
        } else if self.code == "TOOBIG" || is_large {
            ExceptionClass::TooLarge
        } else if INVALID_CODES.contains(&self.code.as_str()) || self.says(&INVALID_WORDS) {
            ExceptionClass::Invalid
        } else {
            ExceptionClass::Other
        }
    }

    /// RFC 7889's TOOBIG is about the one message, whatever else is said.
    fn is_of_quota(&self) -> bool {
        self.code == "OVERQUOTA" || (self.code != "TOOBIG" && self.says(&QUOTA_WORDS))
    }

    fn says(&self, words: &[&str]) -> bool {
        let text = self.text.to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
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

    /// What servers say to an APPEND that they do not take.
    #[test]
    fn answers_of_servers_are_classed_by_what_they_are_about() {
        use ExceptionClass::{Invalid, Other, OverQuota, TooLarge};
        for (server, code, text, reason) in [
            (
                "Gmail (2022)",
                "TOOBIG",
                "Message too large. https://support.google.com/mail/answer/6584#limit",
                TooLarge,
            ),
            (
                "Gmail (2015)",
                "",
                "Invalid Arguments: Unable to parse message (Failure)",
                Invalid,
            ),
            (
                "Exchange (2019)",
                "",
                "The message exceeds the maximum supported size.",
                TooLarge,
            ),
            (
                "Exchange (2019)",
                "",
                "APPEND failed: the mailbox has exceeded its maximum size",
                OverQuota,
            ),
            ("Exchange (2019)", "", "Command Argument Error. 12", Other),
            (
                "Dovecot (2.3)",
                "LIMIT",
                "Mail size is larger than the maximum size allowed by server configuration",
                TooLarge,
            ),
            (
                "Dovecot (2.3)",
                "OVERQUOTA",
                "Quota exceeded (mailbox for user is full)",
                OverQuota,
            ),
            (
                "Dovecot (2.3)",
                "",
                "Allocating 8192 bytes would exceed quota limit",
                OverQuota,
            ),
            (
                "Dovecot (2.3)",
                "",
                "Error in IMAP command APPEND: 8bit data in atom",
                Invalid,
            ),
            ("Cyrus (3.4)", "", "Message size exceeds fixed limit", TooLarge),
            ("Cyrus (3.4)", "OVERQUOTA", "Over quota", OverQuota),
            ("Cyrus (3.4)", "", "Message contains NUL characters", Invalid),
            ("Cyrus (3.4)", "", "Message contains bare newlines", Invalid),
            ("Cyrus (3.4)", "", "Message contains invalid header", Invalid),
            (
                "Cyrus (3.4)",
                "",
                "Message contains non-ASCII characters in headers",
                Invalid,
            ),
            ("Cyrus (3.4)", "", "Message has no header/body separator", Invalid),
            ("Courier (5.0)", "ALERT", "You exceeded your mail quota.", OverQuota),
            ("Courier (5.0)", "ALERT", "Unable to send E-mail message.", Other),
            ("Zimbra (8.8)", "", "maximum message size exceeded", TooLarge),
            ("Zimbra (8.8)", "OVERQUOTA", "APPEND failed", OverQuota),
            (
                "hMailServer (5.6)",
                "",
                "Message size exceeds fixed maximum message size. Size: 30721 KB, Max size: 20480 KB",
                TooLarge,
            ),
            ("hMailServer (5.6)", "", "Your quota has been exceeded.", OverQuota),
            (
                "GroupWise (2012)",
                "",
                "APPEND The 1500 MB storage limit has been exceeded.",
                OverQuota,
            ),
            ("maddy (0.5)", "TOOBIG", "Message size exceeding limit", TooLarge),
            ("gromox (2.8)", "", "literal size too large", TooLarge),
            ("any", "TOOBIG", "larger than what is left of your quota", TooLarge),
            ("any", "CANNOT", "", Invalid),
            ("any", "", "", Other),
            ("any", "", "annulled by policy", Other),
        ] {
            assert_eq!(Refusal::new(code, text).reason(), reason, "{server}: [{code}] {text}");
        }
    }

    #[test]
    fn long_words_of_the_server_are_cut_between_characters() {
        assert_eq!(Refusal::new("", &"ö".repeat(300)).text.chars().count(), 100);
    }
}
