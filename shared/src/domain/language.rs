//! The languages that customers are told things in.

use serde::{Deserialize, Serialize};

/// A language there are words for; stored by its name in BCP 47.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Language {
    /// English, also for whom we have no words in their own.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// Every language, first the one for whom we have no words in their own.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The language of a tag such as `de` or `de-AT`, if it is offered; else the first that is.
    ///
    /// ```
    /// use mailvan::domain::Language;
    ///
    /// assert_eq!(Language::of_tag("de-AT", &Language::ALL), Language::German);
    /// assert_eq!(Language::of_tag("fr", &Language::ALL), Language::English);
    /// assert_eq!(Language::of_tag("en", &[Language::German]), Language::German);
    /// ```
    pub fn of_tag(tag: &str, offered: &[Self]) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        let meant = |language: &&Self| primary.eq_ignore_ascii_case(language.tag());
        let found = offered.iter().find(meant).or(offered.first());
        found.copied().unwrap_or_default()
    }

    /// Its tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_means_its_language_whatever_the_country_and_the_case() {
        for (tag, language) in [
            ("de", Language::German),
            ("DE-ch", Language::German),
            ("de_DE.UTF-8", Language::German),
            ("en-GB", Language::English),
            ("den", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of_tag(tag, &Language::ALL), language, "{tag}");
        }
    }

    #[test]
    fn a_language_that_is_not_offered_means_the_first_that_is() {
        let german_first = [Language::German, Language::English];
        for (tag, language) in [
            ("fr", Language::German),
            ("", Language::German),
            ("en-GB", Language::English),
        ] {
            assert_eq!(Language::of_tag(tag, &german_first), language, "{tag}");
        }
        for tag in ["en", "de-AT", "fr"] {
            assert_eq!(Language::of_tag(tag, &[Language::German]), Language::German, "{tag}");
        }
    }
}
