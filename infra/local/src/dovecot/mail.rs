//! The mail of a user as files: moved aside, duplicated, removed, without the server.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::{Dovecot, conf};

impl Dovecot {
    /// The file that configures the server, for programs that build upon it.
    pub fn configuration(&self) -> PathBuf {
        conf::file(self.directory.path())
    }

    /// Gives a user the mail that another one has, as it is on the disk. Nobody may be logged in as either.
    ///
    /// # Errors
    /// If the files cannot be copied.
    pub fn duplicate_mail(&self, from: &str, to: &str) -> anyhow::Result<()> {
        let mail = conf::mail_directory(&self.options, self.directory.path());
        let (from, to) = (mail.join(from), mail.join(to));
        if to.exists() {
            bail!("{} exists", to.display());
        }
        // With owners, times and modes, which the standard library does not copy.
        let mut copy = Command::new("cp");
        run(copy.arg("-a").arg(&from).arg(&to), &to)
    }

    /// Removes all mail of a user. Nobody may be logged in as that user.
    ///
    /// # Errors
    /// If the files cannot be removed.
    pub fn remove_mail(&self, user: &str) -> anyhow::Result<()> {
        let path = conf::mail_directory(&self.options, self.directory.path()).join(user);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

fn run(command: &mut Command, what: &Path) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("starting cp to {}", what.display()))?;
    if !status.success() {
        bail!("copying to {} failed: {status}", what.display());
    }
    Ok(())
}
