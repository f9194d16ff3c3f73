//! The local stack: an AWS emulator, the deployed template and the mail servers, for xtask and the tests.
//!
//! Reading order: [`venv`] installs the Python tools, [`ministack`] runs the emulator as a child process, [`package`]
//! makes the functions' zip, [`stack`] deploys `template.yaml` onto the emulator, [`inbox`] reads the mails that were
//! sent, and [`setup`] does all of that in one call. The mail servers are beside it: [`dovecot`] runs one, [`name_servers`] a small DNS, [`samples`]
//! fills it, [`proxy`] breaks connections to it, [`ticket_system`] is told of requests,
//! [`browser`] looks at the page, [`schemathesis`] compares the API with its description,
//! [`compare`] tells two accounts apart and [`tally`] counts what a certificate counts. Nothing here is part of a
//! deployment, and nothing here knows what a migration is: it hands out endpoints, names and processes.

#![allow(
    clippy::disallowed_methods,
    reason = "the local stack is an edge as a whole: it starts processes, waits for them and reads the clock"
)]

use std::path::{Path, PathBuf};

pub mod browser;
pub mod chaos;
pub mod compare;
pub mod customer;
pub mod dovecot;
pub mod imap_client;
pub mod inbox;
pub mod ministack;
pub mod name_servers;
pub mod package;
pub mod permit;
pub mod proxy;
pub mod radicale;
mod random;
pub mod samples;
pub mod schemathesis;
pub mod setup;
pub mod stack;
pub mod tally;
pub mod ticket_system;
pub mod venv;
pub mod web_server;
pub mod world;

/// The root of the workspace that this crate was built in.
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}
