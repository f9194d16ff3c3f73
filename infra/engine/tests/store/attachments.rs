//! Files with contacts and calendars: how many a request takes, and which of them may be worked on.

use mailvan::dav::Kind;
use mailvan::domain::{EmailAddress, RequestState};
use mailvan::store::{AttachmentRecord, AttachmentState, Store, StoreError};

use super::{job, now, request};

/// The intake's bound.
const MOST: i64 = 200;

/// A file for the first mailbox of a request.
fn file(request: u8, name: u64) -> AttachmentRecord {
    let (name, title) = (format!("{name:016x}"), "calendar.ics".to_owned());
    AttachmentRecord::announced(job(request, 1).job_id, name, Kind::Calendar, title, 100, now())
}

/// Moves a file on, whatever state it is in.
async fn advance(store: &Store, file: &AttachmentRecord, next: AttachmentState) {
    let there = store.attachment(file.request_id, &file.attachment).await.unwrap();
    store
        .advance_attachment(&there.unwrap(), next, None, now())
        .await
        .unwrap();
}

pub async fn a_request_takes_so_many_files_and_no_more(store: &Store) {
    store
        .create_request(&request(31, RequestState::FirstPass))
        .await
        .unwrap();
    for name in 1..=200 {
        store.create_attachment(&file(31, name), MOST).await.unwrap();
    }
    let id = file(31, 1).request_id;
    // Neither another one, nor one of these again.
    for name in [201, 7] {
        let refused = store.create_attachment(&file(31, name), MOST).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{name}: {refused:?}");
    }
    assert_eq!(store.attachments(id).await.unwrap().len(), 200);
    // One that has ended was one too.
    advance(store, &file(31, 1), AttachmentState::Failed).await;
    let refused = store.create_attachment(&file(31, 201), MOST).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    // Another request has its own, and one that is not there has none.
    let other = store.create_attachment(&file(32, 1), MOST).await;
    assert!(matches!(other, Err(StoreError::Conflict)), "{other:?}");
    store
        .create_request(&request(32, RequestState::FirstPass))
        .await
        .unwrap();
    store.create_attachment(&file(32, 1), MOST).await.unwrap();
}

pub async fn files_of_a_mailbox_are_worked_on_one_after_the_other(store: &Store) {
    let mailbox: EmailAddress = "anna@example.org".parse().unwrap();
    let spelled_otherwise: EmailAddress = "Anna@Example.ORG".parse().unwrap();
    let lock = async |file: &AttachmentRecord| store.lock_dav(&mailbox, file).await.unwrap();
    for request in [33, 34] {
        let made = self::request(request, RequestState::FirstPass);
        store.create_request(&made).await.unwrap();
    }
    // Of two requests, the first two under the same name.
    let [one, same_name, third] = [file(33, 1), file(34, 1), file(34, 2)];
    for file in [&one, &same_name, &third] {
        store.create_attachment(file, MOST).await.unwrap();
        advance(store, file, AttachmentState::Importing).await;
    }
    assert!(lock(&one).await && lock(&one).await);
    assert!(!lock(&same_name).await);
    assert!(!store.lock_dav(&spelled_otherwise, &third).await.unwrap());
    let elsewhere = "ben@example.org".parse().unwrap();
    assert!(store.lock_dav(&elsewhere, &third).await.unwrap());

    // Free as soon as its holder has ended, for one of those who ask at once.
    advance(store, &one, AttachmentState::CompletedWithExceptions).await;
    let (first, second) = tokio::join!(lock(&same_name), lock(&third));
    assert!(first != second, "{first} {second}");
    let (holder, other) = if first {
        (&same_name, &third)
    } else {
        (&third, &same_name)
    };
    // Whoever takes back what it brought waits like the others.
    advance(store, &one, AttachmentState::Undoing).await;
    assert!(!lock(&one).await && lock(holder).await);
    advance(store, holder, AttachmentState::Completed).await;
    assert!(lock(&one).await);
    assert!(!lock(other).await);
    advance(store, &one, AttachmentState::Undone).await;
    assert!(lock(other).await);
}
