//! The same mail through everything: an order by HTTP, the functions, their queues and the table.
//!
//! A pass is measured as the engine's is: from the moment that it begins, after the rows have been checked, to its end,
//! the final one with its certificate. The emulator takes its share of the two cores and looks at a queue some times
//! a second only, which AWS would not; so this is the worst case.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use mailvan_local::compare::read_account;
use mailvan_local::customer::{Order, Status};
use mailvan_local::dovecot::Layout;
use mailvan_local::ministack::Emulator;
use mailvan_local::samples::{SampleAccount, touch};
use mailvan_local::world::{Plan, World};

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
    let world = plan.start(|line| println!("  {line}")).await?;
    let account = world.accounts.first().context("an account was given")?;
    let order = world.customer.order_by_csv(&world.csv(world.source.port())).await?;
    let seconds = time_of(&world, &order, "first_pass", "awaiting_cutover").await?;
    let before = usage(&world.emulator)?;
    let mut taken = Taken { seconds, ..before };
    compare(&world, account, name, Pass::First, taken, runs)?;
    touch(&world.source, &account.login, account, TOUCHED_FOLDERS)?;
    world.customer.act(&order, "cutover").await?;
    let seconds = time_of(&world, &order, "final_pass", "completed").await?;
    taken = usage(&world.emulator)?;
    taken = Taken {
        seconds,
        cpu_seconds: (taken.cpu_seconds - before.cpu_seconds).max(0.0),
        ..taken
    };
    compare(&world, account, name, Pass::Delta, taken, runs)
}

/// The seconds from the last look at which the pass had not begun to the first at which it was over.
async fn time_of(world: &World, order: &Order, pass: &str, after: &str) -> Result<f64> {
    let ends = [after, "completed_with_exceptions", "failed", "needs_attention"];
    let mut begun = Instant::now();
    let look = |status: &Status| {
        if status.state != pass && !ends.contains(&status.state.as_str()) {
            begun = Instant::now();
        }
    };
    let status = world.customer.wait_for(order, &ends, PATIENCE, look).await?;
    ensure!(
        status.state == after,
        "the request ended as {}: {status:?}",
        status.state
    );
    Ok(begun.elapsed().as_secs_f64())
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
    fn what_a_process_took_is_read_from_the_kernels_words() {
        let stat = "77 (boot (s) trap) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(peak_mb("Name:\tx\nVmHWM:\t   62500 kB\n"), Some(64.0));
    }
}
