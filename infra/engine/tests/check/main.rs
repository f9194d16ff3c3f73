//! Looking at mailboxes between real servers, with each fault.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests end at the first surprise, in their helpers too"
)]

mod certificates;
mod logins;
mod room;
mod scripted;

use std::time::Duration;

use mailvan::check::{Looked, look};
use mailvan::clock::Deadline;
use mailvan::domain::{CheckCode, CheckFault, CopyOptions, Endpoint, JobId, RequestId, Secret, Security};
use mailvan::imap::guard::AddressPolicy;
use mailvan::imap::{Connector, Credentials};
use mailvan::profile::{DestinationAuth, Limits, Profile};
use mailvan::sync::{Access, Mailbox};
use mailvan_local::dovecot::{Dovecot, Login, Options};

/// The mailbox on both sides.
const USER: &str = "keeper@lighthouse.example";

/// Its password at the previous provider.
const PASSWORD: &str = "p:w \"ä\\";

/// A server with the mailbox in it.
fn server(name: &str, change: impl FnOnce(&mut Options)) -> Dovecot {
    mailvan_local::dovecot::ensure_installed().unwrap();
    let mut options = Options {
        users: vec![Login::new(USER, PASSWORD)],
        master_users: vec![Login::new("migration", "van-key-7")],
        ..Options::new(name)
    };
    change(&mut options);
    Dovecot::start(options).unwrap()
}

/// A mailbox to look at.
struct Subject {
    source: Access,
    destination: Access,
    options: CopyOptions,
    domain: &'static str,
    within: Duration,
    /// Whether the destination is opened with the mailbox's own password.
    has_own_password: bool,
}

impl Subject {
    /// From one server to another, without TLS; the destination is opened by its master user.
    fn between(source: u16, destination: u16) -> Self {
        let access = |port, credentials| Access {
            connector: Connector::try_new(AddressPolicy::Any, true, None).unwrap(),
            endpoint: at("127.0.0.1", port, Security::None),
            credentials,
        };
        let own = Credentials::Own {
            user: USER.to_owned(),
            password: Secret::from(PASSWORD),
        };
        let master = Credentials::Master {
            mailbox: USER.to_owned(),
            user: "migration".to_owned(),
            password: Secret::from("van-key-7"),
        };
        Self {
            source: access(source, own),
            destination: access(destination, master),
            options: CopyOptions::default(),
            domain: "lighthouse.example",
            within: Duration::from_secs(40),
            has_own_password: false,
        }
    }

    async fn look(self) -> Looked {
        let mailbox = Mailbox {
            job_id: JobId::new(RequestId::from_parts(0, [0; 10]), 0, 0),
            ledger: (),
            source: self.source,
            destination: self.destination,
            limits: Limits::default(),
            options: self.options,
        };
        let mut profile = Profile::parse(include_str!("../../../profile.example.toml")).unwrap();
        if self.has_own_password {
            profile.imap.auth = DestinationAuth::Password;
        }
        let to = USER.parse().unwrap();
        look(&mailbox, self.domain, &to, &profile, Deadline::after(self.within)).await
    }

    /// What is wrong, where it is one thing.
    async fn fault(self) -> CheckFault {
        let mut looked = self.look().await;
        assert_eq!(looked.findings.len(), 1, "{looked:?}");
        let fault = looked.findings.remove(0).fault;
        assert!(!format!("{fault:?}").contains("p:w"), "{fault:?}");
        fault
    }
}

fn at(host: &str, port: u16, security: Security) -> Endpoint {
    Endpoint {
        host: host.parse().unwrap(),
        port,
        security,
    }
}

#[track_caller]
fn is(fault: &CheckFault, code: CheckCode) {
    assert_eq!(fault.code, code, "{fault:?}");
}
