//! Listing folders: names, separators, what they are for (RFC 9051, section 6.3.9; RFC 6154).

use super::error::ImapError;
pub use super::namespace::Namespace;
use super::namespace::namespace;
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
    /// The name on the wire. Bytes that are not UTF-8 stand here as U+FFFD: such a folder is listed,
    /// but opening it is refused, so that it is reported instead of forgotten.
    pub wire_name: String,
    /// The name as people read it, without the namespace's prefix, cut at the separator.
    pub path: Vec<String>,
    /// What the server says it is for.
    pub special_use: Option<SpecialUse>,
    /// Whether it holds messages of its own: neither `\Noselect` nor `\NonExistent`, nor `\Flagged` or
    /// `\Important` (RFC 6154, RFC 8457), which are views of messages that live in other folders.
    pub selectable: bool,
    /// Whether the user subscribed to it.
    pub subscribed: bool,
}

const PLAIN_LIST: &str = r#"LIST "" "*""#;

/// Attributes of folders without messages of their own.
const NOT_COPIED: [&str; 4] = ["\\Noselect", "\\NonExistent", "\\Flagged", "\\Important"];

/// All folders of the mailbox's owner, and where they are. INBOX is always among them.
///
/// # Errors
/// [`ImapError`]; an answer that cannot be read is an error, never an empty list.
pub async fn list(session: &mut Session) -> Result<(Namespace, Vec<ListedFolder>), ImapError> {
    let mut namespace = namespace(session).await?;
    let capabilities = session.capabilities();
    let mut extended = capabilities.has("LIST-EXTENDED") && capabilities.has("SPECIAL-USE");
    let mut listed = if extended {
        run_list(session, r#"LIST "" "*" RETURN (SPECIAL-USE SUBSCRIBED)"#).await?
    } else {
        run_list(session, PLAIN_LIST).await?
    };
    // Strato (2021) announces the extensions and lists nothing when asked with them.
    if extended && !listed.iter().any(Listed::is_inbox) {
        let plain = run_list(session, PLAIN_LIST).await?;
        if plain.len() > listed.len() {
            extended = false;
            listed = plain;
        }
    }
    let subscribed: Vec<String> = if extended {
        let folders = listed.iter().filter(|folder| folder.has("\\Subscribed"));
        folders.map(|folder| folder.wire_name.clone()).collect()
    } else {
        let data = session.run("LSUB", r#"LSUB "" "*""#).await?;
        let names = data.iter().filter(|data| data.name == "LSUB").filter_map(self::listed);
        names
            .filter(|folder| !folder.has("\\Noselect"))
            .map(|folder| folder.wire_name)
            .collect()
    };
    namespace.separator = namespace
        .separator
        .or_else(|| listed.iter().find_map(|folder| folder.separator));
    let mut folders: Vec<ListedFolder> = listed
        .into_iter()
        .filter(|folder| !namespace.is_foreign(&folder.wire_name))
        .map(|folder| ListedFolder {
            path: namespace.path(&folder.wire_name),
            special_use: folder.special_use(),
            selectable: !NOT_COPIED.iter().any(|attribute| folder.has(attribute)),
            subscribed: subscribed.contains(&folder.wire_name),
            wire_name: folder.wire_name,
        })
        .collect();
    if !folders.iter().any(|folder| folder.path == ["INBOX"]) {
        // RFC 9051, section 5.1: it is there, listed or not.
        folders.push(ListedFolder {
            wire_name: "INBOX".to_owned(),
            path: vec!["INBOX".to_owned()],
            special_use: None,
            selectable: true,
            subscribed: subscribed.iter().any(|name| name.eq_ignore_ascii_case("INBOX")),
        });
    }
    Ok((namespace, folders))
}

async fn run_list(session: &mut Session, command: &str) -> Result<Vec<Listed>, ImapError> {
    let data = session.run("LIST", command).await?;
    let lines = data.iter().filter(|data| data.name == "LIST");
    lines
        .map(|line| {
            listed(line).ok_or(ImapError::Unreadable {
                command: "LIST",
                what: "a folder without a name",
            })
        })
        .collect()
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

/// Servers without RFC 5530's codes say it in words; so do those that mean the opposite.
fn already_exists(code: &str, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let denies = ["not exist", "n't exist", "nonexist", "non-exist", "no such"];
    code == "ALREADYEXISTS"
        || ["already exist", "exists"].iter().any(|words| text.contains(words))
            && !denies.iter().any(|words| text.contains(words))
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

    fn is_inbox(&self) -> bool {
        self.wire_name.eq_ignore_ascii_case("INBOX")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_that_is_there_already_exists() {
        assert!(already_exists("ALREADYEXISTS", ""));
        assert!(already_exists("", "Mailbox already exists"));
        assert!(already_exists("", "Mailbox exists."));
        for text in [
            "Parent mailbox does not exist",
            "Client tried to access nonexistent namespace.",
            "No such mailbox exists",
            "Permission denied",
        ] {
            assert!(!already_exists("", text), "{text}");
        }
    }
}
