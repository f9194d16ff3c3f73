//! Listing folders: names, separators, what they are for (RFC 9051, section 6.3.9; RFC 6154).

use super::error::ImapError;
use super::name;
use super::response::Data;
use super::session::{Session, quote};
use super::value::Value;

/// What a folder is for (RFC 6154), as far as providers' folders are mapped onto each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpecialUse {
    /// Sent mail.
    Sent,
    /// Unfinished mail.
    Drafts,
    /// Deleted mail.
    Trash,
    /// Unwanted mail.
    Junk,
    /// Kept mail.
    Archive,
}

/// A folder as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFolder {
    /// The name on the wire.
    pub wire_name: String,
    /// The name as people read it, without the namespace's prefix, cut at the separator.
    pub path: Vec<String>,
    /// What the server says it is for.
    pub special_use: Option<SpecialUse>,
    /// Whether it can hold messages: neither `\Noselect` nor `\NonExistent`.
    pub selectable: bool,
    /// Whether the user subscribed to it.
    pub subscribed: bool,
}

/// Where the user's own folders are (RFC 2342).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// The prefix of the user's own folders, such as `INBOX.`; often empty.
    pub prefix: String,
    /// The hierarchy separator; `None` on a server without hierarchy.
    pub separator: Option<char>,
    /// The prefixes of other users' and shared folders, which are not the mailbox's own.
    foreign: Vec<String>,
}

/// All folders of the mailbox's owner, and where they are.
///
/// # Errors
/// [`ImapError`]; an answer that cannot be read is an error, never an empty list.
pub async fn list(session: &mut Session) -> Result<(Namespace, Vec<ListedFolder>), ImapError> {
    let namespace = namespace(session).await?;
    let capabilities = session.capabilities();
    // Strato lists nothing when asked with extensions it announced (2021): only ask where both are there.
    let extended = capabilities.has("LIST-EXTENDED") && capabilities.has("SPECIAL-USE");
    let command = if extended {
        r#"LIST "" "*" RETURN (SPECIAL-USE SUBSCRIBED)"#
    } else {
        r#"LIST "" "*""#
    };
    let data = session.run("LIST", command).await?;
    let listed: Vec<Listed> = data
        .iter()
        .filter(|data| data.name == "LIST")
        .filter_map(listed)
        .collect();
    let subscribed: Vec<String> = if extended {
        listed
            .iter()
            .filter(|folder| folder.has("\\Subscribed"))
            .map(|folder| folder.wire_name.clone())
            .collect()
    } else {
        let data = session.run("LSUB", r#"LSUB "" "*""#).await?;
        let names = data.iter().filter(|data| data.name == "LSUB").filter_map(self::listed);
        names
            .filter(|folder| !folder.has("\\Noselect"))
            .map(|folder| folder.wire_name)
            .collect()
    };
    let separator = namespace
        .separator
        .or_else(|| listed.iter().find_map(|folder| folder.separator));
    let namespace = Namespace { separator, ..namespace };
    let folders = listed
        .into_iter()
        .filter(|folder| !namespace.is_foreign(&folder.wire_name))
        .map(|folder| ListedFolder {
            path: namespace.path(&folder.wire_name),
            special_use: folder.special_use(),
            selectable: !folder.has("\\Noselect") && !folder.has("\\NonExistent"),
            subscribed: subscribed.contains(&folder.wire_name),
            wire_name: folder.wire_name,
        })
        .collect();
    Ok((namespace, folders))
}

/// Makes a folder, unless it is there already.
///
/// # Errors
/// [`ImapError::Refused`] where the server does not want it.
pub async fn create(session: &mut Session, wire_name: &str) -> Result<(), ImapError> {
    match session.run("CREATE", &format!("CREATE {}", quote(wire_name))).await {
        Ok(_) => Ok(()),
        Err(ImapError::Refused { code, text, .. }) if already_exists(&code, &text) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Subscribes to a folder; repeating it changes nothing.
///
/// # Errors
/// [`ImapError::Refused`] where the server does not want it.
pub async fn subscribe(session: &mut Session, wire_name: &str) -> Result<(), ImapError> {
    session
        .run("SUBSCRIBE", &format!("SUBSCRIBE {}", quote(wire_name)))
        .await
        .map(|_| ())
}

/// Servers without RFC 5530's codes say it in words.
fn already_exists(code: &str, text: &str) -> bool {
    code == "ALREADYEXISTS" || text.to_ascii_lowercase().contains("exist")
}

impl Namespace {
    /// The user's own folders under a prefix; nothing is known of others'.
    pub fn own(prefix: String, separator: Option<char>) -> Self {
        Self {
            prefix,
            separator,
            foreign: Vec::new(),
        }
    }

    fn is_foreign(&self, wire_name: &str) -> bool {
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
            Some(separator) => own.split(separator).map(readable).collect(),
            None => vec![readable(own)],
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
            name::encode(&clean.collect::<String>())
        });
        format!("{}{}", self.prefix, parts.collect::<Vec<_>>().join(&separator))
    }
}

fn readable(part: &str) -> String {
    name::decode(part).unwrap_or_else(|| part.to_owned())
}

/// A LIST or LSUB line.
struct Listed {
    attributes: Vec<String>,
    separator: Option<char>,
    wire_name: String,
}

impl Listed {
    fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|own| own.eq_ignore_ascii_case(attribute))
    }

    fn special_use(&self) -> Option<SpecialUse> {
        [
            ("\\Sent", SpecialUse::Sent),
            ("\\Drafts", SpecialUse::Drafts),
            ("\\Trash", SpecialUse::Trash),
            ("\\Junk", SpecialUse::Junk),
            ("\\Archive", SpecialUse::Archive),
        ]
        .into_iter()
        .find_map(|(attribute, special_use)| self.has(attribute).then_some(special_use))
    }
}

fn listed(data: &Data) -> Option<Listed> {
    let [attributes, separator, name, ..] = data.values.as_slice() else {
        return None;
    };
    Some(Listed {
        attributes: attributes
            .list()
            .iter()
            .filter_map(Value::text)
            .map(str::to_owned)
            .collect(),
        separator: separator.text().and_then(|text| text.chars().next()),
        wire_name: String::from_utf8_lossy(name.bytes()?).into_owned(),
    })
}

async fn namespace(session: &mut Session) -> Result<Namespace, ImapError> {
    if !session.capabilities().has("NAMESPACE") {
        return Ok(Namespace::default());
    }
    let data = match session.run("NAMESPACE", "NAMESPACE").await {
        Ok(data) => data,
        Err(ImapError::Refused { .. }) => return Ok(Namespace::default()),
        Err(error) => return Err(error),
    };
    let Some(Data { values, .. }) = data.iter().find(|data| data.name == "NAMESPACE") else {
        return Ok(Namespace::default());
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
    Ok(Namespace {
        foreign: foreign
            .filter(|foreign| !foreign.is_empty() && *foreign != prefix)
            .collect(),
        prefix,
        separator,
    })
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
