//! The project's tasks: `cargo xtask <task>`. Each task is a module; [`Task`] lists them.

#![allow(
    clippy::disallowed_methods,
    reason = "the task runner is an edge as a whole: it reads the environment, starts processes and waits for them"
)]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod bench;
mod chaos;
mod check_profile;
mod demo;
mod lint_template;
mod package;
mod permit;
mod test;
mod up;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Runs Mailvan's tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Sets everything up and migrates sample mailboxes from one real server to another
    Demo(demo::Arguments),
    /// Migrates awkward mail under random faults, which has to end identical
    Chaos(chaos::Arguments),
    /// Runs the local stack in the foreground, for use by hand
    Up(up::Arguments),
    /// Measures the engine beside its peers and the servers' ceilings
    Bench(bench::Arguments),
    /// Builds the zip of a deployment
    Package(package::Arguments),
    /// Checks a provider's profile and templates as the functions do
    CheckProfile(check_profile::Arguments),
    /// Makes a permit to order, as the provider's own site does
    Permit(permit::Arguments),
    /// Sets everything up and runs all checks and tests
    Test,
    /// Checks template.yaml
    LintTemplate,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().task).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(task: Task) -> Result<()> {
    match task {
        Task::Demo(arguments) => demo::run(arguments).await,
        Task::Chaos(arguments) => chaos::run(arguments).await,
        Task::Up(arguments) => up::run(arguments).await,
        Task::Bench(arguments) => bench::run(arguments).await,
        Task::Package(arguments) => package::run(arguments).await,
        Task::CheckProfile(arguments) => check_profile::run(arguments).await,
        Task::Permit(arguments) => permit::run(&arguments),
        Task::Test => test::run().await,
        Task::LintTemplate => lint_template::run().await,
    }
}
