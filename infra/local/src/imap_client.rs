//! A minimal IMAP client to act as the mailbox's user: fills sample mailboxes and changes them.
//!
//! It shares nothing with the client under test, knows no server but Dovecot, and blocks. It reads
//! no mail: [`crate::compare`] does that, and not by IMAP.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::dovecot::Login;

/// A MULTIAPPEND ends when it holds this many messages or bytes.
const BATCH_MESSAGES: usize = 200;
const BATCH_BYTES: usize = 8 << 20;

/// A message to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// Flags and keywords, such as `\Seen` and `$Forwarded`.
    pub flags: Vec<String>,
    /// IMAP's date-time, such as `01-Feb-2019 10:11:12 +0530`.
    pub internal_date: String,
    /// The message, as a rule with CRLF line ends. Dovecot takes none of zero bytes.
    pub bytes: Vec<u8>,
}

/// A logged-in connection.
#[derive(Debug)]
pub struct ImapClient {
    reader: BufReader<TcpStream>,
    writer: BufWriter<TcpStream>,
    number: u32,
}

impl ImapClient {
    /// Connects and logs in by SASL PLAIN.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses the login.
    pub fn connect(address: SocketAddr, login: &Login) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connecting {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        let writer = BufWriter::with_capacity(1 << 18, stream.try_clone()?);
        let mut client = Self {
            reader: BufReader::new(stream),
            writer,
            number: 0,
        };
        let greeting = client.line()?;
        if !greeting.starts_with(b"* OK") {
            bail!("unexpected greeting: {}", String::from_utf8_lossy(&greeting));
        }
        let token = STANDARD.encode(format!("\0{}\0{}", login.user, login.password));
        client
            .command(&format!("AUTHENTICATE PLAIN {token}"))
            .with_context(|| format!("logging in as {}", login.user))?;
        Ok(client)
    }

    /// Sends a command and gives its untagged responses, literals included.
    ///
    /// # Errors
    /// If the server says NO or BAD (the error holds its words), or the connection ends.
    pub fn command(&mut self, command: &str) -> anyhow::Result<Vec<Vec<u8>>> {
        let tag = self.begin(command)?;
        self.end(&tag)
    }

    /// Creates a folder, its name in UTF-8 with prefix and separators; it may exist already.
    ///
    /// # Errors
    /// As [`ImapClient::command`].
    pub fn create(&mut self, folder: &str) -> anyhow::Result<()> {
        match self.command(&format!("CREATE {}", quoted(folder))) {
            Err(error) if error.to_string().contains("[ALREADYEXISTS]") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Subscribes to a folder.
    ///
    /// # Errors
    /// As [`ImapClient::command`].
    pub fn subscribe(&mut self, folder: &str) -> anyhow::Result<()> {
        self.command(&format!("SUBSCRIBE {}", quoted(folder))).map(drop)
    }

    /// Selects a folder.
    ///
    /// # Errors
    /// As [`ImapClient::command`].
    pub fn select(&mut self, folder: &str) -> anyhow::Result<()> {
        self.command(&format!("SELECT {}", quoted(folder))).map(drop)
    }

    /// The UIDs in the selected folder that a SEARCH with these keys finds.
    ///
    /// # Errors
    /// As [`ImapClient::command`].
    pub fn search(&mut self, keys: &str) -> anyhow::Result<Vec<u32>> {
        let lines = self.command(&format!("UID SEARCH {keys}"))?;
        let found = lines.iter().filter_map(|line| line.strip_prefix(b"* SEARCH"));
        Ok(found
            .flat_map(|uids| uids.split(u8::is_ascii_whitespace))
            .filter_map(|uid| std::str::from_utf8(uid).ok()?.parse().ok())
            .collect())
    }

    /// Changes flags in the selected folder; `change` is such as `+FLAGS.SILENT (\Seen)`.
    ///
    /// # Errors
    /// As [`ImapClient::command`].
    pub fn store(&mut self, uids: &[u32], change: &str) -> anyhow::Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        self.command(&format!("UID STORE {} {change}", set(uids))).map(drop)
    }

    /// Moves messages of the selected folder into another one.
    ///
    /// # Errors
    /// As [`ImapClient::command`].
    pub fn move_to(&mut self, uids: &[u32], folder: &str) -> anyhow::Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        self.command(&format!("UID MOVE {} {}", set(uids), quoted(folder)))
            .map(drop)
    }

    /// Deletes messages of the selected folder for good.
    ///
    /// # Errors
    /// As [`ImapClient::command`].
    pub fn expunge(&mut self, uids: &[u32]) -> anyhow::Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        self.store(uids, "+FLAGS.SILENT (\\Deleted)")?;
        self.command(&format!("UID EXPUNGE {}", set(uids))).map(drop)
    }

    /// Appends messages in their order, by MULTIAPPEND (RFC 3502) and LITERAL+ (RFC 7888).
    ///
    /// # Errors
    /// As [`ImapClient::command`]; what came before the refused batch is then in the folder.
    pub fn append(&mut self, folder: &str, messages: &[Append]) -> anyhow::Result<()> {
        let mut rest = messages;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |message: &&Append| {
                bytes += message.bytes.len();
                bytes <= BATCH_BYTES
            };
            let count = rest.iter().take(BATCH_MESSAGES).take_while(fits).count().max(1);
            let (batch, later) = rest.split_at(count);
            self.append_batch(folder, batch)
                .with_context(|| format!("appending to {folder}"))?;
            rest = later;
        }
        Ok(())
    }

    fn append_batch(&mut self, folder: &str, batch: &[Append]) -> anyhow::Result<()> {
        self.number += 1;
        let tag = format!("a{}", self.number);
        write!(self.writer, "{tag} APPEND {}", quoted(folder))?;
        for Append {
            flags,
            internal_date,
            bytes,
        } in batch
        {
            let flags = flags.join(" ");
            write!(self.writer, " ({flags}) \"{internal_date}\" {{{}+}}\r\n", bytes.len())?;
            self.writer.write_all(bytes)?;
        }
        self.writer.write_all(b"\r\n")?;
        self.writer.flush()?;
        self.end(&tag).map(drop)
    }

    fn begin(&mut self, command: &str) -> anyhow::Result<String> {
        self.number += 1;
        let tag = format!("a{}", self.number);
        write!(self.writer, "{tag} {command}\r\n")?;
        self.writer.flush()?;
        Ok(tag)
    }

    fn end(&mut self, tag: &str) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut untagged = Vec::new();
        loop {
            let line = self.line()?;
            let words = line
                .strip_prefix(tag.as_bytes())
                .and_then(|rest| rest.strip_prefix(b" "));
            match words {
                Some(words) if words.starts_with(b"OK") => return Ok(untagged),
                Some(words) => bail!("the server says {}", String::from_utf8_lossy(words).trim()),
                None => untagged.push(line),
            }
        }
    }

    /// A response line without its end, together with the literals in it.
    fn line(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            self.reader.read_until(b'\n', &mut line)?;
            if !line.ends_with(b"\n") {
                bail!("the server closed the connection");
            }
            let Some(length) = literal_length(&line) else { break };
            let start = line.len();
            line.resize(start + length, 0);
            self.reader.read_exact(line.get_mut(start..).unwrap_or_default())?;
        }
        line.truncate(line.trim_ascii_end().len());
        Ok(line)
    }
}

fn literal_length(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}\r\n")?;
    let start = line.iter().rposition(|byte| *byte == b'{')? + 1;
    std::str::from_utf8(line.get(start..)?).ok()?.parse().ok()
}

fn set(uids: &[u32]) -> String {
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

fn quoted(folder: &str) -> String {
    let name = encode_folder_name(folder).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{name}\"")
}

/// A folder name in modified UTF-7 (RFC 3501, section 5.1.3).
///
/// ```
/// assert_eq!(mailvan_local::imap_client::encode_folder_name("Maße & Co"), "Ma&AN8-e &- Co");
/// ```
pub fn encode_folder_name(name: &str) -> String {
    let mut encoded = String::new();
    let mut wide: Vec<u8> = Vec::new();
    let flush = |wide: &mut Vec<u8>, encoded: &mut String| {
        if !wide.is_empty() {
            let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&*wide);
            let _ = write!(encoded, "&{}-", base64.replace('/', ","));
            wide.clear();
        }
    };
    for character in name.chars() {
        if matches!(character, ' '..='~') {
            flush(&mut wide, &mut encoded);
            encoded.push(character);
            if character == '&' {
                encoded.push('-');
            }
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                wide.extend(unit.to_be_bytes());
            }
        }
    }
    flush(&mut wide, &mut encoded);
    encoded
}

#[cfg(test)]
mod tests {
    use super::encode_folder_name;

    #[test]
    fn folder_names_are_encoded_as_the_rfc_shows() {
        let name = "~peter/mail/台北/日本語";
        assert_eq!(encode_folder_name(name), "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
        assert_eq!(encode_folder_name("Größe & Maße"), "Gr&APYA3w-e &- Ma&AN8-e");
    }
}
