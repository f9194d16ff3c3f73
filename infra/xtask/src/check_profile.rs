//! `cargo xtask check-profile`: whether the functions would start with a profile.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use mailvan_local::package::{Build, build_bootstrap, check_profile};
use mailvan_local::workspace_root;

#[derive(Args)]
pub struct Arguments {
    /// The provider's profile; the folder `notices` beside it is checked too
    #[arg(value_name = "FILE")]
    profile: PathBuf,
}

/// Has the functions' own binary check a profile and the templates beside it.
///
/// # Errors
///
/// Fails with the first fault, its file, line and key; and when the build fails.
pub async fn run(arguments: Arguments) -> Result<()> {
    let bootstrap = build_bootstrap(&workspace_root(), Build::Dev, None).await?;
    check_profile(&bootstrap, &arguments.profile).await?;
    println!("{} is right", arguments.profile.display());
    Ok(())
}
