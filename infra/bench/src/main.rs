//! What a benchmark measures, in a process of its own: `cargo xtask bench` builds this program in release and runs it
//! beside the other tools.
//!
//! `copy` is Mailvan's engine without the service around it. `measure` runs any tool and says what it took; `proxy` is the long line between a tool and a server; `drain`,
//! `append` and `ceiling` are what no copier can beat on this machine: reading without looking, writing what is ready,
//! and both at once. `import` and `put` are the same for a calendar. Passwords come by standard input, as one line.

#![allow(
    clippy::disallowed_methods,
    reason = "a tool that measures: it reads the clock and connects to the servers that its caller started"
)]

use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use mailvan_local::dovecot::Login;

mod account;
mod append;
mod ceiling;
mod copy;
mod drain;
mod import;
mod line;
mod measure;
mod put;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    work: Work,
}

#[derive(Subcommand)]
enum Work {
    /// Runs a command and writes into a file what it took
    Measure {
        /// Where to
        #[arg(long)]
        report: PathBuf,
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Holds all bytes between clients and a server for half the round trip; ends with its standard input
    Proxy {
        #[arg(long)]
        server: std::net::SocketAddr,
        #[arg(long)]
        round_trip_ms: u64,
    },
    /// Takes a mailbox through a pass of Mailvan's engine
    Copy {
        #[command(flatten)]
        mailboxes: Mailboxes,
        #[command(flatten)]
        how: copy::How,
    },
    /// Reads a whole mailbox and forgets it
    Drain(Ceiling),
    /// Writes a whole mailbox that was read before
    Append(Ceiling),
    /// Reads a mailbox and writes another at the same time, without a thought
    Ceiling(Ceiling),
    /// Imports a calendar by Mailvan's engine
    Import(import::How),
    /// Puts the objects of a folder into a calendar
    Put(put::How),
}

#[derive(Args)]
struct Ceiling {
    #[command(flatten)]
    mailboxes: Mailboxes,
    /// How many connections to a server
    #[arg(long, default_value_t = 1)]
    connections: usize,
}

/// From where to where; both mailboxes have the same password.
#[derive(Args)]
struct Mailboxes {
    #[arg(long)]
    source: std::net::SocketAddr,
    #[arg(long)]
    source_user: String,
    #[arg(long)]
    destination: std::net::SocketAddr,
    #[arg(long)]
    destination_user: String,
}

fn main() -> ExitCode {
    match run(Arguments::parse().work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(work: Work) -> Result<()> {
    match work {
        Work::Measure { report, command } => measure::run(&report, &command),
        Work::Proxy { server, round_trip_ms } => line::run(server, round_trip_ms),
        Work::Copy { mailboxes, how } => {
            let (source, destination) = mailboxes.open()?;
            copy::run(&source, &destination, &how)
        }
        Work::Drain(ceiling) => {
            let (source, _) = ceiling.mailboxes.open()?;
            print(&ceiling::drain(&source, ceiling.connections)?)
        }
        Work::Append(ceiling) => {
            let (source, destination) = ceiling.mailboxes.open()?;
            print(&ceiling::append(&source, &destination, ceiling.connections)?)
        }
        Work::Ceiling(ceiling) => {
            let (source, destination) = ceiling.mailboxes.open()?;
            print(&ceiling::both(&source, &destination, ceiling.connections)?)
        }
        Work::Import(how) => print(&import::run(&password()?, &how)?),
        Work::Put(how) => print(&put::run(&password()?, &how)?),
    }
}

fn print(taken: &measure::Taken) -> Result<()> {
    println!("{}", serde_json::to_string(taken)?);
    Ok(())
}

/// The line that standard input holds.
fn password() -> Result<String> {
    let mut password = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut password)
        .context("reading the password")?;
    Ok(password.trim_end_matches('\n').to_owned())
}

impl Mailboxes {
    fn open(&self) -> Result<(account::Mailbox, account::Mailbox)> {
        let password = password()?;
        let mailbox = |address, user: &String| account::Mailbox {
            address,
            login: Login::new(user, &password),
        };
        Ok((
            mailbox(self.source, &self.source_user),
            mailbox(self.destination, &self.destination_user),
        ))
    }
}
