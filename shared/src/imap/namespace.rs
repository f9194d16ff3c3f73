//! Where a mailbox's own folders are, and how their names are spelt on the wire (RFC 2342).

use super::name;
use super::response::Data;
use super::value::Value;

/// Where the user's own folders are (RFC 2342).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// The prefix of the user's own folders, such as `INBOX.`; often empty.
    pub prefix: String,
    /// The hierarchy separator; `None` on a server without hierarchy.
    pub separator: Option<char>,
    /// The prefixes of other users' and shared folders, which are not the mailbox's own.
    foreign: Vec<String>,
    /// Whether names are UTF-8 on the wire instead of modified UTF-7.
    utf8: bool,
}

impl Namespace {
    /// The user's own folders under a prefix; nothing is known of others'.
    pub fn own(prefix: String, separator: Option<char>) -> Self {
        Self {
            prefix,
            separator,
            foreign: Vec::new(),
            utf8: false,
        }
    }

    /// Whether a folder belongs to another user or is shared.
    pub(super) fn is_foreign(&self, wire_name: &str) -> bool {
        self.foreign
            .iter()
            .any(|prefix| wire_name.starts_with(prefix) || Some(wire_name) == prefix.get(..prefix.len() - 1))
    }

    /// The readable path of a name: prefix removed, cut at the separator, `INBOX` in capitals.
    pub fn path(&self, wire_name: &str) -> Vec<String> {
        let own = wire_name
            .strip_prefix(&self.prefix)
            .filter(|own| !own.is_empty())
            .unwrap_or(wire_name);
        let mut path: Vec<String> = match self.separator {
            Some(separator) => own.split(separator).map(|part| self.readable(part)).collect(),
            None => vec![self.readable(own)],
        };
        if let Some(first) = path.first_mut().filter(|first| first.eq_ignore_ascii_case("INBOX")) {
            "INBOX".clone_into(first);
        }
        path
    }

    /// The name on the wire for a readable path. A separator inside a part becomes `-`, a line end
    /// or other control character a space, because neither can stand in a name here.
    pub fn wire_name(&self, path: &[String]) -> String {
        if let [only] = path
            && only == "INBOX"
        {
            return only.clone();
        }
        let separator = self.separator.map(String::from).unwrap_or_default();
        let parts = path.iter().map(|part| {
            let clean = part.chars().map(|c| match c {
                c if Some(c) == self.separator => '-',
                c if c.is_control() => ' ',
                c => c,
            });
            let clean: String = clean.collect();
            if self.utf8 { clean } else { name::encode(&clean) }
        });
        format!("{}{}", self.prefix, parts.collect::<Vec<_>>().join(&separator))
    }

    /// A part as people read it: decoded, or as it is where a server writes UTF-8 unasked.
    fn readable(&self, part: &str) -> String {
        let decoded = if self.utf8 { None } else { name::decode(part) };
        decoded.unwrap_or_else(|| part.to_owned())
    }
}

/// The namespaces, where a server told them. One that did not has its folders at the top. `utf8` says
/// whether names are in UTF-8.
pub(super) fn namespace(data: &[Data], utf8: bool) -> Namespace {
    let top = Namespace {
        utf8,
        ..Namespace::default()
    };
    let Some(Data { values, .. }) = data.iter().find(|data| data.name == "NAMESPACE") else {
        return top;
    };
    let entry = |value: &Value| -> Option<(String, Option<char>)> {
        let [prefix, separator, ..] = value.list() else {
            return None;
        };
        Some((
            prefix.text().unwrap_or_default().to_owned(),
            separator.text().and_then(|text| text.chars().next()),
        ))
    };
    let own = values
        .first()
        .and_then(|personal| personal.list().first())
        .and_then(entry);
    let (prefix, separator) = own.unwrap_or_default();
    let foreign = values
        .iter()
        .skip(1)
        .flat_map(Value::list)
        .filter_map(entry)
        .map(|(prefix, _)| prefix);
    Namespace {
        foreign: foreign
            .filter(|foreign| !foreign.is_empty() && *foreign != prefix)
            .collect(),
        prefix,
        separator,
        ..top
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(parts: &[&str]) -> Vec<String> {
        parts.iter().map(|&part| part.to_owned()).collect()
    }

    #[test]
    fn prefix_and_separator_are_the_servers_own() {
        let courier = Namespace {
            prefix: "INBOX.".to_owned(),
            separator: Some('.'),
            foreign: vec!["shared.".to_owned()],
            utf8: false,
        };
        assert_eq!(courier.path("INBOX.Projekte.Gr&APYA3w-e"), path(&["Projekte", "Größe"]));
        assert_eq!(courier.path("Inbox"), path(&["INBOX"]));
        assert_eq!(courier.wire_name(&path(&["Projekte", "v1.0"])), "INBOX.Projekte.v1-0");
        assert_eq!(courier.wire_name(&path(&["INBOX"])), "INBOX");
        assert!(courier.is_foreign("shared.all"));
        assert!(courier.is_foreign("shared"));
        assert!(!courier.is_foreign("INBOX.shared"));
    }
}
