//! Whether two texts say the same. Servers write objects anew: other folds, another order, other quotes, a PRODID of
//! their own. So what is compared are the components with their properties, in any order.
//!
//! The properties are read by the `ical` crate, which is good at well-formed lines; what it cannot read is compared as
//! it stands.

use std::io::Cursor;

use ical::line::LineReader;
use ical::property::PropertyParser;

use super::charset::decode;
use super::content_line::{unescaped, unfold};
use super::print_of;

/// So many bytes before the value of a line, and parameters or values of them, are compared one by one.
const MOST_HEAD_BYTES: usize = 4 << 10;
const MOST_PARAMETERS: usize = 64;

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
    if has_too_much_before_its_value(line) {
        return Some(print_of(&[line.as_bytes()]));
    }
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

/// The parser looks through the rest of the line for each parameter.
fn has_too_much_before_its_value(line: &str) -> bool {
    let mut quoted = false;
    let head = line.bytes().take_while(|byte| {
        quoted ^= *byte == b'"';
        quoted || *byte != b':'
    });
    let mut between = 0;
    let bytes = head.inspect(|byte| between += usize::from(matches!(byte, b';' | b',')));
    bytes.take(MOST_HEAD_BYTES + 1).count() > MOST_HEAD_BYTES || between > MOST_PARAMETERS
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
    unescaped(value).trim_end_matches([';', ' ', '\n']).to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
    fn parameters_without_end_take_no_longer_than_their_length() {
        let params = ";a=b".repeat(9 << 18);
        let begun = Instant::now();
        let one = meaning(&format!("BEGIN:VEVENT\nX{params}:v\nEND:VEVENT\n"));
        let other = meaning(&format!("BEGIN:VEVENT\nX{params}:w\nEND:VEVENT\n"));
        assert_ne!(one, other);
        let line = format!("X{}:{}\n", ";a=b".repeat(60), "v".repeat(4_000));
        meaning(&format!("BEGIN:VEVENT\n{}END:VEVENT\n", line.repeat(2_000)));
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }
}
