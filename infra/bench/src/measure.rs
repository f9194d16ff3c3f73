//! What a process takes: time, processor, memory.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

/// What something took.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Taken {
    /// From its start to its end.
    pub seconds: f64,
    /// The processor's time, in user and system mode together.
    pub cpu_seconds: f64,
    /// The most memory that a process of it had at once, in MB (10^6 bytes).
    pub peak_rss_mb: f64,
}

/// Runs a command to its end and writes what it and the processes it waited for took, as JSON. This process does
/// nothing else, so all children's usage is the command's.
pub fn run(report: &Path, command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().context("a command is needed")?;
    let begun = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .status()
        .with_context(|| format!("starting {program}"))?;
    let seconds = begun.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let kib = u32::try_from(usage.max_rss()).unwrap_or(u32::MAX);
    let taken = Taken {
        seconds,
        cpu_seconds: cpu_seconds(&usage),
        peak_rss_mb: f64::from(kib) * 1024.0 / 1e6,
    };
    std::fs::write(report, serde_json::to_vec(&taken)?).with_context(|| format!("writing {}", report.display()))?;
    if !status.success() {
        bail!("{program} ended with {status}");
    }
    Ok(())
}

/// What this process took while `work` was done.
pub fn within<T>(work: impl FnOnce() -> Result<T>) -> Result<Taken> {
    let before = cpu_seconds(&getrusage(UsageWho::RUSAGE_SELF)?);
    let begun = Instant::now();
    work()?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Taken {
        seconds,
        cpu_seconds: cpu_seconds(&getrusage(UsageWho::RUSAGE_SELF)?) - before,
        peak_rss_mb: own_peak_mb().context("/proc/self/status is not understood")?,
    })
}

/// The most memory this process has had. The usage that the system counts begins with the caller's memory at the time
/// when this program was started.
fn own_peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(f64::from(kib) * 1024.0 / 1e6)
}

fn cpu_seconds(usage: &Usage) -> f64 {
    let seconds = |time: TimeVal| {
        let whole = u32::try_from(time.tv_sec()).unwrap_or(u32::MAX);
        let micros = u32::try_from(time.tv_usec()).unwrap_or_default();
        f64::from(whole) + f64::from(micros) / 1e6
    };
    seconds(usage.user_time()) + seconds(usage.system_time())
}
