//! Schemathesis: calls the API in all the ways that its description allows and forbids, and compares each answer with it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::venv::{Venv, run};
use crate::workspace_root;

/// The program with what it is run with: the description, and the settings in `tests/schemathesis.toml`.
#[derive(Clone, Debug)]
pub struct Schemathesis {
    program: PathBuf,
    description: PathBuf,
    settings: PathBuf,
    hooks: PathBuf,
}

impl Schemathesis {
    /// Finds the program, and installs it where it is missing.
    ///
    /// # Errors
    /// If it cannot be installed.
    pub async fn prepare() -> Result<Self> {
        let root = workspace_root();
        Ok(Self {
            program: Venv::prepare(&root).await?.program("schemathesis"),
            description: root.join("infra/openapi.yaml"),
            settings: root.join("tests/schemathesis.toml"),
            hooks: root.join("tests/schemathesis_hooks.py"),
        })
    }

    /// The same for another description than the API's own.
    #[must_use]
    pub fn with_description(mut self, path: PathBuf) -> Self {
        self.description = path;
        self
    }

    /// Compares the API at this address with its description, or only what some of the program's arguments choose of it.
    /// `variables` are those that the settings name. What was called is in `target/schemathesis.log` afterwards.
    ///
    /// # Errors
    /// If an answer is not as described, with the calls that show it, or if it takes longer than `at_most`.
    pub async fn compare(
        &self,
        api: &str,
        chosen: &[&str],
        variables: &[(&str, &str)],
        at_most: Duration,
    ) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .arg("--config-file")
            .arg(&self.settings)
            .arg("run")
            .arg(&self.description)
            .args(["--url", api, "--no-color"])
            .args(chosen)
            // Where it would keep what it learnt for the next run.
            .current_dir(workspace_root().join("target"))
            .env("HOOKS", &self.hooks)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(variables.iter().copied());
        let Ok(ended) = tokio::time::timeout(at_most, run(&mut command)).await else {
            bail!("comparing the API with its description took longer than {at_most:?}");
        };
        let output = ended.context("the API is not as infra/openapi.yaml says")?;
        let log = workspace_root().join("target/schemathesis.log");
        fs::write(&log, output.stdout).with_context(|| format!("cannot write {}", log.display()))
    }
}
