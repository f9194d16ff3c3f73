//! A password in memory.

use std::fmt;

use serde::Deserialize;
use zeroize::Zeroize as _;

/// A password: it is wiped when dropped, `Debug` does not show it, and it can be neither printed
/// nor serialised.
///
/// The only way to the text is [`Secret::expose`], so that every use can be found by that name.
/// Only the memory the secret itself owned is wiped, not the buffers it was read from; those belong
/// to the reader.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The password itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no character in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_password() {
        let secret = Secret::from("hunter2");
        assert_eq!(format!("{secret:?} {secret:#?}"), "Secret(***) Secret(***)");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn it_is_read_from_json_as_text() {
        let secret: Secret = serde_json::from_str(r#""p\u00e4ss \" ""#).unwrap();
        assert_eq!(secret.expose(), "päss \" ");
        assert!(!secret.is_empty());
    }
}
