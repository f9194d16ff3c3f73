//! Finding Dovecot and others on this machine, and installing them where that can be done unasked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::workspace_root;

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
    let names = ["dovecot", "doveadm", "openssl", "/usr/lib/dovecot/imap"];
    install(&["dovecot-imapd", "openssl"], || !names.iter().any(missing))?;
    program("dovecot").map(drop)
}

/// Makes sure that a program of a Debian package is installed, and gives its path: by apt-get when run as root.
///
/// # Errors
/// If it is missing and cannot be installed; the error says what to install.
pub fn ensure_package(name: &str, package: &str) -> anyhow::Result<PathBuf> {
    install(&[package], || program(name).is_ok())?;
    program(name)
}

/// Makes sure that a file or folder of a Debian package is there: by apt-get when run as root.
///
/// # Errors
/// If it is missing and cannot be installed; the error says what to install.
pub fn ensure_file(path: &Path, package: &str) -> anyhow::Result<()> {
    install(&[package], || path.exists())
}

/// Installs packages, unless they are there. Tests ask for what they need side by side, and of two apt-get at once one
/// fails, so one after the other looks and installs.
pub(crate) fn install(packages: &[&str], are_there: impl Fn() -> bool) -> anyhow::Result<()> {
    if are_there() {
        return Ok(());
    }
    let names = packages.join(" ");
    if !nix::unistd::Uid::effective().is_root() {
        bail!("not everything is installed; run `sudo apt-get install {names}` and try again");
    }
    let target = workspace_root().join("target");
    fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
    let turn = fs::File::create(target.join("apt.lock")).context("cannot open the lock of apt-get")?;
    turn.lock().context("cannot wait for another apt-get")?;
    if are_there() {
        return Ok(());
    }
    let install = ["install", "--yes", "--quiet", "--no-install-recommends"];
    for arguments in [["update", "--quiet"].as_slice(), &[&install, packages].concat()] {
        let status = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .status()
            .with_context(|| format!("starting apt-get, to install {names}"))?;
        if !status.success() {
            bail!(
                "apt-get {} failed: {status}; install {names} by hand",
                arguments.join(" ")
            );
        }
    }
    Ok(())
}

/// The path of a program.
pub(crate) fn program(name: &str) -> anyhow::Result<PathBuf> {
    DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is not installed"))
}
