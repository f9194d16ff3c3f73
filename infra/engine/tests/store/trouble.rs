//! Passes after the final one that cannot be done, or not whole.

use mailvan::domain::{JobState, Pass};
use mailvan::store::job::Verdict;
use mailvan::store::later::EndedBy;
use mailvan::store::{ChunkRecord, FolderRecord, Ledger as _, NoticeKind, Planned};
use mailvan::sync::{settle_request, stop_mailbox};

use super::later::{begin, certified, completed, ended, failure, later, refused, totals};
use super::*;

/// Planning a later pass has found new mail, of which nothing is fetched yet.
async fn find_new(store: &Store, number: u8, pass: Pass, messages: i64) {
    let id = job(number, 1).job_id;
    let old = ChunkRecord {
        messages: 10,
        counted: (10, 0),
        done_pass: Some(Pass::First),
        ..ChunkRecord::new(id, 0, 0, 1..=10)
    };
    let new = ChunkRecord {
        messages,
        ..ChunkRecord::new(id, 0, 1, 11..=60)
    };
    let folder = serde_json::json!({
        "job_id": id, "folder": 0, "source_name": "INBOX", "title": "INBOX", "destination_name": "INBOX",
        "source_uid_validity": 1, "destination_uid_validity": 1, "chunks": 2, "last_uid": 60,
        "planned_pass": pass, "epoch": 0, "lease_until": 0,
    });
    let folder: FolderRecord = serde_json::from_value(folder).unwrap();
    let lease = store.lease_plan(id, now(), later(1)).await.unwrap();
    let planned = Planned {
        folder,
        chunks: vec![old, new],
    };
    store.put_folders(lease, &[planned]).await.unwrap();
    store.release_plan(lease).await.unwrap();
}

/// Ends the later pass of both mailboxes, the first with this failure and the second with nothing to fetch.
async fn end_with(store: &Store, number: u8, code: &str, at: Timestamp) -> RequestRecord {
    let second = store.job(job(number, 2).job_id).await.unwrap();
    store.end_look(&second, at).await.unwrap().unwrap();
    store.fail_job(job(number, 1).job_id, &failure(code), at).await.unwrap();
    settle_request(store, id(number), at).await.unwrap();
    store.request(id(number)).await.unwrap()
}

async fn is_told(store: &Store, number: u8, pass: u32) -> bool {
    let notices = store.unsent_notices(id(number)).await.unwrap();
    notices.contains(&NoticeKind::LookedAgain { pass })
}

pub async fn what_a_look_cannot_do_is_told_unless_it_is_to_be_expected(store: &Store) {
    completed(store, 122, &[24, 48]).await;
    begin(store, 122, later(24 * 60)).await;
    // One gets three messages; of the other five are known when it turns out to be full here.
    let (full, id2) = (failure("destination_over_quota"), job(122, 1).job_id);
    find_new(store, 122, Pass::Later(1), 5).await;
    store.fail_job(id2, &full, now()).await.unwrap();
    certified(store, 122, Pass::Later(1), &[(2, 13)]).await;
    settle_request(store, id(122), later(24 * 60)).await.unwrap();
    let after = store.request(id(122)).await.unwrap();
    assert_eq!(after.state, RequestState::CompletedWithExceptions);
    assert_eq!(after.data_key.as_deref(), Some("DATAKEY"), "another look is to come");
    let looked = store.job(job(122, 2).job_id).await.unwrap().looked.unwrap();
    assert_eq!((looked.messages, looked.in_all), (3, 3));
    let failed = store.job(id2).await.unwrap();
    assert_eq!(
        (failed.status.state(), failed.exceptions),
        (JobState::CompletedWithExceptions, 1)
    );
    assert_eq!((failed.messages_total, failed.messages_copied), (15, 10));
    assert_eq!(failed.error_code.as_deref(), Some("destination_over_quota"));
    assert!(failed.has_exceptions_of_looks() && is_told(store, 122, 1).await);
    // The next look brings it, with two more for the other.
    begin(store, 122, later(48 * 60)).await;
    certified(store, 122, Pass::Later(2), &[(1, 15), (2, 15)]).await;
    settle_request(store, id(122), later(48 * 60)).await.unwrap();
    let after = store.request(id(122)).await.unwrap();
    assert_eq!((after.state, after.data_key), (RequestState::Completed, None));
    let looked = store.job(job(122, 2).job_id).await.unwrap().looked.unwrap();
    assert_eq!((looked.messages, looked.in_all), (2, 5));
    assert!(!store.job(id2).await.unwrap().has_exceptions_of_looks());
    let ended_at = after.completed_at.unwrap();
    assert_eq!(Some(ended_at), Some(stamp(now())), "files are taken from the end on");
}

pub async fn an_outage_is_no_farewell(store: &Store) {
    completed(store, 125, &[24]).await;
    let mut at = 24 * 60;
    for (number, told) in [(1, true), (2, false), (3, false), (4, false), (5, true)] {
        begin(store, 125, later(at)).await;
        let after = end_with(store, 125, "source_timed_out", later(at)).await;
        assert_eq!(after.state, RequestState::Completed, "nothing is missing");
        let looked = store.job(job(125, 1).job_id).await.unwrap().looked.unwrap();
        assert!(looked.is_amiss && looked.trouble.is_some() && !looked.left_exceptions);
        assert_eq!(is_told(store, 125, number).await, told, "{number}");
        let next = after.looks.as_ref().unwrap().next();
        assert_eq!(after.data_key.is_some(), next.is_some(), "{number}");
        at += if number == 1 { 60 } else { 360 };
        assert_eq!(next, (number < 5).then(|| later(at)), "{number}");
    }
    // What is known to be there is missing, whatever the reason; and it is the customer's word no more.
    for (number, code) in [
        (126, "source_busy"),
        (127, "source_login_refused"),
        (128, "source_over_quota"),
    ] {
        completed(store, number, &[24]).await;
        begin(store, number, later(24 * 60)).await;
        find_new(store, number, Pass::Later(1), 40).await;
        let after = end_with(store, number, code, later(24 * 60)).await;
        assert_eq!(after.state, RequestState::CompletedWithExceptions, "{code}");
        let first = store.job(job(number, 1).job_id).await.unwrap();
        assert_eq!(
            (first.messages_total, first.messages_copied, first.exceptions),
            (50, 10, 1)
        );
        assert!(first.certificate.is_some() && is_told(store, number, 1).await, "{code}");
        let is_refused = code == "source_login_refused";
        assert_eq!(
            after.data_key.is_none(),
            is_refused,
            "{code}: tried again where that may help"
        );
    }
}

pub async fn a_farewell_is_told_once(store: &Store) {
    completed(store, 149, &[24, 48]).await;
    for (number, told) in [(1, true), (2, false)] {
        let at = later(i64::from(number) * 24 * 60);
        begin(store, 149, at).await;
        for row in [1, 2] {
            store.fail_job(job(149, row).job_id, &refused(), at).await.unwrap();
        }
        settle_request(store, id(149), at).await.unwrap();
        assert_eq!(is_told(store, 149, number).await, told, "{number}");
    }
}

pub async fn a_changed_password_here_is_told_and_nothing_is_missing(store: &Store) {
    completed(store, 129, &[24]).await;
    begin(store, 129, later(24 * 60)).await;
    let after = end_with(store, 129, "destination_login_refused", later(24 * 60)).await;
    assert_eq!((after.state, after.data_key.is_none()), (RequestState::Completed, true));
    let first = store.job(job(129, 1).job_id).await.unwrap();
    assert_eq!(
        (first.status.state(), first.exceptions, &first.error_code),
        (JobState::Completed, 0, &None)
    );
    assert!(first.looked.unwrap().is_amiss && is_told(store, 129, 1).await);
}

pub async fn a_later_look_that_cannot_certify_keeps_what_was_certified(store: &Store) {
    completed(store, 130, &[24, 48]).await;
    begin(store, 130, later(24 * 60)).await;
    let first = job(130, 1).job_id;
    let second = store.job(job(130, 2).job_id).await.unwrap();
    store.end_look(&second, now()).await.unwrap().unwrap();
    let planned = store.plan_job(first, Pass::Later(1), totals(11), now()).await.unwrap();
    store
        .finish_job(&planned.into_record(), Pass::Later(1), now())
        .await
        .unwrap();
    let verdict = |pass, certificate| Verdict {
        pass,
        exceptions: 1,
        certificate,
        failure: Some(failure("not_certified")),
    };
    // One that is late by a pass changes nothing.
    let late = store
        .certify_job(first, verdict(Pass::Final, None), now())
        .await
        .unwrap();
    assert!(matches!(late, Advance::AlreadyThere(_)));
    store
        .certify_job(first, verdict(Pass::Later(1), None), now())
        .await
        .unwrap();
    settle_request(store, id(130), later(24 * 60)).await.unwrap();
    let after = store.job(first).await.unwrap();
    assert_eq!(after.status.state(), JobState::CompletedWithExceptions);
    assert_eq!(after.certificate.as_ref().unwrap().made_at, "final");
    // So that the next one certifies again, though nothing is to be fetched.
    assert!(after.has_exceptions_of_looks() && is_told(store, 130, 1).await);
}

pub async fn what_the_clock_deletes_is_told(store: &Store) {
    // Nobody began the look in its time.
    let forgotten = completed(store, 131, &[24]).await;
    let ended = store.end_looks(&forgotten, EndedBy::Clock, now()).await.unwrap();
    assert!(ended.data_key.is_none() && is_told(store, 131, 1).await);
    let again = store.end_looks(&ended, EndedBy::Clock, now()).await.unwrap();
    assert_eq!(again, ended);
    // One runs for longer than passwords are kept.
    completed(store, 132, &[24]).await;
    let running = begin(store, 132, later(24 * 60)).await;
    store.end_looks(&running, EndedBy::Clock, now()).await.unwrap();
    for row in [1, 2] {
        stop_mailbox(store, job(132, row).job_id, now()).await.unwrap();
    }
    let first = store.job(job(132, 1).job_id).await.unwrap();
    assert_eq!(first.status.state(), JobState::Completed);
    let trouble = first.looked.unwrap().trouble.unwrap();
    assert_eq!(trouble.code, "not_looked_at_in_time");
    assert!(is_told(store, 132, 1).await);
    // What the customer deletes is told to nobody.
    let request = completed(store, 133, &[24]).await;
    let ended = store.end_looks(&request, EndedBy::Customer, now()).await.unwrap();
    let again = store.end_looks(&ended, EndedBy::Clock, now()).await.unwrap();
    assert!(!is_told(store, 133, 1).await && !again.looks.unwrap().ran_out());
}

/// One that failed in the final pass is tried again by a later one, which copies it; then its passwords are deleted.
pub async fn a_second_try_ends_without_passwords_too(store: &Store) {
    ended(store, 134, &[24], &[2]).await;
    begin(store, 134, later(24 * 60)).await;
    let (first, second) = (job(134, 1).job_id, job(134, 2).job_id);
    let running = store.job(first).await.unwrap();
    store.end_look(&running, now()).await.unwrap().unwrap();
    let planned = store.plan_job(second, Pass::Later(1), totals(10), now()).await.unwrap();
    store
        .finish_job(&planned.into_record(), Pass::Later(1), now())
        .await
        .unwrap();
    let request = store.request(id(134)).await.unwrap();
    store.end_looks(&request, EndedBy::Customer, now()).await.unwrap();
    for _ in 0..2 {
        stop_mailbox(store, second, now()).await.unwrap();
    }
    let after = store.request(id(134)).await.unwrap();
    assert_eq!(
        (after.state, after.open_jobs),
        (RequestState::CompletedWithExceptions, 0)
    );
    let tried = store.job(second).await.unwrap();
    assert_eq!(
        (tried.status.state(), tried.exceptions, tried.messages_copied),
        (JobState::CompletedWithExceptions, 1, 10)
    );
    assert_eq!(tried.error_code.as_deref(), Some("passwords_deleted"));
    assert!(is_told(store, 134, 1).await, "it is not compared");
}
