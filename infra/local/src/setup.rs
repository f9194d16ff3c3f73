//! A whole local stack in one call: emulator, zip, deployment, the profile's sender and its secrets.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::ministack::{Emulator, Options};
use crate::package::{Build, Package, check_profile};
use crate::stack::{Parameters, Stack};
use crate::venv::Venv;
use crate::workspace_root;

/// What a local stack is made from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The emulator's own directory: its log, its temporary files, the zip. One stack at a time may use it.
    pub dir: PathBuf,
    /// The stack's name, in lower case.
    pub name: String,
    /// The bootstrap binary, see [`crate::package::build_bootstrap`].
    pub bootstrap: PathBuf,
    /// The provider's profile.
    pub profile: PathBuf,
    /// More certificate authorities that the functions trust, PEM.
    pub extra_ca: Option<PathBuf>,
    /// What the profile refers to, as (name in Secrets Manager, value).
    pub secrets: Vec<(String, String)>,
    /// How the emulator runs.
    pub emulator: Options,
    /// The template's parameters.
    pub parameters: Parameters,
}

impl Setup {
    /// A stack named `mailvan` in `target/local/<dir>` with default settings, for a binary and a profile.
    pub fn new(dir: &str, bootstrap: PathBuf, profile: PathBuf) -> Self {
        Self {
            dir: workspace_root().join("target/local").join(dir),
            name: "mailvan".to_owned(),
            bootstrap,
            profile,
            extra_ca: None,
            secrets: Vec::new(),
            emulator: Options::default(),
            parameters: Parameters::default(),
        }
    }

    /// Starts the emulator and deploys the stack onto it, ready for a first request. `tell` gets a line for each step.
    /// The stack ends when the emulator is dropped.
    ///
    /// # Errors
    ///
    /// Fails when a step does; the message names it.
    pub async fn start(&self, venv: &Venv, tell: impl Fn(&str)) -> Result<(Emulator, Stack)> {
        let profile = read_profile(&self.profile)?;
        check_profile(&self.bootstrap, &self.profile).await?;
        let emulator = Emulator::start(venv, &self.dir, &self.emulator).await?;
        tell(&format!("emulator runs at {}", emulator.endpoint()));
        let zip = self.dir.join("lambda.zip");
        let package = Package {
            bootstrap: &self.bootstrap,
            profile: &self.profile,
            extra_ca: self.extra_ca.as_deref(),
            build: Build::Dev,
        };
        let bytes = package.write(&zip)?;
        tell(&format!("functions packed ({} MB)", bytes.div_ceil(1_000_000)));
        let stack = Stack::deploy(&emulator, venv, &self.name, &zip, &self.parameters).await?;
        tell("template deployed");
        for (name, value) in &self.secrets {
            stack.put_secret(name, value).await?;
            tell(&format!("secret {name} stored"));
        }
        if let Some(sender) = profile.sender {
            stack.verify_sender(&sender).await?;
            tell(&format!("sender {sender} verified"));
        }
        Ok((emulator, stack))
    }
}

/// What the local stack needs to know of a provider's profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The notices' sender.
    pub sender: Option<String>,
    /// The secret that the destination's master password or access token is kept in.
    pub destination_secret: Option<String>,
}

/// Reads these parts of the profile at `path`; whether it is a good one is for the functions to say.
///
/// # Errors
///
/// Fails when it cannot be read or is not TOML.
pub fn read_profile(path: &Path) -> Result<Profile> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the profile {}", path.display()))?;
    let table = text
        .parse::<toml::Table>()
        .with_context(|| format!("{} is not TOML", path.display()))?;
    Ok(Profile {
        sender: text_at(&table, &["notices", "sender"]),
        destination_secret: ["master_password_secret", "access_token_secret"]
            .iter()
            .find_map(|key| text_at(&table, &["destination", "imap", key])),
    })
}

fn text_at(table: &toml::Table, keys: &[&str]) -> Option<String> {
    let (last, tables) = keys.split_last()?;
    let table = tables
        .iter()
        .try_fold(table, |table, key| table.get(*key)?.as_table())?;
    table.get(*last)?.as_str().map(str::to_owned)
}
