//! Writing as fast as a server can: MULTIAPPENDs of bytes that are ready, one behind the other, without waiting.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpStream};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::account::{Mailbox, Ready};

/// A MULTIAPPEND ends when it holds this many messages or bytes.
const BATCH_MESSAGES: usize = 200;
const BATCH_BYTES: usize = 8 << 20;

/// A folder's name and messages.
pub type Stack = (String, Vec<Ready>);

/// Appends all messages of these folders on one connection.
pub fn append(mailbox: &Mailbox, stacks: &[&Stack]) -> Result<()> {
    let stream = TcpStream::connect(mailbox.address).context("connecting to the destination")?;
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let batches: Vec<(&str, &[Ready])> = stacks
        .iter()
        .flat_map(|(name, messages)| batches(messages).into_iter().map(move |batch| (name.as_str(), batch)))
        .collect();
    let token = STANDARD.encode(format!("\0{}\0{}", mailbox.login.user, mailbox.login.password));
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| -> Result<()> {
            writer.write_all(format!("a AUTHENTICATE PLAIN {token}\r\n").as_bytes())?;
            for (name, messages) in &batches {
                writer.write_all(format!("b APPEND {name}").as_bytes())?;
                for message in *messages {
                    writer.write_all(b" ")?;
                    writer.write_all(message)?;
                }
                writer.write_all(b"\r\n")?;
            }
            Ok(())
        });
        let read = read(&stream, batches.len());
        if read.is_err() {
            // Or the writer would wait for ever.
            let _ = stream.shutdown(Shutdown::Both);
        }
        let written = writing.join().map_err(|_| anyhow::anyhow!("the writer panicked"))?;
        read.and(written)
    })
}

/// Waits for as many answers.
fn read(stream: &TcpStream, answers: usize) -> Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let mut done = 0;
    while done < answers {
        let line = lines.next().context("the destination closed the connection")??;
        if line.starts_with("b OK") {
            done += 1;
        } else if !line.starts_with('*') && !line.starts_with("a OK") {
            bail!("the destination says {line}");
        }
    }
    Ok(())
}

fn batches(messages: &[Ready]) -> Vec<&[Ready]> {
    let (mut batches, mut rest) = (Vec::new(), messages);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |message: &&Ready| {
            bytes += message.len();
            bytes <= BATCH_BYTES
        };
        let count = rest.iter().take(BATCH_MESSAGES).take_while(fits).count().max(1);
        let (batch, later) = rest.split_at(count);
        batches.push(batch);
        rest = later;
    }
    batches
}
