//! A Radicale: the CardDAV and CalDAV server of the new provider.
//!
//! It keeps its objects as files, so that what is compared can be read without any protocol.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::venv::Venv;

const START_WITHIN: Duration = Duration::from_mins(1);

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct Radicale {
    child: Child,
    dir: PathBuf,
    address: SocketAddr,
}

/// Who may log in.
#[derive(Clone, Debug)]
pub struct Logins {
    /// The one password of all mailboxes.
    pub user_password: String,
    /// The user that opens all mailboxes.
    pub master_user: String,
    /// Its password.
    pub master_password: String,
}

impl Radicale {
    /// Starts a server with an empty store in `dir`.
    ///
    /// # Errors
    /// Fails when it does not listen within a minute; the message names its log.
    pub fn start(venv: &Venv, dir: &Path, logins: &Logins) -> Result<Self> {
        Self::start_with(venv, dir, logins, "")
    }

    /// Starts one that does not look through a collection for each object that is put into it.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_indexed(venv: &Venv, dir: &Path, logins: &Logins) -> Result<Self> {
        Self::start_with(
            venv,
            dir,
            logins,
            "type = mailvan_storage\nuse_mtime_and_size_for_item_cache = True\n",
        )
    }

    fn start_with(venv: &Venv, dir: &Path, logins: &Logins, storage: &str) -> Result<Self> {
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
        }
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        fs::write(dir.join("mailvan_auth.py"), include_str!("radicale_auth.py"))?;
        fs::write(dir.join("mailvan_storage.py"), include_str!("radicale_storage.py"))?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        // The default refuses user names with an asterisk.
        let config = format!(
            "[server]\nhosts = {address}\nvalidate_user_value = none\n[auth]\ntype = mailvan_auth\ndelay = 0\n\
             [storage]\n{storage}filesystem_folder = {}\n[web]\ntype = none\n[logging]\nlevel = warning\n",
            dir.join("store").display()
        );
        fs::write(dir.join("config"), config)?;
        let log = File::create(dir.join("log"))?;
        let child = Command::new(venv.python())
            .args(["-m", "radicale", "--config"])
            .arg(dir.join("config"))
            .env("PYTHONPATH", dir)
            .env("MASTER_USER", &logins.master_user)
            .env("MASTER_PASSWORD", &logins.master_password)
            .env("USER_PASSWORD", &logins.user_password)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start Radicale")?;
        let mut server = Self {
            child,
            dir: dir.to_owned(),
            address,
        };
        server.wait()?;
        Ok(server)
    }

    /// The address to begin discovery at.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The texts of all objects of a mailbox, each with its path, in the order of the paths.
    ///
    /// # Errors
    /// Fails when the store cannot be read.
    pub fn objects(&self, mailbox: &str) -> Result<Vec<(PathBuf, String)>> {
        let mut found = Vec::new();
        let root = self.dir.join("store/collection-root").join(mailbox);
        if root.is_dir() {
            collect(&root, &mut found)?;
        }
        found.sort();
        Ok(found)
    }

    fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if self.child.try_wait()?.is_some() || begun.elapsed() > START_WITHIN {
                bail!("Radicale does not start; see {}", self.dir.join("log").display());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Radicale {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(dir: &Path, found: &mut Vec<(PathBuf, String)>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !is_hidden {
            collect(&path, found)?;
        } else if !is_hidden {
            let text = fs::read_to_string(&path)?;
            found.push((path, text));
        }
    }
    Ok(())
}
