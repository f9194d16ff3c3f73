use super::*;
use crate::domain::{
    Check, CheckCode, CheckFault, CheckState, CopyOptions, Endpoint, JobId, JobStatus, Load, MailboxOrder, MailboxSize,
    RequestId, Secret, Window,
};

fn now() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

fn request(state: RequestState) -> RequestRecord {
    RequestRecord::made(
        RequestId::from_parts(0, [7; 10]),
        state,
        "anna@example.com".parse().unwrap(),
        String::new(),
        now(),
    )
}

/// A mailbox of so many messages of 100 kB.
fn job(row: u32, messages: i64) -> JobRecord {
    let address: crate::domain::EmailAddress = format!("user{row}@example.com").parse().unwrap();
    let order = MailboxOrder {
        source_user: address.to_string(),
        destination: address.clone(),
        address,
        password: Secret::from("hunter2"),
        source: Endpoint::with_defaults("imap.example.com".parse().unwrap(), None, None),
        seeks_source: false,
        destination_password: None,
    };
    let id = JobId::new(RequestId::from_parts(0, [7; 10]), 0, row);
    let mut job = JobRecord::accepted(id, &order, String::new(), None, &CopyOptions::default(), now());
    job.check = Check {
        state: CheckState::Passed,
        size: Some(MailboxSize {
            folders: 10,
            messages,
            bytes: messages * 100_000,
            is_estimate: false,
        }),
        ..Check::default()
    };
    job
}

/// A server from which ten connections got a megabyte a second each.
fn known() -> Known {
    let sample = crate::domain::speed::Sample {
        amount: Amount {
            messages: 100,
            bytes: 10_000_000,
        },
        millis: 10_000,
        compressed: false,
    };
    let speed = (0..10).fold(Speed::default(), |speed, _| speed.with(sample));
    Known {
        speeds: HashMap::from([("imap.example.com".to_owned(), speed)]),
        others: Vec::new(),
        lanes: 3,
        capacity: Capacity::default(),
    }
}

#[test]
fn request_that_waits_is_told_by_sizes_and_speed() {
    let jobs = vec![job(1, 30_000), job(2, 3_000)];
    let mut request = request(RequestState::Scheduled);
    let forecast = known().forecast(&request, &jobs, now()).unwrap();
    // 3 GB at three megabytes a second at best, and at one at worst.
    assert_eq!((forecast.seconds.low, forecast.seconds.high), (1_003, 3_060));
    assert_eq!(
        forecast.request.from.duration_since(now()),
        SignedDuration::from_secs(1_003)
    );
    assert_eq!(forecast.mailboxes[&2].seconds_high, 360);
    // It may come last.
    assert_eq!(forecast.mailboxes[&2].until, forecast.request.until);
    let window = Window::parse("2026-11-25T22:00", Some("2026-11-25T22:30"), "UTC", now()).unwrap();
    request.window = Some(window);
    let estimate = known().forecast(&request, &jobs, now()).unwrap().request;
    assert_eq!(estimate.from.to_string(), "2026-11-25T22:16:43Z");
    assert_eq!(estimate.until.to_string(), "2026-11-26T22:21:00Z");
}

#[test]
fn request_that_is_copied_is_told_by_its_pace() {
    let mut copying = job(1, 30_000);
    copying.status = JobStatus::new(JobState::Copying, Some(Pass::First)).unwrap();
    copying.state_since = "2026-11-24T08:00:00Z".to_owned();
    (copying.messages_total, copying.bytes_total) = (30_000, 3_000_000_000);
    (copying.messages_copied, copying.bytes_copied) = (15_000, 1_500_000_000);
    let mut done = job(2, 3_000);
    done.status = JobStatus::new(JobState::AwaitingCutover, Some(Pass::First)).unwrap();
    let forecast = known()
        .forecast(&request(RequestState::FirstPass), &[copying, done], now())
        .unwrap();
    // Half of it took an hour.
    assert_eq!((forecast.seconds.low, forecast.seconds.high), (2_520, 5_460));
    assert!(!forecast.mailboxes.contains_key(&2));
}

#[test]
fn what_is_not_copied_or_not_known_is_left_out_or_taken_for_usual() {
    let scheduled = request(RequestState::Scheduled);
    let mut broken = job(1, 30_000);
    broken.check.state = CheckState::Failed;
    broken.check.faults = vec![CheckFault::new(CheckCode::SourceWrongPassword, "what", "do")];
    let mut unknown = job(2, 0);
    unknown.check.size = None;
    let forecast = known()
        .forecast(&scheduled, &[broken, unknown.clone(), job(3, 10_000)], now())
        .unwrap();
    assert!(!forecast.mailboxes.contains_key(&1));
    // The mean of the others: 20,000 messages; in how many folders nobody knows.
    assert_eq!(forecast.mailboxes[&2].seconds_low, 2_003);
    assert_eq!(known().forecast(&scheduled, &[unknown], now()), None);
    assert_eq!(
        known().forecast(&request(RequestState::FinalPass), &[job(3, 1)], now()),
        None
    );
}

#[test]
fn days_that_are_left_out_and_others_at_the_same_time_widen_the_range() {
    let scheduled = request(RequestState::Scheduled);
    let mut part = job(1, 30_000);
    part.options.dates.since = "2026-01-01".parse().ok();
    let forecast = known().forecast(&scheduled, &[part], now()).unwrap();
    assert_eq!((forecast.seconds.low, forecast.seconds.high), (3, 3_060));

    let jobs: Vec<JobRecord> = (1..=32).map(|row| job(row, 3_000)).collect();
    let alone = known().forecast(&scheduled, &jobs, now()).unwrap().seconds;
    let mut crowded = known();
    let hosts = [("imap.example.net".to_owned(), Load { mailboxes: 1, bytes: 0 })].into();
    let span = crate::domain::capacity::Span {
        from: now(),
        until: now().checked_add(SignedDuration::from_millis(2_500)).unwrap(),
    };
    crowded.others = vec![Reservation {
        spans: vec![span],
        hosts,
    }];
    let beside = crowded.forecast(&scheduled, &jobs, now()).unwrap().seconds;
    assert_eq!((beside.low, beside.high), (alone.low, alone.high * 2));
}

#[test]
fn what_a_provider_gives_out_in_a_day_is_kept_to_and_told() {
    let scheduled = request(RequestState::Scheduled);
    // 2.5 GB, 5.1 GB and 9 GB.
    let mut jobs = vec![job(1, 25_000), job(2, 51_000), job(3, 90_000)];
    for job in &mut jobs {
        job.source.host = "imap.gmail.com".parse().unwrap();
    }
    let forecast = known().forecast(&scheduled, &jobs, now()).unwrap();
    let days = |row: u32| forecast.mailboxes[&row].from.duration_since(now()).as_hours() / 24;
    assert_eq!([days(1), days(2), days(3)], [0, 2, 3]);
    assert_eq!(forecast.request.from.duration_since(now()).as_hours() / 24, 3);
    assert_eq!(forecast.request.until.duration_since(now()).as_hours() / 24, 4);
    assert_eq!(
        forecast.daily_cap.unwrap().in_words(),
        "Gmail gives out 2500 MB of a mailbox a day: 2 mailboxes have more, and the largest takes 4 days at least."
    );
    jobs[2].source.host = "imap.example.com".parse().unwrap();
    let forecast = known().forecast(&scheduled, &jobs, now()).unwrap();
    assert_eq!(forecast.mailboxes[&3].from.duration_since(now()).as_hours() / 24, 0);
    jobs.truncate(1);
    assert_eq!(known().forecast(&scheduled, &jobs, now()).unwrap().daily_cap, None);
}

/// Each status of a request asks for it.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test that measures")]
fn fifty_thousand_mailboxes_cost_a_second_or_two() {
    let mut request = request(RequestState::Scheduled);
    request.window = Some(Window::parse("2026-11-25T22:00", Some("2026-11-26T06:00"), "Europe/Berlin", now()).unwrap());
    let jobs: Vec<JobRecord> = (1..=50_000).map(|row| job(row, 3_000)).collect();
    let begun = std::time::Instant::now();
    let forecast = known().forecast(&request, &jobs, now()).unwrap();
    let took = begun.elapsed();
    assert_eq!(forecast.mailboxes.len(), 50_000);
    println!("50,000 mailboxes: {took:?}");
    // A debug build on a busy machine; it was a tenth of that.
    assert!(took < std::time::Duration::from_secs(30), "{took:?}");
}
