//! A mailbox after its passes, to be changed and certified.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use mailvan::clock::Deadline;
use mailvan::domain::Pass;
use mailvan::sync::Mailbox;
use mailvan_engine::{MemoryLedger, certify};
use mailvan_local::dovecot::{Layout, Options, Store};
use mailvan_local::imap_client::ImapClient;
use mailvan_local::samples::{SampleAccount, small};
use serde_json::Value;

use crate::servers::{Servers, pass};

/// A mailbox that has been copied.
pub struct Copied {
    pub servers: Servers,
    pub mailbox: Mailbox<MemoryLedger>,
}

impl Copied {
    pub async fn new(account: SampleAccount) -> Result<Self> {
        Self::between(Servers::start(account)?).await
    }

    /// With a destination whose files can be changed.
    pub async fn into_files() -> Result<Self> {
        let destination = Options {
            layout: Layout::english().with_separator('.', "INBOX."),
            store: Store::Maildir,
            ..Options::new("provider")
        };
        Self::between(Servers::with(Options::new("previous"), destination, an_account())?).await
    }

    pub async fn between(servers: Servers) -> Result<Self> {
        let mailbox = servers.mailbox()?;
        pass(&mailbox, Pass::First).await?;
        pass(&mailbox, Pass::Final).await?;
        servers.ensure_identical()?;
        Ok(Self { servers, mailbox })
    }

    pub async fn certificate(&self) -> Result<Value> {
        self.certificate_of(true).await
    }

    pub async fn certificate_of(&self, with_source: bool) -> Result<Value> {
        let deadline = Deadline::after(Duration::from_mins(1));
        Ok(serde_json::to_value(
            certify(&self.mailbox, with_source, deadline).await?,
        )?)
    }

    pub fn there(&self) -> Result<ImapClient> {
        ImapClient::connect(self.servers.source.address(), &self.servers.account.login)
    }

    pub fn here(&self) -> Result<ImapClient> {
        ImapClient::connect(self.servers.destination.address(), &self.servers.account.login)
    }

    /// Changes what is written down of INBOX's one chunk.
    pub fn edit_inbox(&mut self, edit: impl FnOnce(&mut Value)) -> Result<()> {
        self.edit(|ledger| edit(&mut ledger["chunks"]["0"]["0"]))
    }

    /// Changes what is written down of INBOX.
    pub fn edit_folder(&mut self, edit: impl FnOnce(&mut Value)) -> Result<()> {
        self.edit(|ledger| edit(&mut ledger["folders"]["0"]))
    }

    fn edit(&mut self, edit: impl FnOnce(&mut Value)) -> Result<()> {
        let mut ledger: Value = serde_json::from_str(&self.mailbox.ledger.to_json()?)?;
        assert_eq!(ledger["folders"]["0"]["title"], "INBOX");
        edit(&mut ledger);
        self.mailbox.ledger = MemoryLedger::from_json(&ledger.to_string())?;
        Ok(())
    }

    /// The file of a message in the destination's INBOX, by its UID.
    pub fn file(&self, uid: u32) -> Result<PathBuf> {
        let user = self
            .servers
            .destination
            .mail_directory()
            .join(&self.servers.account.login.user);
        let list = std::fs::read_to_string(user.join("dovecot-uidlist"))?;
        let line = list.lines().skip(1).find(|line| line.starts_with(&format!("{uid} ")));
        let (_, name) = line.and_then(|line| line.split_once(':')).context("no such UID")?;
        let stem = name.split(':').next().unwrap_or(name).to_owned();
        let is_it = |path: &Path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(&stem))
        };
        let files = std::fs::read_dir(user.join("cur"))?.chain(std::fs::read_dir(user.join("new"))?);
        files
            .flatten()
            .map(|entry| entry.path())
            .find(|path| is_it(path))
            .context("no file of this UID")
    }

    /// Lets the destination forget what it remembers of its messages.
    pub fn forget(&self) -> Result<()> {
        let user = self
            .servers
            .destination
            .mail_directory()
            .join(&self.servers.account.login.user);
        for entry in std::fs::read_dir(user)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("dovecot.index.cache") {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

pub fn an_account() -> SampleAccount {
    small("quay@harbour.example", "Poller-9", 80, 12)
}

pub fn folder<'a>(certificate: &'a Value, source: &str) -> &'a Value {
    let folders = certificate["folders"].as_array().unwrap();
    folders.iter().find(|folder| folder["source"] == source).unwrap()
}

/// Codes and UIDs of a folder's exceptions.
pub fn exceptions(folder: &Value) -> Vec<(&str, &str)> {
    let all = folder["exceptions"].as_array().unwrap();
    all.iter()
        .map(|one| (one["code"].as_str().unwrap(), one["uids"].as_str().unwrap()))
        .collect()
}
