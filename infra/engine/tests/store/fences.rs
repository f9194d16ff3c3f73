//! Who lost a lease writes nothing any more: the fences of planning, of folders and their chunks, of certificates.

use jiff::{SignedDuration, Timestamp};
use mailvan::domain::{JobId, Pass, RequestState};
use mailvan::store::finding::Findings as _;
use mailvan::store::job::PlanTotals;
use mailvan::store::{
    ChunkRecord, Finding, FolderEnd, FolderRecord, JobRecord, Ledger as _, Planned, Store, StoreError,
};
use serde_json::json;

use super::{id, job, now, request};

fn seconds(number: i64) -> Timestamp {
    now() + SignedDuration::from_secs(number)
}

fn planned(job_id: JobId) -> Planned {
    let folder = json!({
        "job_id": job_id, "folder": 0, "source_name": "INBOX", "title": "INBOX", "destination_name": "INBOX",
        "source_uid_validity": 1, "destination_uid_validity": 2, "chunks": 1, "last_uid": 9, "planned_pass": "first",
    });
    Planned {
        folder: serde_json::from_value(folder).unwrap(),
        chunks: vec![ChunkRecord::new(job_id, 0, 0, 1..=9)],
    }
}

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Conflict)), "{result:?}");
}

/// A mailbox that is being planned.
async fn planning(store: &Store, number: u8) -> JobRecord {
    let checking = request(number, RequestState::Checking);
    store.create_request(&checking).await.unwrap();
    let job = job(number, 1);
    store.put_jobs(std::slice::from_ref(&job)).await.unwrap();
    assert!(store.begin_checks(&checking, 1).await.unwrap());
    store.start_job(job.job_id, Pass::First, now()).await.unwrap();
    store.job(job.job_id).await.unwrap()
}

pub async fn whoever_lost_the_right_to_plan_writes_no_folder(store: &Store) {
    let job_id = planning(store, 60).await.job_id;
    let slow = store.lease_plan(job_id, now(), seconds(10)).await.unwrap();
    is_conflict(&store.lease_plan(job_id, seconds(9), seconds(20)).await);
    let next = store.lease_plan(job_id, seconds(10), seconds(20)).await.unwrap();
    is_conflict(&store.put_folders(slow, &[planned(job_id)]).await);
    assert_eq!(store.folders(job_id).await.unwrap(), []);
    assert_eq!(store.all_chunks(job_id).await.unwrap(), []);
    is_conflict(&store.release_plan(slow).await);
    store.put_folders(next, &[planned(job_id)]).await.unwrap();
    assert_eq!(store.folders(job_id).await.unwrap().len(), 1);
}

pub async fn whoever_lost_a_folder_writes_nothing_and_counts_nothing(store: &Store) {
    let job_id = planning(store, 61).await.job_id;
    let plan = store.lease_plan(job_id, now(), seconds(10)).await.unwrap();
    store.put_folders(plan, &[planned(job_id)]).await.unwrap();
    let totals = PlanTotals {
        folders: 1,
        open_folders: 1,
        messages: 9,
        ..PlanTotals::default()
    };
    store.plan_job(job_id, Pass::First, totals, now()).await.unwrap();

    let free = store.folders(job_id).await.unwrap().remove(0);
    let lease = async |at, until| {
        let free = store.folders(job_id).await.unwrap().remove(0);
        store
            .lease_folder(&free, Pass::First, seconds(at), seconds(until))
            .await
            .unwrap()
    };
    let slow = lease(0, 10).await.unwrap();
    assert_eq!(lease(9, 20).await, None);
    // Read before the other took it.
    let raced = store.lease_folder(&free, Pass::First, seconds(30), seconds(40)).await;
    assert_eq!(raced.unwrap(), None);
    let chunk = store.chunks(job_id, 0).await.unwrap().remove(0);
    let mut lost = store.take_chunk(&chunk, &slow).await.unwrap();

    let next = lease(10, 20).await.unwrap();
    let mut held = store.take_chunk(&chunk, &next).await.unwrap();
    lost.map.insert(1, 71);
    is_conflict(&store.take_chunk(&chunk, &slow).await);
    is_conflict(&store.save_chunk(&lost).await);
    is_conflict(&store.finish_chunk(&mut lost.clone(), Pass::First, 9, None).await);
    is_conflict(&store.finish_chunk(&mut lost, Pass::First, 9, Some(end(&slow))).await);
    is_conflict(&store.finish_folder(end(&slow), Pass::First).await);
    is_conflict(&store.release_folder(&slow, now()).await);
    assert_eq!(store.chunks(job_id, 0).await.unwrap(), [held.clone()]);
    assert_eq!(counts(store, job_id).await, (0, 1));

    held.map.insert(1, 81);
    held.map.insert(2, 82);
    store
        .finish_chunk(&mut held.clone(), Pass::First, 9, Some(end(&next)))
        .await
        .unwrap();
    assert_eq!(counts(store, job_id).await, (2, 0));
    // The same again, as after an answer that was lost; and an old message for a folder that is done.
    is_conflict(&store.finish_chunk(&mut held, Pass::First, 9, Some(end(&next))).await);
    is_conflict(&store.finish_folder(end(&next), Pass::First).await);
    assert_eq!(lease(50, 60).await, None);
    assert_eq!(counts(store, job_id).await, (2, 0));
    let done = store.folders(job_id).await.unwrap().remove(0);
    assert_eq!((done.done_pass, done.broken_at), (Some(Pass::First), Some(7)));
}

/// Its row was mended, and the folders are of another mailbox: whoever copies from there ends.
pub async fn whoever_copies_a_folder_that_was_forgotten_writes_nothing(store: &Store) {
    let job_id = planning(store, 66).await.job_id;
    let plan = store.lease_plan(job_id, now(), seconds(10)).await.unwrap();
    let mut other = planned(job_id);
    other.folder.folder = 1;
    other.chunks[0].folder = 1;
    store.put_folders(plan, &[planned(job_id), other]).await.unwrap();
    let folder = store.folders(job_id).await.unwrap().remove(0);
    let lease = store
        .lease_folder(&folder, Pass::First, now(), seconds(10))
        .await
        .unwrap()
        .unwrap();
    let chunk = store.chunks(job_id, 0).await.unwrap().remove(0);
    let mut held = store.take_chunk(&chunk, &lease).await.unwrap();
    for _ in 0..2 {
        store.delete_folder(job_id, 0).await.unwrap();
    }
    is_conflict(&store.save_chunk(&held).await);
    is_conflict(&store.finish_chunk(&mut held, Pass::First, 9, Some(end(&lease))).await);
    is_conflict(&store.finish_folder(end(&lease), Pass::First).await);
    is_conflict(&store.release_folder(&lease, now()).await);
    let again = store.lease_folder(&folder, Pass::First, seconds(20), seconds(30)).await;
    assert_eq!(again.unwrap(), None);
    let left: Vec<u32> = store.folders(job_id).await.unwrap().iter().map(|f| f.folder).collect();
    assert_eq!((left, store.all_chunks(job_id).await.unwrap().len()), (vec![1], 1));
}

/// Messages copied and folders open.
async fn counts(store: &Store, job_id: JobId) -> (i64, u32) {
    let job = store.job(job_id).await.unwrap();
    (job.messages_copied, job.open_folders)
}

fn end(folder: &FolderRecord) -> FolderEnd<'_> {
    FolderEnd {
        folder,
        error: None,
        broken_at: Some(7),
    }
}

pub async fn whoever_lost_the_right_to_certify_notes_nothing(store: &Store) {
    let job_id = planning(store, 62).await.job_id;
    let slow = store
        .lease_certificate(job_id, Pass::Final, now(), seconds(10))
        .await
        .unwrap()
        .unwrap();
    let held = store
        .lease_certificate(job_id, Pass::Final, seconds(9), seconds(20))
        .await
        .unwrap();
    assert_eq!(held.unwrap_err(), seconds(10).as_second());
    let next = store
        .lease_certificate(job_id, Pass::Final, seconds(10), seconds(20))
        .await
        .unwrap()
        .unwrap();
    let finding = Finding::new(job_id, Pass::Final, 0, None);
    is_conflict(&store.put_finding(slow, &finding).await);
    is_conflict(&store.release_certificate(slow).await);
    assert_eq!(store.findings(job_id, Pass::Final).await.unwrap(), []);
    store.put_finding(next, &finding).await.unwrap();
    let found = || store.findings(job_id, Pass::Final);
    assert_eq!(found().await.unwrap(), std::slice::from_ref(&finding));
    // What a later pass finds stands beside it: the certificate before may have to stay.
    let later = Finding::new(job_id, Pass::Later(1), 0, None);
    assert_eq!(store.findings(job_id, Pass::Later(1)).await.unwrap(), []);
    store.put_finding(next, &later).await.unwrap();
    assert_eq!(store.findings(job_id, Pass::Later(1)).await.unwrap(), [later]);
    assert_eq!(found().await.unwrap(), [finding]);
}

pub async fn one_job_at_a_time_holds_a_destination(store: &Store) {
    let (first, second) = (planning(store, 63).await, planning(store, 64).await);
    assert_eq!(first.destination, second.destination);
    assert!(store.lock_destination(&first).await.unwrap());
    assert!(!store.lock_destination(&second).await.unwrap());
    assert!(store.lock_destination(&first).await.unwrap());
    store.finish_job(&first, Pass::First, now()).await.unwrap();
    assert!(store.lock_destination(&second).await.unwrap());
    // Between the passes of the second one the first has to wait in its turn.
    assert!(!store.lock_destination(&first).await.unwrap());
    // A request that has ended holds nothing, whatever its mailboxes say.
    let other = planning(store, 65).await;
    assert!(!store.lock_destination(&other).await.unwrap());
    store.cancel_job(second.job_id, now()).await.unwrap();
    assert!(store.lock_destination(&other).await.unwrap());
    assert_eq!(other.job_id.request(), id(65));
    // A lane may still be at work, though the row is gone and another file in its place.
    let plan = store.lease_plan(other.job_id, now(), seconds(10)).await.unwrap();
    store.put_folders(plan, &[planned(other.job_id)]).await.unwrap();
    let folder = store.folders(other.job_id).await.unwrap().remove(0);
    let until = mailvan::clock::now() + SignedDuration::from_mins(1);
    let lease = store.lease_folder(&folder, Pass::First, now(), until).await.unwrap();
    store.delete_generations(id(65)).await.unwrap();
    let next = planning(store, 67).await;
    assert!(!store.lock_destination(&next).await.unwrap());
    store
        .release_folder(&lease.unwrap(), Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    assert!(store.lock_destination(&next).await.unwrap());
}
