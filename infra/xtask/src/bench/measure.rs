//! One tool, once: run, timed, compared.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use mailvan_local::compare::{AccountView, Difference, Expected, compare_views};
use mailvan_local::dovecot::Layout;
use mailvan_local::samples::bulk::PASSWORD;
use serde::Deserialize;

use super::peers;
use super::site::{Route, Site};
use super::tool::{Pass, Tool};

/// After so many seconds a tool is given up.
const PATIENCE_SECONDS: &str = "1800";

/// What a tool took.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Taken {
    /// From its start to its end.
    pub seconds: f64,
    /// The processor's time of all its processes.
    pub cpu_seconds: f64,
    /// The most memory one of its processes had, in MB.
    pub peak_rss_mb: f64,
}

/// Runs a tool along a route.
///
/// # Errors
/// If it fails; the error ends with what it said.
pub fn run(site: &Site, tool: Tool, pass: Pass, route: &Route) -> Result<Taken> {
    let log = route.directory.join("log");
    let mut command = Command::new(&site.bench);
    let report = route.directory.join("report.json");
    if let Some((work, connections)) = tool.ceiling() {
        let words = route.words(&site.bench, work);
        command.args(words.get(1..).unwrap_or_default());
        command.args(["--connections", &connections.to_string()]);
        command.stdout(File::create(&report)?);
    } else {
        command.arg("measure").arg("--report").arg(&report).arg("--");
        command.args(["timeout", "--foreground", PATIENCE_SECONDS]);
        command.args(peers::command(tool, pass, route, &site.bench)?);
        command.stdout(File::create(route.directory.join("output"))?);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stderr(File::create(&log)?)
        .spawn()
        .with_context(|| format!("starting {tool}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A tool that has its password in a file does not read it.
        let _ = writeln!(stdin, "{PASSWORD}");
    }
    let status = child.wait()?;
    if !status.success() {
        let said = fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        let last = lines.get(lines.len().saturating_sub(10)..).unwrap_or_default();
        bail!("{tool} failed ({status}):\n{}", last.join("\n"));
    }
    let report = fs::read(&report).with_context(|| format!("{tool} left no report"))?;
    serde_json::from_slice(&report).with_context(|| format!("{tool}'s report"))
}

/// What differs between the source and what a tool has made of it, where both servers name folders in the same way.
pub fn differences(source: &AccountView, destination: &AccountView, layout: &Layout) -> Vec<Difference> {
    let expected = Expected {
        folders: source.folders.keys().map(|name| (name.clone(), name.clone())).collect(),
        provided: layout
            .special
            .iter()
            .filter_map(|(purpose, _)| layout.special_name(*purpose))
            .collect(),
    };
    compare_views(source, destination, &expected)
}

/// The differences by kind, such as `20 with other bytes, 3 missing`.
pub fn summary(differences: &[Difference]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for difference in differences {
        *counts.entry(kind(difference)).or_default() += 1;
    }
    let counts = counts.iter().map(|(kind, count)| format!("{count} {kind}"));
    counts.collect::<Vec<_>>().join(", ")
}

fn kind(difference: &Difference) -> &'static str {
    match difference {
        Difference::Missing { .. } => "missing",
        Difference::Surplus { .. } => "surplus",
        Difference::Flags { .. } => "with other flags",
        Difference::Date { .. } => "with another date",
        Difference::Bytes { .. } => "with other bytes",
        Difference::FolderMissing { .. }
        | Difference::FolderSurplus { .. }
        | Difference::UnexpectedSourceFolder { .. } => "folders",
        Difference::SubscriptionMissing { .. } | Difference::SubscriptionSurplus { .. } => "subscriptions",
    }
}
