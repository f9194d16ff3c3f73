//! A previous provider that gives out no more for the day: the mailbox rests, and goes on by itself.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mailvan::clock::Deadline;
use mailvan::domain::{Endpoint, JobState, Pass, RequestEvent, RequestState, Rest, Secret, Security};
use mailvan::imap::Connector;
use mailvan::imap::guard::AddressPolicy;
use mailvan::store::request::RequestChange;
use mailvan::store::{JobRecord, RequestRecord, Store};
use mailvan::sync::{Engine, LaneEnd, PlanEnd, plan_mailbox, run_lane};
use mailvan_local::stack::Stack;

use self::odd_server::{Fate, Message, Odd, OddServer};
use super::clients::engine;
use super::{job, request};

#[path = "../engine/odd_server.rs"]
#[allow(dead_code, reason = "other tests need the rest of it")]
mod odd_server;

const CAPPED: &str = "NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)";

fn profile(destination: &OddServer) -> String {
    format!(
        "[provider]\nname = \"Example\"\ntime_zone = \"Europe/Berlin\"\n[destination.imap]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nauth = \"password\"\n\
         [notices]\nsender = \"migration@example.net\"\n",
        destination.address.port()
    )
}

/// A mailbox of three letters, whose first pass has been planned.
async fn planned(engine: &Engine, source: &OddServer) -> JobRecord {
    let made = RequestRecord {
        open_jobs: 1,
        ..request(233, RequestState::Checking)
    };
    engine.store.create_request(&made).await.unwrap();
    let key = engine.secrets.data_key(made.request_id).await.unwrap();
    let mut job = job(233, 77);
    job.sealed_password = Some(key.seal(job.job_id, &Secret::from("hunter2")).unwrap());
    job.source = Endpoint {
        host: "127.0.0.1".parse().unwrap(),
        port: source.address.port(),
        security: Security::None,
    };
    engine.store.put_jobs(std::slice::from_ref(&job)).await.unwrap();
    for (event, open_jobs) in [
        (RequestEvent::Accepted, None),
        (RequestEvent::PassStarted(Pass::First), Some(1)),
    ] {
        let change = RequestChange {
            open_jobs,
            ..RequestChange::default()
        };
        engine
            .store
            .advance_request(made.request_id, event, now(), change)
            .await
            .unwrap();
    }
    engine.store.start_job(job.job_id, Pass::First, now()).await.unwrap();
    let end = Box::pin(plan_mailbox(engine, job.job_id, Pass::First, soon()))
        .await
        .unwrap();
    assert_eq!(end, PlanEnd::Lanes(1));
    job
}

fn now() -> Timestamp {
    Timestamp::now()
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_mins(2))
}

pub async fn a_capped_mailbox_rests_and_goes_on(store: &Store, stack: &Stack) {
    let letter = |uid: u32| Message {
        uid,
        flags: String::new(),
        date: "01-Feb-2019 10:11:12 +0000".to_owned(),
        body: format!("Message-ID: <{uid}@rest.example>\r\n\r\nletter {uid}\r\n").into_bytes(),
    };
    let odd = Odd {
        fates: [(1, Fate::NoAtOnce(CAPPED))].into(),
        ..Odd::default()
    };
    let letters: Vec<Message> = (1..=3).map(letter).collect();
    let source = OddServer::start(odd, &[("INBOX", letters)]).await.unwrap();
    let destination = OddServer::start(Odd::default(), &[]).await.unwrap();
    let connector = Connector::try_new(AddressPolicy::Any, true, None).unwrap();
    let engine = engine(store, stack, connector, &profile(&destination));
    let id = Box::pin(planned(&engine, &source)).await.job_id;

    let lane = async || Box::pin(run_lane(&engine, id, Pass::First, 0, soon())).await.unwrap();
    let is_rest = |end: &LaneEnd| matches!(end, LaneEnd::Wait(delay) if (600..=900).contains(&delay.as_secs()));
    let first = lane().await;
    assert!(is_rest(&first), "{first:?}");
    let job = store.job(id).await.unwrap();
    assert_eq!((job.status.state(), job.error_code), (JobState::Copying, None));
    let left = job.rest.unwrap().left(now()).unwrap();
    assert!((29 * 60..=30 * 60).contains(&left.as_secs()), "{left:?}");

    // Nobody asks before it is over, though there would be more now.
    source.set(|odd| odd.fates.clear());
    assert!(is_rest(&lane().await));
    assert_eq!(store.job(id).await.unwrap().rest, job.rest);
    assert_eq!(destination.messages("INBOX").len(), 0);

    // The fault would leave the folder alone for seconds; whoever rests comes after that.
    let over = now() - SignedDuration::from_mins(31);
    store.note_rest(id, Rest::next(None, 0, over).unwrap()).await.unwrap();
    for _ in 0..30 {
        match lane().await {
            LaneEnd::Done(_) => break,
            LaneEnd::Wait(_) | LaneEnd::Held(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            end => panic!("{end:?}"),
        }
    }
    assert_eq!(store.job(id).await.unwrap().status.state(), JobState::AwaitingCutover);
    assert_eq!(destination.messages("INBOX").len(), 3);
    // What was rested in an earlier pass is not held against the next one.
    assert!(store.job(id).await.unwrap().rest.is_some());
    store.start_job(id, Pass::Final, now()).await.unwrap();
    assert_eq!(store.job(id).await.unwrap().rest, None);
}
