//! Reads an account out of a Dovecot's store by `doveadm`.
//!
//! The `pager` formatter is the one that gives a message's bytes unchanged (seen with 2.3.19: `json`
//! replaces what is not UTF-8, `tab` and `flow` have no end mark). `size.physical` says how many
//! bytes follow, so nothing in a message can be taken for the next one. With `mail_save_crlf` off,
//! as here, the store has a bare LF for every CRLF; a CR alone is kept.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, bail, ensure};
use sha2::{Digest as _, Sha256};

use super::{AccountView, MessageView};
use crate::dovecot::Dovecot;

const FIELDS: &str = "mailbox uid date.received.unixtime flags size.physical text";

/// Reads an account of a running server.
///
/// # Errors
/// If `doveadm` fails or says something unexpected.
pub fn read_account(server: &Dovecot, user: &str) -> anyhow::Result<AccountView> {
    let mut view = AccountView {
        listed: lines(server, &["mailbox", "list", "-u", user])?,
        subscriptions: lines(server, &["mailbox", "list", "-s", "-u", user])?,
        ..AccountView::default()
    };
    // `*` alone finds nothing in a namespace with a prefix, and not always INBOX.
    let all = format!("{}*", server.layout().prefix);
    let status = ["-f", "tab", "mailbox", "status", "-u", user, "messages", "INBOX", &all];
    for line in lines(server, &status)? {
        let Some((name, count)) = line.rsplit_once('\t') else {
            continue;
        };
        if count.parse::<u64>().is_ok() {
            view.folders.insert(name.to_owned(), Vec::new());
        }
    }
    read_messages(server, user, &mut view).with_context(|| format!("reading the mail of {user}"))?;
    Ok(view)
}

fn lines(server: &Dovecot, arguments: &[&str]) -> anyhow::Result<BTreeSet<String>> {
    let output = server.doveadm()?.args(arguments).output().context("starting doveadm")?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("doveadm {}: {}", arguments.join(" "), stderr.trim());
    }
    let text = String::from_utf8(output.stdout).context("a folder name that is not UTF-8")?;
    Ok(text
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect())
}

fn read_messages(server: &Dovecot, user: &str, view: &mut AccountView) -> anyhow::Result<()> {
    let mut child = server
        .doveadm()?
        .args(["-f", "pager", "fetch", "-u", user, FIELDS, "all"])
        .stdout(Stdio::piped())
        .spawn()
        .context("starting doveadm")?;
    let stdout = child.stdout.take().context("doveadm without an output")?;
    let mut reader = BufReader::with_capacity(1 << 18, stdout);
    let result = loop {
        match read_message(&mut reader) {
            Ok(Some((folder, message))) => view.folders.entry(folder).or_default().push(message),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    drop(reader);
    let status = child.wait()?;
    result?;
    ensure!(status.success(), "doveadm fetch: {status}");
    Ok(())
}

fn read_message(reader: &mut impl BufRead) -> anyhow::Result<Option<(String, MessageView)>> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if line == b"\x0c\n" {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
    }
    if line.is_empty() {
        return Ok(None);
    }
    let mailbox = value(line, "mailbox")?;
    let mut field = |name: &str| {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        value(line, name)
    };
    let uid = field("uid")?.parse().context("a UID")?;
    // doveadm prints a time before 1970 (or after January 2038, which 2.3 wraps) as unsigned.
    let date_unix: u64 = field("date.received.unixtime")?.parse().context("an INTERNALDATE")?;
    let date_unix = date_unix.cast_signed();
    let flags = field("flags")?;
    let flags = flags
        .split_whitespace()
        .filter(|flag| !flag.eq_ignore_ascii_case("\\Recent"));
    let flags = flags.map(str::to_owned).collect();
    let size_bytes: u64 = field("size.physical")?.parse().context("a size")?;
    ensure!(
        field("text")?.is_empty(),
        "doveadm: text where there should be a line end"
    );
    let mut bytes = vec![0; usize::try_from(size_bytes)?];
    reader
        .read_exact(&mut bytes)
        .with_context(|| format!("{mailbox}: UID {uid} is cut short"))?;
    let sha256 = Sha256::digest(given_out(&bytes)).into();
    let message_id = message_id(&bytes);
    let message = MessageView {
        uid,
        date_unix,
        flags,
        size_bytes,
        sha256,
        message_id,
    };
    Ok(Some((mailbox, message)))
}

/// A message as its server gives it out by IMAP, which is all that a copy can have (2.3.19): every LF
/// with one CR before it, and 0x80 for each NUL.
fn given_out(stored: &[u8]) -> Vec<u8> {
    let mut given = Vec::with_capacity(stored.len() + stored.len() / 32);
    for byte in stored {
        match byte {
            0 => given.push(0x80),
            b'\n' if given.last() != Some(&b'\r') => given.extend(b"\r\n"),
            byte => given.push(*byte),
        }
    }
    given
}

fn value(line: Vec<u8>, name: &str) -> anyhow::Result<String> {
    let line = String::from_utf8(line).context("doveadm: a field that is not UTF-8")?;
    line.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(':'))
        .map(|value| value.trim_start_matches(' ').trim_end_matches('\n').to_owned())
        .with_context(|| format!("doveadm: {name} expected, {line:?} found"))
}

fn message_id(bytes: &[u8]) -> Option<String> {
    bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .take_while(|line| !line.is_empty())
        .find_map(|line| {
            let (name, value) = line.split_at_checked("message-id:".len())?;
            name.eq_ignore_ascii_case(b"message-id:")
                .then(|| String::from_utf8_lossy(value.trim_ascii()).into_owned())
        })
}
