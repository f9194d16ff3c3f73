//! A first pass that could copy none of the mailboxes, and is begun again.

use mailvan::domain::{JobState, Pass, Retention};
use mailvan::store::job::Failure;
use mailvan::store::{Ledger as _, StaffCause};
use mailvan::sync::settle_request;

use super::*;

const KEPT: Retention = Retention {
    waiting_days: 7,
    cutover_days: 120,
    ended_days: 90,
};

pub async fn first_pass_that_copied_nothing_is_begun_again(store: &Store) {
    let store = &store.clone().keeping(KEPT);
    let checking = RequestRecord {
        data_key: Some("sealed".to_owned()),
        ..request(50, RequestState::Checking)
    };
    store.create_request(&checking).await.unwrap();
    store.put_jobs(&[job(50, 1), job(50, 2)]).await.unwrap();
    let advance = async |event, open_jobs| {
        let change = RequestChange {
            open_jobs,
            ..RequestChange::default()
        };
        store.advance_request(id(50), event, now(), change).await.unwrap();
    };
    advance(RequestEvent::Accepted, None).await;
    advance(RequestEvent::PassStarted(Pass::First), Some(2)).await;
    let jobs = [job(50, 1).job_id, job(50, 2).job_id];
    let why = Failure {
        code: "source_timed_out".to_owned(),
        message: "no answer".to_owned(),
    };
    for job in jobs {
        store.start_job(job, Pass::First, now()).await.unwrap();
        store.fail_job(job, &why, now()).await.unwrap();
    }
    for _ in 0..2 {
        // Delivered twice.
        let notices = settle_request(store, id(50), now()).await.unwrap();
        let for_staff = NoticeKind::NeedsStaff {
            cause: StaffCause::AllFailed,
        };
        assert_eq!(notices, [for_staff, NoticeKind::Refused { generation: 1 }]);
    }
    let stopped = store.request(id(50)).await.unwrap();
    assert_eq!(
        (
            stopped.state,
            stopped.error_code.as_deref(),
            stopped.data_key.as_deref()
        ),
        (RequestState::NeedsAttention, Some("none_copied"), Some("sealed"))
    );
    assert_eq!(stopped.expires_at, Some(now().as_second() + 7 * 86_400));
    // Who decided on that end before does not end the pass that was begun again.
    let late = RequestChange {
        if_state_since: Some("2026-11-24T08:00:00Z".to_owned()),
        ..RequestChange::default()
    };
    let again = store
        .advance_request(id(50), RequestEvent::Cancelled, now(), late)
        .await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    // Another lane of it may still be at work.
    assert!(store.is_stopped(jobs[1]).await.unwrap());

    // A row is mended: it waits again, and its check is waited for. The other one waits as soon as it is said.
    let row = MendedRow {
        source: job(50, 1).source,
        seeks_source: false,
        source_user: "other".to_owned(),
        sealed_password: Some("sealed".to_owned()),
        sealed_destination_password: None,
    };
    let failed = store.job(jobs[0]).await.unwrap();
    store.mend_job(&failed, &stopped, &row, now()).await.unwrap();
    let mended = store.job(jobs[0]).await.unwrap();
    assert_eq!(
        (mended.status.state(), mended.status.pass(), mended.error_code),
        (JobState::Waiting, None, None)
    );
    let checked = store.request(id(50)).await.unwrap();
    assert_eq!((checked.state, checked.open_jobs), (RequestState::Checking, 1));
    assert!(store.job(jobs[1]).await.unwrap().status.has_stopped());
    for _ in 0..2 {
        store.wait_again(jobs[1], now()).await.unwrap();
        assert_eq!(store.job(jobs[1]).await.unwrap().status.state(), JobState::Waiting);
    }
    // One that was cancelled meanwhile stays so.
    store.cancel_job(jobs[1], now()).await.unwrap();
    store.wait_again(jobs[1], now()).await.unwrap();
    assert_eq!(store.job(jobs[1]).await.unwrap().status.state(), JobState::Cancelled);
}
