//! A private Dovecot: a child process with its own directory, ports and users.
//!
//! [`Dovecot::start`] writes the configuration, starts `dovecot -F` in a process group of its own
//! and waits for the greeting; dropping the value ends that group and removes the directory. Any
//! number may run side by side, as root (in a container) or as a developer. A Dovecot that the
//! system runs is never looked at.
//!
//! All calls block; the callers are the task runner and tests. Start reading at [`Options`], then
//! `conf.rs` for what the server is told, `authority.rs` for its certificates.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

mod authority;
mod conf;
pub(crate) mod directory;
pub(crate) mod install;
mod mail;
mod options;

pub use authority::Authority;
pub(crate) use install::install;
pub use install::{ensure_file, ensure_installed, ensure_package};
pub use options::{Layout, Login, Options, Purpose, Store};

use directory::Directory;

/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A running (or killed, or paused) server.
#[derive(Debug)]
pub struct Dovecot {
    options: Options,
    directory: Directory,
    port: u16,
    tls_port: Option<u16>,
    child: Option<Child>,
}

impl Dovecot {
    /// Starts a server and waits until it greets.
    ///
    /// # Errors
    /// If Dovecot is missing, a login cannot be written down, or the server does not come up; the
    /// error then ends with the server's log.
    pub fn start(options: Options) -> anyhow::Result<Self> {
        let program = install::program("dovecot")?;
        let directory = Directory::create(&options.name)?;
        let port = free_port(&options)?;
        let tls_port = options.authority.as_ref().map(|_| free_port(&options)).transpose()?;
        conf::write(&options, directory.path(), port, tls_port)?;
        let mut server = Self {
            options,
            directory,
            port,
            tls_port,
            child: None,
        };
        server.run(&program)?;
        Ok(server)
    }

    /// The port for IMAP and STARTTLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port for IMAP in TLS, with an authority.
    pub fn tls_port(&self) -> Option<u16> {
        self.tls_port
    }

    /// The address for IMAP and STARTTLS.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((conf::host(&self.options), self.port))
    }

    /// What it was started with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// How it names folders.
    pub fn layout(&self) -> &Layout {
        &self.options.layout
    }

    /// Where the mail is: a directory for each user.
    pub fn mail_directory(&self) -> PathBuf {
        let own = || self.directory.path().join("mail");
        self.options.mail_directory.clone().unwrap_or_else(own)
    }

    /// `doveadm` for this server, to be given its arguments. The server must be running.
    ///
    /// # Errors
    /// If Dovecot is missing.
    pub fn doveadm(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(install::program("doveadm")?);
        command.arg("-c").arg(conf::file(self.directory.path()));
        Ok(command)
    }

    /// Adds a user, or gives one another password; holds from the next login on.
    ///
    /// # Errors
    /// If the login cannot be written down.
    pub fn set_user(&mut self, login: Login) -> anyhow::Result<()> {
        self.options.users.retain(|other| other.user != login.user);
        self.options.users.push(login);
        conf::write_logins(&self.options, self.directory.path())
    }

    /// The server's log so far.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn log(&self) -> anyhow::Result<String> {
        let path = conf::log(self.directory.path());
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Stops every process of the server where it stands: connections stay open and silent, new
    /// ones are not greeted.
    ///
    /// # Errors
    /// If the server is not running.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Undoes [`Dovecot::pause`].
    ///
    /// # Errors
    /// If the server is not running.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// Ends every process of the server by SIGKILL, as a power cut would.
    ///
    /// # Errors
    /// If the server is not running.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::SIGKILL)?;
        if let Some(mut child) = self.child.take() {
            child.wait().context("waiting for a killed Dovecot")?;
        }
        Ok(())
    }

    /// Starts the server again, on the same ports and the same mail; kills it first if it runs.
    ///
    /// # Errors
    /// As [`Dovecot::start`].
    pub fn restart(&mut self) -> anyhow::Result<()> {
        if self.child.is_some() {
            self.kill()?;
        }
        self.run(&install::program("dovecot")?)
    }

    /// Ends the server in good order and waits for it.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let Some(group) = group(&child) else { return };
        // A paused group takes no other signal.
        let _ = killpg(group, Signal::SIGCONT);
        let _ = killpg(group, Signal::SIGTERM);
        let deadline = Instant::now() + Duration::from_secs(3);
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = killpg(group, Signal::SIGKILL);
        let _ = child.wait();
    }

    fn run(&mut self, program: &Path) -> anyhow::Result<()> {
        // One that was killed leaves its process id behind, which may be taken again, and its sockets, at which a
        // process that is still being killed may answer.
        let runs_in = conf::run_directory(self.directory.path());
        fs::remove_dir_all(&runs_in).with_context(|| format!("clearing {}", runs_in.display()))?;
        fs::create_dir(&runs_in)?;
        let child = Command::new(program)
            .arg("-F")
            .arg("-c")
            .arg(conf::file(self.directory.path()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.directory.path().join("stderr"))?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        self.child = Some(child);
        self.await_greeting()
    }

    fn await_greeting(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if greets(self.address()) {
                return Ok(());
            }
            let ended = match self.child.as_mut() {
                Some(child) => child.try_wait()?.is_some(),
                None => true,
            };
            if ended || Instant::now() > deadline {
                let stderr = fs::read_to_string(self.directory.path().join("stderr"));
                let (stderr, log) = (stderr.unwrap_or_default(), self.log().unwrap_or_default());
                bail!("the {} Dovecot did not come up:\n{stderr}{log}", self.options.name);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let group = self.child.as_ref().and_then(group);
        let group = group.with_context(|| format!("{} is not running", self.options.name))?;
        killpg(group, signal).with_context(|| format!("{signal} to {}", self.options.name))
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

fn group(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().map(Pid::from_raw)
}

fn greets(address: SocketAddr) -> bool {
    let Ok(stream) = TcpStream::connect(address) else {
        return false;
    };
    if stream.set_read_timeout(Some(Duration::from_secs(5))).is_err() {
        return false;
    }
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("* OK")
}

/// A port that nothing listens on at this moment.
fn free_port(options: &Options) -> anyhow::Result<u16> {
    let listener = TcpListener::bind((conf::host(options), 0)).context("finding a free port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests;
