//! What a message was refused for, in few words that programs and people can count by.

use serde::{Deserialize, Serialize};

/// What a message was refused for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionClass {
    /// It is larger than the server takes.
    TooLarge,
    /// The mailbox is full.
    OverQuota,
    /// Its bytes are not as the server wants them: NUL, bare line feeds, a broken header.
    Invalid,
    /// Something else, or nothing that the server says.
    #[default]
    Other,
}

impl ExceptionClass {
    /// The word of reports and certificates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::OverQuota => "over_quota",
            Self::Invalid => "invalid",
            Self::Other => "other",
        }
    }

    /// Why a message was not copied, as the rest of a sentence; `None` where it says nothing.
    pub fn in_words(self) -> Option<&'static str> {
        match self {
            Self::TooLarge => Some("because it is too large"),
            Self::OverQuota => Some("because the mailbox is full"),
            Self::Invalid => Some("because it is not valid as it is"),
            Self::Other => None,
        }
    }
}

/// How many messages were refused for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClassCounts {
    /// See [`ExceptionClass::TooLarge`].
    pub too_large: u64,
    /// See [`ExceptionClass::OverQuota`].
    pub over_quota: u64,
    /// See [`ExceptionClass::Invalid`].
    pub invalid: u64,
    /// See [`ExceptionClass::Other`].
    pub other: u64,
}

impl ClassCounts {
    /// Counts messages.
    pub fn add(&mut self, class: ExceptionClass, messages: u64) {
        let count = match class {
            ExceptionClass::TooLarge => &mut self.too_large,
            ExceptionClass::OverQuota => &mut self.over_quota,
            ExceptionClass::Invalid => &mut self.invalid,
            ExceptionClass::Other => &mut self.other,
        };
        *count = count.saturating_add(messages);
    }

    /// Whether none was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_of_a_class_is_the_one_that_is_stored() {
        use ExceptionClass::{Invalid, Other, OverQuota, TooLarge};
        for class in [TooLarge, OverQuota, Invalid, Other] {
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
            let mut counts = ClassCounts::default();
            counts.add(class, 2);
            assert_eq!(serde_json::to_value(counts).unwrap()[class.as_str()], 2);
        }
    }
}
