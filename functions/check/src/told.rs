//! Telling the customer what the look before the start has found wrong that was right before: by one mail for all
//! that are found within some minutes, and by one more, when all have been looked at, for what was found later.
//!
//! Both messages are sent before the first notice is queued, so that neither waits for one that was lost.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mailvan::admission::LOOKED_AT_BEFORE;
use mailvan::clock::now;
use mailvan::domain::{JobState, RequestId, RequestState};
use mailvan::queue::{LONGEST_DELAY, Queue, SendNotice};
use mailvan::store::{JobRecord, NoticeKind};

use crate::Deps;

/// How long what was found is collected before it is told.
const TOLD_AFTER: Duration = Duration::from_mins(10);

/// How long before the start the rest is told, though not all have been looked at: it can still be mended.
const TOLD_BEFORE: SignedDuration = SignedDuration::from_hours(1);

/// Tells that something is wrong.
pub async fn tell(deps: &Deps, id: RequestId) -> anyhow::Result<()> {
    let store = &deps.engine.store;
    let request = store.request(id).await?;
    let start = request.wait_for_start(now());
    let Some(start) = start.filter(|_| request.state == RequestState::Scheduled) else {
        return Ok(());
    };
    let [first, rest] = [false, true].map(|further| {
        let start = start.as_second();
        SendNotice::new(id, NoticeKind::FoundAgain { start, further })
    });
    if store
        .notices(id)
        .await?
        .iter()
        .all(|queued| queued.notice != first.notice)
    {
        deps.queues.send_later(Queue::Notify, &first, TOLD_AFTER).await?;
        deps.queues.send_later(Queue::Check, &rest, LONGEST_DELAY).await?;
        store.queue_notice(id, first.notice, now()).await?;
    }
    Ok(())
}

/// Tells what was found since the first mail, once all have been looked at. Idempotency key: request and start.
pub async fn tell_the_rest(deps: &Deps, wish: SendNotice) -> anyhow::Result<()> {
    let SendNotice { request_id, notice, .. } = wish;
    let NoticeKind::FoundAgain { start, further: true } = notice else {
        anyhow::bail!("the check sends no other notice");
    };
    let store = &deps.engine.store;
    let Some(request) = store.find_request(request_id).await? else {
        return Ok(());
    };
    let is_ahead = request.wait_for_start(now()).map(Timestamp::as_second) == Some(start);
    if request.state != RequestState::Scheduled || !is_ahead {
        return Ok(());
    }
    let jobs = store.jobs(request_id, request.generation).await?;
    let outbox = store.notices(request_id).await?;
    let first = NoticeKind::FoundAgain { start, further: false };
    let told = outbox.iter().find(|queued| queued.notice == first);
    let told = told.and_then(|first| first.tells_of.as_deref());
    let has_time = Timestamp::from_second(start)?.duration_since(now()) > TOLD_BEFORE;
    if has_time && (told.is_none() || !all_are_looked_at(&jobs, Timestamp::from_second(start)?)) {
        return Ok(deps.queues.send_later(Queue::Check, &wish, LONGEST_DELAY).await?);
    }
    if jobs.iter().any(|job| is_news(job, told)) && store.queue_notice(request_id, notice, now()).await? {
        tracing::info!(request.id = %request_id, "more was found before the start");
        deps.queues.send(Queue::Notify, &wish).await?;
    }
    Ok(())
}

/// Whether nobody is still to be looked at before this start.
fn all_are_looked_at(jobs: &[JobRecord], start: Timestamp) -> bool {
    let begun = start.checked_sub(LOOKED_AT_BEFORE).unwrap_or(start);
    let mut waiting = jobs.iter().filter(|job| job.status.state() == JobState::Waiting);
    waiting.all(|job| {
        let looked_at: Option<Timestamp> = job.check.at.as_deref().and_then(|at| at.parse().ok());
        !job.check.state.is_open() && looked_at.is_some_and(|at| at >= begun)
    })
}

/// Whether something was found at a mailbox since this moment. The same second may have been before or after it.
fn is_news(job: &JobRecord, told: Option<&str>) -> bool {
    let is_later = job.check.at.as_deref() >= told;
    job.check.was_right && job.check.needs_attention() && is_later
}

#[cfg(test)]
mod tests {
    use mailvan::domain::{
        Check, CheckCode, CheckFault, CheckState, CopyOptions, Endpoint, JobId, MailboxOrder, Secret,
    };

    use super::*;

    fn job(state: CheckState, at: Option<&str>) -> JobRecord {
        let address: mailvan::domain::EmailAddress = "anna@example.org".parse().unwrap();
        let order = MailboxOrder {
            source_user: address.to_string(),
            destination: address.clone(),
            address,
            password: Secret::from("hunter2"),
            source: Endpoint::with_defaults("imap.example.org".parse().unwrap(), None, None),
            seeks_source: false,
            destination_password: None,
        };
        let id = JobId::new(RequestId::from_parts(0, [0; 10]), 1, 2);
        let now = Timestamp::UNIX_EPOCH;
        let mut job = JobRecord::accepted(id, &order, String::new(), None, &CopyOptions::default(), now);
        job.check = Check {
            state,
            at: at.map(|at| format!("2026-11-25T{at}Z")),
            faults: vec![CheckFault::new(CheckCode::SourceWrongPassword, "what", "do")],
            was_right: true,
            ..Check::default()
        };
        job
    }

    #[test]
    fn rest_is_told_when_all_have_been_looked_at() {
        let start = "2026-11-25T22:00:00Z".parse().unwrap();
        let looked_at = |jobs: &[JobRecord]| all_are_looked_at(jobs, start);
        let passed = job(CheckState::Passed, Some("16:00:00"));
        assert!(looked_at(std::slice::from_ref(&passed)));
        for other in [
            job(CheckState::Passed, Some("15:59:59")),
            job(CheckState::Running, Some("17:00:00")),
            job(CheckState::Waiting, None),
        ] {
            assert!(!looked_at(&[passed.clone(), other.clone()]), "{:?}", other.check);
        }
    }

    #[test]
    fn only_what_was_found_since_the_first_mail_is_news() {
        let told = Some("2026-11-25T16:10:00Z");
        for (state, at, news) in [
            (CheckState::Failed, "16:09:59", false),
            (CheckState::Failed, "16:10:00", true),
            (CheckState::Failed, "18:00:00", true),
            (CheckState::Passed, "18:00:00", false),
        ] {
            assert_eq!(is_news(&job(state, Some(at)), told), news, "{at}");
        }
        assert!(is_news(&job(CheckState::Failed, Some("16:00:00")), None));
        let mut mended = job(CheckState::Failed, Some("18:00:00"));
        mended.check.was_right = false;
        assert!(!is_news(&mended, told));
    }

    #[test]
    fn each_message_is_taken_for_what_it_is() {
        let id = RequestId::from_parts(0, [0; 10]);
        let found = NoticeKind::FoundAgain {
            start: 7,
            further: true,
        };
        let tell = SendNotice::new(id, found);
        let look = mailvan::queue::CheckMailbox {
            job_id: JobId::new(id, 1, 2),
            check_round: 0,
            is_news: true,
        };
        let taken = |text: String| serde_json::from_str::<crate::Wake>(&text).unwrap();
        assert!(matches!(taken(serde_json::to_string(&tell).unwrap()), crate::Wake::Tell(wish) if wish == tell));
        assert!(matches!(taken(serde_json::to_string(&look).unwrap()), crate::Wake::Check(wish) if wish == look));
    }
}
