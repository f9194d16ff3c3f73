//! The one colour a provider lends to what its customers see.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much lighter white has to be, as WCAG 2.2 asks of text (1.4.3).
const CONTRAST: f64 = 4.5;

/// A colour that white text can be read on, such as `#1f5f8b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Accent([u8; 3]);

/// Why a text is not an accent.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum AccentError {
    /// Not written as a colour.
    #[error("write the colour as # and six hexadecimal digits, such as #1f5f8b")]
    NotAColour,
    /// White text on it would be hard to read.
    #[error(
        "white text cannot be read well on this colour (contrast {0:.1}, at least 4.5 is needed): take a darker one"
    )]
    TooLight(f64),
}

impl Accent {
    /// The contrast with white, from 1 (white) to 21 (black).
    fn contrast(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        let [red, green, blue] = self.0.map(linear);
        1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
    }
}

impl FromStr for Accent {
    type Err = AccentError;

    fn from_str(text: &str) -> Result<Self, AccentError> {
        let digits = text.trim().strip_prefix('#').ok_or(AccentError::NotAColour)?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(AccentError::NotAColour);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| AccentError::NotAColour)?;
        let [_, red, green, blue] = number.to_be_bytes();
        let accent = Self([red, green, blue]);
        if accent.contrast() < CONTRAST {
            return Err(AccentError::TooLight(accent.contrast()));
        }
        Ok(accent)
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl TryFrom<String> for Accent {
    type Error = AccentError;

    fn try_from(text: String) -> Result<Self, AccentError> {
        text.parse()
    }
}

impl From<Accent> for String {
    fn from(accent: Accent) -> Self {
        accent.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accent_is_kept_as_it_was_written_in_small_letters() {
        assert_eq!("#1F5F8B".parse::<Accent>().unwrap().to_string(), "#1f5f8b");
        assert_eq!("#000000".parse::<Accent>().unwrap().to_string(), "#000000");
    }

    #[test]
    fn what_is_no_colour_is_refused() {
        for text in ["", "1f5f8b", "#1f5f8", "#1f5f8bff", "#+f5f8b", "blue", "#1f5f8b;}"] {
            assert_eq!(text.parse::<Accent>(), Err(AccentError::NotAColour), "{text}");
        }
    }

    #[test]
    fn a_colour_that_white_text_is_not_read_on_is_refused() {
        for (text, readable) in [("#767676", true), ("#777777", false), ("#ffcc00", false)] {
            assert_eq!(text.parse::<Accent>().is_ok(), readable, "{text}");
        }
    }
}
