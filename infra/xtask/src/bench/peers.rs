//! What the other tools are told.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mailvan_local::dovecot::ensure_package;
use mailvan_local::samples::bulk::PASSWORD;

use super::site::Route;
use super::tool::{LANES, Pass, Tool};

/// A command line.
pub type Words = Vec<OsString>;

/// Installs what is missing of the peers among `tools`.
pub fn ensure_installed(tools: &[Tool]) -> Result<()> {
    for tool in tools {
        match tool {
            Tool::Mbsync => ensure_package("mbsync", "isync").map(drop)?,
            Tool::Interimap => ensure_package("interimap", "interimap").map(drop)?,
            _ => {}
        }
    }
    Ok(())
}

/// The command with which a tool copies along `route`; its files are written into the route's directory.
///
/// # Errors
/// If they cannot be written, or the tool is none that copies.
pub fn command(tool: Tool, pass: Pass, route: &Route, bench: &Path) -> Result<Words> {
    let directory = &route.directory;
    let file = |name: &str, text: String| -> Result<PathBuf> {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    };
    match tool {
        Tool::Mailvan => {
            let mut words = route.words(bench, "copy");
            let name = if pass == Pass::Delta { "final" } else { "first" };
            words.extend(["--pass", name, "--lanes", &LANES.to_string(), "--state"].map(OsString::from));
            words.push(directory.join("state.json").into());
            if pass == Pass::Plan {
                words.push("--plan-only".into());
            }
            Ok(words)
        }
        Tool::Mbsync => {
            let path = file("mbsyncrc", mbsync(route))?;
            Ok(vec!["mbsync".into(), "-c".into(), path.into(), "all".into()])
        }
        Tool::Interimap => {
            let path = file("interimaprc", interimap(route))?;
            let mut config = OsString::from("--config=");
            config.push(path);
            Ok(vec!["interimap".into(), "--quiet".into(), config])
        }
        Tool::Doveadm => {
            let path = file("doveadm.conf", doveadm(route))?;
            let mut words: Words = vec!["doveadm".into(), "-c".into(), path.into()];
            words.extend(["backup", "-R", "-u", &route.destination_user, "imapc:"].map(OsString::from));
            Ok(words)
        }
        Tool::Service | Tool::Drain(_) | Tool::Append(_) | Tool::Ceiling(_) => {
            bail!("{tool} is no program that copies")
        }
    }
}

/// Pulls new messages and flags, one direction only, arrival dates kept.
fn mbsync(route: &Route) -> String {
    let store = |name: &str, address: std::net::SocketAddr, user: &str| {
        format!(
            "IMAPAccount {name}\nHost {}\nPort {}\nUser {user}\nPass \"{}\"\nSSLType None\n\n\
             IMAPStore {name}\nAccount {name}\n\n",
            address.ip(),
            address.port(),
            PASSWORD
        )
    };
    format!(
        "{}{}Channel all\nFar :far:\nNear :near:\nPatterns *\nSync PullNew PullFlags\nCreate Near\nExpunge None\n\
         CopyArrivalDate yes\nSyncState {}/\n",
        store("far", route.source, &route.source_user),
        store("near", route.destination, &route.destination_user),
        route.directory.display()
    )
}

fn interimap(route: &Route) -> String {
    let side = |name: &str, address: std::net::SocketAddr, user: &str| {
        format!(
            "[{name}]\ntype = imap\nhost = {}\nport = {}\nSTARTTLS = NO\ncompress = NO\nusername = {user}\n\
             password = {}\n\n",
            address.ip(),
            address.port(),
            PASSWORD
        )
    };
    format!(
        "database = {}/interimap.db\n\n{}{}",
        route.directory.display(),
        side("local", route.destination, &route.destination_user),
        side("remote", route.source, &route.source_user)
    )
}

/// The destination's own configuration, and the source as a store that is reached by IMAP.
fn doveadm(route: &Route) -> String {
    format!(
        "!include {}\nimapc_host = {}\nimapc_port = {}\nimapc_user = {}\nimapc_password = {}\n\
         imapc_features = rfc822.size fetch-headers\nmail_prefetch_count = 20\n",
        route.destination_configuration.display(),
        route.source.ip(),
        route.source.port(),
        route.source_user,
        PASSWORD
    )
}
