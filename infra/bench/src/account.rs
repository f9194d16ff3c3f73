//! A mailbox as the raw ceilings see it: folders with sizes, and messages ready for the wire.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use mailvan_local::dovecot::Login;
use mailvan_local::imap_client::ImapClient;

/// A mailbox on a server.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// The server, or the proxy before it.
    pub address: SocketAddr,
    /// The login.
    pub login: Login,
}

/// A folder that has messages.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The name as the server writes it, quoted where it has to be.
    pub name: String,
    /// How many messages.
    pub messages: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// A message as it goes into an APPEND: `(flags) "date" {size+}`, a line end and the bytes.
pub type Ready = Vec<u8>;

impl Mailbox {
    /// Connects and logs in.
    pub fn connect(&self) -> Result<ImapClient> {
        ImapClient::connect(self.address, &self.login)
    }

    /// The folders that have messages (RFC 5819, RFC 8438), and all names.
    pub fn folders(&self) -> Result<Vec<Folder>> {
        let answer = self
            .connect()?
            .command("LIST \"\" \"*\" RETURN (STATUS (MESSAGES SIZE))")?;
        let lines = answer.iter().filter_map(|line| std::str::from_utf8(line).ok());
        let folders = lines.filter_map(|line| {
            let (name, status) = line.strip_prefix("* STATUS ")?.rsplit_once(" (")?;
            let number = |key: &str| -> Option<usize> {
                let (_, rest) = status.split_once(key)?;
                rest.split([' ', ')']).find(|word| !word.is_empty())?.parse().ok()
            };
            Some(Folder {
                name: name.to_owned(),
                messages: number("MESSAGES ")?,
                bytes: number("SIZE ")?,
            })
        });
        Ok(folders.collect())
    }

    /// All messages of a folder.
    pub fn read(&self, folder: &Folder) -> Result<Vec<Ready>> {
        let mut client = self.connect()?;
        client.command(&format!("EXAMINE {}", folder.name))?;
        let answer = client.command("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])")?;
        answer
            .iter()
            .filter(|line| line.windows(8).take(40).any(|word| word == b" FETCH ("))
            .map(|line| ready(line).with_context(|| format!("{}: a FETCH that is not understood", folder.name)))
            .collect()
    }
}

/// `* 1 FETCH (UID 1 FLAGS (\Seen) INTERNALDATE "..." BODY[] {3}`, a line end, the bytes, `)`.
fn ready(line: &[u8]) -> Option<Ready> {
    let end = line.windows(3).position(|three| three == b"}\r\n")? + 3;
    let (head, bytes) = line.split_at_checked(end)?;
    let head = std::str::from_utf8(head).ok()?;
    let (flags, rest) = head.split_once("FLAGS (")?.1.split_once(')')?;
    let date = rest.split('"').nth(1)?;
    let size: usize = head.rsplit_once('{')?.1.strip_suffix("}\r\n")?.parse().ok()?;
    let flags: Vec<&str> = flags.split(' ').filter(|flag| *flag != "\\Recent").collect();
    let mut ready = format!("({}) \"{date}\" {{{size}+}}\r\n", flags.join(" ")).into_bytes();
    ready.extend(bytes.get(..size)?);
    Some(ready)
}
