//! The AWS emulator as a child process.
//!
//! It runs `infra/local/emulator.py` in a process group of its own. The functions' processes are the emulator's
//! children and stay in that group; all of it ends when the emulator's standard input ends, that is when [`Emulator`]
//! is dropped or this process dies.

use std::fs::{self, File};
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::venv::Venv;
use crate::workspace_root;

mod faults;

pub use faults::{Happened, Kill, Refusal};

/// The region that everything local lives in.
pub const REGION: &str = "eu-west-1";
/// The emulator's one account.
pub const ACCOUNT: &str = "000000000000";
/// What it accepts as its account's root: both the access key and the secret key.
pub const ROOT_KEY: &str = "test";

const START_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// How to run the emulator.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port on 127.0.0.1; a free one where it is not given.
    pub port: Option<u16>,
    /// Let every function do all, instead of what its role in the template allows.
    pub ignore_roles: bool,
    /// More environment variables for the emulator and, through it, for every function.
    pub environment: Vec<(String, String)>,
}

/// A running emulator; it ends, and all its functions with it, when this is dropped.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    port: u16,
    dir: PathBuf,
    http: reqwest::Client,
    _lock: File,
}

impl Emulator {
    /// Starts an emulator and waits until it answers. It keeps its log and its temporary files in `dir`, which must
    /// be its own; what an earlier one left there is removed.
    ///
    /// # Errors
    ///
    /// Fails when another emulator runs in `dir`, and when this one does not answer within a minute; the message
    /// carries the end of its log.
    pub async fn start(venv: &Venv, dir: &Path, options: &Options) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let lock = File::create(dir.join("lock")).context("cannot make the emulator's lock")?;
        lock.try_lock()
            .with_context(|| format!("another emulator runs in {}", dir.display()))?;
        let temporary = dir.join("tmp");
        if temporary.exists() {
            fs::remove_dir_all(&temporary).with_context(|| format!("cannot empty {}", temporary.display()))?;
        }
        fs::create_dir_all(&temporary).with_context(|| format!("cannot make {}", temporary.display()))?;
        let dir = dir.canonicalize()?;
        let port = match options.port {
            Some(port) => port,
            None => free_port()?,
        };
        let log = File::create(dir.join("emulator.log")).context("cannot make the emulator's log")?;
        let child = command(venv, &dir, port, options)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("cannot start the emulator")?;
        let mut emulator = Self {
            child,
            port,
            dir,
            http: reqwest::Client::builder().no_proxy().build()?,
            _lock: lock,
        };
        emulator.wait_until_ready().await?;
        Ok(emulator)
    }

    /// Its base URL, for every AWS client.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How it ended, where it has; it should not by itself.
    ///
    /// # Errors
    ///
    /// Fails when the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot look after the emulator")
    }

    /// The file it and the functions log to.
    pub fn log(&self) -> PathBuf {
        self.dir.join("emulator.log")
    }

    /// The directory it was started with.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The ids of the live processes of the function with this handler name, for example `sync`; none where it has not
    /// run yet. Killing one is what a crash of that function looks like.
    ///
    /// # Errors
    ///
    /// Fails when `/proc` cannot be read.
    pub fn function_processes(&self, handler: &str) -> Result<Vec<u32>> {
        let mark = format!("_HANDLER={handler}");
        let endpoint = format!("AWS_ENDPOINT_URL={}", self.endpoint());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").context("cannot read /proc")? {
            let Ok(id) = entry?.file_name().to_string_lossy().parse::<u32>() else {
                continue;
            };
            // A process may be gone by now, or be another user's.
            let Ok(environment) = fs::read(format!("/proc/{id}/environ")) else {
                continue;
            };
            let has = |line: &str| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == line.as_bytes())
            };
            if has(&mark) && has(&endpoint) {
                found.push(id);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Kills (signal 9) the live processes of the function with this handler name and returns how many there were.
    ///
    /// # Errors
    ///
    /// Fails when `/proc` cannot be read. A process that is gone already is no failure.
    pub async fn kill_function(&self, handler: &str) -> Result<usize> {
        let mut killed = 0;
        for id in self.function_processes(handler)? {
            let status = tokio::process::Command::new("kill")
                .args(["-9", &id.to_string()])
                .stderr(Stdio::null())
                .status()
                .await
                .context("cannot run kill")?;
            killed += usize::from(status.success());
        }
        Ok(killed)
    }

    /// The last `lines` lines of its log.
    pub fn log_tail(&self, lines: usize) -> String {
        let mut text = Vec::new();
        if let Ok(mut file) = File::open(self.log()) {
            let _ = file.read_to_end(&mut text);
        }
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all.get(all.len().saturating_sub(lines)..)
            .unwrap_or_default()
            .join("\n")
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let health = format!("{}/_ministack/health", self.endpoint());
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(2))
            .build()?;
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the emulator ended at its start ({status})\n{}", self.log_tail(20));
            }
            if client
                .get(&health)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return Ok(());
            }
            if started.elapsed() > START_TIMEOUT {
                bail!(
                    "the emulator did not answer within {START_TIMEOUT:?}\n{}",
                    self.log_tail(20)
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.child.stdin.take()); // ends the whole group, see emulator.py
        let started = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && started.elapsed() < STOP_TIMEOUT {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The environment is made from nothing: the functions inherit all of it, and nothing of the developer's own AWS
/// settings, proxies or credentials must reach them.
fn command(venv: &Venv, dir: &Path, port: u16, options: &Options) -> Command {
    let mut command = Command::new(venv.python());
    command
        .arg(workspace_root().join("infra/local/emulator.py"))
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", dir)
        .env("LANG", "C.UTF-8")
        .env("TMPDIR", dir.join("tmp"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1")
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("MINISTACK_REGION", REGION)
        .env("AUTH", if options.ignore_roles { "false" } else { "true" })
        .envs(client_environment(&format!("http://127.0.0.1:{port}")))
        .envs(options.environment.iter().map(|(name, value)| (name, value)));
    command
}

/// The environment variables with which any AWS client talks to the emulator at `endpoint` as its account's root.
pub fn client_environment(endpoint: &str) -> [(&'static str, String); 5] {
    [
        ("AWS_ACCESS_KEY_ID", ROOT_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", ROOT_KEY.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
    ]
}

/// A port that is free now. Another process may take it before the emulator does, which then fails at its start.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}
