//! `[later_looks]`: when the previous provider is looked at once more after the final pass.

use jiff::SignedDuration;
use serde::Deserialize;

use super::Fault;

const AFTER: &str = "later_looks.after";

/// The latest look: until then the customers' passwords are kept.
const LATEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The most looks.
const MOST: usize = 7;

/// `[later_looks]`: when the previous provider is looked at once more.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLaterLooks {
    /// How long after the end of the final pass, such as `24h`, in order; until the last of them the passwords are kept.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    after: Vec<SignedDuration>,
}

impl Default for RawLaterLooks {
    fn default() -> Self {
        Self { after: a_day_after() }
    }
}

fn a_day_after() -> Vec<SignedDuration> {
    vec![SignedDuration::from_hours(24)]
}

impl RawLaterLooks {
    /// The times, in order.
    pub(super) fn check(self) -> Result<Vec<SignedDuration>, Fault> {
        let after = self.after;
        let in_range = |after: &SignedDuration| after.as_secs() > 0 && *after <= LATEST;
        if after.len() > MOST || !after.iter().all(in_range) {
            return Err((
                AFTER,
                format!(
                    "write at most {MOST} times from the end of the final pass, such as \"24h\", none above \"168h\""
                ),
            ));
        }
        if after.is_sorted_by(|one, next| one < next) {
            Ok(after)
        } else {
            Err((AFTER, "write the times in their order".to_owned()))
        }
    }
}
