//! Moving messages from one folder to another (RFC 6851; else COPY and EXPUNGE, RFC 4315).

use super::error::ImapError;
use super::remove::remove;
use super::response::Status;
use super::session::{Event, Session, check, quote};
use crate::domain::uid::UidSet;

const MOVE: &str = "MOVE";
const COPY: &str = "COPY";

/// Whether the server can move single messages.
pub fn can_move(session: &Session) -> bool {
    let capabilities = session.capabilities();
    ["MOVE", "UIDPLUS", "IMAP4REV2"]
        .iter()
        .any(|capability| capabilities.has(capability))
}

/// Moves messages of the folder that was opened for changes. Gives the UIDs that they had and have
/// now, where the server tells them.
///
/// # Errors
/// [`ImapError::Refused`] where nothing was moved; with another error, some may lie in either folder
/// or in both.
pub async fn relocate(session: &mut Session, uids: &UidSet, to: &str) -> Result<Vec<(u32, u32)>, ImapError> {
    let moves = session.capabilities().has("MOVE") || session.capabilities().has("IMAP4REV2");
    let (name, verb) = if moves { (MOVE, "UID MOVE") } else { (COPY, "UID COPY") };
    let mut pairs = Vec::new();
    for set in uids.commands() {
        pairs.extend(transplant(session, name, &format!("{verb} {set} {}", quote(to))).await?);
    }
    if !moves {
        remove(session, uids).await?;
    }
    Ok(pairs)
}

/// Runs the command; COPYUID comes with its end, or for a MOVE before the messages vanish.
async fn transplant(session: &mut Session, name: &'static str, command: &str) -> Result<Vec<(u32, u32)>, ImapError> {
    let tag = session.send(name, command).await?;
    let mut pairs = Vec::new();
    loop {
        match session.next_event(name).await? {
            Event::Notice(status) => pairs.extend(copied(&status)),
            Event::Done(done, status) if done == tag => {
                let status = check(name, status)?;
                pairs.extend(copied(&status));
                return Ok(pairs);
            }
            Event::Data(_) | Event::Continue | Event::Done(..) => {}
        }
    }
}

/// The pairs of COPYUID; none where they do not fit each other.
fn copied(status: &Status) -> Vec<(u32, u32)> {
    let sets = || -> Option<(UidSet, UidSet)> {
        let mut words = status.arguments.split_whitespace().skip(1);
        let (from, to) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some((from, to))
    };
    let sets = (status.code == "COPYUID").then(sets).flatten();
    match sets.filter(|(from, to)| from.len() == to.len()) {
        Some((from, to)) => from.iter().zip(to.iter()).collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::Kind;
    use super::*;

    #[test]
    fn pairs_are_those_of_the_sets_in_their_order() {
        let status = |arguments: &str| Status {
            kind: Kind::Ok,
            code: "COPYUID".to_owned(),
            arguments: arguments.to_owned(),
            text: String::new(),
        };
        assert_eq!(
            copied(&status("38505 304,319:320 3956:3958")),
            [(304, 3956), (319, 3957), (320, 3958)]
        );
        assert_eq!(copied(&status("38505 304,319 3956")), []);
        assert_eq!(copied(&status("38505 304")), []);
        // hMailServer (2026) writes ranges from their end, which does not say which message is which: it is looked for.
        assert_eq!(copied(&status("38505 304,320:319 3956:3958")), []);
        assert_eq!(copied(&status("38505 304,319:320 3958:3956")), []);
    }
}
