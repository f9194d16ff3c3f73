//! Two servers with an account, and the mailbox between them.

use std::time::Duration;

use anyhow::{Result, ensure};
use mailvan::clock::Deadline;
use mailvan::domain::{CopyOptions, Endpoint, JobId, Pass, RequestId, Secret, Security};
use mailvan::imap::guard::AddressPolicy;
use mailvan::imap::{Connector, Credentials};
use mailvan::profile::Limits;
use mailvan::sync::{Access, Mailbox};
use mailvan_engine::{MemoryLedger, run_pass};
use mailvan_local::compare::{Comparison, compare_accounts};
use mailvan_local::dovecot::{Dovecot, Layout, Options, ensure_installed};
use mailvan_local::samples::{SampleAccount, deliver};

use crate::odd_server::OddServer;

/// Two servers; the account is at the source and still empty at the destination.
pub struct Servers {
    pub source: Dovecot,
    pub destination: Dovecot,
    pub account: SampleAccount,
}

impl Servers {
    /// German folders at the source, another separator and prefix at the destination.
    pub fn start(account: SampleAccount) -> Result<Self> {
        let source = Options {
            layout: Layout::german(),
            ..Options::new("previous")
        };
        let destination = Options {
            layout: Layout::english().with_separator('.', "INBOX."),
            ..Options::new("provider")
        };
        Self::with(source, destination, account)
    }

    /// Two servers of one's own making, without their users.
    pub fn with(source: Options, destination: Options, account: SampleAccount) -> Result<Self> {
        ensure_installed()?;
        let users = vec![account.login.clone()];
        let source = Dovecot::start(Options {
            users: users.clone(),
            ..source
        })?;
        let destination = Dovecot::start(Options { users, ..destination })?;
        deliver(&source, &account)?;
        Ok(Self {
            source,
            destination,
            account,
        })
    }

    /// The mailbox, with nothing copied yet.
    pub fn mailbox(&self) -> Result<Mailbox<MemoryLedger>> {
        self.mailbox_between(self.source.port(), self.destination.port())
    }

    /// The mailbox between these ports of 127.0.0.1.
    pub fn mailbox_between(&self, source: u16, destination: u16) -> Result<Mailbox<MemoryLedger>> {
        let login = &self.account.login;
        mailbox((source, destination), &login.user, &login.password)
    }

    /// Both sides, message by message.
    pub fn compare(&self) -> Result<Comparison> {
        let expected = self.account.expected(self.source.layout(), self.destination.layout());
        let user = self.account.login.user.as_str();
        compare_accounts((&self.source, user), (&self.destination, user), &expected)
    }

    /// Fails unless both sides are the same.
    pub fn ensure_identical(&self) -> Result<()> {
        let comparison = self.compare()?;
        ensure!(comparison.is_identical(), "{comparison}");
        Ok(())
    }
}

/// A mailbox between two ports of 127.0.0.1, with nothing copied yet.
fn mailbox((source, destination): (u16, u16), user: &str, password: &str) -> Result<Mailbox<MemoryLedger>> {
    let access = |port| -> Result<Access> {
        Ok(Access {
            connector: Connector::try_new(AddressPolicy::Any, true, None)?,
            endpoint: Endpoint {
                host: "127.0.0.1".parse()?,
                port,
                security: Security::None,
            },
            credentials: Credentials::Own {
                user: user.to_owned(),
                password: Secret::from(password),
            },
        })
    };
    Ok(Mailbox {
        job_id: JobId::new(RequestId::from_parts(0, [0; 10]), 0, 0),
        ledger: MemoryLedger::default(),
        source: access(source)?,
        destination: access(destination)?,
        limits: Limits::default(),
        options: CopyOptions::default(),
    })
}

/// A mailbox between two odd servers.
pub fn between(source: &OddServer, destination: &OddServer) -> Result<Mailbox<MemoryLedger>> {
    mailbox((source.address.port(), destination.address.port()), "joe", "hunter2")
}

/// Takes a mailbox through a pass, in two minutes at most.
pub async fn pass(mailbox: &Mailbox<MemoryLedger>, pass: Pass) -> Result<()> {
    Ok(run_pass(mailbox, pass, Deadline::after(Duration::from_mins(2))).await?)
}
