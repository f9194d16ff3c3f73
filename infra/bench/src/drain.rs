//! Reading as fast as a server can: every command is sent at once, and nothing that comes is looked at.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::account::{Folder, Mailbox};

/// What ends the last answer; no message holds it.
const LAST: &str = "ceiling9f31c2e7";

/// Reads all messages of these folders on one connection.
pub fn drain(mailbox: &Mailbox, folders: &[&Folder]) -> Result<()> {
    let mut stream = TcpStream::connect(mailbox.address).context("connecting to the source")?;
    stream.set_nodelay(true)?;
    stream.write_all(&commands(mailbox, folders))?;
    let mut buffer = vec![0; 1 << 18];
    let (mut read, mut tail) = (0, Vec::new());
    loop {
        let count = stream.read(&mut buffer)?;
        let piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            bail!("the source closed the connection after {read} bytes");
        }
        read += count;
        tail.extend(piece.get(count.saturating_sub(200)..).unwrap_or_default());
        tail.drain(..tail.len().saturating_sub(200));
        if tail.ends_with(b"\n") && tail.windows(LAST.len()).any(|word| word == LAST.as_bytes()) {
            break;
        }
    }
    let expected: usize = folders.iter().map(|folder| folder.bytes).sum();
    if read < expected {
        bail!("the source sent {read} bytes and not {expected}");
    }
    Ok(())
}

fn commands(mailbox: &Mailbox, folders: &[&Folder]) -> Vec<u8> {
    let token = STANDARD.encode(format!("\0{}\0{}", mailbox.login.user, mailbox.login.password));
    let mut commands = vec![format!("a AUTHENTICATE PLAIN {token}")];
    for folder in folders {
        commands.push(format!("b EXAMINE {}", folder.name));
        commands.push("c UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])".to_owned());
    }
    commands.push(format!("{LAST} NOOP\r\n"));
    commands.join("\r\n").into_bytes()
}
