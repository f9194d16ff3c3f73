//! What an extended search found (RFC 4731).
//!
//! A plain SEARCH is not used: Yahoo (2026) answers it with a thousand messages at most and says
//! nothing of the others, which would then pass for deleted.

use std::ops::RangeInclusive;

use super::response::Data;
use super::value::Value;
use crate::domain::uid::{UidRuns, UidSet};

/// `* ESEARCH (TAG "v1") UID ALL 4:19,21,28`. Without `ALL` nothing was found; `None` where what was
/// found is no set of numbers.
pub(super) fn found(data: &Data) -> Option<UidSet> {
    let mut values = data.values.iter().filter(|value| !matches!(value, Value::List(_)));
    let is_all = |value: &Value| value.text().is_some_and(|text| text.eq_ignore_ascii_case("ALL"));
    if !values.any(is_all) {
        return Some(UidSet::default());
    }
    let set = values.next()?.text()?;
    let mut found = UidRuns::default();
    for uids in set.split(',').map(range) {
        found.insert_range(uids?);
    }
    Some(found.to_set())
}

/// `7`, `3:5`, and `5:3` as hMailServer writes it (2026).
fn range(text: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && last > 0).then(|| first.min(last)..=first.max(last))
}
