//! Dead letters of a request: its check, the start of a pass, the cut-over.
//!
//! A request fails only where nothing else can move it on. A pass that has begun is taken up again
//! instead, after a while and again and again, because mailboxes would wait for ever otherwise; each
//! round rings the alarm.

use std::time::Duration;

use jiff::Timestamp;
use mailvan::clock::now;
use mailvan::domain::{JobState, JobStatus, Pass, RequestEvent, RequestId, RequestState};
use mailvan::queue::{Queue, StartPass};
use mailvan::store::request::RequestChange;
use mailvan::store::{NoticeKind, RequestRecord, StaffCause, StoreError};
use mailvan::sync::{cancel_jobs, tell_staff};

use crate::{Deps, failure, settle};

/// How long after a dead letter a pass is taken up again: what was down is up again by then.
const AGAIN_AFTER: Duration = Duration::from_mins(5);

/// What a letter was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To read or check the mailboxes of a generation.
    Check(u32),
    /// To start a pass.
    Start(Pass),
    /// To start the final pass, when it is time.
    CutOver,
}

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Remedy {
    /// It cannot go on, for this reason.
    fail: Option<&'static str>,
    /// The customer should know, and do something about it.
    note: Option<&'static str>,
    /// This pass is to be started, or started whole.
    start: Option<Pass>,
}

/// Buries a letter of a request.
pub async fn bury(deps: &Deps, request_id: RequestId, wish: Wish) -> anyhow::Result<()> {
    let store = &deps.store;
    let Some(request) = store.find_request(request_id).await? else {
        tracing::warn!(request.id = %request_id, ?wish, "a dead letter of a request that is not there");
        return Ok(());
    };
    let jobs = store.jobs(request_id, request.generation).await?;
    let statuses: Vec<JobStatus> = jobs.iter().map(|job| job.status).collect();
    let remedy = remedy(wish, &request, &statuses, now());
    tracing::error!(request.id = %request_id, request.state = %request.state, ?wish, ?remedy, "dead letter");
    if remedy.fail.or(remedy.note).is_some() {
        tell_staff(store, request_id, StaffCause::GivenUp, now()).await?;
    }
    if let Some(why) = remedy.fail {
        fail(deps, &request, why).await?;
    }
    if remedy.fail.is_some() || request.state.is_terminal() {
        cancel_jobs(store, &jobs, now()).await?;
    }
    if let Some(why) = remedy.note {
        match store
            .note_request_trouble(request_id, request.state, &failure(why))
            .await
        {
            // It has moved on, so it is no trouble any more.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(pass) = remedy.start {
        let start = StartPass { request_id, pass };
        deps.queues.send_later(Queue::Start, &start, AGAIN_AFTER).await?;
    }
    settle(deps, request_id).await
}

/// Decides about a request by where it is, with the statuses of its mailboxes.
///
/// The start of the first pass fails no request that is still being checked: a check that cannot be
/// done has a letter of its own, and the start may come from a schedule that was made for an earlier
/// upload.
fn remedy(wish: Wish, request: &RequestRecord, jobs: &[JobStatus], now: Timestamp) -> Remedy {
    use RequestState as S;
    let again = |pass| jobs.iter().any(|job| is_yet_to_start(*job, pass)).then_some(pass);
    let fail = |why| Remedy {
        fail: Some(why),
        ..Remedy::default()
    };
    match (wish, request.state) {
        (Wish::Check(generation), _) if generation != request.generation => Remedy::default(),
        (Wish::Check(_), S::AwaitingUpload | S::Checking) => {
            fail("the mailboxes could not be checked; staff have been told")
        }
        // Accepted, but the start may not have been sent or scheduled, or not for the frame that counts.
        // A start before its time makes the schedule.
        (Wish::Check(_), S::Scheduled) => Remedy {
            start: Some(Pass::First),
            ..Remedy::default()
        },
        (Wish::Start(Pass::First), S::Scheduled) => fail("the first pass could not be started; staff have been told"),
        (Wish::Start(Pass::First), S::FirstPass) => Remedy {
            start: again(Pass::First).or_else(|| sleeps(request, jobs, now).then_some(Pass::First)),
            ..Remedy::default()
        },
        // The clock, or the customer, wishes for it again where it has not begun.
        (Wish::Start(pass @ Pass::Later(_)), S::LaterPass) => Remedy {
            start: again(pass),
            ..Remedy::default()
        },
        (Wish::Start(Pass::Final) | Wish::CutOver, S::AwaitingCutover) => Remedy {
            note: Some(ASK_AGAIN),
            ..Remedy::default()
        },
        (Wish::Start(Pass::Final) | Wish::CutOver, S::FinalPass) => Remedy {
            note: again(Pass::Final).map(|_| ASK_AGAIN),
            start: again(Pass::Final),
            ..Remedy::default()
        },
        _ => Remedy::default(),
    }
}

/// Whether mailboxes wait for the next night's start, which is made by this one.
fn sleeps(request: &RequestRecord, jobs: &[JobStatus], now: Timestamp) -> bool {
    let comes_again = request
        .window
        .as_ref()
        .is_some_and(|window| window.next_waking(now).is_some());
    comes_again && jobs.iter().any(|job| job.state() == JobState::Copying)
}

const ASK_AGAIN: &str =
    "the final pass could not be started; staff have been told; please say again that the DNS is changed";

/// Whether a mailbox takes part in a pass and may not have got its planning's message.
fn is_yet_to_start(job: JobStatus, pass: Pass) -> bool {
    match (job.state(), pass) {
        (JobState::Planning, pass) => job.pass() == Some(pass),
        (JobState::Waiting, Pass::First) | (JobState::AwaitingCutover, Pass::Final) => true,
        (JobState::Failed, Pass::Final) => job.pass() != Some(Pass::Final),
        (JobState::Completed | JobState::CompletedWithExceptions | JobState::Failed, Pass::Later(_)) => {
            job.pass() < Some(pass)
        }
        _ => false,
    }
}

/// Fails a request as it was read. Where it has moved on meanwhile the letter comes again and is
/// judged anew.
async fn fail(deps: &Deps, request: &RequestRecord, why: &str) -> Result<(), StoreError> {
    let change = RequestChange {
        notice: Some(NoticeKind::Failed),
        failure: Some(failure(why)),
        if_generation: Some(request.generation),
        if_state: Some(request.state),
        ..RequestChange::default()
    };
    deps.store
        .advance_request(request.request_id, RequestEvent::Failed, now(), change)
        .await
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use mailvan::domain::Window;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn request(state: RequestState) -> RequestRecord {
        RequestRecord {
            generation: 2,
            ..RequestRecord::made(
                RequestId::from_parts(0, [0; 10]),
                state,
                "anna@example.com".parse().unwrap(),
                String::new(),
                NOW,
            )
        }
    }

    fn failing(wish: Wish) -> Vec<RequestState> {
        let fails = |state: &RequestState| remedy(wish, &request(*state), &[], NOW).fail.is_some();
        RequestState::ALL.into_iter().filter(fails).collect()
    }

    fn job(state: JobState, pass: Option<Pass>) -> JobStatus {
        JobStatus::new(state, pass).unwrap()
    }

    #[test]
    fn a_letter_fails_a_request_only_where_nothing_else_moves_it_on() {
        assert_eq!(
            failing(Wish::Check(2)),
            [RequestState::AwaitingUpload, RequestState::Checking]
        );
        assert_eq!(failing(Wish::Start(Pass::First)), [RequestState::Scheduled]);
        for wish in [Wish::Check(1), Wish::Start(Pass::Final), Wish::CutOver] {
            assert_eq!(failing(wish), [], "{wish:?}");
        }
    }

    #[test]
    fn a_late_letter_of_the_check_has_the_start_made_again() {
        let mut scheduled = request(RequestState::Scheduled);
        assert_eq!(remedy(Wish::Check(2), &scheduled, &[], NOW).start, Some(Pass::First));
        // It makes the schedule, which may be missing.
        scheduled.window = Some(Window::parse("1970-01-02T00:00", None, "UTC", NOW).unwrap());
        assert_eq!(remedy(Wish::Check(2), &scheduled, &[], NOW).start, Some(Pass::First));
        for state in [
            RequestState::NeedsAttention,
            RequestState::FirstPass,
            RequestState::Completed,
        ] {
            assert_eq!(
                remedy(Wish::Check(2), &request(state), &[], NOW),
                Remedy::default(),
                "{state}"
            );
        }
    }

    #[test]
    fn a_pass_that_began_is_started_whole() {
        let first = request(RequestState::FirstPass);
        let wish = Wish::Start(Pass::First);
        let under_way = job(JobState::Copying, Some(Pass::First));
        assert_eq!(
            remedy(wish, &first, &[under_way, JobStatus::WAITING], NOW).start,
            Some(Pass::First)
        );
        assert_eq!(remedy(wish, &first, &[under_way], NOW), Remedy::default());
        // The night's start wakes what sleeps.
        let nights = Window::parse("1970-01-02T00:00", Some("1970-01-02T06:00"), "UTC", NOW).unwrap();
        let sleeping = RequestRecord {
            window: Some(nights),
            ..first
        };
        assert_eq!(remedy(wish, &sleeping, &[under_way], NOW).start, Some(Pass::First));
        assert_eq!(remedy(wish, &sleeping, &[], NOW), Remedy::default());

        let last = request(RequestState::FinalPass);
        for second_chance in [
            job(JobState::Failed, Some(Pass::First)),
            job(JobState::AwaitingCutover, Some(Pass::First)),
            job(JobState::Planning, Some(Pass::Final)),
        ] {
            let found = remedy(Wish::CutOver, &last, &[second_chance], NOW);
            assert_eq!((found.start, found.note), (Some(Pass::Final), Some(ASK_AGAIN)));
        }
        let ended = job(JobState::Failed, Some(Pass::Final));
        assert_eq!(
            remedy(Wish::Start(Pass::Final), &last, &[ended], NOW),
            Remedy::default()
        );
    }

    #[test]
    fn a_cut_over_that_failed_keeps_the_state_and_asks_for_another_try() {
        for wish in [Wish::Start(Pass::Final), Wish::CutOver] {
            let found = remedy(wish, &request(RequestState::AwaitingCutover), &[], NOW);
            assert_eq!((found.fail, found.start, found.note), (None, None, Some(ASK_AGAIN)));
        }
    }
}
