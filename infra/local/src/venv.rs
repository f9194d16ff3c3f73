//! The Python tools of the local stack, in a virtual environment under `target/venv`.
//!
//! Installing is idempotent and safe between processes: a lock file is held while the environment is looked at or
//! made, and the requirements it was made from are kept in it and compared byte for byte.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context as _, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::dovecot::install;

const REQUIREMENTS: &str = include_str!("../requirements.txt");
const STAMP: &str = "mailvan-requirements.txt";

/// A virtual environment that holds what `requirements.txt` names.
#[derive(Clone, Debug)]
pub struct Venv {
    dir: PathBuf,
}

impl Venv {
    /// Returns the environment under `target/venv` of the workspace at `root`; makes it first where it is missing or
    /// was made from other requirements, which takes about a minute and needs a package index.
    ///
    /// # Errors
    ///
    /// Fails when Python 3 or its `venv` module is missing and cannot be installed by apt, or when pip fails; the
    /// message carries the tool's own output.
    pub async fn prepare(root: &Path) -> Result<Self> {
        let target = root.join("target");
        fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
        let venv = Self {
            dir: target.join("venv"),
        };
        let _lock = lock(target.join("venv.lock")).await?;
        if !venv.is_current() {
            venv.install()
                .await
                .context("cannot install the Python tools of the local stack")?;
        }
        Ok(venv)
    }

    /// The environment's Python interpreter.
    pub fn python(&self) -> PathBuf {
        self.dir.join("bin/python")
    }

    /// One of the environment's programs, for example `aws` or `cfn-lint`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join("bin").join(name)
    }

    fn is_current(&self) -> bool {
        fs::read_to_string(self.dir.join(STAMP)).is_ok_and(|stamp| stamp == REQUIREMENTS) && self.python().exists()
    }

    async fn install(&self) -> Result<()> {
        eprintln!(
            "Installing the local stack's Python tools into {} (about a minute)",
            self.dir.display()
        );
        require_venv_module()?;
        let mut make = Command::new("python3");
        run(make.args(["-m", "venv", "--clear"]).arg(&self.dir)).await?;
        let list = self.dir.join("requirements.txt");
        fs::write(&list, REQUIREMENTS).with_context(|| format!("cannot write {}", list.display()))?;
        let mut pip = Command::new(self.python());
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(&list);
        run(&mut pip).await?;
        let mut check = Command::new(self.python());
        run(check.args(["-m", "pip", "--disable-pip-version-check", "check"])).await?;
        fs::rename(&list, self.dir.join(STAMP)).context("cannot mark the environment as complete")
    }
}

/// Waits for the lock at `path` off the runtime's threads; it is held until the file is dropped.
pub(crate) async fn lock(path: PathBuf) -> Result<File> {
    tokio::task::spawn_blocking(move || {
        let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    })
    .await?
}

/// Debian and Ubuntu split `venv` (and `ensurepip`, which it needs) off Python into a package.
fn require_venv_module() -> Result<()> {
    let probe = || {
        std::process::Command::new("python3")
            .args(["-c", "import venv, ensurepip"])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    install(&["python3-venv"], probe)
}

/// Runs a command to its end and returns its output.
///
/// # Errors
///
/// Fails when it cannot be started or ends with another status than zero; the message carries what it wrote.
pub(crate) async fn run(command: &mut Command) -> Result<Output> {
    let line = describe(command);
    let output = command
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("cannot run {line}"))?;
    check(&line, output)
}

/// As [`run`], with something to read on the command's standard input.
///
/// # Errors
///
/// As [`run`].
pub(crate) async fn run_with_input(command: &mut Command, input: &str) -> Result<()> {
    let line = describe(command);
    let pipes = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = pipes
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {line}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(input.as_bytes())
            .await
            .with_context(|| format!("{line} does not read its input"))?;
    }
    check(&line, child.wait_with_output().await?).map(drop)
}

/// The program and its arguments, without the environment.
fn describe(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn check(line: &str, output: Output) -> Result<Output> {
    if !output.status.success() {
        bail!(
            "{line} failed ({})\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output)
}
