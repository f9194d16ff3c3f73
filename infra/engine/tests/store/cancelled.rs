//! A large request is cancelled: the call ends some of its mailboxes, and `ingest` the others.

use mailvan::admission::Admission;
use mailvan::domain::{JobState, LeadTimes, RequestEvent, RequestState};
use mailvan::profile::Profile;
use mailvan::queue::{QueueUrls, Queues};
use mailvan::room::Room;
use mailvan::schedule::Schedules;
use mailvan::store::job::Failure;
use mailvan::store::request::RequestChange;
use mailvan::store::{NoticeKind, RequestRecord, Store};
use mailvan::sync::cancel_jobs;
use mailvan_local::stack::{Queue, Stack};

use super::clients::aws;
use super::{id, job, now, request};

/// How many mailboxes it has, and how many of them the call ends.
const MAILBOXES: u32 = 250;
const BY_CALL: usize = 200;

/// What `ingest` admits with.
pub fn admission(store: &Store, stack: &Stack) -> Admission {
    let aws = aws(stack);
    let url = |queue| stack.queue_url(queue).unwrap().to_owned();
    let urls = QueueUrls {
        ingest: url(Queue::Ingest),
        check: url(Queue::Check),
        start: url(Queue::Start),
        plan: url(Queue::Plan),
        sync: url(Queue::Sync),
        certify: url(Queue::Certify),
        watch: url(Queue::Watch),
        cutover: url(Queue::Cutover),
        notify: url(Queue::Notify),
        owner: url(Queue::Owner),
        import: url(Queue::Import),
        ticket: url(Queue::Ticket),
    };
    let profile = Profile::parse(include_str!("../../../profile.example.toml")).unwrap();
    let name = String::new;
    Admission {
        store: store.clone(),
        queues: Queues::new(aws_sdk_sqs::Client::new(&aws), urls),
        schedules: Schedules::new(aws_sdk_scheduler::Client::new(&aws), name(), name(), name(), name()),
        room: Room {
            store: store.clone(),
            capacity: profile.capacity,
            provider: profile.provider,
            lead_times: LeadTimes::KEPT,
            shortest_frame: profile.limits.shortest_frame(),
        },
    }
}

/// How many mailboxes are in a state.
async fn count(store: &Store, state: JobState) -> usize {
    let jobs = store.jobs(id(35), 1).await.unwrap();
    assert_eq!(jobs.len(), MAILBOXES as usize);
    jobs.iter().filter(|job| job.status.state() == state).count()
}

pub async fn what_the_call_had_no_time_to_cancel_is_cancelled_by_ingest(store: &Store, stack: &Stack) {
    let made = RequestRecord {
        data_key: Some("sealed".to_owned()),
        ..request(35, RequestState::Checking)
    };
    store.create_request(&made).await.unwrap();
    let jobs: Vec<_> = (1..=MAILBOXES).map(|row| job(35, row)).collect();
    store.put_jobs(&jobs).await.unwrap();
    // One of the last has ended by itself.
    let failure = Failure {
        code: "source_login_refused".to_owned(),
        message: "refused".to_owned(),
    };
    store.fail_job(jobs[240].job_id, &failure, now()).await.unwrap();

    let change = RequestChange {
        notice: Some(NoticeKind::Cancelled),
        ..RequestChange::default()
    };
    let advanced = store.advance_request(id(35), RequestEvent::Cancelled, now(), change);
    assert_eq!(advanced.await.unwrap().into_record().data_key, None);
    cancel_jobs(store, &jobs[..BY_CALL], now()).await.unwrap();
    assert_eq!(count(store, JobState::Cancelled).await, BY_CALL);

    let admission = admission(store, stack);
    for _ in 0..2 {
        Box::pin(admission.admit(id(35), 1, false, now())).await.unwrap();
        assert_eq!(count(store, JobState::Cancelled).await, MAILBOXES as usize - 1);
        assert_eq!(count(store, JobState::Failed).await, 1);
    }
    assert_eq!(store.request(id(35)).await.unwrap().state, RequestState::Cancelled);
    let unsent = store.unsent_notices(id(35)).await.unwrap();
    assert_eq!(unsent, [NoticeKind::Cancelled]);
}
