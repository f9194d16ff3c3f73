//! What a certificate says of a folder, counted independently: how many messages and bytes, and the digest
//! that does not depend on their order.
//!
//! It is read by IMAP, because a certificate is about the bytes that a server gives out, with this crate's own
//! client; and it shares no code with what makes certificates, not even the library for SHA-256.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use jiff::fmt::strtime;
use sha2::{Digest as _, Sha256};

use crate::dovecot::{Dovecot, Login};
use crate::imap_client::ImapClient;

/// A folder, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How many messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The sum, modulo 2^256, of SHA-256(SHA-256(message) || date), as 64 hexadecimal digits; the date is in seconds
    /// since 1970, in 8 bytes, the highest first.
    pub digest: String,
}

/// Counts a folder, its name in UTF-8 with prefix and separators.
///
/// # Errors
/// If the server does not give a message out in the form that is expected of a Dovecot.
pub fn count(server: &Dovecot, login: &Login, folder: &str) -> Result<Counted> {
    let mut client = ImapClient::connect(server.address(), login)?;
    client.select(folder)?;
    let answers = client.command("UID FETCH 1:* (INTERNALDATE BODY.PEEK[])")?;
    let mut counted = Counted {
        messages: 0,
        bytes: 0,
        digest: String::new(),
    };
    // Words of 64 bits, the lowest first.
    let mut sum = [0_u64; 4];
    for answer in answers.iter().filter(|answer| is_fetch(answer)) {
        let (date, body) = parse(answer).with_context(|| format!("a message of {folder}"))?;
        counted.messages += 1;
        counted.bytes += body.len() as u64;
        let inner = Sha256::digest(body);
        let outer = Sha256::new()
            .chain_update(inner)
            .chain_update(date.to_be_bytes())
            .finalize();
        let mut carry = false;
        for (word, bytes) in sum.iter_mut().zip(outer.rchunks_exact(8)) {
            let bytes = u64::from_be_bytes(bytes.try_into()?);
            (*word, carry) = word.carrying_add(bytes, carry);
        }
    }
    for word in sum.iter().rev() {
        write!(counted.digest, "{word:016x}")?;
    }
    Ok(counted)
}

fn is_fetch(answer: &[u8]) -> bool {
    let word = answer.split(|byte| *byte == b' ').nth(2);
    word == Some(b"FETCH")
}

/// INTERNALDATE in seconds since 1970, and the bytes.
fn parse(answer: &[u8]) -> Result<(i64, &[u8])> {
    let head_end = answer
        .windows(7)
        .position(|window| window == b"BODY[] ")
        .context("there is no BODY[]")?;
    let (head, body) = answer.split_at(head_end);
    let head = std::str::from_utf8(head)?;
    let (_, date) = head
        .split_once("INTERNALDATE \"")
        .context("there is no INTERNALDATE before the body")?;
    let (date, _) = date.split_once('"').context("a date without an end")?;
    let date: Timestamp = strtime::parse("%d-%b-%Y %H:%M:%S %z", date.trim())?.to_timestamp()?;
    let line_end = body.windows(3).position(|window| window == b"}\r\n");
    let Some(line_end) = line_end.filter(|_| body.starts_with(b"BODY[] {")) else {
        bail!("the body is not a literal");
    };
    let length = body.get(8..line_end).unwrap_or_default();
    let length: usize = std::str::from_utf8(length)?.parse()?;
    let start = line_end + 3;
    let body = body.get(start..start + length).context("the body is cut short")?;
    Ok((date.as_second(), body))
}
