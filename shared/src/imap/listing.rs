//! Listing folders: names, separators, what they are for, and their numbers, in as few round trips as
//! the server allows (RFC 9051, section 6.3.9; RFC 6154; RFC 5819).

use std::collections::{BTreeMap, HashSet};

use super::capability::Capabilities;
use super::error::ImapError;
use super::folder::{ListedFolder, SpecialUse};
use super::namespace::{Namespace, namespace};
use super::open::{FolderStatus, sendable};
use super::pipeline::{Group, Heard, pipeline, run_all};
use super::response::Data;
use super::session::Session;
use super::value::Value;

const LIST: &str = "LIST";
const STATUS: &str = "STATUS";

/// Attributes of folders without messages of their own.
const NOT_COPIED: [&str; 4] = ["\\Noselect", "\\NonExistent", "\\Flagged", "\\Important"];

/// All folders of the mailbox's owner, and where they are. INBOX is always among them.
///
/// # Errors
/// [`ImapError`]; an answer that cannot be read is an error, never an empty list.
pub async fn list(session: &mut Session) -> Result<(Namespace, Vec<ListedFolder>), ImapError> {
    list_folders(session, false).await
}

/// All folders with their numbers, as [`list`]. A folder whose numbers the server does not tell is
/// listed without them.
///
/// # Errors
/// As [`list`].
pub async fn list_with_status(session: &mut Session) -> Result<(Namespace, Vec<ListedFolder>), ImapError> {
    let (namespace, mut folders) = list_folders(session, true).await?;
    let items = status_items(session.capabilities());
    let silent = |folder: &&ListedFolder| folder.selectable && folder.status.is_none();
    let names: Vec<&str> = folders
        .iter()
        .filter(silent)
        .map(|folder| folder.wire_name.as_str())
        .collect();
    let commands = names
        .iter()
        .filter_map(|name| Some(format!("STATUS {} {items}", sendable(STATUS, name).ok()?)))
        .collect();
    let (data, _) = run_all(session, STATUS, commands).await?;
    let told = statuses_of(&data);
    for folder in folders.iter_mut().filter(|folder| folder.status.is_none()) {
        folder.status = told.get(&key(&folder.wire_name)).copied();
    }
    Ok((namespace, folders))
}

async fn list_folders(session: &mut Session, with_status: bool) -> Result<(Namespace, Vec<ListedFolder>), ImapError> {
    let has_namespace = session.capabilities().has("NAMESPACE") && !session.quirks.namespace_disconnects;
    let utf8 = session.capabilities().names_are_utf8();
    let asked = Asked::of(session.capabilities(), with_status);
    let mut heard = ask(session, &asked, has_namespace).await?;
    let mut namespace = namespace(&heard.data, utf8);
    // Strato (2021) announces the extensions and lists nothing when asked with them.
    if !asked.is_plain()
        && !heard
            .listed
            .as_ref()
            .is_ok_and(|listed| listed.iter().any(Listed::is_inbox))
    {
        let plain = ask(session, &Asked::default(), false).await?;
        let more = |plain: &[Listed], listed: &[Listed]| plain.len() > listed.len();
        match (&plain.listed, &heard.listed) {
            (Ok(lines), Ok(listed)) if more(lines, listed) => heard = plain,
            (Ok(_), Err(_)) => heard = plain,
            (Ok(_) | Err(_), _) => {}
        }
    }
    let told = statuses_of(&heard.data);
    let listed = heard.listed?;
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
            subscribed: folder.has("\\Subscribed") || heard.subscribed.contains(&folder.wire_name),
            status: told.get(&key(&folder.wire_name)).copied(),
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
            subscribed: heard.subscribed.iter().any(|name| name.eq_ignore_ascii_case("INBOX")),
            status: None,
        });
    }
    Ok((namespace, folders))
}

/// What LIST is asked for beside names and attributes.
#[derive(Clone, Debug, Default)]
struct Asked {
    /// `SPECIAL-USE SUBSCRIBED` (RFC 6154, RFC 5258); else subscriptions are listed by LSUB.
    extended: bool,
    /// `STATUS` with these items (RFC 5819).
    status: Option<String>,
}

impl Asked {
    fn of(capabilities: &Capabilities, with_status: bool) -> Self {
        Self {
            extended: capabilities.has("LIST-EXTENDED") && capabilities.has("SPECIAL-USE"),
            status: (with_status && capabilities.has("LIST-STATUS")).then(|| status_items(capabilities)),
        }
    }

    fn is_plain(&self) -> bool {
        !self.extended && self.status.is_none()
    }

    fn command(&self) -> String {
        let extended = self.extended.then(|| "SPECIAL-USE SUBSCRIBED".to_owned());
        let status = self.status.as_ref().map(|items| format!("STATUS {items}"));
        let options: Vec<String> = extended.into_iter().chain(status).collect();
        match options.as_slice() {
            [] => r#"LIST "" "*""#.to_owned(),
            options => format!(r#"LIST "" "*" RETURN ({})"#, options.join(" ")),
        }
    }
}

/// What was heard of a LIST and what was asked with it.
struct HeardList {
    data: Vec<Data>,
    listed: Result<Vec<Listed>, ImapError>,
    subscribed: HashSet<String>,
}

/// Asks for the folders, together with what does not depend on the answer.
async fn ask(session: &mut Session, asked: &Asked, with_namespace: bool) -> Result<HeardList, ImapError> {
    let mut commands = Vec::new();
    if with_namespace {
        commands.push(("NAMESPACE", "NAMESPACE".to_owned()));
    }
    commands.push((LIST, asked.command()));
    if !asked.extended {
        commands.push(("LSUB", r#"LSUB "" "*""#.to_owned()));
    }
    let groups = commands.iter().map(|(name, command)| Group::one(name, command.clone()));
    let mut data = Vec::new();
    let mut ended = Ok(());
    pipeline(session, groups, |group, heard| match heard {
        Heard::Data(heard) => data.push(heard),
        // A server without the others has its folders at the top, and none subscribed to.
        Heard::Done(_, end) if commands.get(group).is_some_and(|(name, _)| *name == LIST) => ended = end,
        Heard::Done(..) | Heard::Notice(_) => {}
    })
    .await?;
    let lines = data.iter().filter(|data| data.name == LIST);
    let listed: Result<Vec<Listed>, ImapError> = lines
        .map(|line| {
            listed(line).ok_or(ImapError::Unreadable {
                command: LIST,
                what: "a folder without a name",
            })
        })
        .collect();
    let subscribed = data.iter().filter(|data| data.name == "LSUB").filter_map(self::listed);
    Ok(HeardList {
        subscribed: subscribed
            .filter(|folder| !folder.has("\\Noselect"))
            .map(|folder| folder.wire_name)
            .collect(),
        listed: ended.and(listed),
        data,
    })
}

/// The items of a STATUS command.
fn status_items(capabilities: &Capabilities) -> String {
    let modseq = if capabilities.has("CONDSTORE") {
        " HIGHESTMODSEQ"
    } else {
        ""
    };
    format!("(MESSAGES UIDNEXT UIDVALIDITY{modseq})")
}

/// A STATUS command for the numbers that copying needs at the destination.
pub(super) fn status_command(wire_name: &str) -> Result<String, ImapError> {
    let name = sendable(STATUS, wire_name)?;
    Ok(format!("STATUS {name} (MESSAGES UIDNEXT UIDVALIDITY)"))
}

/// The numbers that STATUS answers tell, by the folder's [`key`]. They may stand anywhere: a server
/// may give them before or after the folder's LIST line.
pub(super) fn statuses_of(data: &[Data]) -> BTreeMap<String, FolderStatus> {
    let answers = data.iter().filter(|data| data.name == STATUS);
    answers
        .filter_map(|answer| {
            let name = answer.values.first()?.bytes()?;
            Some((key(&String::from_utf8_lossy(name)), FolderStatus::of(answer)?))
        })
        .collect()
}

/// What a folder is known by in answers: INBOX is the same in any case of its letters.
pub(super) fn key(wire_name: &str) -> String {
    if wire_name.eq_ignore_ascii_case("INBOX") {
        "INBOX".to_owned()
    } else {
        wire_name.to_owned()
    }
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
