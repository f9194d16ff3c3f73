//! The end of a mailbox's sealed passwords: they go with the write that ends its work for good.
//!
//! A mailbox is done for good when no pass to come can do anything with it. That may be long before its request's end,
//! with which the data key goes, and with it whatever is still sealed. State and passwords change in one write, so whoever
//! reads a mailbox that is to be worked on finds its passwords, and one without them is done.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::advance::Step;
use super::expression::Change;
use super::later::{is_login_refused, may_pass};
use super::{JobRecord, RequestRecord, Store, StoreError};
use crate::domain::{JobState, JobStatus, LaterLooks, Pass};

/// Which of a mailbox's passwords may be needed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    /// Both: there is another pass.
    Both,
    /// The one for the destination: a file with contacts or calendars may come.
    Destination,
    /// Neither.
    Neither,
}

impl JobRecord {
    /// The sealed password of the mailbox here: the row's own, else it is the same as there.
    pub fn sealed_for_destination(&self) -> Option<&str> {
        self.sealed_destination_password
            .as_deref()
            .or(self.sealed_password.as_deref())
    }
}

impl Store {
    /// The change that moves a mailbox on to `next`, without the sealed passwords that nothing needs any more then.
    ///
    /// The request is read before the write, and not held by it: what it says of looks to come gets less, but for the write
    /// that settles its pass, and that waits for this one.
    pub(super) async fn without_spent_passwords(
        &self,
        change: Change,
        before: &JobRecord,
        next: JobStatus,
        step: Step<'_>,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        if next.state().is_open() || next.state() == JobState::AwaitingCutover {
            return Ok(change);
        }
        let request = self.find_request(before.request_id).await?;
        let trouble = match step {
            Step::Last(trouble) => trouble,
            Step::Within => None,
        };
        let needed = match &request {
            Some(request) => needed(request, next, trouble, self.files_take_passwords, now),
            None => Needed::Neither,
        };
        let has_own_here = before.sealed_destination_password.is_some();
        Ok(match needed {
            Needed::Destination if has_own_here => change.remove("sealed_password"),
            Needed::Both | Needed::Destination => change,
            Needed::Neither if has_own_here => change
                .remove("sealed_password")
                .remove("sealed_destination_password")
                .set("had_destination_password", AttributeValue::Bool(true)),
            Needed::Neither => change.remove("sealed_password"),
        })
    }
}

/// What may be needed yet of the passwords of a mailbox that ends a pass as `next`, with this trouble.
fn needed(
    request: &RequestRecord,
    next: JobStatus,
    trouble: Option<&str>,
    files_take_passwords: bool,
    now: Timestamp,
) -> Needed {
    if next.state() == JobState::Cancelled {
        return Needed::Neither;
    }
    // One that failed before the final pass gets its second chance.
    let Some(pass) = next.pass().filter(|pass| *pass > Pass::First) else {
        return Needed::Both;
    };
    // Nothing of it opens any more.
    if request.data_key.is_none() {
        return Needed::Neither;
    }
    // It is tried no more: some providers lock a mailbox after too many refused logins.
    let is_locked_out = next.state() == JobState::Failed && trouble.is_some_and(is_login_refused);
    let may_go_on = |looks: &LaterLooks| looks.may_go_on(pass, trouble.is_some_and(may_pass), now);
    if !is_locked_out && request.looks.as_ref().is_some_and(may_go_on) {
        return Needed::Both;
    }
    // Files are announced until the final pass is over, and each that is counted is waited for.
    let takes_files = !request.state.has_been_completed() || request.open_attachments > 0;
    if files_take_passwords && takes_files {
        Needed::Destination
    } else {
        Needed::Neither
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::{RequestId, RequestState};

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3_600).unwrap()
    }

    /// A request in its final pass, after which a look is made at each of these hours.
    fn in_final_pass(looks: &[i64]) -> RequestRecord {
        let looks: Vec<_> = looks.iter().map(|hours| SignedDuration::from_hours(*hours)).collect();
        RequestRecord {
            data_key: Some("DATAKEY".to_owned()),
            looks: LaterLooks::planned(&looks),
            ..RequestRecord::made(
                RequestId::from_parts(1, [7; 10]),
                RequestState::FinalPass,
                "anna@example.org".parse().unwrap(),
                String::new(),
                at(0),
            )
        }
    }

    /// The same in the later pass that begins then.
    fn in_later_pass(looks: &[i64], hour: i64) -> RequestRecord {
        let request = in_final_pass(looks);
        let begun = |looks: LaterLooks| looks.after_pass(Pass::Final, at(0)).begun(at(hour));
        RequestRecord {
            state: RequestState::LaterPass,
            looks: request.looks.clone().map(begun),
            ..request
        }
    }

    const LATER: Pass = Pass::Later(1);
    const REFUSED: Option<&str> = Some("source_login_refused");
    const DOWN: Option<&str> = Some("source_timed_out");

    fn judged(request: &RequestRecord, state: JobState, pass: Pass, trouble: Option<&str>, hour: i64) -> Needed {
        needed(
            request,
            JobStatus::new(state, Some(pass)).unwrap(),
            trouble,
            false,
            at(hour),
        )
    }

    #[test]
    fn the_end_of_the_final_pass_is_a_mailboxs_end_where_no_look_is_to_come() {
        for state in [JobState::Completed, JobState::CompletedWithExceptions, JobState::Failed] {
            for trouble in [None, DOWN] {
                let with = |looks: &[i64]| judged(&in_final_pass(looks), state, Pass::Final, trouble, 0);
                assert_eq!((with(&[]), with(&[24])), (Needed::Neither, Needed::Both), "{state}");
            }
        }
        let failed = |pass, trouble| judged(&in_final_pass(&[24]), JobState::Failed, pass, trouble, 0);
        assert_eq!(failed(Pass::Final, REFUSED), Needed::Neither);
        // It gets its second chance, mended or not.
        assert_eq!(failed(Pass::First, REFUSED), Needed::Both);
    }

    #[test]
    fn the_last_look_is_a_mailboxs_end_unless_it_is_tried_again() {
        let last = in_later_pass(&[24], 24);
        for (state, trouble, expected) in [
            (JobState::Completed, None, Needed::Neither),
            (JobState::CompletedWithExceptions, None, Needed::Neither),
            // Given up at the previous provider, or its password changed there.
            (JobState::Completed, REFUSED, Needed::Neither),
            (JobState::Failed, REFUSED, Needed::Neither),
            (JobState::CompletedWithExceptions, DOWN, Needed::Both),
            (JobState::Failed, DOWN, Needed::Both),
        ] {
            assert_eq!(
                judged(&last, state, LATER, trouble, 24),
                expected,
                "{state} {trouble:?}"
            );
            // The time is over before it could be tried again.
            assert_eq!(judged(&last, state, LATER, trouble, 48), Needed::Neither, "{state}");
        }
        let one_of_two = in_later_pass(&[24, 72], 24);
        let ended = |state, trouble| judged(&one_of_two, state, LATER, trouble, 24);
        assert_eq!(ended(JobState::Completed, None), Needed::Both);
        assert_eq!(ended(JobState::Completed, REFUSED), Needed::Both);
        assert_eq!(ended(JobState::Failed, REFUSED), Needed::Neither);
        let deleted = RequestRecord {
            data_key: None,
            ..one_of_two
        };
        assert_eq!(judged(&deleted, JobState::Completed, LATER, None, 24), Needed::Neither);
    }

    #[test]
    fn a_file_that_may_come_keeps_the_password_that_it_takes() {
        let needed_by_files = |request: &RequestRecord, pass| {
            let status = JobStatus::new(JobState::Completed, Some(pass)).unwrap();
            needed(request, status, None, true, at(24))
        };
        assert_eq!(needed_by_files(&in_final_pass(&[]), Pass::Final), Needed::Destination);
        let last = in_later_pass(&[24], 24);
        assert_eq!(needed_by_files(&last, LATER), Needed::Neither);
        let waited_for = RequestRecord {
            open_attachments: 1,
            ..last
        };
        assert_eq!(needed_by_files(&waited_for, LATER), Needed::Destination);
    }

    #[test]
    fn a_cancelled_mailbox_needs_none() {
        let cancelled = JobStatus::new(JobState::Cancelled, Some(Pass::First)).unwrap();
        assert_eq!(
            needed(&in_final_pass(&[24]), cancelled, None, true, at(0)),
            Needed::Neither
        );
    }
}
