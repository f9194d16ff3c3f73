//! What is being done with a mailbox: noted now and then, beside all else.

use mailvan::domain::{JobState, Pass, RequestState};
use mailvan::store::job::PlanTotals;
use mailvan::store::{Doing, Ledger as _, Pace, Step, Store};

use super::{id, job, now};

fn doing(folder: &str, after: i64) -> Doing {
    Doing {
        pass: Pass::First,
        step: Step::Copying,
        folder: folder.to_owned(),
        folders: None,
        pace: Some(Pace {
            messages: 60,
            bytes: 6_000,
        }),
        at: now().as_second() + after,
    }
}

/// Each lane has its place, a mailbox is written to every few seconds at most, and its own item stays as it is.
pub async fn what_lanes_do_is_noted_now_and_then(store: &Store) {
    let (mailbox, other) = (job(241, 2), job(241, 3));
    let note = async |lane, doing| store.note_doing(mailbox.job_id, lane, &doing).await.unwrap();
    assert!(note(0, doing("INBOX", 0)).await);
    assert!(!note(1, doing("Sent", 2)).await, "too soon");
    assert!(note(1, doing("Sent", 3)).await);
    assert!(!note(0, doing("Late", 1)).await, "what comes late is not news");
    assert!(store.note_doing(other.job_id, 0, &doing("INBOX", 0)).await.unwrap());
    let noted = store.doings(id(241), 1).await.unwrap();
    let of_row = |row| -> Vec<Doing> {
        let mut lanes = noted[&row].clone();
        lanes.sort_by_key(|doing| doing.at);
        lanes
    };
    assert_eq!(noted.len(), 2);
    assert_eq!(of_row(2), [doing("INBOX", 0), doing("Sent", 3)]);
    assert_eq!(of_row(3), [doing("INBOX", 0)]);
    // No mailbox comes into being by it.
    assert_eq!(store.jobs(id(241), 1).await.unwrap(), []);
    assert_eq!(store.doings(id(241), 2).await.unwrap().len(), 0);
    the_work_of_a_pass_is_counted(store).await;
}

async fn the_work_of_a_pass_is_counted(store: &Store) {
    let request = super::request(242, RequestState::Checking);
    store.create_request(&request).await.unwrap();
    let mailbox = job(242, 2);
    store.put_jobs(std::slice::from_ref(&mailbox)).await.unwrap();
    store.start_job(mailbox.job_id, Pass::First, now()).await.unwrap();
    let totals = PlanTotals {
        folders: 7,
        open_folders: 3,
        ..PlanTotals::default()
    };
    store
        .plan_job(mailbox.job_id, Pass::First, totals, now())
        .await
        .unwrap();
    let planned = store.job(mailbox.job_id).await.unwrap();
    assert_eq!(planned.status.state(), JobState::Copying);
    assert_eq!((planned.open_folders, planned.pass_folders), (3, 3));
}
