//! Folders: what is known of them, and making them (RFC 9051, sections 6.3.4 and 6.3.7). Listing is in
//! `listing.rs`.

use std::collections::BTreeMap;

use super::error::ImapError;
use super::listing::{key, status_command, statuses_of};
pub use super::listing::{list, list_with_status};
pub use super::namespace::Namespace;
pub use super::open::FolderStatus;
use super::open::sendable;
use super::pipeline::{Group, Heard, pipeline, run_all};
use super::session::Session;

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
    /// Its numbers, where they were asked for and the server told them.
    pub status: Option<FolderStatus>,
}

/// A folder to be made ready.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its name on the wire.
    pub wire_name: &'a str,
    /// Whether to make it, unless it is there already.
    pub create: bool,
}

/// Makes folders and asks for their numbers, in one round trip for all. Each answer stands where its
/// folder does.
///
/// # Errors
/// [`ImapError`] where the session is lost; what the server does not want is said for each folder.
pub async fn ready(
    session: &mut Session,
    folders: &[Wanted<'_>],
) -> Result<Vec<Result<FolderStatus, ImapError>>, ImapError> {
    let mut commands = Vec::new();
    for (at, folder) in folders.iter().enumerate() {
        let (Ok(name), Ok(status)) = (sendable(CREATE, folder.wire_name), status_command(folder.wire_name)) else {
            continue;
        };
        if folder.create {
            commands.push((at, CREATE, format!("CREATE {name}")));
        }
        commands.push((at, STATUS, status));
    }
    let groups = commands
        .iter()
        .map(|(_, name, command)| Group::one(name, command.clone()));
    let mut data = Vec::new();
    let mut refused: BTreeMap<(usize, &str), ImapError> = BTreeMap::new();
    pipeline(session, groups, |group, heard| match (heard, commands.get(group)) {
        (Heard::Data(heard), _) => data.push(heard),
        (Heard::Done(_, Err(error)), Some((at, name, _))) => {
            refused.insert((*at, name), error);
        }
        (Heard::Done(..) | Heard::Notice(_), _) => {}
    })
    .await?;
    let told = statuses_of(&data);
    let mut results = Vec::with_capacity(folders.len());
    for (at, folder) in folders.iter().enumerate() {
        let refusal = refused
            .remove(&(at, CREATE))
            .filter(|refusal| !is_there_already(refusal));
        results.push(match (refusal, told.get(&key(folder.wire_name))) {
            (Some(refusal), _) => Err(refusal),
            (None, Some(status)) => Ok(*status),
            // A server may have looked before it had made the folder.
            (None, None) => match session.status(folder.wire_name).await {
                Err(error) if !matches!(error, ImapError::Refused { .. }) => return Err(error),
                asked => asked,
            },
        });
    }
    Ok(results)
}

/// Subscribes to folders, in one round trip; repeating it changes nothing. What the server does not
/// want is passed over: a subscription is not worth a folder.
///
/// # Errors
/// [`ImapError`] where the session is lost.
pub async fn subscribe_all(session: &mut Session, wire_names: &[&str]) -> Result<(), ImapError> {
    let commands = wire_names
        .iter()
        .filter_map(|name| Some(format!("SUBSCRIBE {}", sendable("SUBSCRIBE", name).ok()?)));
    run_all(session, "SUBSCRIBE", commands.collect()).await.map(|_| ())
}

fn is_there_already(refusal: &ImapError) -> bool {
    matches!(refusal, ImapError::Refused { code, text, .. } if already_exists(code, text))
}

/// Servers without RFC 5530's codes say it in words; so do those that mean the opposite.
fn already_exists(code: &str, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let denies = ["not exist", "n't exist", "nonexist", "non-exist", "no such"];
    code == "ALREADYEXISTS"
        || ["already exist", "exists"].iter().any(|words| text.contains(words))
            && !denies.iter().any(|words| text.contains(words))
}

const CREATE: &str = "CREATE";
const STATUS: &str = "STATUS";

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
