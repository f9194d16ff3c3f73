//! Puts the page's files into the program, and makes their version: a digest of all of them.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by its environment")]
fn variable(name: &str) -> Result<PathBuf> {
    env::var_os(name)
        .map(PathBuf::from)
        .with_context(|| format!("{name} is not set"))
}

fn main() -> Result<()> {
    let root = variable("CARGO_MANIFEST_DIR")?.join("assets");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut paths = Vec::new();
    collect(&root, &mut paths)?;
    paths.sort();
    let mut digest = Sha256::new();
    let mut list = String::new();
    for path in &paths {
        let name = path.strip_prefix(&root)?.to_str().context("a name that is not UTF-8")?;
        let bytes = fs::read(path)?;
        digest.update((name.len() as u64).to_be_bytes());
        digest.update(name);
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(&bytes);
        let place = path.to_str().context("a path that is not UTF-8")?;
        writeln!(list, "    ({name:?}, include_str!({place:?})),")?;
    }
    let version = digest.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let code = format!("pub const VERSION: &str = {version:?};\npub const FILES: &[(&str, &str)] = &[\n{list}];\n");
    fs::write(variable("OUT_DIR")?.join("assets.rs"), code)?;
    Ok(())
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}
