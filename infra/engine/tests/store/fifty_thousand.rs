//! What the largest request takes of a function's memory and time, by what the functions do with it: reading its file,
//! writing its mailboxes, reading them back, and telling when it will be done. The emulator takes minutes of it.

use std::time::{Duration, Instant};

use mailvan::domain::{CheckState, MailboxSize};
use mailvan::forecast::Known;
use mailvan::intake::{Policy, read_file};
use mailvan::profile::Profile;
use mailvan::room::loads_of;

use super::*;

const MAILBOXES: usize = 50_000;

/// What a function may have, as the template says.
const MEMORY_MB: u64 = 1_024;

/// As many as `ingest` writes before it marks how far it is.
const ROWS_A_MARK: usize = 500;

#[tokio::test]
#[ignore = "takes the emulator minutes"]
async fn request_of_fifty_thousand_mailboxes_fits_a_function() {
    let (_emulator, _stack, store) = start().await;
    let checking = request(9, RequestState::Checking);
    store.create_request(&checking).await.unwrap();
    let mut steps = Steps::begin();
    let rows: Vec<String> = (0..MAILBOXES).map(row).collect();
    let file = format!("email,password,source_host,port,security\n{}", rows.join("\n"));
    drop(rows);
    let intake = read_file(file.as_bytes(), Policy::STRICT);
    assert_eq!((intake.rows.len(), intake.faults.len()), (MAILBOXES, 0));
    steps.end("file read");

    for batch in intake.rows.chunks(ROWS_A_MARK) {
        let jobs = batch.iter().map(|(row, order)| {
            // As long as a sealed one.
            let id = JobId::new(id(9), 1, *row);
            JobRecord::accepted(id, order, "s".repeat(64), None, &CopyOptions::default(), now())
        });
        store.put_jobs(&jobs.collect::<Vec<_>>()).await.unwrap();
    }
    drop(intake);
    steps.end("mailboxes written");
    assert!(
        store
            .begin_checks(&checking, u32::try_from(MAILBOXES).unwrap())
            .await
            .unwrap()
    );

    let mut jobs = store.jobs(id(9), 1).await.unwrap();
    assert_eq!(jobs.len(), MAILBOXES);
    steps.end("mailboxes read");
    for job in &mut jobs {
        job.check.state = CheckState::Passed;
        job.check.size = Some(MailboxSize {
            folders: 12,
            messages: 9_000,
            bytes: 400_000_000,
            is_estimate: false,
        });
    }
    let window = Window::parse("2026-11-30T22:00", Some("2026-12-01T06:00"), "Europe/Berlin", now()).unwrap();
    let scheduled = RequestRecord {
        window: Some(window),
        ..request(9, RequestState::Scheduled)
    };
    let profile = Profile::parse("[provider]\nname = \"Example\"\ntime_zone = \"Europe/Berlin\"\n\
        [destination.imap]\nhost = \"imap.example.net\"\nauth = \"password\"\n[notices]\nsender = \"migration@example.net\"\n").unwrap();
    let known = Known::load(&store, &profile, &scheduled, &jobs, now()).await.unwrap();
    let forecast = known.forecast(&scheduled, &jobs, now()).unwrap();
    assert_eq!(forecast.mailboxes.len(), MAILBOXES);
    let (place, _) = Capacity::default().place(scheduled.window.as_ref(), &loads_of(&jobs), &[], now());
    assert!(!place.spans.is_empty());
    steps.end("room and forecast");
    assert!(peak_mb() < MEMORY_MB, "{} MB", peak_mb());
}

/// Mailboxes of a hundred domains at as many servers.
fn row(n: usize) -> String {
    format!(
        "user{n}@customer{}.example.org,hunter2-{n},imap{}.example.org,993,tls",
        n % 100,
        n % 100
    )
}

/// Tells what each step took, how much of it was our own work and not the emulator's, and the most memory so far.
struct Steps {
    begun: Instant,
    worked: f64,
}

impl Steps {
    fn begin() -> Self {
        Self {
            begun: Instant::now(),
            worked: cpu_seconds(),
        }
    }

    fn end(&mut self, what: &str) {
        let took: Duration = self.begun.elapsed();
        let worked = cpu_seconds() - self.worked;
        println!(
            "{what}: {:.1} s, {worked:.1} s of them our own; {} MB at most so far",
            took.as_secs_f64(),
            peak_mb()
        );
        *self = Self::begin();
    }
}

/// The processor's time of this process: fields 14 and 15, in hundredths of a second.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| f64::from(ticks.parse::<u32>().unwrap())).sum::<f64>() / 100.0
}

fn peak_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024 / 1_000_000
}
