//! The browser that the customers' page is tested in: Debian's Chromium, driven by Node.
//!
//! The two Node modules that it takes are pinned by `tests/page/package-lock.json` and installed under
//! `target/page`, again when that file changes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::dovecot::{ensure_file, ensure_package};
use crate::venv::{lock, run};
use crate::workspace_root;

/// Any font will do, but without one a page is empty.
const FONT: &str = "/usr/share/fonts/truetype/liberation";
const MANIFESTS: [&str; 2] = ["package.json", "package-lock.json"];

/// What a script in `tests/page` is run with.
#[derive(Clone, Debug)]
pub struct Browser {
    chromium: PathBuf,
    node: PathBuf,
    modules: PathBuf,
}

impl Browser {
    /// Finds everything, and installs what is missing: programs by apt-get when run as root, the modules by npm.
    ///
    /// # Errors
    /// If something is missing and cannot be installed; the error says what to install.
    pub async fn prepare() -> Result<Self> {
        let target = workspace_root().join("target");
        fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
        let _lock: File = lock(target.join("page.lock")).await?;
        let chromium = ensure_package("chromium", "chromium")?;
        let node = ensure_package("node", "nodejs")?;
        ensure_file(Path::new(FONT), "fonts-liberation")?;
        let modules = install_modules(&target.join("page")).await?;
        Ok(Self {
            chromium,
            node,
            modules,
        })
    }

    /// Runs a script of `tests/page`, or Node with other arguments there, to its end.
    ///
    /// # Errors
    /// If it fails, with what it wrote, or takes longer than `at_most`.
    pub async fn run(&self, arguments: &[&str], variables: &[(&str, &str)], at_most: Duration) -> Result<()> {
        let mut command = Command::new(&self.node);
        command
            .args(arguments)
            .current_dir(workspace_root().join("tests/page"))
            .env("NODE_PATH", &self.modules)
            .env("CHROMIUM", &self.chromium)
            .env("SCREENSHOTS", workspace_root().join("target/screenshots"))
            .envs(variables.iter().copied());
        match tokio::time::timeout(at_most, run(&mut command)).await {
            Ok(ended) => ended.map(drop),
            Err(_) => bail!("node {} took longer than {at_most:?}", arguments.join(" ")),
        }
    }
}

async fn install_modules(folder: &Path) -> Result<PathBuf> {
    let source = workspace_root().join("tests/page");
    let modules = folder.join("node_modules");
    let read = |folder: &Path| MANIFESTS.map(|name| fs::read(folder.join(name)).ok());
    // A failed installation takes its lock file with it, so the two are the same only beside a complete one.
    if modules.is_dir() && read(folder) == read(&source) {
        return Ok(modules);
    }
    let npm = ensure_package("npm", "npm")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for name in MANIFESTS {
        fs::copy(source.join(name), folder.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    let installed = run(Command::new(npm).args(install).current_dir(folder)).await;
    if installed.is_err() {
        fs::remove_file(folder.join("package-lock.json")).ok();
    }
    installed.context("cannot install the modules of the page's tests")?;
    Ok(modules)
}
