//! A contact as it is stored: vCard 3.0 or 4.0, with what servers insist on (UID, FN, N), and otherwise as it was.

use super::charset::decode;
use super::content_line::{
    ContentLine, escaped_text, fold, is_quoted_printable, printable, says_charset, unescaped, unfold,
};
use super::vcard21::convert;
use super::{Built, Kind, hex, print_of};

/// Properties that tell of the writing and not of the person.
const OF_THE_WRITING: [&str; 3] = ["REV", "PRODID", "VERSION"];

/// What is wrong with an object: the line and the reason.
pub type Fault = (u64, String);

/// Builds a contact from the bytes of its component, which begins on `line`.
///
/// # Errors
/// The first line that cannot be read.
pub fn build(bytes: &[u8], line: u64) -> Result<Built, Fault> {
    let lines = unfold(bytes, line);
    let version = lines.iter().find_map(|(_, line)| {
        let text = decode(line, None).trim().to_ascii_uppercase();
        text.strip_prefix("VERSION:").map(|version| version.trim().to_owned())
    });
    let is_old = version.as_deref() == Some("2.1");
    let mut card = Card::of_version(if version.as_deref() == Some("4.0") {
        "4.0"
    } else {
        "3.0"
    });
    let mut nested: Option<String> = None;
    for (number, bytes) in &lines {
        let text = read(bytes, is_old).ok_or_else(|| (*number, "this line has no name and no value".to_owned()))?;
        let word = text.trim().to_ascii_uppercase();
        match (&mut nested, word.as_str()) {
            (Some(agent), end) => {
                agent.push_str(&text);
                agent.push('\n');
                if end == "END:VCARD"
                    && let Some(agent) = nested.take()
                {
                    card.text("AGENT", &agent);
                }
            }
            (None, "AGENT:") => nested = Some(String::new()),
            // A contact has no components: one that begins in it, and does not end, would take the contact's end with it.
            (None, word) if word.starts_with("BEGIN:") || word.starts_with("END:") => {}
            (None, _) => card.line(text),
        }
    }
    Ok(card.finish_as_object())
}

/// A line as vCard 3.0 or 4.0 has it; `None` where it is none.
fn read(bytes: &[u8], is_old: bool) -> Option<String> {
    let is_encoded = is_quoted_printable(bytes);
    let text = if is_old || is_encoded || says_charset(bytes) {
        convert(bytes, is_old || is_encoded)?
    } else {
        decode(bytes, None).into_owned()
    };
    let text = printable(&text).into_owned();
    ContentLine::parse(&text).is_some().then_some(text)
}

/// A contact in the making: unfolded lines.
#[derive(Clone, Debug)]
pub struct Card {
    version: &'static str,
    lines: Vec<String>,
    items: usize,
}

impl Default for Card {
    fn default() -> Self {
        Self::new()
    }
}

impl Card {
    /// An empty one.
    pub fn new() -> Self {
        Self::of_version("3.0")
    }

    fn of_version(version: &'static str) -> Self {
        Self {
            version,
            lines: Vec::new(),
            items: 0,
        }
    }

    fn line(&mut self, line: String) {
        let Some(mut parsed) = ContentLine::parse(&line) else {
            return;
        };
        if ["FN", "NOTE", "TITLE", "ROLE"].iter().any(|name| parsed.is(name)) {
            let value = escaped_text(&parsed.value).into_owned();
            parsed.value = value.into();
            self.lines.push(parsed.unfolded());
        } else if !parsed.is("VERSION") {
            self.lines.push(line);
        }
    }

    /// A property of text.
    pub fn text(&mut self, property: &str, value: &str) {
        self.lines.push(format!("{property}:{}", escape(value)));
    }

    /// A property with parts.
    pub fn structured(&mut self, property: &str, parts: &[String]) {
        self.lines.push(format!("{property}:{}", joined(parts, ";")));
    }

    /// A property with values.
    pub fn list(&mut self, property: &str, values: &[&str]) {
        let values: Vec<String> = values.iter().map(|value| escape(value)).collect();
        self.lines.push(format!("{property}:{}", values.join(",")));
    }

    /// A property whose value is an address on the web.
    pub fn uri(&mut self, property: &str, value: &str) {
        self.lines
            .push(format!("{property}:{}", value.replace(['\r', '\n'], "")));
    }

    /// A property with a label: one of vCard's types, or else in Apple's manner.
    pub fn labelled(&mut self, property: &str, label: &str, value: &str) {
        let value = escape(value);
        self.labelled_line(property, label, &value);
    }

    /// An address with a label.
    pub fn labelled_address(&mut self, label: &str, parts: &[String]) {
        self.labelled_line("ADR", label, &joined(parts, ";"));
    }

    fn labelled_line(&mut self, property: &str, label: &str, value: &str) {
        let label = label.trim().trim_start_matches(['*', ' ']);
        let kind = match label.to_lowercase().as_str() {
            "" | "other" => Some(""),
            "home" | "internet" => Some(";TYPE=HOME"),
            "work" => Some(";TYPE=WORK"),
            "mobile" if property == "TEL" => Some(";TYPE=CELL"),
            "main" if property == "TEL" => Some(";TYPE=PREF"),
            "home fax" if property == "TEL" => Some(";TYPE=HOME,FAX"),
            "work fax" if property == "TEL" => Some(";TYPE=WORK,FAX"),
            "pager" if property == "TEL" => Some(";TYPE=PAGER"),
            _ => None,
        };
        if let Some(kind) = kind {
            self.lines.push(format!("{property}{kind}:{value}"));
        } else {
            self.items += 1;
            let item = self.items;
            self.lines.push(format!("item{item}.{property}:{value}"));
            self.lines.push(format!("item{item}.X-ABLabel:{}", escape(label)));
        }
    }

    fn find(&self, name: &str) -> Option<String> {
        let mut lines = self.lines.iter().filter_map(|line| ContentLine::parse(line));
        let line = lines.find(|line| line.is(name) && !line.value.trim().is_empty())?;
        Some(line.value.into_owned())
    }

    /// The text.
    pub fn finish(self) -> String {
        self.finish_as_object().text
    }

    /// The object, with what is missing put in.
    pub fn finish_as_object(mut self) -> Built {
        self.lines.retain(|line| {
            !ContentLine::parse(line).is_some_and(|line| {
                ["FN", "N", "UID"].iter().any(|name| line.is(name)) && line.value.trim_matches([';', ' ']).is_empty()
            })
        });
        if self.find("FN").is_none() {
            let name = self.find("N").map(|name| name_shown(&name));
            let others = ["NICKNAME", "ORG", "EMAIL", "TEL"];
            let others = others.iter().filter_map(|property| self.find(property));
            let others = others.map(|value| parts_of(&value).join(" "));
            let name = name.into_iter().chain(others).find(|name| !name.trim().is_empty());
            let name = name.unwrap_or_else(|| "Unnamed".to_owned());
            self.lines.insert(0, format!("FN:{}", escape(name.trim())));
        }
        if self.version == "3.0" && self.find("N").is_none() {
            let name = self.find("FN").unwrap_or_default();
            self.lines.insert(0, format!("N:{name};;;;"));
        }
        let uid = if let Some(uid) = self.find("UID") {
            uid.trim().to_owned()
        } else {
            let uid = self.derived_uid();
            self.lines.push(format!("UID:{uid}"));
            uid
        };
        let mut text = format!("BEGIN:VCARD\r\nVERSION:{}\r\n", self.version);
        for line in &self.lines {
            fold(line, &mut text);
        }
        text.push_str("END:VCARD\r\n");
        Built {
            kind: Kind::Contacts,
            component: "VCARD",
            uid,
            text,
        }
    }

    /// The same for the same content, whenever it is read.
    fn derived_uid(&self) -> String {
        let lines = self.lines.iter().filter(|line| {
            !ContentLine::parse(line).is_some_and(|line| OF_THE_WRITING.iter().any(|name| line.is(name)))
        });
        let parts: Vec<&[u8]> = lines.map(String::as_bytes).collect();
        format!("mailvan-{}", hex(&print_of(&parts)))
    }
}

/// A contact of vCard 4.0 as one of 3.0, for a server that refuses the former; `None` where it is none.
pub fn downgraded(text: &str) -> Option<String> {
    let lines = unfold(text.as_bytes(), 1);
    let mut card = Card::new();
    let mut is_new = false;
    for (_, bytes) in &lines {
        let line = decode(bytes, None);
        let parsed = ContentLine::parse(&line)?;
        if parsed.is("VERSION") {
            is_new = parsed.value.trim() == "4.0";
        } else if !parsed.is("BEGIN") && !parsed.is("END") {
            let mut parsed = parsed;
            if parsed.param("PREF").is_some() {
                parsed
                    .params
                    .retain(|param| !param.to_ascii_uppercase().starts_with("PREF="));
                parsed.params.push("TYPE=PREF".into());
            }
            card.line(parsed.unfolded());
        }
    }
    is_new.then(|| card.finish())
}

/// The name as it is said, of its parts.
fn name_shown(value: &str) -> String {
    let parts = parts_of(value);
    let part = |n: usize| parts.get(n).map(|part| part.trim()).unwrap_or_default();
    let order = [part(3), part(1), part(2), part(0), part(4)];
    order
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The texts of a value with parts.
fn parts_of(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_escaped = false;
    for c in value.chars() {
        if c == ';' && !is_escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    let parts = parts.iter().map(|part| unescaped(part));
    let mut parts: Vec<String> = parts.collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| part.trim().is_empty()) {
        parts.pop();
    }
    parts
}

fn joined(parts: &[String], between: &str) -> String {
    parts.iter().map(|part| escape(part)).collect::<Vec<_>>().join(between)
}

fn escape(value: &str) -> String {
    let value = printable_lines(value);
    value
        .replace('\\', "\\\\")
        .replace(',', "\\,")
        .replace(';', "\\;")
        .replace("\r\n", "\n")
        .replace(['\r', '\n'], "\\n")
}

fn printable_lines(value: &str) -> String {
    value
        .chars()
        .filter(|c| !c.is_ascii_control() || matches!(c, '\t' | '\r' | '\n'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let card = format!("BEGIN:VCARD\nVERSION:3.0\nUID:1\n{line}\nEND:VCARD\n");
        build(card.as_bytes(), 1).unwrap().text
    }

    #[test]
    fn a_name_made_of_other_properties_is_one_text() {
        for (line, name) in [
            ("ORG:A;B", "FN:A B\r\n"),
            ("ORG:A\\;B, C", "FN:A\\;B\\, C\r\n"),
            ("N:van Dyk\\;x;Jo\\, Al;;;", "FN:Jo\\, Al van Dyk\\;x\r\n"),
            ("N:;;;;\nTEL:+49 1", "FN:+49 1\r\n"),
        ] {
            let text = shown(line);
            assert!(text.contains(name), "{text}");
            let given = text.lines().find(|line| line.starts_with("N:")).unwrap();
            assert!(line.starts_with("N:v") || given.ends_with(";;;;"), "{text}");
        }
    }

    #[test]
    fn a_line_of_3_0_that_names_its_charset_keeps_its_commas() {
        assert!(shown("NICKNAME;CHARSET=utf-8:a,b").contains("NICKNAME:a,b\r\n"));
    }
}
