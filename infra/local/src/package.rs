//! The functions' zip: the bootstrap binary, the provider's profile with its templates and, where sources need one, an extra CA.
//!
//! The same inputs give the same bytes, so a deployment without changes uploads nothing.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// The newest glibc that the `provided.al2023` runtime has, as (major, minor).
pub const RUNTIME_GLIBC: (u32, u32) = (2, 34);

/// The folder of the provider's own templates, beside the profile and in the zip.
const NOTICES: &str = "notices";

/// Which cargo profile the binary is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Quick to build, for the local stack.
    Dev,
    /// Small, for a deployment.
    Lambda,
}

/// What goes into the zip.
#[derive(Clone, Debug)]
pub struct Package<'a> {
    /// The binary; `bootstrap` in the zip.
    pub bootstrap: &'a Path,
    /// The provider's profile; `profile.toml` in the zip. The folder `notices` beside it goes with it.
    pub profile: &'a Path,
    /// More certificate authorities, PEM; `extra-ca.pem` in the zip.
    pub extra_ca: Option<&'a Path>,
    /// How it was built: a dev build's zip is compressed quickly instead of well.
    pub build: Build,
}

impl Package<'_> {
    /// Writes the zip to `to`, whose directory is made where it is missing, and returns its size in bytes. The file
    /// appears there only once it is complete.
    ///
    /// # Errors
    ///
    /// Fails when an input cannot be read, the profile is not TOML or the CA file holds no certificate.
    pub fn write(&self, to: &Path) -> Result<u64> {
        let profile = read(self.profile)?;
        let text = std::str::from_utf8(&profile).context("the profile is not UTF-8")?;
        text.parse::<toml::Table>()
            .with_context(|| format!("{} is not TOML", self.profile.display()))?;
        let mut files = vec![
            ("bootstrap".to_owned(), 0o755, read(self.bootstrap)?),
            ("profile.toml".to_owned(), 0o644, profile),
        ];
        let notices = self.profile.with_file_name(NOTICES);
        if notices.is_dir() {
            collect(&notices, NOTICES, &mut files)?;
        }
        if let Some(path) = self.extra_ca {
            let pem = read(path)?;
            if !pem.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----") {
                bail!("{} holds no certificate in PEM form", path.display());
            }
            files.push(("extra-ca.pem".to_owned(), 0o644, pem));
        }
        let dir = to.parent().context("the zip needs a directory")?;
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let partial = to.with_extension("zip.partial");
        let size = self
            .write_files(&files, &partial)
            .with_context(|| format!("cannot write {}", partial.display()))?;
        fs::rename(&partial, to).with_context(|| format!("cannot write {}", to.display()))?;
        Ok(size)
    }

    fn write_files(&self, files: &[(String, u32, Vec<u8>)], to: &Path) -> Result<u64> {
        let level = match self.build {
            Build::Dev => 1,
            Build::Lambda => 9,
        };
        let mut zip = ZipWriter::new(File::create(to)?);
        for (name, mode, bytes) in files {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(level))
                .last_modified_time(DateTime::default())
                .unix_permissions(*mode);
            zip.start_file(name.as_str(), options)?;
            zip.write_all(bytes)?;
        }
        let file = zip.finish()?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

/// The files of a folder and of those in it, in the order of their names.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, u32, Vec<u8>)>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}/{name}");
        if path.is_dir() {
            collect(&path, &name, files)?;
        } else {
            files.push((name, 0o644, read(&path)?));
        }
    }
    Ok(())
}

/// Has the binary check a profile, and the templates beside it, as the functions do when they start.
///
/// # Errors
///
/// Fails with the binary's own words where something is wrong.
pub async fn check_profile(bootstrap: &Path, profile: &Path) -> Result<()> {
    let output = Command::new(bootstrap)
        .arg("check-profile")
        .arg(profile)
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| format!("cannot run {}", bootstrap.display()))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", profile.display(), words.trim().trim_start_matches("Error: "));
    }
    Ok(())
}

/// Builds the bootstrap binary of the workspace at `root`, for the triple `target` where one is given, and returns
/// where it is. Cargo's own progress goes to this process's standard error.
///
/// # Errors
///
/// Fails when cargo cannot be run or the build fails.
pub async fn build_bootstrap(root: &Path, build: Build, target: Option<&str>) -> Result<PathBuf> {
    let mut arguments = vec!["--package", "mailvan-bootstrap", "--bin", "bootstrap"];
    if build == Build::Lambda {
        arguments.extend(["--profile", "lambda"]);
    }
    if let Some(triple) = target {
        arguments.extend(["--target", triple]);
    }
    let messages = run_cargo(root, &arguments).await?;
    find_executable(&messages, "bootstrap").context("cargo did not say where the bootstrap binary is")
}

/// Builds programs of the workspace at `root` in release, given as (package, program), and returns where they are.
/// Those that are built together share what they depend on.
///
/// # Errors
///
/// Fails when cargo cannot be run or the build fails.
pub async fn build_release(root: &Path, programs: &[(&str, &str)]) -> Result<Vec<PathBuf>> {
    let mut arguments = vec!["--release"];
    for (package, _) in programs {
        arguments.extend(["--package", package]);
    }
    let messages = run_cargo(root, &arguments).await?;
    programs
        .iter()
        .map(|(_, name)| find_executable(&messages, name).with_context(|| format!("cargo did not say where {name} is")))
        .collect()
}

/// Runs `cargo build` and returns its messages.
async fn run_cargo(root: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let child = Command::new("cargo")
        .current_dir(root)
        .arg("build")
        .args(arguments)
        .args(["--message-format", "json-render-diagnostics"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot run cargo")?;
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        bail!("cargo could not build it ({})", output.status);
    }
    Ok(output.stdout)
}

fn find_executable(messages: &[u8], wanted: &str) -> Option<PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n');
    let artifacts = lines.filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
    let mut executables = artifacts.filter_map(|artifact| {
        let name = artifact.pointer("/target/name")?.as_str()?;
        let path = artifact.pointer("/executable")?.as_str()?;
        (name == wanted).then(|| PathBuf::from(path))
    });
    executables.next_back()
}

/// The newest glibc symbol version that a binary asks for, as (major, minor); none for a static one. A binary that
/// asks for more than [`RUNTIME_GLIBC`] does not start on Lambda.
pub fn required_glibc(binary: &[u8]) -> Option<(u32, u32)> {
    let mark = b"GLIBC_";
    let versions = binary
        .windows(mark.len())
        .enumerate()
        .filter(|(_, window)| window == mark);
    let versions = versions.filter_map(|(at, _)| {
        let rest = binary.get(at + mark.len()..)?;
        let end = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
        let mut numbers = std::str::from_utf8(rest.get(..end)?)
            .ok()?
            .split('.')
            .map(str::parse::<u32>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    versions.max()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("mailvan-package-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn the_same_inputs_give_the_same_bytes() {
        let dir = scratch("same");
        fs::write(dir.join("bootstrap"), b"binary").unwrap();
        fs::write(dir.join("profile.toml"), "[provider]\nname = \"x\"\n").unwrap();
        let package = Package {
            bootstrap: &dir.join("bootstrap"),
            profile: &dir.join("profile.toml"),
            extra_ca: None,
            build: Build::Lambda,
        };
        package.write(&dir.join("one.zip")).unwrap();
        fs::write(dir.join("bootstrap"), b"binary").unwrap();
        package.write(&dir.join("two.zip")).unwrap();
        assert_eq!(
            fs::read(dir.join("one.zip")).unwrap(),
            fs::read(dir.join("two.zip")).unwrap()
        );
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn the_providers_templates_go_with_the_profile() {
        let dir = scratch("templates");
        fs::create_dir_all(dir.join("notices/en")).unwrap();
        fs::write(dir.join("bootstrap"), b"binary").unwrap();
        fs::write(dir.join("profile.toml"), "[provider]\nname = \"x\"\n").unwrap();
        fs::write(dir.join("notices/layout.html"), "{{ title }}").unwrap();
        fs::write(dir.join("notices/en/ask.txt"), "Ask.").unwrap();
        fs::write(dir.join("notices/.swp"), "x").unwrap();
        let package = Package {
            bootstrap: &dir.join("bootstrap"),
            profile: &dir.join("profile.toml"),
            extra_ca: None,
            build: Build::Dev,
        };
        package.write(&dir.join("one.zip")).unwrap();
        let zip = zip::ZipArchive::new(File::open(dir.join("one.zip")).unwrap()).unwrap();
        let names: Vec<_> = zip.file_names().collect::<Result<_, _>>().unwrap();
        assert_eq!(
            names,
            ["bootstrap", "profile.toml", "notices/en/ask.txt", "notices/layout.html"]
        );
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_profile_that_is_not_toml_is_refused() {
        let dir = scratch("toml");
        fs::write(dir.join("bootstrap"), b"binary").unwrap();
        fs::write(dir.join("profile.toml"), "[provider").unwrap();
        let package = Package {
            bootstrap: &dir.join("bootstrap"),
            profile: &dir.join("profile.toml"),
            extra_ca: None,
            build: Build::Dev,
        };
        assert!(package.write(&dir.join("one.zip")).is_err());
        assert!(!dir.join("one.zip").exists());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn the_newest_glibc_is_found() {
        let binary = b"\0GLIBC_2.17\0GLIBC_2.34\0GLIBC_2.3.4\0GLIBC_PRIVATE\0";
        assert_eq!(required_glibc(binary), Some((2, 34)));
        assert_eq!(required_glibc(b"static"), None);
    }

    #[test]
    fn the_executable_is_read_from_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"mailvan"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"bootstrap"},"executable":"/t/debug/bootstrap"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#
        );
        assert_eq!(
            find_executable(messages.as_bytes(), "bootstrap"),
            Some(PathBuf::from("/t/debug/bootstrap"))
        );
    }
}
