//! A calendar object as it is stored: one UID with its overrides, the time zones it refers to, and nothing of the file
//! around it.
//!
//! METHOD goes, because a stored object has none (RFC 4791, section 4.1), and organiser and attendees get
//! SCHEDULE-AGENT=CLIENT (RFC 6638, section 7.1), so that the server sends nobody an invitation again.

use std::collections::BTreeMap;

use super::charset::decode;
use super::contact::Fault;
use super::content_line::{ContentLine, escaped_text, fold, is_quoted_printable, printable, says_charset, unfold};
use super::objects::{Component, Container};
use super::vcard21::convert;
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
    /// Which time of a series it stands for: the parameters of its RECURRENCE-ID count, because the same hour in another
    /// time zone is another time.
    recurrence: String,
    sequence: i64,
    lines: Vec<String>,
    /// What of it was left out.
    pub left_out: Vec<Fault>,
}

/// Reads a component from its bytes, which begin on `line`, of a calendar of the old form (vCalendar 1.0) or of today's.
///
/// # Errors
/// The first line that cannot be read.
pub fn read(component: Component, bytes: &[u8], line: u64, is_old: bool) -> Result<Entry, Fault> {
    let mut entry = Entry {
        component,
        line,
        uid: None,
        recurrence: String::new(),
        sequence: 0,
        lines: Vec::new(),
        left_out: Vec::new(),
    };
    let mut depth = 0_usize;
    let (mut stamp, mut changed) = (false, None);
    for (number, bytes) in unfold(bytes, line) {
        let unreadable = || (number, "this line has no name and no value".to_owned());
        let is_encoded = is_quoted_printable(&bytes);
        let text = if is_encoded || says_charset(&bytes) {
            convert(&bytes, is_old || is_encoded).ok_or_else(unreadable)?
        } else {
            decode(&bytes, None).into_owned()
        };
        let text = printable(&text);
        let mut parsed = ContentLine::parse(&text).ok_or_else(unreadable)?;
        if parsed.is("BEGIN") {
            depth += 1;
        } else if parsed.is("END") {
            depth = depth.saturating_sub(1);
        } else if depth == 1 {
            if is_old {
                match of_today(&mut parsed) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(why) => {
                        entry.left_out.push((number, why.to_owned()));
                        continue;
                    }
                }
            }
            let value = parsed.value.trim();
            match parsed.name.to_ascii_uppercase().as_str() {
                "UID" if entry.uid.is_none() && !value.is_empty() => entry.uid = Some(value.to_owned()),
                // A second one, or an empty one.
                "UID" => continue,
                "RECURRENCE-ID" => entry.recurrence = format!("{value} {}", parsed.param("TZID").unwrap_or_default()),
                "SEQUENCE" => entry.sequence = value.parse().unwrap_or_default(),
                "DTSTAMP" => stamp = true,
                "LAST-MODIFIED" => changed = Some(value.to_owned()),
                "CREATED" if changed.is_none() => changed = Some(value.to_owned()),
                "ORGANIZER" | "ATTENDEE" => parsed.set_param("SCHEDULE-AGENT", "CLIENT"),
                "SUMMARY" | "DESCRIPTION" | "LOCATION" | "COMMENT" | "CONTACT" => {
                    let value = escaped_text(&parsed.value).into_owned();
                    parsed.value = value.into();
                }
                _ => {}
            }
            entry.lines.push(parsed.unfolded());
            continue;
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

/// Turns a property of vCalendar 1.0 into today's; false where it has nothing to say.
///
/// # Errors
/// What cannot be said today.
fn of_today(line: &mut ContentLine<'_>) -> Result<bool, &'static str> {
    let value = line.value.trim();
    match line.name.to_ascii_uppercase().as_str() {
        "RRULE" | "EXRULE" if !value.to_ascii_uppercase().starts_with("FREQ=") => {
            return Err("a repetition in the old form, which was left out");
        }
        "AALARM" | "DALARM" | "MALARM" | "PALARM" if !value.trim_matches(';').is_empty() => {
            return Err("an alarm in the old form, which was left out");
        }
        "AALARM" | "DALARM" | "MALARM" | "PALARM" => return Ok(false),
        "EXDATE" | "RDATE" | "CATEGORIES" | "RESOURCES" => {
            let value = value.trim_end_matches(';').replace(';', ",");
            line.value = value.into();
        }
        "STATUS" => line.value = value.replace(' ', "-").into(),
        _ => {}
    }
    Ok(true)
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

/// The entries of a UID that are stored, the master first, each with what comes with it; of two for the same time the one
/// with the higher SEQUENCE counts. The others are told by their lines.
pub fn chosen<T>(entries: Vec<(Entry, T)>) -> (Vec<(Entry, T)>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut chosen: BTreeMap<String, (Entry, T)> = BTreeMap::new();
    for (entry, with) in entries {
        match chosen.get_mut(&entry.recurrence) {
            None => {
                chosen.insert(entry.recurrence.clone(), (entry, with));
            }
            Some((first, _)) if first.same_as(&entry) => {}
            Some(place) => {
                let line = place.0.line;
                let (later, other) = if entry.sequence > place.0.sequence {
                    let other = entry.line;
                    (std::mem::replace(place, (entry, with)).0, other)
                } else {
                    (entry, line)
                };
                let why = format!(
                    "another entry with the same UID on line {other} is newer or stands first; that one was taken"
                );
                faults.push((later.line, why));
            }
        }
    }
    (chosen.into_values().collect(), faults)
}

/// Puts an object together from its entries and the bytes of the time zones they refer to.
///
/// # Errors
/// Where there is no entry.
pub fn build(mut entries: Vec<Entry>, zones: &[Vec<u8>], container: Option<&Container>) -> Result<Built, Fault> {
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
    Ok(Built {
        kind: Kind::Calendar,
        component: component.as_str(),
        uid,
        text,
    })
}
