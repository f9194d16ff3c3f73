//! A calendar object as it is stored: one UID with its overrides, the time zones it refers to, and nothing of the file
//! around it.
//!
//! METHOD goes, because a stored object has none (RFC 4791, section 4.1), and organiser and attendees get
//! SCHEDULE-AGENT=CLIENT (RFC 6638, section 7.1), so that the server sends nobody an invitation again.

use std::collections::BTreeMap;

use super::charset::decode;
use super::contact::Fault;
use super::content_line::{ContentLine, escaped_text, fold, printable, unfold};
use super::objects::{Component, Container};
use super::{Built, Kind, hex, print_of};

/// Who is told to have written an object whose file does not say it.
const PRODID: &str = "-//Mailvan//Import//EN";

/// The time stamp of a component that has none and tells of no change either.
const NO_STAMP: &str = "19700101T000000Z";

/// A component, read.
#[derive(Clone, Debug)]
pub struct Entry {
    component: Component,
    line: u64,
    uid: Option<String>,
    recurrence: String,
    sequence: i64,
    lines: Vec<String>,
}

/// Reads a component from its bytes, which begin on `line`.
///
/// # Errors
/// The first line that cannot be read.
pub fn read(component: Component, bytes: &[u8], line: u64) -> Result<Entry, Fault> {
    let mut entry = Entry {
        component,
        line,
        uid: None,
        recurrence: String::new(),
        sequence: 0,
        lines: Vec::new(),
    };
    let mut depth = 0_usize;
    let (mut stamp, mut changed) = (false, None);
    for (number, bytes) in unfold(bytes, line) {
        let text = decode(&bytes, None);
        let text = printable(&text);
        let mut parsed =
            ContentLine::parse(&text).ok_or_else(|| (number, "this line has no name and no value".to_owned()))?;
        if parsed.is("BEGIN") {
            depth += 1;
        } else if parsed.is("END") {
            depth = depth.saturating_sub(1);
        } else if depth == 1 {
            let value = parsed.value.trim();
            match parsed.name.to_ascii_uppercase().as_str() {
                "UID" if entry.uid.is_none() && !value.is_empty() => entry.uid = Some(value.to_owned()),
                // A second one, or an empty one.
                "UID" => continue,
                "RECURRENCE-ID" => value.clone_into(&mut entry.recurrence),
                "SEQUENCE" => entry.sequence = value.parse().unwrap_or_default(),
                "DTSTAMP" => stamp = true,
                "LAST-MODIFIED" => changed = Some(value.to_owned()),
                "CREATED" if changed.is_none() => changed = Some(value.to_owned()),
                "ORGANIZER" | "ATTENDEE" => {
                    parsed.set_param("SCHEDULE-AGENT", "CLIENT");
                    entry.lines.push(parsed.unfolded());
                    continue;
                }
                "SUMMARY" | "DESCRIPTION" | "LOCATION" | "COMMENT" | "CONTACT" => {
                    let value = escaped_text(&parsed.value).into_owned();
                    parsed.value = value.into();
                    entry.lines.push(parsed.unfolded());
                    continue;
                }
                _ => {}
            }
        }
        entry.lines.push(text.into_owned());
    }
    if !stamp {
        let stamp = changed
            .filter(|time| time.ends_with('Z'))
            .unwrap_or_else(|| NO_STAMP.to_owned());
        entry.put(format!("DTSTAMP:{stamp}"));
    }
    Ok(entry)
}

impl Entry {
    /// Puts a line behind BEGIN.
    fn put(&mut self, line: String) {
        self.lines.insert(self.lines.len().min(1), line);
    }

    fn derived_uid(&self) -> String {
        let parts: Vec<&[u8]> = self
            .lines
            .iter()
            .filter(|line| !line.starts_with("DTSTAMP"))
            .map(String::as_bytes)
            .collect();
        format!("mailvan-{}", hex(&print_of(&parts)))
    }

    fn same_as(&self, other: &Self) -> bool {
        self.lines == other.lines
    }
}

/// Puts an object together from its components and the bytes of the time zones they refer to. What could not be taken
/// is told by its line; of two components for the same time the one with the higher SEQUENCE counts.
///
/// # Errors
/// Where there is no component.
pub fn build(
    entries: Vec<Entry>,
    zones: &[Vec<u8>],
    container: Option<&Container>,
) -> Result<(Built, Vec<Fault>), Fault> {
    let mut faults = Vec::new();
    let mut chosen: BTreeMap<String, Entry> = BTreeMap::new();
    for entry in entries {
        match chosen.get_mut(&entry.recurrence) {
            None => {
                chosen.insert(entry.recurrence.clone(), entry);
            }
            Some(first) if first.same_as(&entry) => {}
            Some(first) => {
                let later = if entry.sequence > first.sequence {
                    std::mem::replace(first, entry)
                } else {
                    entry
                };
                let why = format!(
                    "another entry with the same UID on line {} is newer or stands first; that one was taken",
                    first.line
                );
                faults.push((later.line, why));
            }
        }
    }
    let mut entries: Vec<Entry> = chosen.into_values().collect();
    let first = entries
        .first_mut()
        .ok_or_else(|| (0, "there is nothing in it".to_owned()))?;
    let component = first.component;
    let uid = if let Some(uid) = first.uid.clone() {
        uid
    } else {
        let uid = first.derived_uid();
        first.put(format!("UID:{uid}"));
        uid
    };
    let prodid = container
        .and_then(|container| container.prodid.as_deref())
        .unwrap_or(PRODID);
    let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n".to_owned();
    fold(&format!("PRODID:{prodid}"), &mut text);
    if let Some(scale) = container.and_then(|container| container.calscale.as_deref()) {
        fold(&format!("CALSCALE:{scale}"), &mut text);
    }
    for zone in zones {
        for (_, line) in unfold(zone, 1) {
            fold(&printable(&decode(&line, None)), &mut text);
        }
    }
    for line in entries.iter().flat_map(|entry| &entry.lines) {
        fold(line, &mut text);
    }
    text.push_str("END:VCALENDAR\r\n");
    let built = Built {
        kind: Kind::Calendar,
        component: component.as_str(),
        uid,
        text,
    };
    Ok((built, faults))
}
