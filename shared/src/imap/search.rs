//! Finding messages (RFC 9051, section 6.4.4; ESEARCH by RFC 4731).

use std::collections::BTreeSet;

use super::error::ImapError;
use super::response::Data;
use super::session::{Event, Session, check};
use super::value::Value;
use crate::domain::uid::UidSet;

const SEARCH: &str = "SEARCH";

/// Yahoo (2026) answers with a thousand at most and says nothing of the others. A plain answer of so
/// many is therefore not believed to be all.
const CUT_AT: usize = 1000;

impl Session {
    /// The UIDs of the opened folder's messages for which the criteria hold, such as `ALL` or
    /// `SINCE 1-Feb-2026`: ESEARCH where the server has it, which answers in ranges, else SEARCH.
    ///
    /// # Errors
    /// [`ImapError::Refused`] where the server does not search, or not by these criteria (Yandex, in
    /// large folders); [`ImapError::Unreadable`] also where it says OK and not what was found.
    pub async fn search(&mut self, criteria: &str) -> Result<UidSet, ImapError> {
        let can = self.capabilities();
        if can.has("ESEARCH") || can.has("IMAP4REV2") {
            let found = self.run_search(&format!("UID SEARCH RETURN (ALL) {criteria}")).await?;
            return set_of(found);
        }
        let mut all = self.run_search(&format!("UID SEARCH {criteria}")).await?;
        let mut open = gaps_around(&all, 1, u32::MAX);
        while let Some((first, last)) = open.pop() {
            let end = if last == u32::MAX {
                "*".to_owned()
            } else {
                last.to_string()
            };
            let mut found = self
                .run_search(&format!("UID SEARCH UID {first}:{end} {criteria}"))
                .await?;
            // `n:*` means the last message where none is beyond it.
            found.retain(|(uid, _)| (first..=last).contains(uid));
            open.extend(gaps_around(&found, first, last));
            all.append(&mut found);
        }
        set_of(all)
    }

    /// Runs a command and returns the ranges that were found.
    async fn run_search(&mut self, command: &str) -> Result<Vec<(u32, u32)>, ImapError> {
        let tag = self.send(SEARCH, command).await?;
        let own = tag.to_string();
        let mut found = None;
        loop {
            match self.next_event(SEARCH).await? {
                Event::Data(data) => {
                    let ranges = match data.name.as_str() {
                        "SEARCH" => numbers(&data),
                        "ESEARCH" if is_answer_to(&data, &own) => ranges_of(&data),
                        _ => continue,
                    };
                    let Some(ranges) = ranges else {
                        return Err(self.unreadable(SEARCH, "what was found is no set of numbers"));
                    };
                    found.get_or_insert_with(Vec::new).extend(ranges);
                }
                Event::Done(done, status) if done == tag => {
                    check(SEARCH, status)?;
                    return found.ok_or(ImapError::Unreadable {
                        command: SEARCH,
                        what: "it does not say what was found",
                    });
                }
                Event::Notice(_) | Event::Continue | Event::Done(..) => {}
            }
        }
    }
}

/// Where an answer that may have been cut has not been looked.
fn gaps_around(found: &[(u32, u32)], first: u32, last: u32) -> Vec<(u32, u32)> {
    let lowest = found.iter().map(|(uid, _)| *uid).min();
    let highest = found.iter().map(|(_, uid)| *uid).max();
    let (Some(lowest), Some(highest)) = (lowest, highest) else {
        return Vec::new();
    };
    if found.len() < CUT_AT {
        return Vec::new();
    }
    let below = (first < lowest).then(|| (first, lowest - 1));
    let above = (highest < last).then(|| (highest + 1, last));
    below.into_iter().chain(above).collect()
}

/// `* SEARCH 2 84 882 (MODSEQ 917162500)`.
fn numbers(data: &Data) -> Option<Vec<(u32, u32)>> {
    let atoms = data.values.iter().filter(|value| !matches!(value, Value::List(_)));
    atoms
        .map(|value| value.number().filter(|&uid| uid > 0).map(|uid| (uid, uid)))
        .collect()
}

/// Whether an ESEARCH answers the command with this tag; one without a tag answers the one that runs.
fn is_answer_to(data: &Data, tag: &str) -> bool {
    match data.values.first() {
        Some(Value::List(correlator)) => correlator.get(1).and_then(Value::text).is_none_or(|named| named == tag),
        _ => true,
    }
}

/// `* ESEARCH (TAG "v1") UID ALL 4:19,21,28`. Without `ALL` nothing was found.
fn ranges_of(data: &Data) -> Option<Vec<(u32, u32)>> {
    let mut values = data.values.iter().filter(|value| !matches!(value, Value::List(_)));
    let is_all = |value: &Value| value.text().is_some_and(|text| text.eq_ignore_ascii_case("ALL"));
    if !values.any(is_all) {
        return Some(Vec::new());
    }
    let set = values.next()?.text()?;
    set.split(',').map(range).collect()
}

/// `7`, `3:5`, and `5:3` as hMailServer writes it.
fn range(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && last > 0).then(|| (first.min(last), first.max(last)))
}

/// The ranges in order, none of them twice.
fn set_of(ranges: Vec<(u32, u32)>) -> Result<UidSet, ImapError> {
    let sorted: BTreeSet<(u32, u32)> = ranges.into_iter().collect();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
    for (first, last) in sorted {
        match merged.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    let runs: Vec<String> = merged.iter().map(|(first, last)| format!("{first}:{last}")).collect();
    runs.join(",").parse().map_err(|_| ImapError::Unreadable {
        command: SEARCH,
        what: "what was found is no set of numbers",
    })
}
