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
    /// Every language, in the order of their names.
    pub const ALL: [Self; 2] = [Self::German, Self::English];

    /// The language of a tag such as `de` or `de-AT`; English for one there are no words for.
    ///
    /// ```
    /// use mailvan::domain::Language;
    ///
    /// assert_eq!(Language::of_tag("de-AT"), Language::German);
    /// assert_eq!(Language::of_tag("fr"), Language::English);
    /// ```
    pub fn of_tag(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.tag()))
            .unwrap_or_default()
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
            assert_eq!(Language::of_tag(tag), language, "{tag}");
        }
    }
}
