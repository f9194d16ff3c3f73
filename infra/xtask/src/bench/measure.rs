//! One tool, once: run, timed, compared.

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

/// The differences by kind, such as `20 other bytes, 3 missing`.
pub fn summary(differences: &[Difference]) -> String {
    type IsOfKind = fn(&Difference) -> bool;
    let kinds: [(&str, IsOfKind); 6] = [
        ("missing", |d| matches!(d, Difference::Missing { .. })),
        ("surplus", |d| matches!(d, Difference::Surplus { .. })),
        ("with other flags", |d| matches!(d, Difference::Flags { .. })),
        ("with another date", |d| matches!(d, Difference::Date { .. })),
        ("with other bytes", |d| matches!(d, Difference::Bytes { .. })),
        ("folders or subscriptions", |d| {
            matches!(
                d,
                Difference::FolderMissing { .. }
                    | Difference::FolderSurplus { .. }
                    | Difference::UnexpectedSourceFolder { .. }
                    | Difference::SubscriptionMissing { .. }
                    | Difference::SubscriptionSurplus { .. }
            )
        }),
    ];
    let counts = kinds.iter().filter_map(|(name, is)| {
        let count = differences.iter().filter(|difference| is(difference)).count();
        (count > 0).then(|| format!("{count} {name}"))
    });
    counts.collect::<Vec<_>>().join(", ")
}
