//! Requests that nobody comes back to.

use mailvan::domain::{JobState, Retention};
use mailvan::forgotten::see_to;

use super::cancelled::admission;
use super::*;

const DAY: i64 = 86_400;

fn day(number: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_secs(number * DAY)).unwrap()
}

pub async fn a_request_is_ended_after_its_customer_was_told(store: &Store, stack: &Stack) {
    let admission = admission(store, stack);
    let waiting = RequestRecord {
        data_key: Some("sealed".to_owned()),
        expires_at: Some(day(14).as_second()),
        ..request(70, RequestState::NeedsAttention)
    };
    store
        .create_request(&RequestRecord {
            state: RequestState::Checking,
            ..waiting.clone()
        })
        .await
        .unwrap();
    store.put_jobs(&[job(70, 1), job(70, 2)]).await.unwrap();
    let found = RequestEvent::FaultsFound;
    store
        .advance_request(id(70), found, now(), RequestChange::default())
        .await
        .unwrap();
    let seen = async |at: Timestamp| {
        let queues = &admission.queues;
        see_to(store, queues, Retention::default(), id(70), at).await.unwrap();
        let notices = store.notices(id(70)).await.unwrap();
        let kinds: Vec<NoticeKind> = notices.into_iter().map(|notice| notice.notice).collect();
        (store.request(id(70)).await.unwrap(), kinds)
    };
    assert_eq!(seen(day(10)).await.1, []);
    let soon = |day: i64| NoticeKind::ForgottenSoon {
        until: self::day(day).as_second(),
    };
    for _ in 0..2 {
        let (request, told) = seen(day(11)).await;
        assert_eq!((request.state, told), (RequestState::NeedsAttention, vec![soon(14)]));
    }
    // Its customer comes back: it waits anew, and the next time is told anew.
    let before = store.request(id(70)).await.unwrap();
    for event in [RequestEvent::RowMended, RequestEvent::FaultsFound] {
        store
            .advance_request(id(70), event, day(12), RequestChange::default())
            .await
            .unwrap();
    }
    let (request, told) = seen(day(14)).await;
    assert_eq!((request.state, told.len()), (RequestState::NeedsAttention, 1));
    assert_eq!(seen(day(23)).await.1, [soon(14), soon(26)]);

    // Who judges by what was read before that ends nothing.
    let change = RequestChange {
        if_state: Some(RequestState::NeedsAttention),
        if_expires_at: before.expires_at,
        ..RequestChange::default()
    };
    let late = store
        .advance_request(id(70), RequestEvent::Cancelled, day(26), change)
        .await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");

    let (request, told) = seen(day(26)).await;
    assert_eq!(
        (
            request.state,
            request.error_code.as_deref(),
            request.data_key.as_deref()
        ),
        (RequestState::Cancelled, Some("forgotten"), None)
    );
    assert!(told.contains(&NoticeKind::Cancelled), "{told:?}");
    assert_eq!(request.expires_at, Some(day(26 + 90).as_second()));
    // Whatever else died, the message that was sent before does the rest; seen again, nothing is done.
    let generation = request.generation;
    admission.admit(id(70), generation, false, day(26)).await.unwrap();
    for job in store.jobs(id(70), generation).await.unwrap() {
        assert_eq!(job.status.state(), JobState::Cancelled);
    }
    assert_eq!(seen(day(200)).await.0, request);
}
