//! The two users of a mailbox that is being moved: what they do between the passes, and what they see.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use mailvan_local::dovecot::{Dovecot, Login, Options};
use mailvan_local::imap_client::{Append, ImapClient};
use mailvan_local::samples::SampleAccount;

use crate::servers::Servers;

pub fn message(subject: &str, flags: &[&str], date: &str) -> Append {
    let id = subject.replace(' ', "-");
    Append {
        flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
        internal_date: date.to_owned(),
        bytes: format!("Message-ID: <{id}@pier.example>\r\nSubject: {subject}\r\n\r\n{subject}\r\n").into_bytes(),
    }
}

/// A message of this date.
pub fn message_of(subject: &str, date: &str) -> Append {
    message(subject, &[], date)
}

pub const DATE: &str = "01-Feb-2019 10:11:12 +0530";

/// A user's view of a server.
pub struct User(ImapClient);

impl User {
    pub fn of(server: &Dovecot, login: &Login) -> Result<Self> {
        Ok(Self(ImapClient::connect(server.address(), login)?))
    }

    pub fn deliver(&mut self, folder: &str, subject: &str, flags: &[&str]) -> Result<()> {
        if folder != "INBOX" {
            self.0.create(folder)?;
        }
        self.0.append(folder, &[message(subject, flags, DATE)])
    }

    fn find(&mut self, folder: &str, subject: &str) -> Result<Vec<u32>> {
        self.0.select(folder)?;
        let id = subject.replace(' ', "-");
        self.0.search(&format!("HEADER MESSAGE-ID \"<{id}@pier.example>\""))
    }

    pub fn store(&mut self, folder: &str, subject: &str, change: &str) -> Result<()> {
        let uids = self.find(folder, subject)?;
        ensure!(!uids.is_empty(), "no {subject} in {folder}");
        self.0.store(&uids, change)
    }

    pub fn relocate(&mut self, folder: &str, subject: &str, to: &str) -> Result<()> {
        let uids = self.find(folder, subject)?;
        let uid = uids.first().with_context(|| format!("no {subject} in {folder}"))?;
        self.0.create(to)?;
        self.0.command(&format!("UID MOVE {uid} \"{to}\"")).map(drop)
    }

    pub fn delete(&mut self, folder: &str, subject: &str) -> Result<()> {
        let uids = self.find(folder, subject)?;
        let uid = uids.first().with_context(|| format!("no {subject} in {folder}"))?;
        self.0.store(&[*uid], "+FLAGS.SILENT (\\Deleted)")?;
        self.0.command(&format!("UID EXPUNGE {uid}")).map(drop)
    }

    /// How often a subject is in a folder.
    pub fn count(&mut self, folder: &str, subject: &str) -> Result<usize> {
        self.find(folder, subject).map(|uids| uids.len())
    }

    /// The flags of a message, without `\Recent`.
    pub fn flags(&mut self, folder: &str, subject: &str) -> Result<BTreeSet<String>> {
        let uids = self.find(folder, subject)?;
        let [uid] = uids.as_slice() else {
            bail!("{} of {subject} in {folder}", uids.len());
        };
        let lines = self.0.command(&format!("UID FETCH {uid} (FLAGS)"))?;
        let line = lines
            .iter()
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .find(|line| line.contains("FLAGS ("))
            .context("no flags")?;
        let (_, rest) = line.split_once("FLAGS (").context("no flags")?;
        let (flags, _) = rest.split_once(')').context("no end")?;
        Ok(flags
            .split_whitespace()
            .filter(|flag| *flag != "\\Recent")
            .map(str::to_owned)
            .collect())
    }

    pub fn append_message(&mut self, folder: &str, message: &Append) -> Result<()> {
        self.0.append(folder, std::slice::from_ref(message))
    }

    /// Appends a message as it is.
    pub fn append(&mut self, folder: &str, bytes: &[u8]) -> Result<()> {
        let append = Append {
            flags: Vec::new(),
            internal_date: DATE.to_owned(),
            bytes: bytes.to_vec(),
        };
        self.0.append(folder, &[append])
    }

    /// The UIDs of a folder.
    pub fn all(&mut self, folder: &str) -> Result<Vec<u32>> {
        self.0.select(folder)?;
        self.0.search("ALL")
    }

    pub fn command(&mut self, command: &str) -> Result<Vec<Vec<u8>>> {
        self.0.command(command)
    }
}

/// Two servers with an empty account, and a user on each.
pub struct Pair {
    pub servers: Servers,
    pub there: User,
    pub here: User,
}

impl Pair {
    pub fn start(source: Options, destination: Options) -> Result<Self> {
        let account = SampleAccount {
            login: Login::new("lotse@harbour.example", "Peilung 7"),
            folders: Vec::new(),
        };
        let servers = Servers::with(source, destination, account)?;
        let there = User::of(&servers.source, &servers.account.login)?;
        let here = User::of(&servers.destination, &servers.account.login)?;
        Ok(Self { servers, there, here })
    }
}

pub fn hiding(name: &str, capabilities: &[&str]) -> Options {
    Options {
        hidden_capabilities: capabilities.iter().map(|&capability| capability.to_owned()).collect(),
        ..Options::new(name)
    }
}
