//! Passes after the final one: what becomes of mailboxes, requests and the passwords.

use mailvan::domain::{ClassCounts, JobState, LaterLooks, Pass};
use mailvan::store::NoticeKind;
use mailvan::store::job::{CertificateNote, Failure, PlanTotals, Verdict};
use mailvan::store::later::EndedBy;
use mailvan::sync::{settle_request, stop_mailbox};

use super::*;

/// Minutes after the end of the final pass.
pub fn later(minutes: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

pub fn totals(copied: i64) -> PlanTotals {
    PlanTotals {
        messages: copied,
        messages_copied: copied,
        ..PlanTotals::default()
    }
}

pub async fn advance(store: &Store, number: u8, event: RequestEvent, change: RequestChange) -> RequestRecord {
    let advance = store.advance_request(id(number), event, now(), change).await.unwrap();
    assert!(matches!(advance, Advance::Changed(_)), "{advance:?}");
    advance.into_record()
}

/// Takes the mailboxes through a pass and certifies them, with so many messages each.
pub async fn certified(store: &Store, number: u8, pass: Pass, rows: &[(u32, i64)]) {
    for (row, copied) in rows {
        let id = job(number, *row).job_id;
        store.start_job(id, pass, now()).await.unwrap();
        let job = store
            .plan_job(id, pass, totals(*copied), now())
            .await
            .unwrap()
            .into_record();
        store.finish_job(&job, pass, now()).await.unwrap();
        if pass > Pass::First {
            let certificate = CertificateNote {
                made_at: pass.to_string(),
                pass,
                agrees: true,
                classes: ClassCounts::default(),
            };
            let verdict = Verdict {
                pass,
                exceptions: 0,
                certificate: Some(certificate),
                failure: None,
            };
            store.certify_job(id, verdict, now()).await.unwrap();
        }
    }
}

/// A request with two mailboxes of ten messages that was completed, with these looks to come.
pub async fn completed(store: &Store, number: u8, hours: &[i64]) -> RequestRecord {
    let ended = ended(store, number, hours, &[]).await;
    assert_eq!(ended.state, RequestState::Completed);
    ended
}

/// A request with two mailboxes of ten messages whose final pass is over, in which these rows failed.
pub async fn ended(store: &Store, number: u8, hours: &[i64], failing: &[u32]) -> RequestRecord {
    in_final_pass(store, number, hours, [job(number, 1), job(number, 2)]).await;
    for row in [1, 2] {
        if failing.contains(&row) {
            let id = job(number, row).job_id;
            store.start_job(id, Pass::Final, now()).await.unwrap();
            store.fail_job(id, &failure("source_timed_out"), now()).await.unwrap();
        } else {
            certified(store, number, Pass::Final, &[(row, 10)]).await;
        }
    }
    settle_request(store, id(number), now()).await.unwrap();
    store.request(id(number)).await.unwrap()
}

/// A request whose final pass has begun, after ten messages of both mailboxes were copied in the first.
async fn in_final_pass(store: &Store, number: u8, hours: &[i64], jobs: [JobRecord; 2]) {
    let checking = request(number, RequestState::Checking);
    store.create_request(&checking).await.unwrap();
    store.keep_data_key(id(number), "DATAKEY".to_owned()).await.unwrap();
    store.put_jobs(&jobs).await.unwrap();
    advance(store, number, RequestEvent::Accepted, RequestChange::default()).await;
    let after: Vec<_> = hours.iter().map(|hours| SignedDuration::from_hours(*hours)).collect();
    for pass in [Pass::First, Pass::Final] {
        let change = RequestChange {
            open_jobs: Some(2),
            looks: LaterLooks::planned(&after).filter(|_| pass == Pass::Final),
            ..RequestChange::default()
        };
        advance(store, number, RequestEvent::PassStarted(pass), change).await;
        if pass == Pass::First {
            certified(store, number, pass, &[(1, 10), (2, 10)]).await;
            settle_request(store, id(number), now()).await.unwrap();
        }
    }
}

/// Starts the next later pass, as `trigger` does.
pub async fn begin(store: &Store, number: u8, at: Timestamp) -> RequestRecord {
    let request = store.request(id(number)).await.unwrap();
    let looks = request.looks.clone().unwrap();
    let pass = looks.next_pass().unwrap();
    let change = RequestChange {
        open_jobs: Some(2),
        if_state: Some(request.state),
        looks: Some(looks.begun(at)),
        if_looks: Some(looks),
        ..RequestChange::default()
    };
    let begun = advance(store, number, RequestEvent::PassStarted(pass), change.clone()).await;
    // Of two that were decided on at the same moment the second finds that it runs.
    let again = store
        .advance_request(id(number), RequestEvent::PassStarted(pass), now(), change)
        .await
        .unwrap();
    assert!(matches!(again, Advance::AlreadyThere(_)), "{again:?}");
    for row in [1, 2] {
        for _ in 0..2 {
            store.start_job(job(number, row).job_id, pass, now()).await.unwrap();
        }
    }
    begun
}

pub fn failure(code: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: "no".to_owned(),
    }
}

pub fn refused() -> Failure {
    failure("source_login_refused")
}

pub async fn a_look_that_brings_nothing_leaves_all_as_it_was(store: &Store) {
    let ended = completed(store, 121, &[24]).await;
    assert_eq!(ended.data_key.as_deref(), Some("DATAKEY"));
    let told = [NoticeKind::Finished, NoticeKind::FirstPassDone];
    assert_eq!(settle_request(store, id(121), now()).await.unwrap(), told);
    let due = async |minutes| {
        store
            .due_looks(later(minutes))
            .await
            .unwrap()
            .requests
            .contains(&id(121))
    };
    assert!(!due(24 * 60 - 1).await && due(24 * 60).await);
    let begun = begin(store, 121, later(24 * 60)).await;
    assert_eq!(
        (begun.state, begun.looks.unwrap().running()),
        (RequestState::LaterPass, Pass::Later(1))
    );
    let (first, second) = (job(121, 1).job_id, job(121, 2).job_id);
    for _ in 0..2 {
        let running = store.job(first).await.unwrap();
        store.end_look(&running, now()).await.unwrap().unwrap();
        // The customer has cancelled the account there.
        store.fail_job(second, &refused(), now()).await.unwrap();
    }
    settle_request(store, id(121), later(25 * 60)).await.unwrap();
    let after = store.request(id(121)).await.unwrap();
    assert_eq!(
        (after.state, after.data_key, after.open_jobs),
        (RequestState::Completed, None, 0)
    );
    let jobs = store.jobs(id(121), 1).await.unwrap();
    for job in &jobs {
        assert_eq!(
            (job.status.state(), job.status.pass()),
            (JobState::Completed, Some(Pass::Later(1)))
        );
        assert_eq!((job.exceptions, &job.error_code), (0, &None));
        assert_eq!(job.certificate.as_ref().unwrap().made_at, "final");
    }
    let looked = jobs[1].looked.clone().unwrap();
    assert_eq!((looked.messages, looked.trouble), (0, Some(refused())));
    let notices = store.notices(id(121)).await.unwrap();
    assert!(
        notices
            .iter()
            .all(|notice| !matches!(notice.notice, NoticeKind::LookedAgain { .. }))
    );
    // A start that comes late finds another state of things.
    let again = RequestChange {
        if_looks: ended.looks,
        ..RequestChange::default()
    };
    let again = store
        .advance_request(id(121), RequestEvent::PassStarted(Pass::Later(1)), now(), again)
        .await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    store.forget_looks(id(121), now()).await.unwrap();
    assert!(!due(24 * 60).await);
}

pub async fn passwords_can_be_deleted_at_any_time_after_the_end(store: &Store) {
    let before = completed(store, 123, &[24]).await;
    begin(store, 123, later(0)).await;
    let stale = store.end_looks(&before, EndedBy::Customer, now()).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
    let running = store.request(id(123)).await.unwrap();
    let ended = store.end_looks(&running, EndedBy::Customer, now()).await.unwrap();
    assert!(ended.is_over() && ended.looks.unwrap().next().is_none());
    // A pass that runs ends as it is; one that is being certified too, of which something is fetched and not compared.
    let first = job(123, 1).job_id;
    let planned = store
        .plan_job(first, Pass::Later(1), totals(12), now())
        .await
        .unwrap()
        .into_record();
    store.finish_job(&planned, Pass::Later(1), now()).await.unwrap();
    for row in [1, 2, 1] {
        stop_mailbox(store, job(123, row).job_id, now()).await.unwrap();
    }
    let after = store.request(id(123)).await.unwrap();
    assert_eq!(
        (after.state, after.data_key),
        (RequestState::CompletedWithExceptions, None)
    );
    let states: Vec<_> = store
        .jobs(id(123), 1)
        .await
        .unwrap()
        .iter()
        .map(|job| job.status.state())
        .collect();
    assert_eq!(states, [JobState::CompletedWithExceptions, JobState::Completed]);
    // Without looks the passwords go with the end, as ever.
    let without = completed(store, 124, &[]).await;
    assert_eq!((without.data_key, without.looks), (None, None));
}

/// The sealed passwords of a mailbox, there and here.
async fn sealed(store: &Store, number: u8, row: u32) -> (bool, bool) {
    let job = store.job(job(number, row).job_id).await.unwrap();
    (job.sealed_password.is_some(), job.sealed_destination_password.is_some())
}

/// Each mailbox's passwords go with the write that ends its work, whatever others of its request still need.
pub async fn a_mailboxs_passwords_go_with_its_work(store: &Store) {
    let with_own_here = |number| {
        [1, 2].map(|row| JobRecord {
            sealed_destination_password: (row == 1).then(|| "sealed".to_owned()),
            ..job(number, row)
        })
    };
    for (number, for_files, here) in [(141, false, [false, false]), (142, true, [true, false])] {
        let store = &store.clone().with_passwords_for_files(for_files);
        in_final_pass(store, number, &[], with_own_here(number)).await;
        assert_eq!(sealed(store, number, 1).await, (true, true));
        certified(store, number, Pass::Final, &[(1, 10)]).await;
        let request = store.request(id(number)).await.unwrap();
        assert_eq!((request.state, request.open_jobs), (RequestState::FinalPass, 1));
        assert_eq!(sealed(store, number, 1).await, (false, here[0]), "{number}");
        assert_eq!(sealed(store, number, 2).await, (true, here[1]), "it is being copied");
        let first = store.job(job(number, 1).job_id).await.unwrap();
        assert_eq!(first.had_destination_password, !for_files);
        // The one password that it has is the one here, too: a file with contacts may come for it.
        store
            .start_job(job(number, 2).job_id, Pass::Final, now())
            .await
            .unwrap();
        store.fail_job(job(number, 2).job_id, &refused(), now()).await.unwrap();
        assert_eq!(sealed(store, number, 2).await.0, for_files, "{number}");
        settle_request(store, id(number), now()).await.unwrap();
        assert_eq!(store.request(id(number)).await.unwrap().data_key, None);
    }
    completed(store, 143, &[24]).await;
    assert!(sealed(store, 143, 1).await.0 && sealed(store, 143, 2).await.0);
    begin(store, 143, later(24 * 60)).await;
    let (first, second) = (job(143, 1).job_id, job(143, 2).job_id);
    for _ in 0..2 {
        // Said twice.
        store.fail_job(first, &refused(), later(24 * 60)).await.unwrap();
    }
    let down = failure("source_timed_out");
    store.fail_job(second, &down, later(24 * 60)).await.unwrap();
    assert!(!sealed(store, 143, 1).await.0, "the last look is over for it");
    assert!(sealed(store, 143, 2).await.0, "it is tried again");
    settle_request(store, id(143), later(24 * 60)).await.unwrap();
    let request = store.request(id(143)).await.unwrap();
    assert_eq!(request.data_key.as_deref(), Some("DATAKEY"));
    // What has begun ends with its request, and needs none at once.
    in_final_pass(store, 144, &[24], [job(144, 1), job(144, 2)]).await;
    store.cancel_job(job(144, 1).job_id, now()).await.unwrap();
    assert!(!sealed(store, 144, 1).await.0 && sealed(store, 144, 2).await.0);
}
