//! What an extended search found (RFC 4731).
//!
//! A plain SEARCH is not used: Yahoo (2026) answers it with a thousand messages at most and says
//! nothing of the others, which would then pass for deleted.

use std::collections::BTreeSet;

use super::response::Data;
use super::value::Value;
use crate::domain::uid::UidSet;

/// `* ESEARCH (TAG "v1") UID ALL 4:19,21,28`. Without `ALL` nothing was found; `None` where what was
/// found is no set of numbers.
pub(super) fn found(data: &Data) -> Option<UidSet> {
    let mut values = data.values.iter().filter(|value| !matches!(value, Value::List(_)));
    let is_all = |value: &Value| value.text().is_some_and(|text| text.eq_ignore_ascii_case("ALL"));
    if !values.any(is_all) {
        return Some(UidSet::default());
    }
    let set = values.next()?.text()?;
    let ranges: BTreeSet<(u32, u32)> = set.split(',').map(range).collect::<Option<_>>()?;
    let runs: Vec<String> = merged(ranges).map(|(first, last)| format!("{first}:{last}")).collect();
    runs.join(",").parse().ok()
}

/// `7`, `3:5`, and `5:3` as hMailServer writes it (2026).
fn range(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && last > 0).then(|| (first.min(last), first.max(last)))
}

/// Ranges that neither overlap nor touch.
fn merged(ranges: BTreeSet<(u32, u32)>) -> impl Iterator<Item = (u32, u32)> {
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged.into_iter()
}
