//! Removing single messages for good (UIDPLUS, RFC 4315).

use super::error::ImapError;
use super::fetch::store_flags;
use super::session::Session;
use crate::domain::uid::UidSet;

/// Whether the server can remove single messages, and no others that are marked as deleted.
pub fn can_remove(session: &Session) -> bool {
    let capabilities = session.capabilities();
    capabilities.has("UIDPLUS") || capabilities.has("IMAP4REV2")
}

/// Removes messages of the folder that was opened for changes. Repeating it changes nothing.
///
/// # Errors
/// [`ImapError`]; some may be removed by then, and the others marked as deleted.
pub async fn remove(session: &mut Session, uids: &UidSet) -> Result<(), ImapError> {
    store_flags(session, uids, '+', &["\\Deleted".to_owned()]).await?;
    for set in uids.commands() {
        session.run("EXPUNGE", &format!("UID EXPUNGE {set}")).await?;
    }
    Ok(())
}
