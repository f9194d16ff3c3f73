//! The message that has a notice sent; and how long what the mail service takes no more of waits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::LONGEST_DELAY;
use crate::domain::{RequestId, is_zero};
use crate::store::NoticeKind;

/// How often the mail service may say that it is too much: with 15 minutes between two tries two days.
const MOST_TRIES: u32 = 200;

/// "Send what is in the outbox": to `notify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendNotice {
    /// The request.
    pub request_id: RequestId,
    /// Which notice.
    pub notice: NoticeKind,
    /// How often the mail service took no more mail.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tries: u32,
}

impl SendNotice {
    /// The first message.
    pub fn new(request_id: RequestId, notice: NoticeKind) -> Self {
        Self {
            request_id,
            notice,
            tries: 0,
        }
    }

    /// The message after this one, and how long it waits; none where that has gone on for too long.
    pub fn next(self) -> Option<(Self, Duration)> {
        let (tries, pause) = next_try(self.tries)?;
        Some((Self { tries, ..self }, pause))
    }
}

/// The number of the next try after so many, and how long it waits; none after about two days.
pub(super) fn next_try(tries: u32) -> Option<(u32, Duration)> {
    let pause = Duration::from_secs(120 << tries.min(4)).min(LONGEST_DELAY);
    let next = tries.saturating_add(1);
    (next < MOST_TRIES).then_some((next, pause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_waits_longer_each_time_and_is_given_up_after_two_days() {
        let first = SendNotice::new("01m891k9000w3ge1r70w3ge1r7".parse().unwrap(), NoticeKind::Finished);
        let waits: Vec<Duration> = std::iter::successors(first.next(), |(wish, _)| wish.next())
            .map(|(_, pause)| pause)
            .collect();
        assert_eq!(waits.first(), Some(&Duration::from_mins(2)));
        assert!(waits.is_sorted() && waits.last() == Some(&LONGEST_DELAY));
        let hours = waits.iter().sum::<Duration>().as_secs() / 3600;
        assert_eq!((waits.len(), hours), (199, 49));
    }

    #[test]
    fn staff_can_have_a_notice_sent_without_a_number_of_tries() {
        let message = r#"{"request_id": "01m891k9000w3ge1r70w3ge1r7", "notice": {"about": "finished"}}"#;
        let wish: SendNotice = serde_json::from_str(message).unwrap();
        assert_eq!(wish, SendNotice::new(wish.request_id, NoticeKind::Finished));
    }
}
