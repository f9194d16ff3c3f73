//! Finding Dovecot on this machine, and installing it where that can be done unasked.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// Where Debian puts administration programs; often not in a developer's `PATH`.
const DIRECTORIES: [&str; 4] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

/// Makes sure that Dovecot's IMAP server and openssl are installed: by apt-get when run as root.
///
/// The Debian package may start a Dovecot of the system's own; it is left alone.
///
/// # Errors
/// If they are missing and cannot be installed; the error says what to install.
pub fn ensure_installed() -> anyhow::Result<()> {
    let missing = |name: &&str| !Path::new(name).exists() && program(name).is_err();
    if !["dovecot", "doveadm", "openssl", "/usr/lib/dovecot/imap"]
        .iter()
        .any(missing)
    {
        return Ok(());
    }
    if !nix::unistd::Uid::effective().is_root() {
        bail!("dovecot is missing; run `sudo apt-get install dovecot-imapd openssl` and try again");
    }
    for arguments in [
        ["update", "--quiet"].as_slice(),
        &[
            "install",
            "--yes",
            "--quiet",
            "--no-install-recommends",
            "dovecot-imapd",
            "openssl",
        ],
    ] {
        let status = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .status()
            .context("starting apt-get, to install dovecot-imapd and openssl")?;
        if !status.success() {
            bail!(
                "apt-get {} failed: {status}; install dovecot-imapd by hand",
                arguments.join(" ")
            );
        }
    }
    program("dovecot").map(drop)
}

/// The path of a program.
pub(super) fn program(name: &str) -> anyhow::Result<PathBuf> {
    DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is not installed (Debian: dovecot-imapd, openssl)"))
}
