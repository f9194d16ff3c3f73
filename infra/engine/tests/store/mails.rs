//! What became of the mails to a customer, in whatever order it is told; and notices that nobody gets a mail of.

use mailvan::store::{MailFate, NoticeKind, NoticeRecord, NoticeReturn, Sent};

use super::*;

pub async fn what_became_of_mails_does_not_depend_on_the_order(store: &Store) {
    let id = id(95);
    let kind = NoticeKind::FirstPassDone;
    store
        .create_request(&request(95, RequestState::AwaitingCutover))
        .await
        .unwrap();
    store.queue_notice(id, kind, now()).await.unwrap();
    let at = |second: u32| format!("2026-11-25T21:00:{second:02}.123Z");
    let came_back = async |became, second| {
        let at = at(second);
        let note = NoticeReturn {
            became,
            at: &at,
            words: Some("550 no"),
        };
        store.note_return(id, kind, note).await.unwrap();
    };
    let standing = async || store.request(id).await.unwrap().fates.standing();
    // The older one of two bounces comes last, and a mail arrived between them.
    came_back(MailFate::Bounced, 30).await;
    came_back(MailFate::Bounced, 10).await;
    store.note_arrival(id, &at(20)).await.unwrap();
    assert_eq!(standing().await, Some(MailFate::Bounced));
    store.note_arrival(id, &at(40)).await.unwrap();
    store.note_arrival(id, &at(20)).await.unwrap();
    assert_eq!(standing().await, None);
    // A complaint stands, whatever arrives.
    came_back(MailFate::Complaint, 5).await;
    came_back(MailFate::Bounced, 50).await;
    assert_eq!(standing().await, Some(MailFate::Bounced));
    store.note_arrival(id, &at(55)).await.unwrap();
    assert_eq!(standing().await, Some(MailFate::Complaint));
}

pub async fn a_notice_without_a_mail_is_closed_once(store: &Store) {
    let id = id(96);
    let kind = NoticeKind::Received;
    store
        .create_request(&request(96, RequestState::Checking))
        .await
        .unwrap();
    assert_eq!(store.notice(id, kind).await.unwrap(), None);
    assert!(store.queue_notice(id, kind, now()).await.unwrap());
    assert!(store.queue_notice(id, kind, now()).await.unwrap());
    assert_eq!(store.unsent_notices(id).await.unwrap(), [kind]);
    store.close_notice(id, kind, now()).await.unwrap();
    assert!(!store.queue_notice(id, kind, now()).await.unwrap());
    assert!(store.unsent_notices(id).await.unwrap().is_empty());
    let until = now().checked_add(SignedDuration::from_mins(1)).unwrap();
    assert!(!store.claim_notice(id, kind, now(), until).await.unwrap());

    // One that was sent keeps its time.
    let sent = NoticeKind::Accepted;
    store.queue_notice(id, sent, now()).await.unwrap();
    assert!(store.claim_notice(id, sent, now(), until).await.unwrap());
    let mail = Sent {
        message_id: "m",
        tells_of: now(),
        frame: None,
    };
    store.mark_sent(id, sent, until, mail, now()).await.unwrap();
    let before = store.notice(id, sent).await.unwrap();
    store.close_notice(id, sent, until).await.unwrap();
    store.drop_notice(id, before.as_ref().unwrap(), until).await.unwrap();
    assert_eq!(store.notice(id, sent).await.unwrap(), before);

    // One that came too late waits no more.
    let late = NoticeKind::DnsSeen;
    store.queue_notice(id, late, now()).await.unwrap();
    let queued = store.notice(id, late).await.unwrap().unwrap();
    let of_before = NoticeRecord {
        queued_at: "2026-11-01T00:00:00Z".to_owned(),
        ..queued.clone()
    };
    store.drop_notice(id, &of_before, now()).await.unwrap();
    assert_eq!(
        store.unsent_notices(id).await.unwrap(),
        [late],
        "it was queued anew since"
    );
    store.drop_notice(id, &queued, now()).await.unwrap();
    assert!(store.unsent_notices(id).await.unwrap().is_empty());
    assert!(!store.queue_notice(id, late, now()).await.unwrap());
}
