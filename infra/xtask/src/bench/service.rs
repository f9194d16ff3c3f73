//! The same mail through everything: an order by HTTP, the functions, their queues and the table.
//!
//! A pass is measured by the functions' own logs: from the moment that `trigger` has started its mailboxes to the mail
//! that tells the customer of its end, the final one with its certificate. The emulator takes its share of the two cores,
//! which AWS would not; so this is the worst case. What it would spend on checking roles is left out.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use mailvan_local::compare::read_account;
use mailvan_local::customer::Order;
use mailvan_local::dovecot::Layout;
use mailvan_local::ministack::Emulator;
use mailvan_local::samples::{SampleAccount, touch};
use mailvan_local::world::{Plan, World};
use serde::Deserialize;

use super::measure::{Taken, differences};
use super::report::Run;
use super::rounds::TOUCHED_FOLDERS;
use super::tool::{Pass, Tool};

/// How long a pass may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// The functions that work while a mailbox is copied.
const FUNCTIONS: [&str; 8] = [
    "intake", "ingest", "trigger", "plan", "sync", "cutover", "notify", "bury",
];

/// The kernel's unit in `/proc/<id>/stat`, on every Linux that Rust knows.
const TICKS_A_SECOND: f64 = 100.0;

/// Moves an account by the whole service, with the functions' binary `bootstrap`.
///
/// # Errors
/// Fails when a step does, and when a copy is not identical.
pub async fn run(bootstrap: &Path, name: &'static str, account: SampleAccount, runs: &mut Vec<Run>) -> Result<()> {
    let mut plan = Plan::new("bench", vec![account]);
    // As in the measurements that this one is held against.
    for options in [&mut plan.source, &mut plan.destination] {
        options.layout = Layout::english();
    }
    plan.bootstrap = Some(bootstrap.to_owned());
    plan.ignore_roles = true;
    let world = plan.start(|line| println!("  {line}")).await?;
    let account = world.accounts.first().context("an account was given")?;
    let order = world.customer.order_by_csv(&world.csv(world.source.port())).await?;
    let seconds = time_of(&world, &order, "first", "awaiting_cutover", "first_pass_done").await?;
    let before = usage(&world.emulator)?;
    let mut taken = Taken { seconds, ..before };
    compare(&world, account, name, Pass::First, taken, runs)?;
    touch(&world.source, &account.login, account, TOUCHED_FOLDERS)?;
    world.customer.act(&order, "cutover").await?;
    let seconds = time_of(&world, &order, "final", "completed", "finished").await?;
    taken = usage(&world.emulator)?;
    taken = Taken {
        seconds,
        cpu_seconds: (taken.cpu_seconds - before.cpu_seconds).max(0.0),
        ..taken
    };
    compare(&world, account, name, Pass::Delta, taken, runs)
}

/// A line that a function wrote.
#[derive(Deserialize)]
struct Line {
    timestamp: Timestamp,
    fields: Fields,
}

#[derive(Deserialize)]
struct Fields {
    message: String,
    pass: Option<String>,
    notice: Option<String>,
}

/// Waits for the end of a pass, and gives the seconds it took by the logs.
async fn time_of(world: &World, order: &Order, pass: &str, after: &str, notice: &str) -> Result<f64> {
    let ends = [after, "completed_with_exceptions", "failed", "needs_attention"];
    let status = world.customer.wait_for(order, &ends, PATIENCE, |_| {}).await?;
    ensure!(
        status.state == after,
        "the request ended as {}: {status:?}",
        status.state
    );
    for _ in 0..100 {
        let log = fs::read_to_string(world.emulator.log())?;
        if let Some(seconds) = seconds_between(&log, pass, notice) {
            return Ok(seconds);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the logs do not tell when the {pass} pass began, or that the notice {notice} was sent")
}

/// The seconds from a pass's start to its notice.
fn seconds_between(log: &str, pass: &str, notice: &str) -> Option<f64> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let (mut begun, mut told) = (None, None);
    for Line { timestamp, fields } in lines {
        match fields.message.as_str() {
            "mailboxes started" if fields.pass.as_deref() == Some(pass) => begun = begun.or(Some(timestamp)),
            "notice sent" if fields.notice.as_deref() == Some(notice) => told = Some(timestamp),
            _ => {}
        }
    }
    Some(told?.duration_since(begun?).as_secs_f64())
}

fn compare(
    world: &World,
    account: &SampleAccount,
    name: &'static str,
    pass: Pass,
    taken: Taken,
    runs: &mut Vec<Run>,
) -> Result<()> {
    let source = read_account(&world.source, &account.login.user)?;
    let destination = read_account(&world.destination, &account.login.user)?;
    if let Some(difference) = differences(&source, &destination, world.destination.layout()).first() {
        bail!("the service's copy is not identical: {difference}");
    }
    let run = Run::new(Tool::Service, name, 0, pass, taken, &source).compared(&[]);
    println!("  {run}");
    runs.push(run);
    Ok(())
}

/// The processor's time of all functions' processes so far, and the most memory that one of them had.
fn usage(emulator: &Emulator) -> Result<Taken> {
    let mut sum = Taken {
        seconds: 0.0,
        cpu_seconds: 0.0,
        peak_rss_mb: 0.0,
    };
    for function in FUNCTIONS {
        for id in emulator.function_processes(function)? {
            // A process may have ended since it was found.
            let (Ok(stat), Ok(status)) = (
                fs::read_to_string(format!("/proc/{id}/stat")),
                fs::read_to_string(format!("/proc/{id}/status")),
            ) else {
                continue;
            };
            sum.cpu_seconds += cpu_seconds(&stat).context("a /proc/<id>/stat that is not understood")?;
            sum.peak_rss_mb = sum.peak_rss_mb.max(peak_mb(&status).unwrap_or_default());
        }
    }
    Ok(sum)
}

/// Fields 14 and 15; the name before them, in brackets, may hold spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some((f64::from(user) + f64::from(system)) / TICKS_A_SECOND)
}

fn peak_mb(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(f64::from(kib) * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_lasts_from_its_start_to_its_notice() {
        let line =
            |at: &str, fields: &str| format!("{{\"timestamp\":\"2026-11-23T07:02:{at}Z\",\"fields\":{{{fields}}}}}\n");
        let started = |at, pass: &str| line(at, &format!("\"message\":\"mailboxes started\",\"pass\":\"{pass}\""));
        let sent = |at, notice: &str| line(at, &format!("\"message\":\"notice sent\",\"notice\":\"{notice}\""));
        let log = [
            "no JSON\n".to_owned(),
            started("35.0", "first"),
            sent("35.2", "accepted"),
            sent("38.5", "first_pass_done"),
            started("46.0", "final"),
        ]
        .concat();
        assert_eq!(seconds_between(&log, "first", "first_pass_done"), Some(3.5));
        assert_eq!(seconds_between(&log, "final", "finished"), None);
    }

    #[test]
    fn what_a_process_took_is_read_from_the_kernels_words() {
        let stat = "77 (boot (s) trap) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(peak_mb("Name:\tx\nVmHWM:\t   62500 kB\n"), Some(64.0));
    }
}
