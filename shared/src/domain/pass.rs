//! The passes of a migration.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A round over the mailboxes: the first before the change of the DNS, the final one after it, and later
/// ones for mail that arrived at the previous provider nevertheless. The order is that of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pass {
    /// Everything is copied while mail still arrives at the previous provider.
    First,
    /// What arrived or changed since the first pass is copied.
    Final,
    /// What arrived or changed since the pass before is copied. They are counted from 1.
    Later(u32),
}

/// A text that names no pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a pass: expected `first`, `final` or `later_1`")]
pub struct UnknownPass;

impl Pass {
    /// What a certificate belongs to that does not name its pass: it is from before there were later ones.
    pub(crate) fn only_certified() -> Self {
        Self::Final
    }

    /// Whether it comes after the request's mailboxes have been certified once.
    pub fn is_later(self) -> bool {
        matches!(self, Self::Later(_))
    }
}

impl fmt::Display for Pass {
    /// The pass as it is stored and sent: `first`, `final`, `later_1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.pad("first"),
            Self::Final => f.pad("final"),
            Self::Later(number) => f.pad(&format!("later_{number}")),
        }
    }
}

impl FromStr for Pass {
    type Err = UnknownPass;

    fn from_str(text: &str) -> Result<Self, UnknownPass> {
        match text {
            "first" => Ok(Self::First),
            "final" => Ok(Self::Final),
            _ => {
                let number = text.strip_prefix("later_").ok_or(UnknownPass)?;
                let pass = number.parse().map(Self::Later).map_err(|_| UnknownPass)?;
                // No second way to write one.
                if number != "0" && pass.to_string() == text {
                    Ok(pass)
                } else {
                    Err(UnknownPass)
                }
            }
        }
    }
}

impl TryFrom<String> for Pass {
    type Error = UnknownPass;

    fn try_from(text: String) -> Result<Self, UnknownPass> {
        text.parse()
    }
}

impl From<Pass> for String {
    fn from(pass: Pass) -> Self {
        pass.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_agree() {
        for pass in [Pass::First, Pass::Final, Pass::Later(1), Pass::Later(40)] {
            assert_eq!(pass.to_string().parse(), Ok(pass));
            assert_eq!(serde_json::to_string(&pass).unwrap(), format!("\"{pass}\""));
            assert_eq!(serde_json::from_str::<Pass>(&format!("\"{pass}\"")).unwrap(), pass);
        }
        for text in [
            "second", "later", "later_", "later_0", "later_01", "later_-1", "later_+1", "later_x",
        ] {
            assert_eq!(text.parse::<Pass>(), Err(UnknownPass), "{text}");
        }
    }

    #[test]
    fn passes_are_ordered_by_time() {
        assert!(Pass::First < Pass::Final && Pass::Final < Pass::Later(1) && Pass::Later(2) < Pass::Later(10));
    }
}
