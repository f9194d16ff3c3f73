//! `cargo xtask package`: the zip of a deployment.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use mailvan_local::package::{Build, Package, RUNTIME_GLIBC, build_bootstrap, check_profile, required_glibc};
use mailvan_local::workspace_root;

#[derive(Args)]
pub struct Arguments {
    /// The provider's profile
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// More certificate authorities that the functions trust, PEM
    #[arg(long, value_name = "FILE")]
    extra_ca: Option<PathBuf>,
    /// The triple to build for, for example aarch64-unknown-linux-musl; this machine's where it is not given
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// Where the zip goes; the default is where template.yaml looks for it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Builds the binary for a deployment and writes the zip.
///
/// # Errors
///
/// Fails when the build does, when an input is missing or wrong, and when the binary needs a newer glibc than Lambda has.
pub async fn run(arguments: Arguments) -> Result<()> {
    let root = workspace_root();
    let bootstrap = build_bootstrap(&root, Build::Lambda, arguments.target.as_deref()).await?;
    let binary = fs::read(&bootstrap).with_context(|| format!("cannot read {}", bootstrap.display()))?;
    if let Some(version) = required_glibc(&binary).filter(|version| *version > RUNTIME_GLIBC) {
        bail!(
            "the binary needs glibc {}.{}, and Lambda's runtime has {}.{}: build on an older system, or with \
             `--target x86_64-unknown-linux-musl`",
            version.0,
            version.1,
            RUNTIME_GLIBC.0,
            RUNTIME_GLIBC.1
        );
    }
    check(&root, &bootstrap, &arguments).await?;
    let out = arguments.out.unwrap_or_else(|| root.join("target/lambda.zip"));
    let package = Package {
        bootstrap: &bootstrap,
        profile: &arguments.profile,
        extra_ca: arguments.extra_ca.as_deref(),
        build: Build::Lambda,
    };
    let bytes = package.write(&out)?;
    println!("{} ({bytes} bytes)", out.display());
    Ok(())
}

/// Checks the profile by the binary itself, or where that is for another machine by one for this.
async fn check(root: &Path, bootstrap: &Path, arguments: &Arguments) -> Result<()> {
    if arguments.target.is_none() {
        return check_profile(bootstrap, &arguments.profile).await;
    }
    let own = build_bootstrap(root, Build::Dev, None).await?;
    check_profile(&own, &arguments.profile).await
}
