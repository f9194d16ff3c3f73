//! The mail to a mailbox's owner.

use mailvan::store::job::Failure;
use mailvan::store::{MailFate, NoticeReturn};

use super::*;

pub async fn an_owner_is_told_by_one_at_a_time_and_once(store: &Store) {
    store
        .create_request(&request(90, RequestState::Checking))
        .await
        .unwrap();
    let mailbox = job(90, 2);
    store.put_jobs(std::slice::from_ref(&mailbox)).await.unwrap();
    let id = mailbox.job_id;
    let at = |seconds| now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let claim = async |seconds| store.claim_owner(id, at(seconds), at(seconds + 60)).await.unwrap();
    let failure = Failure {
        code: "gave_up".to_owned(),
        message: "no".to_owned(),
    };

    assert!(claim(0).await && !claim(30).await && claim(60).await);
    store.note_owner_trouble(id, &failure).await.unwrap();
    assert_eq!(
        store.job(id).await.unwrap().owner.error_code.as_deref(),
        Some("gave_up")
    );
    // Whose claim has run out marks nothing.
    let lost = store.mark_owner_told(id, at(60), "m", at(61)).await;
    assert!(matches!(lost, Err(StoreError::Conflict)), "{lost:?}");
    store.mark_owner_told(id, at(120), "m", at(61)).await.unwrap();
    let told = store.job(id).await.unwrap().owner;
    assert_eq!((told.told_at, told.error_code), (Some(stamp(at(61))), None));
    assert!(!claim(600).await);
    store.note_owner_trouble(id, &failure).await.unwrap();
    assert_eq!(store.job(id).await.unwrap().owner.error_code, None);

    // The worst is kept; a late delivery takes away only that it was late.
    let fate = async || store.job(id).await.unwrap().owner.fate;
    let note = async |became| {
        let note = NoticeReturn {
            became,
            at: "2026-11-25T21:00:04.123Z",
            words: Some("550 no"),
        };
        store.note_owner_return(id, note).await.unwrap();
    };
    note(MailFate::Delayed).await;
    assert_eq!(fate().await, Some(MailFate::Delayed));
    store.note_owner_arrival(id).await.unwrap();
    assert_eq!(fate().await, None);
    note(MailFate::Bounced).await;
    note(MailFate::Delayed).await;
    store.note_owner_arrival(id).await.unwrap();
    assert_eq!(fate().await, Some(MailFate::Bounced));
    assert_eq!(store.request(mailbox.request_id).await.unwrap().fates.standing(), None);
}
