//! Changing flags of many messages in many folders, in one round trip (RFC 9051, section 6.4.6).

use super::error::ImapError;
use super::open::Selected;
use super::pipeline::{Group, Heard, pipeline};
use super::session::{Session, quote};
use crate::domain::uid::UidSet;

/// Changes of flags in a folder.
#[derive(Clone, Debug)]
pub struct FolderChanges {
    /// Its name on the wire.
    pub wire_name: String,
    /// The UIDVALIDITY that the UIDs are of.
    pub uid_validity: u32,
    /// The changes.
    pub changes: Vec<Change>,
}

/// One change of flags of some messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The messages.
    pub uids: UidSet,
    /// `+` or `-`.
    pub sign: char,
    /// The flags.
    pub flags: Vec<String>,
}

/// Changes flags (STORE, silent). What came of it stands where its folder does.
///
/// # Errors
/// [`ImapError`] where the session is lost; what the server does not want is said for each folder.
pub async fn store_all(
    session: &mut Session,
    folders: &[FolderChanges],
) -> Result<Vec<Result<(), ImapError>>, ImapError> {
    let mut ends: Vec<Result<(), ImapError>> = folders.iter().map(|_| Ok(())).collect();
    let mut opened: Vec<Selected> = folders.iter().map(|_| Selected::default()).collect();
    pipeline(session, folders.iter().map(commands), |number, heard| {
        let (Some(folder), Some(end), Some(opened)) =
            (folders.get(number), ends.get_mut(number), opened.get_mut(number))
        else {
            return;
        };
        match heard {
            Heard::Data(data) => opened.note_data(&data),
            Heard::Notice(status) => opened.note_status(&status),
            Heard::Done(command, ended) => {
                let other = (command == 0 && opened.uid_validity != folder.uid_validity).then(|| {
                    ImapError::UidValidityChanged {
                        folder: folder.wire_name.clone(),
                        expected: folder.uid_validity,
                        found: opened.uid_validity,
                    }
                });
                if let (Ok(()), Some(error)) = (&end, ended.err().or(other)) {
                    *end = Err(error);
                }
            }
        }
    })
    .await?;
    Ok(ends)
}

const SELECT: &str = "SELECT";
const STORE: &str = "STORE";

fn commands(folder: &FolderChanges) -> Group {
    let mut commands = vec![(SELECT, format!("SELECT {}", quote(&folder.wire_name)))];
    for Change { uids, sign, flags } in &folder.changes {
        let flags = flags.join(" ");
        let sets = uids.commands();
        commands.extend(
            sets.iter()
                .map(|set| (STORE, format!("UID STORE {set} {sign}FLAGS.SILENT ({flags})"))),
        );
    }
    Group::opening(commands)
}
