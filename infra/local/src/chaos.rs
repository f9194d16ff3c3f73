//! Chaos: a migration of awkward mail under random faults, which has to end identical every time.
//!
//! The faults follow from the seed alone ([`sequence`]); when each meets the work is chance. They are made while mail
//! is under way: what may come from the source is held back until the pass's faults have happened, so no pass is too
//! quick for them (`passes.rs`). `stage.rs` makes them, `wanted.rs` says what has to be at the destination in the end, `verdict.rs`
//! what has to be told, and `report.rs` counts.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::Instant;

mod fault;
mod passes;
mod report;
mod stage;
mod verdict;
mod wanted;

pub use fault::{Fault, KINDS, Phase, Side, sequence};
pub use report::{Recovery, Report, Tally};

use crate::compare::Comparison;
use crate::dovecot::{Login, Options};
use crate::proxy::{Ending, Network};
use crate::random::Random;
use crate::samples::{SampleAccount, awkward, small};
use crate::stack::Parameters;
use crate::workspace_root;
use crate::world::Plan;
use passes::{HIDDEN, Mail, cut_over, run_calm, run_certifying, run_pass};
use stage::Stage;
use verdict::judge;
use wanted::Wanted;

/// Messages of zero bytes among the others: they are refused, and must be told.
const EMPTY: usize = 2;

/// What a round is like.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// The name of its world's directory.
    pub name: &'static str,
    /// What the faults, the mail and the servers' abilities follow from.
    pub seed: u64,
    /// How many faults.
    pub faults: usize,
    /// How many messages there are at the first pass.
    pub messages: usize,
}

/// How a migration stands.
#[derive(Clone, Debug)]
pub struct Look {
    /// The request's state.
    pub state: String,
    /// Messages copied.
    pub copied: u64,
    /// Messages known.
    pub total: u64,
    /// Faults that wait for their moment.
    pub waiting: usize,
    /// Faults that have happened, by kind.
    pub made: Vec<(&'static str, usize)>,
}

/// Who is told how it goes.
pub trait Audience {
    /// A step of the round.
    fn step(&self, line: &str);
    /// A fault that is made now.
    fn fault(&self, number: usize, fault: &Fault);
    /// How it stands, a few times a second.
    fn look(&self, look: &Look);
}

/// Runs a round: both passes, with life between them, and what comes after.
///
/// # Errors
/// If the round itself cannot be run; what the service did wrong is in the report.
pub async fn run(round: Round, audience: &dyn Audience) -> Result<Report> {
    let (plan, variant) = plan(round);
    audience.step(&format!("seed {}: {variant}", round.seed));
    let removes_one = !plan
        .destination
        .hidden_capabilities
        .iter()
        .any(|name| name == "UIDPLUS");
    let world = plan.start(|line| audience.step(line)).await?;
    let begun = Instant::now();
    let from_source = Network {
        round_trip: Duration::from_millis(10),
        bandwidth: Some(400_000),
        cut: None,
    };
    // An answer is under way long enough for a fault to meet it there.
    let to_destination = Network {
        round_trip: Duration::from_millis(100),
        ..Network::default()
    };
    let calm = [from_source, to_destination];
    let mut stage = Stage::new(world, calm, audience)?;
    let (comparisons, mut complaints) = migrate(round, &mut stage, removes_one, audience).await?;
    let differing = comparisons.iter().filter(|comparison| !comparison.is_identical());
    complaints.extend(differing.map(|comparison| format!("{} is not identical", comparison.account)));
    if stage.tally.total() < round.faults {
        complaints.push(format!("only {} faults could be made", stage.tally.total()));
    }
    if !complaints.is_empty() {
        let kept = keep_evidence(&stage, round).await?;
        audience.step(&format!("the job table and all logs are kept in {}", kept.display()));
    }
    Ok(Report {
        seed: round.seed,
        recovery: Recovery::from_log(&stage.world.emulator.log())?,
        tally: stage.tally,
        comparisons,
        complaints,
        took: begun.elapsed(),
    })
}

/// Keeps what tells how a bad round came to its end; where.
async fn keep_evidence(stage: &Stage<'_>, round: Round) -> Result<PathBuf> {
    let name = format!("{}-{}", round.name, round.seed);
    let dir = workspace_root().join("target/local").join(name);
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let world = &stage.world;
    fs::copy(world.emulator.log(), dir.join("emulator.log"))?;
    fs::write(dir.join("source.log"), world.source.log()?)?;
    fs::write(dir.join("destination.log"), world.destination.log()?)?;
    let table = world.stack.output("TableName")?;
    let items = world.stack.aws(&["dynamodb", "scan", "--table-name", table]).await?;
    fs::write(dir.join("table.json"), items.to_string())?;
    Ok(dir)
}

/// The migration itself: how the accounts compare in the end, and what went wrong apart from that. `removes_one` is
/// whether the destination can remove single messages.
async fn migrate(
    round: Round,
    stage: &mut Stage<'_>,
    removes_one: bool,
    audience: &dyn Audience,
) -> Result<(Vec<Comparison>, Vec<String>)> {
    let mut faults = sequence(round.seed, round.faults);
    if !removes_one {
        // Second copies that come late would stay there, and be told as exceptions.
        for (_, fault) in faults.iter_mut().filter(|(_, fault)| fault.kind() == fault::LATE) {
            *fault = Fault::LoseAnswer { ending: Ending::Close };
        }
    }
    let of = |phase: Phase| -> Vec<(usize, Fault)> {
        let numbered = faults.iter().enumerate().filter(|(_, (at, _))| *at == phase);
        numbered.map(|(number, (_, fault))| (number, *fault)).collect()
    };
    let size: usize = stage.world.accounts.iter().map(SampleAccount::size_bytes).sum();
    let all = Mail {
        before: 0,
        messages: round.messages as u64,
        bytes: size as u64,
    };
    let csv = stage.world.csv(stage.source_line.port());
    stage.order = Some(stage.world.customer.order_by_csv(&csv).await?);
    run_pass(stage, &of(Phase::First), all, |stage| {
        stage.state() == "awaiting_cutover"
    })
    .await?;
    if stage.state() != "awaiting_cutover" {
        let complaint = format!("the first pass ended as {}: {:?}", stage.state(), stage.status);
        return Ok((Vec::new(), vec![complaint]));
    }
    let mut complaints = Vec::new();
    for account in &stage.world.accounts {
        let comparison = Wanted::from_source(&stage.world, account)?.compare(&stage.world)?;
        if !comparison.is_identical() {
            complaints.push(format!("after the first pass: {comparison}"));
        }
    }

    let new = (round.messages / 12).max(30);
    let mut wanted = Vec::new();
    for (account, seed) in stage.world.accounts.iter().zip(round.seed..) {
        let (account, life) = Wanted::after_life(&stage.world, account, new, seed)?;
        audience.step(&format!("between the passes: {life}"));
        wanted.push(account);
    }
    run_calm(stage, &of(Phase::Between), HIDDEN).await?;

    cut_over(stage).await?;
    let messages = (new * stage.world.accounts.len()) as u64;
    let coming = Mail {
        before: stage.copied(),
        messages,
        bytes: all.bytes * messages / all.messages.max(1),
    };
    // Slow enough that certifying is seen before it is over.
    stage.hold(Side::Destination, Some(all.bytes / 20));
    let is_copied = |stage: &Stage<'_>| stage.any_is("certifying") && !stage.any_is("copying");
    run_pass(stage, &of(Phase::Final), coming, is_copied).await?;
    run_certifying(stage, &of(Phase::Certify), all.bytes).await?;
    run_calm(stage, &of(Phase::After), HIDDEN / 2).await?;
    let verdict = judge(stage, &wanted).await;
    stage.tally.late_copies = verdict.late_copies;
    complaints.extend(verdict.complaints);
    let comparisons = wanted.iter().map(|wanted| wanted.compare(&stage.world));
    Ok((comparisons.collect::<Result<_>>()?, complaints))
}

/// The world of a round, and what is special about it.
fn plan(round: Round) -> (Plan, String) {
    let mut random = Random::new(round.seed ^ 0xb0a7);
    let most = round.messages * 3 / 4;
    let office = awkward(
        Login::new("buero@harbour.example", "Ankerwinde-2024"),
        most,
        EMPTY,
        round.seed,
    );
    let workshop = small(
        "werkstatt@harbour.example",
        "Poller-9",
        round.messages - most,
        round.seed + 1,
    );
    let mut plan = Plan::new(round.name, vec![office, workshop]);
    let lacking: &[&str] = match random.below(5) {
        0 => &["UIDPLUS"],
        1 => &["MULTIAPPEND"],
        2 => &["MULTIAPPEND", "LITERAL+"],
        _ => &[],
    };
    plan.destination = Options {
        hidden_capabilities: lacking.iter().map(|&name| name.to_owned()).collect(),
        ..plan.destination
    };
    plan.destination_network = Some(Network::default());
    let (lanes, batch) = (3 + random.below(4), 10 + random.below(10) * 10);
    plan.limits = format!("lanes = {lanes}\nbatch_messages = {batch}\nchunk_messages = 100");
    plan.parameters = Parameters {
        sync_timeout_seconds: 10,
        sync_visibility_seconds: 21,
        plan_timeout_seconds: 15,
        plan_visibility_seconds: 26,
        certify_timeout_seconds: 10,
        certify_visibility_seconds: 21,
        ..plan.parameters
    };
    let able = if lacking.is_empty() {
        "with all abilities".to_owned()
    } else {
        format!("without {}", lacking.join(" and "))
    };
    let variant = format!("a destination {able}, {lanes} lanes, batches of {batch} messages");
    (plan, variant)
}
