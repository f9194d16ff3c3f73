//! The project's tasks: `cargo xtask <task>`. Each task is a module; [`Task`] lists them.

#![allow(
    clippy::disallowed_methods,
    reason = "the task runner is an edge as a whole: it reads the environment, starts processes and waits for them"
)]

use anyhow::Result;
use clap::{Parser, Subcommand};

mod lint_template;
mod package;
mod up;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Runs Mailvan's tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs the local stack in the foreground, for use by hand
    Up(up::Arguments),
    /// Builds the zip of a deployment
    Package(package::Arguments),
    /// Checks template.yaml
    LintTemplate,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Up(arguments) => up::run(arguments).await,
        Task::Package(arguments) => package::run(arguments).await,
        Task::LintTemplate => lint_template::run().await,
    }
}
