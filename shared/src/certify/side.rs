//! One of the two servers while a mailbox is compared: a session that is opened when it is needed, and
//! whose work ends before the run does.

use std::collections::HashSet;
use std::time::Duration;

use super::compare::Halt;
use crate::clock::Deadline;
use crate::imap::{ImapError, Session, folder};
use crate::sync::{Access, SyncError};

/// So long before the run's end reading stops: what was read is written down and the next message sent
/// by then, even where a server is slow to say goodbye.
const SAVE_MARGIN: Duration = Duration::from_secs(5);

/// One of the two sides.
pub(super) struct Side<'a> {
    access: &'a Access,
    fault: fn(ImapError) -> SyncError,
    deadline: Deadline,
    session: Option<Session>,
    /// Names of all folders, once they have been asked for.
    names: Option<HashSet<String>>,
}

impl<'a> Side<'a> {
    pub(super) fn new(access: &'a Access, fault: fn(ImapError) -> SyncError, deadline: Deadline) -> Self {
        Self {
            access,
            fault,
            deadline,
            session: None,
            names: None,
        }
    }

    /// Works with the session while there is time. When that runs short, or after a fault, the session
    /// is lost, and with it which folder was open.
    pub(super) async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Session) -> Result<T, ImapError>,
    ) -> Result<T, Halt> {
        let left = self.deadline.remaining().saturating_sub(SAVE_MARGIN);
        let timed = async {
            let mut session = match self.session.take() {
                Some(session) => session,
                None => self.access.open().await?,
            };
            let done = work(&mut session).await;
            // A refusal is an answer: the session is as good as before.
            if matches!(done, Ok(_) | Err(ImapError::Refused { .. })) {
                self.session = Some(session);
            }
            done
        };
        match tokio::time::timeout(left, timed).await {
            Ok(done) => done.map_err(|error| Halt::Fault((self.fault)(error))),
            Err(_) => Err(Halt::OutOfTime((self.fault)(ImapError::TimedOut {
                command: "FETCH",
                seconds: left.as_secs(),
            }))),
        }
    }

    /// Whether the server lists a folder: one that does not open may be there nevertheless.
    pub(super) async fn lists(&mut self, wire_name: &str) -> Result<bool, Halt> {
        let names = if let Some(names) = self.names.take() {
            names
        } else {
            let (_, listed) = self.run(async |session| folder::list(session).await).await?;
            listed.into_iter().map(|folder| folder.wire_name).collect()
        };
        Ok(self.names.insert(names).contains(wire_name))
    }

    /// Says goodbye.
    pub(super) async fn log_out(&mut self) {
        if let Some(session) = self.session.take() {
            session.logout().await;
        }
    }
}
