//! Folder names that are hard to hold, brought to servers with little room for them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use mailvan::domain::Pass;
use mailvan::imap::name;
use mailvan_local::dovecot::{Dovecot, Layout, Login, Options, Store};
use mailvan_local::imap_client::{Append, ImapClient};
use mailvan_local::samples::SampleAccount;

use crate::servers::{Servers, pass};

/// Names at the source, which keeps any; beside INBOX and `Gesendet`, which are there.
const NAMES: [&str; 24] = [
    "v1.0",
    "v1.0/Dr. Müller & Söhne",
    "50% *neu*",
    "Pläne",
    "Pläne/ 1 ",
    "Pläne/.versteckt",
    "Pläne/a..b",
    "Pläne/trail.",
    "Work",
    "work",
    "work/a",
    "Work/a",
    "WORK/A",
    "INBOX/Kunden",
    "Kunden",
    "INBOX.Kunden",
    "Gesendet/2023",
    "Sent",
    "\"quoted\" \\ back",
    "#1",
    "a/~b",
    "a∕~b",
    "お客様/東京",
    "e\u{301}clair",
];

pub fn provider(separator: char, prefix: &str, store: Store) -> Options {
    Options {
        layout: Layout::english().with_separator(separator, prefix),
        store,
        ..Options::new("provider")
    }
}

/// An account whose folders have a message each with the folder's number as its subject.
pub fn servers(destination: Options) -> Result<(Servers, Vec<String>)> {
    let account = SampleAccount {
        login: Login::new("anna@harbour.example", "secret"),
        folders: Vec::new(),
    };
    let source = Options {
        layout: Layout::german(),
        ..Options::new("previous")
    };
    let servers = Servers::with(source, destination, account)?;
    let long = "ä".repeat(90);
    let deep = ["zwanzig Zeichen lang"; 16].join("/");
    let names: Vec<String> = ["INBOX", "Gesendet", &long, &format!("{long}/{long}"), &deep]
        .into_iter()
        .chain(NAMES)
        .map(str::to_owned)
        .collect();
    let mut client = ImapClient::connect(servers.source.address(), &servers.account.login)?;
    for (number, name) in names.iter().enumerate() {
        client.create(name).or_else(|error| match name.as_str() {
            "INBOX" => Ok(()),
            _ => Err(error),
        })?;
        let message = Append {
            flags: Vec::new(),
            internal_date: "01-Feb-2019 10:11:12 +0530".to_owned(),
            bytes: format!("Subject: folder-{number}-\r\n\r\nx\r\n").into_bytes(),
        };
        client.append(name, &[message])?;
    }
    Ok((servers, names))
}

/// The folders of a server that can be opened, as it lists them.
pub fn listed(server: &Dovecot, login: &Login) -> Result<BTreeSet<String>> {
    let mut client = ImapClient::connect(server.address(), login)?;
    let lines = client.command("LIST \"\" \"*\"")?;
    let lines = lines.iter().map(|line| String::from_utf8_lossy(line).into_owned());
    let opened = lines.filter(|line| !line.contains("\\Noselect"));
    // Dovecot says of a folder that nobody has looked into since that it is unmarked.
    Ok(opened.map(|line| line.replace(" \\UnMarked", "")).collect())
}

/// Copies both passes and looks for each folder's message where the ledger says that it went.
async fn each_folder_arrives(destination: Options) -> Result<BTreeMap<String, String>> {
    let (servers, names) = servers(destination)?;
    let mailbox = servers.mailbox()?;
    pass(&mailbox, Pass::First).await?;
    let folders = mailbox.ledger.all_folders();
    let mut went = BTreeMap::new();
    let mut client = ImapClient::connect(servers.destination.address(), &servers.account.login)?;
    for (number, title) in names.iter().enumerate() {
        let folder = folders
            .iter()
            .find(|folder| folder.title == *title)
            .context(title.clone())?;
        ensure!(folder.error.is_none(), "{folder:?}");
        let quoted = folder.destination_name.replace('\\', "\\\\").replace('"', "\\\"");
        client.command(&format!("SELECT \"{quoted}\""))?;
        let found = client.search("ALL")?;
        ensure!(found.len() == 1, "{title}: {found:?} in {folder:?}");
        let own = client.search(&format!("SUBJECT \"folder-{number}-\""))?;
        ensure!(own == found, "{title} holds another folder's message");
        let there = name::decode(&folder.destination_name).context("not UTF-7")?;
        ensure!(went.insert(title.clone(), there).is_none());
    }
    let before = listed(&servers.destination, &servers.account.login)?;
    pass(&mailbox, Pass::Final).await?;
    ensure!(before == listed(&servers.destination, &servers.account.login)?);
    Ok(went)
}

#[tokio::test(flavor = "multi_thread")]
async fn maildir_below_inbox_gets_every_folder() -> Result<()> {
    let went = each_folder_arrives(provider('.', "INBOX.", Store::Maildir)).await?;
    for (source, destination) in [
        ("v1.0", "INBOX.v1․0"),
        ("v1.0/Dr. Müller & Söhne", "INBOX.v1․0.Dr․ Müller & Söhne"),
        ("Gesendet", "INBOX.Sent"),
        ("Gesendet/2023", "INBOX.Sent.2023"),
        ("Sent", "INBOX.Sent ﹙2﹚"),
        ("INBOX/Kunden", "INBOX.Kunden"),
        ("Kunden", "INBOX.Kunden ﹙2﹚"),
        ("work/a", "INBOX.work ﹙3﹚.a"),
        ("a∕~b", "INBOX.a␦∕~b"),
    ] {
        assert_eq!(went[source], destination);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn maildir_with_slashes_gets_every_folder_though_it_takes_no_dots() -> Result<()> {
    let went = each_folder_arrives(provider('/', "", Store::Maildir)).await?;
    for (source, destination) in [
        ("v1.0", "v1․0"),
        ("v1.0/Dr. Müller & Söhne", "v1․0/Dr․ Müller & Söhne"),
        ("Pläne/a..b", "Pläne/a․․b"),
        ("50% *neu*", "50% *neu*"),
    ] {
        assert_eq!(went[source], destination);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dbox_gets_every_folder_under_its_own_name() -> Result<()> {
    let went = each_folder_arrives(provider('/', "", Store::Sdbox)).await?;
    let renamed: Vec<_> = went
        .iter()
        .filter(|(source, destination)| source != destination)
        .collect();
    let renamed: Vec<_> = renamed.iter().map(|(source, _)| source.as_str()).collect();
    assert_eq!(
        renamed,
        [
            "Gesendet",
            "Gesendet/2023",
            "Sent",
            "Work",
            "Work/a",
            "a∕~b",
            "work",
            "work/a"
        ]
    );
    Ok(())
}
