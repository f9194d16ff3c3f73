//! A certificate authority for one test run.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::directory::Directory;
use super::install::program;

const EXTENSIONS: &str = "[server]\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n\
    extendedKeyUsage=serverAuth\nsubjectAltName=";

/// Whom certificates are made out to: what the servers are reached by.
const LOOPBACK: &str = "DNS:localhost,IP:127.0.0.1,IP:127.0.0.2";

/// A self-signed authority that several servers may share; its key is gone with the value.
#[derive(Debug)]
pub struct Authority {
    directory: Directory,
    pem: String,
    names: String,
    days: i32,
}

impl Authority {
    /// Makes a new authority, valid for ten days.
    ///
    /// # Errors
    /// If openssl is missing or fails.
    pub fn create() -> anyhow::Result<Self> {
        Self::create_for(LOOPBACK)
    }

    /// Makes a new authority whose certificates are for these names, such as `DNS:imap.example.net`.
    ///
    /// # Errors
    /// If openssl is missing or fails.
    pub fn create_for(names: &str) -> anyhow::Result<Self> {
        let directory = Directory::create("ca")?;
        run(
            directory.path(),
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
             -days 10 -subj /CN=mailvan-local \
             -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign",
        )?;
        let pem = fs::read_to_string(directory.path().join("ca.pem"))?;
        Ok(Self {
            directory,
            pem,
            names: names.to_owned(),
            days: 10,
        })
    }

    /// Makes a new authority for what servers on loopback are reached by, whose certificates expired
    /// yesterday.
    ///
    /// # Errors
    /// If openssl is missing or fails.
    pub fn create_expired() -> anyhow::Result<Self> {
        Ok(Self {
            days: -1,
            ..Self::create()?
        })
    }

    /// The authority's certificate, for a client's trust store.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Writes `server.key` and `server.pem` into `target`.
    ///
    /// # Errors
    /// If openssl fails.
    pub fn issue(&self, target: &Path) -> anyhow::Result<()> {
        let own = self.directory.path().display();
        fs::write(target.join("server.ext"), format!("{EXTENSIONS}{}\n", self.names))?;
        run(
            target,
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key \
             -out server.csr -subj /CN=localhost",
        )?;
        run(
            target,
            &format!(
                "x509 -req -in server.csr -CA {own}/ca.pem -CAkey {own}/ca.key -CAserial server.srl \
                 -CAcreateserial -out server.pem -days {} -extfile server.ext -extensions server",
                self.days
            ),
        )
    }
}

fn run(directory: &Path, arguments: &str) -> anyhow::Result<()> {
    let output = Command::new(program("openssl")?)
        .args(arguments.split_whitespace())
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .context("starting openssl")?;
    if !output.status.success() {
        bail!("openssl failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
