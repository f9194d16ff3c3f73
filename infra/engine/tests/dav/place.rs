//! A server and an import into it.

use std::io::Write as _;
use std::time::Duration;

use mailvan::clock::Deadline;
use mailvan::dav::import::{Choices, Import, Progress, Step};
use mailvan::dav::server::{DavSession, Login};
use mailvan::dav::spool::Spool;
use mailvan::imap::Connector;
use mailvan::imap::guard::AddressPolicy;
use mailvan_engine::MemoryJournal;
use mailvan_local::radicale::{Logins, Radicale};
use mailvan_local::venv::Venv;
use mailvan_local::workspace_root;

/// The mailbox of the tests.
pub const MAILBOX: &str = "anna@harbour.example";

/// How the tests import.
pub const KEEP: Choices = Choices {
    update: false,
    in_flight: 4,
};

/// The same, with what differs replaced.
pub const UPDATE: Choices = Choices { update: true, ..KEEP };

/// Starts a server of its own for a test.
pub async fn server(name: &str) -> Radicale {
    let root = workspace_root();
    let venv = Venv::prepare(&root).await.unwrap();
    let logins = Logins {
        user_password: "known to nobody".to_owned(),
        master_user: "migration".to_owned(),
        master_password: "van-key-7".to_owned(),
    };
    Radicale::start(&venv, &root.join("target/local/dav").join(name), &logins).unwrap()
}

/// A login as the master user.
pub fn session(server: &Radicale) -> DavSession {
    login(server, "van-key-7")
}

/// A login as the master user at some address.
pub fn at(url: &str) -> DavSession {
    login_at(url, "van-key-7")
}

/// A login with some password.
pub fn login(server: &Radicale, password: &str) -> DavSession {
    login_at(&server.url(), password)
}

fn login_at(url: &str, password: &str) -> DavSession {
    let connector = Connector::try_new(AddressPolicy::Any, true, None).unwrap();
    let login = Login::Basic {
        user: format!("{MAILBOX}*migration"),
        password: password.into(),
    };
    DavSession::new(connector, url, &login).unwrap()
}

/// All that the server holds of the mailbox.
pub fn texts(server: &Radicale) -> String {
    let objects = server.objects(MAILBOX).unwrap();
    objects.into_iter().map(|(_, text)| text).collect()
}

/// An upload on disk.
pub fn spool(bytes: &[u8]) -> Spool {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Spool::open(file).unwrap()
}

/// Imports an upload as a whole.
pub async fn import(server: &Radicale, bytes: &[u8], journal: &MemoryJournal, choices: Choices) -> Progress {
    let mut progress = journal.progress();
    let mut import = Import::new(session(server), spool(bytes), journal, choices);
    while import.step(&mut progress, soon()).await.unwrap() == Step::More {}
    progress
}

/// A deadline that no test meets.
pub fn soon() -> Deadline {
    Deadline::after(Duration::from_mins(5))
}

/// How many objects the mailbox has.
pub fn count(server: &Radicale) -> usize {
    server.objects(MAILBOX).unwrap().len()
}
