//! Ticket systems are told of notices.

use mailvan::domain::TicketSystem;
use mailvan::store::job::Failure;
use mailvan::store::ticket::Telling;

use super::*;

pub async fn each_ticket_system_is_told_by_one_at_a_time(store: &Store) {
    let notice = NoticeKind::Imported { attachment: 5 };
    store.queue_notice(id(1), notice, now()).await.unwrap();
    let telling = |system| Telling {
        request_id: id(1),
        notice,
        system,
    };
    let (whmcs, webhook) = (telling(TicketSystem::Whmcs), telling(TicketSystem::Webhook));
    let queued_at = store.ticket_mark(whmcs).await.unwrap().unwrap().queued_at;
    let at = |seconds| now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let claim = async |telling, tries, seconds| {
        let until = at(seconds + 60);
        store
            .claim_telling(telling, &queued_at, tries, at(seconds), until)
            .await
            .unwrap()
    };
    // One at a time, until the claim has run out; each system by itself.
    assert!(claim(whmcs, 0, 0).await && !claim(whmcs, 0, 30).await && claim(whmcs, 0, 60).await);
    assert!(claim(webhook, 0, 0).await);
    let failure = Failure {
        code: "ticket_not_told".to_owned(),
        message: "503".to_owned(),
    };
    // What an earlier worker found out counts no more; a message with fewer tries came twice.
    store.note_try(whmcs, at(60), 7, &failure).await.unwrap();
    store.note_try(whmcs, at(120), 1, &failure).await.unwrap();
    assert_eq!(store.ticket_mark(whmcs).await.unwrap().unwrap().tries, 1);
    assert!(!claim(whmcs, 0, 70).await && claim(whmcs, 1, 70).await);
    // Given up, it may be begun anew; told, it is told.
    store.give_up_telling(whmcs, at(130)).await.unwrap();
    assert!(!claim(whmcs, 0, 130).await && !claim(whmcs, 9, 130).await);
    store.begin_telling_anew(whmcs).await.unwrap();
    assert!(claim(whmcs, 0, 130).await);
    // Whoever is at it now goes on with it.
    store.give_up_telling(whmcs, at(140)).await.unwrap();
    store.begin_telling_anew(whmcs).await.unwrap();
    let lost = store.mark_told(whmcs, at(130), at(131)).await;
    assert!(matches!(lost, Err(StoreError::Conflict)), "{lost:?}");
    store.mark_told(whmcs, at(190), at(131)).await.unwrap();
    assert!(!claim(whmcs, 0, 500).await && !claim(whmcs, 9, 500).await);
    store.give_up_telling(whmcs, at(500)).await.unwrap();
    let told = store.ticket_mark(whmcs).await.unwrap().unwrap();
    assert_eq!((told.told_at, told.tries), (Some(stamp(at(131))), 0));
    assert_eq!(store.ticket_mark(webhook).await.unwrap().unwrap().told_at, None);
    // The mail knows nothing of it.
    assert!(
        store
            .notices(id(1))
            .await
            .unwrap()
            .iter()
            .all(|notice| notice.sent_at.is_none())
    );
    // Another notice in its place is another one.
    assert!(
        !store
            .claim_telling(webhook, "2026-01-01T00:00:00Z", 0, at(500), at(560))
            .await
            .unwrap()
    );
}
