//! `cargo xtask chaos`: migrations under random faults, which have to end identical every time.

use std::cell::RefCell;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use clap::Args;
use mailvan_local::chaos::{Audience, Fault, Look, Round, run as run_round};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

#[derive(Args)]
pub struct Arguments {
    /// What the faults, the mail and the servers' abilities follow from; another one each time where it is not given
    #[arg(long)]
    seed: Option<u64>,
    /// How many faults are made in each round
    #[arg(long, default_value_t = 200)]
    faults: usize,
    /// How many messages are migrated in each round, apart from those that come between the passes
    #[arg(long, default_value_t = 5000)]
    messages: usize,
    /// How many rounds, each with the next seed
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// Also print each fault as it is made
    #[arg(long)]
    verbose: bool,
}

/// Runs the rounds and sums them up.
///
/// # Errors
/// Fails when a round is not good, after all have been run.
pub async fn run(arguments: Arguments) -> Result<()> {
    let seed = arguments.seed.unwrap_or_else(seed_of_now);
    println!("seed {seed}");
    let stdout = Stdout {
        on_terminal: std::io::stdout().is_terminal(),
        verbose: arguments.verbose,
        last: RefCell::new(None),
        begun: Instant::now(),
    };
    let mut reports = Vec::new();
    for seed in seed..seed + arguments.rounds {
        let round = Round {
            seed,
            faults: arguments.faults,
            messages: arguments.messages,
        };
        let report = run_round(round, &stdout).await?;
        stdout.step(&report.to_string());
        reports.push(report);
    }
    let bad: Vec<String> = reports
        .iter()
        .filter(|report| !report.is_good())
        .map(|report| report.seed.to_string())
        .collect();
    println!("\n{} of {} rounds good", reports.len() - bad.len(), reports.len());
    if !bad.is_empty() {
        bail!("not as it should be with seed {}", bad.join(", "));
    }
    Ok(())
}

fn seed_of_now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos()) ^ (now.as_secs() << 10)
}

/// Tells the terminal.
struct Stdout {
    on_terminal: bool,
    verbose: bool,
    last: RefCell<Option<Instant>>,
    begun: Instant,
}

impl Stdout {
    fn clear(&self) {
        if self.on_terminal {
            print!("\r\x1b[K");
        }
    }
}

impl Audience for Stdout {
    fn step(&self, line: &str) {
        self.clear();
        println!("  {line}");
    }

    fn fault(&self, number: usize, fault: &Fault) {
        if self.verbose {
            self.clear();
            println!(
                "  {:>6.1} s  fault {number}: {fault}",
                self.begun.elapsed().as_secs_f32()
            );
        }
    }

    fn look(&self, look: &Look) {
        let mut last = self.last.borrow_mut();
        if !self.on_terminal && last.is_some_and(|last| last.elapsed() < LINE_EVERY) {
            return;
        }
        *last = Some(Instant::now());
        let Look {
            state,
            copied,
            total,
            waiting,
            made,
        } = look;
        let all: usize = made.iter().map(|(_, count)| count).sum();
        let kinds: Vec<String> = made
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        let line = format!(
            "{state} · {copied} of {total} messages · {all} faults ({}; {waiting} waiting) · {:.0} s",
            kinds.join(", "),
            self.begun.elapsed().as_secs_f32()
        );
        self.clear();
        print!("  {line}");
        if !self.on_terminal {
            println!();
        }
        let _ = std::io::stdout().flush();
    }
}
