//! A preview between real servers: it writes nothing, and says what the first pass then does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use mailvan::clock::Deadline;
use mailvan::domain::{CopyOptions, Pass};
use mailvan::imap::name;
use mailvan_local::dovecot::{Options, Store};
use mailvan_local::imap_client::ImapClient;

use crate::names::{listed, provider, servers};
use crate::servers::{Servers, pass};

/// Every file below a directory with its bytes, but for Dovecot's own indexes and logs.
fn files(directory: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
        let is_index = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().contains(".index"));
        if entry?.is_dir() {
            found.insert(path.clone(), Vec::new());
            found.extend(files(&path)?);
        } else if !is_index {
            found.insert(path.clone(), fs::read(&path)?);
        }
    }
    Ok(found)
}

/// All that a user can see of a mailbox without opening it.
fn seen(servers: &Servers, is_source: bool) -> Result<BTreeSet<String>> {
    let server = if is_source {
        &servers.source
    } else {
        &servers.destination
    };
    let login = &servers.account.login;
    let mut client = ImapClient::connect(server.address(), login)?;
    let mut seen = listed(server, login)?;
    let status = "LIST \"\" \"*\" RETURN (STATUS (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ))";
    for command in ["LSUB \"\" \"*\"", status] {
        let lines = client.command(command)?;
        seen.extend(lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()));
    }
    // `\Marked` goes with the first look, whoever's it is.
    Ok(seen
        .iter()
        .map(|line| line.replace(" \\Marked", "").replace("\\Marked", ""))
        .collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_writes_nothing_and_the_first_pass_does_what_it_says() -> Result<()> {
    let mail = std::env::temp_dir().join(format!("mailvan-preview-{}", std::process::id()));
    fs::create_dir_all(&mail)?;
    let destination = Options {
        mail_directory: Some(mail.clone()),
        ..provider('/', "", Store::Maildir)
    };
    let outcome = preview_and_pass(destination, &mail).await;
    fs::remove_dir_all(&mail)?;
    outcome
}

async fn preview_and_pass(destination: Options, mail: &Path) -> Result<()> {
    let (servers, names) = servers(destination)?;
    let mut mailbox = servers.mailbox()?;
    mailbox.options = CopyOptions {
        exclude: vec!["work/**".parse()?, "**/2023".parse()?],
        ..CopyOptions::default()
    };
    // The server makes its special folders at the first login, and their lists at the first look.
    let (at_source, at_destination) = (seen(&servers, true)?, seen(&servers, false)?);
    let before = files(mail)?;
    let previews = mailbox.preview(Deadline::after(Duration::from_mins(2))).await?;
    let after = files(mail)?;
    let changed = after.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes));
    assert_eq!(
        changed.map(|(path, _)| path).collect::<Vec<_>>(),
        Vec::<&PathBuf>::new()
    );
    assert!(before.len() > 3 && before.len() == after.len());
    let looked_again = (seen(&servers, true)?, seen(&servers, false)?);
    assert!((at_source, at_destination) == looked_again, "{looked_again:?}");
    assert!(mailbox.ledger.all_folders().is_empty());

    let find = |title: &str| {
        previews
            .iter()
            .find(|preview| preview.source == title)
            .context(title.to_owned())
    };
    for title in &names {
        assert_eq!(
            (find(title)?.messages, find(title)?.bytes),
            (Some(1), Some(24 + digits(&names, title)))
        );
    }
    assert!(find("Gesendet")?.exists && !find("v1.0")?.exists);
    for title in ["work/a", "WORK/A", "Gesendet/2023"] {
        assert!(find(title)?.excluded && find(title)?.destination.is_none(), "{title}");
    }

    pass(&mailbox, Pass::First).await?;
    let copied: BTreeMap<String, String> = mailbox
        .ledger
        .all_folders()
        .into_iter()
        .map(|folder| (folder.title, name::decode(&folder.destination_name).unwrap_or_default()))
        .collect();
    assert_eq!(
        copied.len(),
        previews.iter().filter(|preview| !preview.excluded).count()
    );
    for preview in previews.iter().filter(|preview| !preview.excluded) {
        let went = copied.get(&preview.source).context("not copied")?;
        let mut said = preview.destination.iter().chain(&preview.otherwise);
        assert!(said.any(|said| said == went), "{preview:?}");
        // What Maildir refuses: dots, and names longer than a file's.
        let is_refused = preview.source.contains('.') || name::encode(&preview.source).len() > 250;
        let is_first = preview.destination.as_ref() == Some(went);
        assert_eq!(is_first, !is_refused, "{preview:?}");
    }
    Ok(())
}

/// How many digits the number of a folder has, which is in its message.
fn digits(names: &[String], title: &str) -> u64 {
    let number = names.iter().position(|name| name == title).unwrap_or_default();
    number.to_string().len() as u64
}
