//! The two passes of a migration.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which of the two copies: the first before the change of the DNS, the final after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    /// Everything is copied while mail still arrives at the previous provider.
    First,
    /// What arrived or changed since the first pass is copied.
    Final,
}

/// A text that names no pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a pass: expected `first` or `final`")]
pub struct UnknownPass;

impl Pass {
    /// Both passes, in their order.
    pub const ALL: [Self; 2] = [Self::First, Self::Final];

    /// The pass as it is stored and sent: `first` or `final`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Final => "final",
        }
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Pass {
    type Err = UnknownPass;

    fn from_str(text: &str) -> Result<Self, UnknownPass> {
        Self::ALL
            .into_iter()
            .find(|pass| pass.as_str() == text)
            .ok_or(UnknownPass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_agree() {
        for pass in Pass::ALL {
            assert_eq!(pass.to_string().parse(), Ok(pass));
            assert_eq!(serde_json::to_string(&pass).unwrap(), format!("\"{pass}\""));
        }
        assert_eq!("second".parse::<Pass>(), Err(UnknownPass));
    }
}
