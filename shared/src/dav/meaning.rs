//! Whether two texts say the same. Servers write objects anew: other folds, another order, other quotes, a PRODID of
//! their own. So what is compared are the components with their properties, in any order.
//!
//! The properties are read by the `ical` crate, which is good at well-formed lines; what it cannot read is compared as
//! it stands.

use std::io::Cursor;

use ical::line::LineReader;
use ical::property::PropertyParser;

use super::charset::decode;
use super::content_line::unfold;
use super::print_of;

/// Properties that servers put in or change, and that say nothing of the entry.
const NOT_COMPARED: [&str; 7] = [
    "PRODID",
    "CALSCALE",
    "METHOD",
    "VERSION",
    "REV",
    "LAST-MODIFIED",
    "DTSTAMP",
];

/// Parameters that servers put in or drop.
const PARAMS_NOT_COMPARED: [&str; 4] = ["SCHEDULE-AGENT", "SCHEDULE-STATUS", "CHARSET", "X-VOBJ-ORIGINAL-TZID"];

/// What an object says, in few bytes: equal for texts that say the same.
pub fn meaning(text: &str) -> [u8; 16] {
    let mut open: Vec<Level> = vec![Level::default()];
    for (_, bytes) in unfold(text.as_bytes(), 1) {
        let line = decode(&bytes, None);
        let line = line.trim_end();
        let upper = line.get(..line.len().min(80)).unwrap_or(line).to_ascii_uppercase();
        if let Some(name) = upper.strip_prefix("BEGIN:") {
            open.push(Level::named(name));
        } else if upper.starts_with("END:") && open.len() > 1 {
            if let (Some(level), Some(outer)) = (open.pop(), open.last_mut())
                && level.name != "VTIMEZONE"
            {
                outer.said.push(level.close());
            }
        } else if let (Some(level), Some(said)) = (open.last_mut(), property(line)) {
            level.said.push(said);
        }
    }
    let mut whole = open.pop().unwrap_or_default();
    while let Some(mut outer) = open.pop() {
        outer.said.push(whole.close());
        whole = outer;
    }
    whole.close()
}

/// A component that is being read.
#[derive(Default)]
struct Level {
    name: String,
    said: Vec<[u8; 16]>,
}

impl Level {
    fn named(name: &str) -> Self {
        Self {
            name: name.trim().to_owned(),
            said: Vec::new(),
        }
    }

    fn close(mut self) -> [u8; 16] {
        self.said.sort_unstable();
        let parts: Vec<&[u8]> = std::iter::once(self.name.as_bytes())
            .chain(self.said.iter().map(<[u8; 16]>::as_slice))
            .collect();
        print_of(&parts)
    }
}

/// What a line says; nothing where it is not compared.
fn property(line: &str) -> Option<[u8; 16]> {
    let lines = LineReader::new(Cursor::new(line.as_bytes()));
    let Some(Ok(property)) = PropertyParser::new(lines).next() else {
        return Some(print_of(&[line.as_bytes()]));
    };
    let full = property.name.to_ascii_uppercase();
    // A group only ties lines together, and servers number them anew.
    let name = full.rsplit_once('.').map_or(full.as_str(), |(_, name)| name);
    if NOT_COMPARED.contains(&name) {
        return None;
    }
    let mut params: Vec<String> = Vec::new();
    let mut is_binary = false;
    for (key, values) in property.params.unwrap_or_default() {
        let key = key.to_ascii_uppercase();
        if PARAMS_NOT_COMPARED.contains(&key.as_str()) {
            continue;
        }
        for value in values.iter().flat_map(|value| value.split(',')) {
            let value = value.trim().trim_matches('"');
            match key.as_str() {
                "ENCODING" => is_binary = true,
                "VALUE" if is_default(name, value) => {}
                "TYPE" | "VALUE" | "ROLE" | "PARTSTAT" | "CUTYPE" | "RSVP" => {
                    params.push(format!("{key}={}", value.to_ascii_uppercase()));
                }
                _ => params.push(format!("{key}={value}")),
            }
        }
    }
    params.sort_unstable();
    params.dedup();
    let value = property.value.unwrap_or_default();
    let value = if is_binary {
        value.split_whitespace().collect()
    } else {
        plain(&value)
    };
    let mut parts: Vec<&[u8]> = vec![name.as_bytes()];
    parts.extend(params.iter().map(String::as_bytes));
    parts.push(b":");
    parts.push(value.as_bytes());
    Some(print_of(&parts))
}

fn is_default(name: &str, value: &str) -> bool {
    let is = |word: &str| value.eq_ignore_ascii_case(word);
    match name {
        "DTSTART" | "DTEND" | "DUE" | "RECURRENCE-ID" | "EXDATE" | "RDATE" => is("DATE-TIME"),
        _ => is("TEXT"),
    }
}

/// A value without its escapes and the empty parts at its end.
fn plain(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other) => text.push(other),
                None => {}
            },
            c => text.push(c),
        }
    }
    text.trim_end_matches([';', ' ', '\n']).to_owned()
}
