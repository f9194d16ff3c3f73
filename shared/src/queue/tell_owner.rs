//! The message that has a mailbox's owner told.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LONGEST_DELAY, Queue, QueueError, Queues};
use crate::domain::JobId;
use crate::store::JobRecord;

/// How often the mail service may say that it is too much: with 15 minutes between two tries two days.
const MOST_TRIES: u32 = 200;

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
        let owner_tries = self.owner_tries.saturating_add(1);
        let pause = Duration::from_secs(120 << self.owner_tries.min(4)).min(LONGEST_DELAY);
        (owner_tries < MOST_TRIES).then_some((Self { owner_tries, ..self }, pause))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_waits_longer_each_time_and_is_given_up_after_two_days() {
        let first = TellOwner {
            job_id: "01m891k9000w3ge1r70w3ge1r7-1-00002".parse().unwrap(),
            owner_tries: 0,
        };
        let waits: Vec<Duration> = std::iter::successors(first.next(), |(wish, _)| wish.next())
            .map(|(_, pause)| pause)
            .collect();
        assert_eq!(waits.first(), Some(&Duration::from_mins(2)));
        assert!(waits.is_sorted() && waits.last() == Some(&LONGEST_DELAY));
        let hours = waits.iter().sum::<Duration>().as_secs() / 3600;
        assert_eq!((waits.len(), hours), (199, 49));
    }
}
