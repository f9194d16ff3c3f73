//! `cargo xtask bench`: Mailvan's engine, its peers and the servers' ceilings, on the same mail.
//!
//! Everything runs on this machine: two Dovecots with stores in memory (`site.rs`), filled with accounts like real
//! ones, and the tools in turns (`rounds.rs`), each in a process of its own (`measure.rs`) and each copy compared with
//! its source by code that no tool shares.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use mailvan_local::dovecot::{Store, ensure_installed};
use mailvan_local::package::build_release;
use mailvan_local::samples::{SampleAccount, bulk};
use mailvan_local::workspace_root;

mod calendar;
mod chart;
mod measure;
mod million;
mod peers;
mod report;
mod rounds;
mod service;
mod site;
mod tool;

use report::Run;
use rounds::Plan;
use site::{LONG_MS, Site};
use tool::Tool;

#[derive(Args)]
pub struct Arguments {
    /// A tenth of the messages, one round, fewer tools
    #[arg(long)]
    quick: bool,
    /// A folder of a million messages too, which takes many minutes and some gigabytes of memory
    #[arg(long)]
    million: bool,
    /// A calendar of 20,000 events only, and no mail
    #[arg(long)]
    calendar: bool,
    /// How often everything is measured; the median counts
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Where bench.json and bench.svg go
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only these tools, by the names of the results
    #[arg(long, value_name = "TOOL", value_delimiter = ',')]
    tools: Vec<String>,
    /// Only these accounts: mixed, small, large
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',')]
    accounts: Vec<String>,
}

/// Measures, prints and writes the results.
///
/// # Errors
/// Fails when a step does, and when a copy that Mailvan made is not identical.
pub async fn run(arguments: Arguments) -> Result<()> {
    if arguments.calendar {
        return calendar(&arguments).await;
    }
    ensure_installed()?;
    let tools = arguments.tools();
    peers::ensure_installed(&tools)?;
    println!("Building in release (many minutes the first time)");
    let root = workspace_root();
    let mut programs = vec![("mailvan-bench", "mailvan-bench")];
    if arguments.service() {
        programs.push(("mailvan-bootstrap", "bootstrap"));
    }
    let programs = build_release(&root, &programs).await?;
    let bench = programs.first().context("nothing was built")?;
    let site = Site::start(bench, Store::Sdbox)?;
    let mut runs = Vec::new();
    arguments.measure(&site, &tools, &mut runs)?;
    drop(site);
    if arguments.million {
        million::run(bench, &mut runs)?;
    }
    if let Some(bootstrap) = programs.get(1) {
        println!("\nmixed, through the whole service");
        service::run(bootstrap, "mixed", bulk::mixed(arguments.messages(10_000)), &mut runs).await?;
    }
    let rows = report::rows(&runs);
    println!("{}", report::table(&rows));
    let out = arguments.out.unwrap_or_else(|| root.join("target/bench"));
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    fs::write(out.join("bench.json"), serde_json::to_vec_pretty(&rows)?)?;
    if let Some(chart) = chart::draw(&rows, "mixed") {
        fs::write(out.join("bench.svg"), chart)?;
    }
    println!("{} holds bench.json and bench.svg", out.display());
    Ok(())
}

async fn calendar(arguments: &Arguments) -> Result<()> {
    println!("Building in release (many minutes the first time)");
    let root = workspace_root();
    let programs = build_release(&root, &[("mailvan-bench", "mailvan-bench")]).await?;
    let bench = programs.first().context("nothing was built")?;
    let out = arguments.out.clone().unwrap_or_else(|| root.join("target/bench"));
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    calendar::run(&root, bench, arguments.messages(20_000), &out).await
}

impl Arguments {
    fn messages(&self, all: usize) -> usize {
        if self.quick { all / 10 } else { all }
    }

    fn service(&self) -> bool {
        let named = self.tools.iter().any(|tool| *tool == Tool::Service.to_string());
        named || (self.tools.is_empty() && !self.quick)
    }

    fn tools(&self) -> Vec<Tool> {
        let all = if self.quick && self.tools.is_empty() {
            Tool::FEW
        } else {
            Tool::ALL
        };
        let wanted = |tool: &&Tool| self.tools.is_empty() || self.tools.contains(&tool.to_string());
        all.iter().filter(wanted).copied().collect()
    }

    fn measure(&self, site: &Site, tools: &[Tool], runs: &mut Vec<Run>) -> Result<()> {
        let rounds = self.rounds.unwrap_or(if self.quick { 1 } else { 3 });
        let copiers: Vec<Tool> = tools.iter().filter(|tool| tool.copies()).copied().collect();
        for account in ["mixed", "small", "large"] {
            if !self.accounts.is_empty() && !self.accounts.iter().any(|wanted| wanted == account) {
                continue;
            }
            let mut sample = match account {
                "mixed" => bulk::mixed(self.messages(10_000)),
                "small" => bulk::light(self.messages(2_000)),
                _ => bulk::large(self.messages(500), 5),
            };
            println!(
                "\n{account}: {} messages, {} MB",
                sample.messages(),
                sample.size_bytes() / 1_000_000
            );
            site.fill(&sample)?;
            forget(&mut sample);
            // Large messages are about memory; how long the line is does not matter to that.
            let is_large = account == "large";
            for rtt_ms in [0, LONG_MS].iter().take(if is_large { 1 } else { 2 }) {
                let plan = Plan {
                    account,
                    sample: &sample,
                    tools: if is_large { &copiers } else { tools },
                    rounds,
                    rtt_ms: *rtt_ms,
                    delta: !is_large,
                };
                plan.run(site, runs)?;
            }
            site.source.remove_mail(&sample.login.user)?;
        }
        Ok(())
    }
}

/// Lets go of the bytes of messages that a server holds by now.
fn forget(account: &mut SampleAccount) {
    for message in account.folders.iter_mut().flat_map(|folder| &mut folder.messages) {
        message.bytes = Vec::new();
    }
}
