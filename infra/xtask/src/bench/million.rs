//! A folder of a million messages: what planning takes, and a delta without a change. Twice, with a quarter of them
//! first: what grows faster than the folder shows.
//!
//! The stores are mdbox, where a copy of a message within an account is an entry more: the folder is filled with 15,625
//! small messages by MULTIAPPEND and doubled by COPY.

use std::path::Path;

use anyhow::{Result, bail};
use mailvan_local::compare::read_account;
use mailvan_local::dovecot::Store;
use mailvan_local::samples::bulk;

use super::measure::{self, differences};
use super::report::Run;
use super::site::{DUPLICATE, Site};
use super::tool::{Pass, Tool};

const SEED_MESSAGES: usize = 15_625;

/// Plans, copies and looks again.
///
/// # Errors
/// If a step fails, or a copy is not identical.
pub fn run(bench: &Path, runs: &mut Vec<Run>) -> Result<()> {
    let site = Site::start(bench, Store::Mdbox)?;
    let seed = bulk::tiny(SEED_MESSAGES);
    site.fill(&seed)?;
    for (account, times) in [("quarter-million", 4), ("million", 2)] {
        site.double(&seed.login, times)?;
        site.source.remove_mail(DUPLICATE)?;
        site.source.duplicate_mail(&seed.login.user, DUPLICATE)?;
        let source = read_account(&site.source, DUPLICATE)?;
        println!(
            "\n{account}: {} messages in INBOX",
            source.folders.values().map(Vec::len).sum::<usize>()
        );
        for pass in [Pass::Plan, Pass::First, Pass::Delta] {
            // The plan is measured by itself, and thrown away.
            let fresh = matches!(pass, Pass::Plan | Pass::First);
            let route = if fresh {
                site.route(Tool::Mailvan, 0)?
            } else {
                site.same_route(Tool::Mailvan, 0)
            };
            let taken = measure::run(&site, Tool::Mailvan, pass, &route)?;
            let mut run = Run::new(Tool::Mailvan, account, 0, pass, taken, &source);
            if pass != Pass::Plan {
                let destination = read_account(&site.destination, &route.destination_user)?;
                let differences = differences(&source, &destination, site.destination.layout());
                run = run.compared(&differences);
                if let Some(first) = differences.first() {
                    bail!("mailvan's copy is not identical: {}; the first is {first}", run.note);
                }
            }
            println!("  {run}");
            runs.push(run);
        }
    }
    Ok(())
}
