//! The table's conditions, on the emulator's DynamoDB: who may write what when others write too.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test as a whole"
)]

mod attachments;
mod begun_again;
mod cancelled;
mod clients;
mod connections;
mod doing;
mod fences;
mod fifty_thousand;
mod forgotten;
mod later;
mod mails;
mod owner;
mod rests;
mod tickets;
mod trouble;

use std::fs;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use mailvan::domain::speed::{Amount, Sample};
use mailvan::domain::{
    Capacity, Check, CheckState, CopyOptions, EmailAddress, Endpoint, Host, JobId, Load, MailboxOrder, PassOutcome,
    RequestEvent, RequestId, RequestState, Secret, Window,
};
use mailvan::store::check::MendedRow;
use mailvan::store::request::RequestChange;
use mailvan::store::{Advance, JobRecord, NoticeKind, RequestRecord, Sent, Store, StoreError, stamp};
use mailvan_local::ministack::Emulator;
use mailvan_local::setup::Setup;
use mailvan_local::stack::Stack;
use mailvan_local::venv::Venv;
use mailvan_local::workspace_root;

fn now() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

fn id(number: u8) -> RequestId {
    RequestId::from_parts(now().as_millisecond().unsigned_abs(), [number; 10])
}

fn request(number: u8, state: RequestState) -> RequestRecord {
    RequestRecord {
        generation: 1,
        ..RequestRecord::made(
            id(number),
            state,
            "anna@example.org".parse().unwrap(),
            String::new(),
            now(),
        )
    }
}

fn job(number: u8, row: u32) -> JobRecord {
    let address: EmailAddress = format!("user{row}@example.org").parse().unwrap();
    let order = MailboxOrder {
        source_user: address.to_string(),
        destination: address.clone(),
        address,
        password: Secret::from("hunter2"),
        source: Endpoint::with_defaults("imap.example.org".parse().unwrap(), None, None),
        seeks_source: false,
        destination_password: None,
    };
    let id = JobId::new(id(number), 1, row);
    JobRecord::accepted(id, &order, "sealed".to_owned(), None, &CopyOptions::default(), now())
}

async fn start() -> (Emulator, Stack, Store) {
    let venv = Venv::prepare(&workspace_root()).await.unwrap();
    let bootstrap = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../local/tests/echo_bootstrap.py");
    let profile = workspace_root().join("target/local/store.toml");
    fs::create_dir_all(profile.parent().unwrap()).unwrap();
    fs::write(&profile, "[notices]\nsender = \"migration@example.net\"\n").unwrap();
    let setup = Setup::new("store", bootstrap, profile);
    let (emulator, stack) = setup.start(&venv, |_| {}).await.unwrap();
    let client = aws_sdk_dynamodb::Client::new(&clients::aws(&stack));
    let table = stack.output("TableName").unwrap().to_owned();
    (emulator, stack, Store::new(client, table))
}

#[tokio::test]
async fn conditions_of_the_table_hold() {
    let (_emulator, stack, store) = start().await;
    rows_are_mended_only_when_all_are_read(&store).await;
    checks_count_only_when_they_have_begun(&store).await;
    starts_decided_by_another_frame_are_refused(&store).await;
    room_is_promised_until_its_request_leaves_its_frames(&store).await;
    speeds_are_remembered(&store).await;
    Box::pin(connections::a_preview_needs_a_connection_like_anybody(&store, &stack)).await;
    late_requests_are_found_and_looked_after_once(&store).await;
    a_mailbox_is_looked_at_by_one_at_a_time(&store).await;
    a_notice_in_the_place_of_another_keeps_the_frame_that_was_told(&store).await;
    tickets::each_ticket_system_is_told_by_one_at_a_time(&store).await;
    Box::pin(begun_again::first_pass_that_copied_nothing_is_begun_again(&store)).await;
    Box::pin(later::a_look_that_brings_nothing_leaves_all_as_it_was(&store)).await;
    Box::pin(trouble::what_a_look_cannot_do_is_told_unless_it_is_to_be_expected(
        &store,
    ))
    .await;
    trouble::a_farewell_is_told_once(&store).await;
    Box::pin(trouble::an_outage_is_no_farewell(&store)).await;
    trouble::a_changed_password_here_is_told_and_nothing_is_missing(&store).await;
    Box::pin(trouble::a_later_look_that_cannot_certify_keeps_what_was_certified(
        &store,
    ))
    .await;
    Box::pin(trouble::what_the_clock_deletes_is_told(&store)).await;
    Box::pin(trouble::a_second_try_ends_without_passwords_too(&store)).await;
    Box::pin(later::passwords_can_be_deleted_at_any_time_after_the_end(&store)).await;
    Box::pin(later::a_mailboxs_passwords_go_with_its_work(&store)).await;
    owner::an_owner_is_told_by_one_at_a_time_and_once(&store).await;
    mails::what_became_of_mails_does_not_depend_on_the_order(&store).await;
    mails::a_notice_without_a_mail_is_closed_once(&store).await;
    attachments::a_request_takes_so_many_files_and_no_more(&store).await;
    Box::pin(attachments::files_of_a_mailbox_are_worked_on_one_after_the_other(
        &store,
    ))
    .await;
    Box::pin(rests::a_capped_mailbox_rests_and_goes_on(&store, &stack)).await;
    Box::pin(cancelled::what_the_call_had_no_time_to_cancel_is_cancelled_by_ingest(
        &store, &stack,
    ))
    .await;
    Box::pin(forgotten::a_request_is_ended_after_its_customer_was_told(
        &store, &stack,
    ))
    .await;
    fences::whoever_lost_the_right_to_plan_writes_no_folder(&store).await;
    fences::whoever_lost_a_folder_writes_nothing_and_counts_nothing(&store).await;
    fences::whoever_copies_a_folder_that_was_forgotten_writes_nothing(&store).await;
    fences::whoever_lost_the_right_to_certify_notes_nothing(&store).await;
    doing::what_lanes_do_is_noted_now_and_then(&store).await;
    fences::one_job_at_a_time_holds_a_destination(&store).await;
}

async fn rows_are_mended_only_when_all_are_read(store: &Store) {
    let checking = request(1, RequestState::Checking);
    store.create_request(&checking).await.unwrap();
    store.put_jobs(&[job(1, 1)]).await.unwrap();
    let row = MendedRow {
        source: job(1, 1).source,
        seeks_source: false,
        source_user: "other".to_owned(),
        sealed_password: Some("sealed".to_owned()),
        sealed_destination_password: None,
    };
    // The rest of the file is still being read.
    let mended = store.mend_job(&job(1, 1), &checking, &row, now()).await;
    assert!(matches!(mended, Err(StoreError::Conflict)), "{mended:?}");
    store.put_jobs(&[job(1, 2)]).await.unwrap();
    assert!(store.begin_checks(&checking, 2).await.unwrap());
    let begun = store.request(id(1)).await.unwrap();
    assert!(begun.checks_have_begun() && begun.open_jobs == 2);
    store.mend_job(&job(1, 1), &begun, &row, now()).await.unwrap();
    // It was counted before.
    assert_eq!(store.request(id(1)).await.unwrap().open_jobs, 2);
    assert_eq!(store.job(job(1, 1).job_id).await.unwrap().check.round, 1);
}

async fn checks_count_only_when_they_have_begun(store: &Store) {
    let checking = request(2, RequestState::Checking);
    store.create_request(&checking).await.unwrap();
    store.put_jobs(&[job(2, 1), job(2, 2)]).await.unwrap();
    let passed = Check {
        state: CheckState::Passed,
        ..Check::default()
    };
    // A message of rows that were read over by another file.
    assert_eq!(store.finish_check(job(2, 1).job_id, &passed).await.unwrap(), None);
    assert!(store.begin_checks(&checking, 1).await.unwrap());
    assert!(!store.begin_checks(&checking, 1).await.unwrap());
    for _ in 0..2 {
        // Delivered twice.
        assert_eq!(store.finish_check(job(2, 2).job_id, &passed).await.unwrap(), Some(0));
    }
}

async fn starts_decided_by_another_frame_are_refused(store: &Store) {
    let scheduled = request(3, RequestState::Scheduled);
    store.create_request(&scheduled).await.unwrap();
    let window = Window::parse("2026-11-30T22:00", Some("2026-12-01T06:00"), "Europe/Berlin", now()).unwrap();
    store.set_window(&scheduled, Some(&window), None, now()).await.unwrap();
    // Another call that was decided on at the same moment.
    let second = store.set_window(&scheduled, None, None, now()).await;
    assert!(matches!(second, Err(StoreError::Conflict)), "{second:?}");
    let start = |request: &RequestRecord| RequestChange {
        if_state: Some(request.state),
        if_reschedules: Some(request.reschedules),
        ..RequestChange::default()
    };
    let event = RequestEvent::PassStarted(mailvan::domain::Pass::First);
    let started = store.advance_request(id(3), event, now(), start(&scheduled)).await;
    assert!(matches!(started, Err(StoreError::Conflict)), "{started:?}");
    let moved = store.request(id(3)).await.unwrap();
    assert_eq!((moved.window.as_ref(), moved.reschedules), (Some(&window), 1));
    let started = store.advance_request(id(3), event, now(), start(&moved)).await.unwrap();
    assert!(matches!(started, Advance::Changed(_)));
    let during = store.request(id(3)).await.unwrap();
    let late = store.set_window(&moved, None, None, now()).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    assert_eq!(
        during.paused_until(window.end().unwrap()),
        Some("2026-12-01T22:00:00+01:00".parse().unwrap())
    );
}

async fn room_is_promised_until_its_request_leaves_its_frames(store: &Store) {
    let loads = [("imap.example.org".to_owned(), Load { mailboxes: 3, bytes: 7 })].into();
    let (reservation, _) = Capacity::default().place(None, &loads, &[], now());
    let beside = async |id, now| store.reservations_beside(id, now).await.unwrap();
    let scheduled = |number| request(number, RequestState::Scheduled);
    for number in [4, 5] {
        store.create_request(&scheduled(number)).await.unwrap();
        store.reserve(&scheduled(number), reservation.clone()).await.unwrap();
        store.reserve(&scheduled(number), reservation.clone()).await.unwrap();
    }
    assert_eq!(beside(None, now()).await.len(), 2);
    assert_eq!(beside(Some(id(4)), now()).await, std::slice::from_ref(&reservation));
    assert_eq!(beside(None, reservation.end().unwrap()).await, []);

    // All the ways on and out.
    let first = mailvan::domain::Pass::First;
    let settled = |outcome| RequestEvent::PassSettled { pass: first, outcome };
    let ends = [
        (RequestState::Checking, RequestEvent::FaultsFound),
        (RequestState::Checking, RequestEvent::Failed),
        (RequestState::NeedsAttention, RequestEvent::Cancelled),
        (RequestState::Scheduled, RequestEvent::NoneCanStart),
        (RequestState::Scheduled, RequestEvent::Cancelled),
        (RequestState::Scheduled, RequestEvent::Failed),
        (RequestState::FirstPass, settled(PassOutcome::AllWell)),
        (RequestState::FirstPass, settled(PassOutcome::WithExceptions)),
        (RequestState::FirstPass, settled(PassOutcome::AllFailed)),
        (RequestState::FirstPass, RequestEvent::Cancelled),
        (RequestState::FirstPass, RequestEvent::Failed),
    ];
    for (number, (state, event)) in (20..).zip(ends) {
        let before = request(number, state);
        store.create_request(&before).await.unwrap();
        store.reserve(&before, reservation.clone()).await.unwrap();
        assert_eq!(beside(None, now()).await.len(), 3, "{state} {event:?}");
        let change = RequestChange::default();
        store.advance_request(id(number), event, now(), change).await.unwrap();
        assert_eq!(beside(None, now()).await.len(), 2, "{state} {event:?}");
        // Whoever was about to promise it is late.
        let late = store.reserve(&before, reservation.clone()).await;
        assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    }
    let begun = RequestEvent::PassStarted(first);
    for event in [begun, RequestEvent::Cancelled] {
        assert_eq!(beside(None, now()).await.len(), 2, "{event:?}");
        let change = RequestChange::default();
        store.advance_request(id(5), event, now(), change).await.unwrap();
    }
    assert_eq!(beside(None, now()).await, std::slice::from_ref(&reservation));
}

async fn speeds_are_remembered(store: &Store) {
    let host: Host = "imap.example.org".parse().unwrap();
    assert_eq!(store.speed(&host).await.unwrap().samples, []);
    let amount = Amount {
        messages: 100,
        bytes: 1 << 20,
    };
    let sample = Sample {
        amount,
        millis: 1_000,
        compressed: false,
    };
    for _ in 0..30 {
        store.note_speed(&host, sample, now()).await.unwrap();
    }
    let speed = store.speed(&host).await.unwrap();
    assert_eq!((speed.samples.len(), speed.samples[0]), (24, sample));
}

async fn late_requests_are_found_and_looked_after_once(store: &Store) {
    let at = |minutes| now().checked_add(SignedDuration::from_mins(minutes)).unwrap();
    let since = async |minutes| {
        let found = store.requests_since(RequestState::Checking, at(minutes)).await.unwrap();
        found.len()
    };
    assert_eq!((since(-1).await, since(0).await), (0, 2));
    let look_after = async |minutes| store.look_after(id(1), at(minutes - 60), at(minutes)).await.unwrap();
    assert_eq!(
        (look_after(0).await, look_after(30).await, look_after(60).await),
        (true, false, true)
    );
    assert!(!store.look_after(id(9), at(0), at(0)).await.unwrap());
}

/// Each look is a login, and a few wrong ones lock mailboxes.
async fn a_mailbox_is_looked_at_by_one_at_a_time(store: &Store) {
    let at = |seconds| now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let check = |times| Check {
        state: CheckState::Running,
        times,
        ..Check::default()
    };
    let id = job(1, 2).job_id;
    let lease = async |seconds| {
        store
            .lease_check(id, &check(0), at(seconds + 60), at(seconds))
            .await
            .unwrap()
    };
    assert_eq!((lease(0).await, lease(0).await, lease(59).await), (true, false, false));
    // It rests before the next look, and how many there were is in the table.
    store.note_check(id, &check(1), at(100)).await.unwrap();
    assert_eq!(store.job(id).await.unwrap().check.times, 1);
    assert_eq!((lease(99).await, lease(100).await), (false, true));
}

async fn a_notice_in_the_place_of_another_keeps_the_frame_that_was_told(store: &Store) {
    let scheduled = request(40, RequestState::Scheduled);
    store.create_request(&scheduled).await.unwrap();
    let frame = |day| Window::parse(day, None, "Europe/Berlin", now()).unwrap();
    let (told, other) = (frame("2026-11-30T22:00"), frame("2026-12-01T22:00"));
    let kind = NoticeKind::Scheduled;
    store
        .set_window(&scheduled, Some(&told), Some(kind), now())
        .await
        .unwrap();
    let until = now().checked_add(SignedDuration::from_secs(60)).unwrap();
    assert!(store.claim_notice(id(40), kind, now(), until).await.unwrap());
    let sent = Sent {
        message_id: "m",
        tells_of: now(),
        frame: Some(&told),
    };
    store.mark_sent(id(40), kind, until, sent, now()).await.unwrap();
    let moved = store.request(id(40)).await.unwrap();
    store.set_window(&moved, Some(&other), Some(kind), now()).await.unwrap();
    let outbox = store.notices(id(40)).await.unwrap();
    assert_eq!(outbox.len(), 1);
    assert_eq!(
        (outbox[0].sent_at.as_ref(), outbox[0].frame.as_ref()),
        (None, Some(&told))
    );
    assert!(store.claim_notice(id(40), kind, now(), until).await.unwrap());
}
