//! The message that has a mailbox's owner told.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::send_notice::next_try;
use super::{Queue, QueueError, Queues};
use crate::domain::JobId;
use crate::store::JobRecord;

/// "Tell the owner of this mailbox that it has moved": to `notify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TellOwner {
    /// The mailbox.
    pub job_id: JobId,
    /// How often the mail service took no more mail.
    pub owner_tries: u32,
}

impl TellOwner {
    /// The message after this one, and how long it waits; none where that has gone on for too long.
    pub fn next(self) -> Option<(Self, Duration)> {
        let (owner_tries, pause) = next_try(self.owner_tries)?;
        Some((Self { owner_tries, ..self }, pause))
    }
}

impl Queues {
    /// Has a mailbox's owner told, where that is still to be done. Said twice it is done once.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn tell_owner(&self, job: &JobRecord) -> Result<(), QueueError> {
        if !job.owner_is_to_be_told() {
            return Ok(());
        }
        let tell = TellOwner {
            job_id: job.job_id,
            owner_tries: 0,
        };
        self.send(Queue::Owner, &tell).await
    }
}
