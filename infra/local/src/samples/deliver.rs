//! Brings samples onto a server, and does what a user does while a migration is under way.

use std::fmt;
use std::process::Stdio;

use anyhow::{Context as _, ensure};

use super::mime::Writer;
use super::{SampleAccount, SampleFolder};
use crate::dovecot::{Dovecot, Login};
use crate::imap_client::{Append, ImapClient};

/// The folder that [`deliver_between_passes`] makes.
pub(super) const NEW_FOLDER: [&str; 2] = ["Projekte", "Neu während des Umzugs"];

/// What happened to an account between two passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Messages that came into INBOX.
    pub new_in_inbox: usize,
    /// A folder made, and subscribed to, with so many messages.
    pub new_folder: Option<(String, usize)>,
    /// Messages in INBOX now with `\Seen`.
    pub seen: usize,
    /// Messages in INBOX without `\Flagged` now.
    pub unflagged: usize,
    /// Messages in INBOX now with the keyword `$Label2`.
    pub labelled: usize,
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            new_in_inbox,
            seen,
            unflagged,
            labelled,
            ..
        } = self;
        write!(f, "{new_in_inbox} new in INBOX, {seen} read, {unflagged} unflagged, ")?;
        write!(f, "{labelled} labelled")?;
        if let Some((folder, messages)) = &self.new_folder {
            write!(f, ", new folder {folder} with {messages}")?;
        }
        Ok(())
    }
}

/// Fills an account of a server: folders, messages, subscriptions.
///
/// # Errors
/// If the server refuses the login or anything else.
pub fn deliver(server: &Dovecot, account: &SampleAccount) -> anyhow::Result<()> {
    let mut client = ImapClient::connect(server.address(), &account.login)?;
    for folder in &account.folders {
        let name = folder.name(server.layout());
        if name != "INBOX" {
            client.create(&name)?;
        }
        if folder.subscribed {
            client.subscribe(&name)?;
        }
        for run in folder
            .messages
            .chunk_by(|one, next| one.bytes.is_empty() == next.bytes.is_empty())
        {
            if run.first().is_some_and(|message| message.bytes.is_empty()) {
                (0..run.len()).try_for_each(|_| save_empty(server, &account.login.user, &name))?;
            } else {
                client.append(&name, run)?;
            }
        }
    }
    Ok(())
}

/// Puts a message of zero bytes into a folder, which IMAP cannot.
fn save_empty(server: &Dovecot, user: &str, folder: &str) -> anyhow::Result<()> {
    let mut save = server.doveadm()?;
    let status = save
        .args(["save", "-u", user, "-m", folder])
        .stdin(Stdio::null())
        .status();
    let status = status.context("starting doveadm")?;
    ensure!(status.success(), "doveadm save: {status}");
    Ok(())
}

/// Adds `messages` messages to INBOX and a third of it in a new folder, reads, unflags and labels
/// up to `messages` each. Repeating it repeats the new mail (with `seed` changed: other mail).
///
/// # Errors
/// As [`deliver`].
pub fn deliver_between_passes(
    server: &Dovecot,
    account: &SampleAccount,
    messages: usize,
    seed: u64,
) -> anyhow::Result<Changes> {
    let mut client = ImapClient::connect(server.address(), &account.login)?;
    let mut writer = Writer::new(seed ^ 0xbe7, &account.login.user);
    let mut changes = Changes::default();
    client.select("INBOX")?;
    changes.seen = store(&mut client, "UNSEEN", "+FLAGS.SILENT (\\Seen)", messages)?;
    changes.unflagged = store(&mut client, "FLAGGED", "-FLAGS.SILENT (\\Flagged)", messages)?;
    changes.labelled = store(&mut client, "UNKEYWORD $Label2", "+FLAGS.SILENT ($Label2)", messages)?;

    let new: Vec<Append> = (0..messages).map(|_| writer.message(None)).collect();
    client.append("INBOX", &new)?;
    changes.new_in_inbox = new.len();

    let folder = SampleFolder {
        path: NEW_FOLDER.to_vec(),
        purpose: None,
        subscribed: true,
        messages: (0..messages.div_ceil(3)).map(|_| writer.message(None)).collect(),
    };
    let name = folder.name(server.layout());
    client.create(&name)?;
    client.subscribe(&name)?;
    client.append(&name, &folder.messages)?;
    changes.new_folder = Some((name, folder.messages.len()));
    Ok(changes)
}

/// A little of everything, spread: in each of up to `folders` folders that have messages, the largest first, one
/// message more, one more that is read and one more that is flagged.
///
/// # Errors
/// As [`deliver`].
pub fn touch(server: &Dovecot, login: &Login, account: &SampleAccount, folders: usize) -> anyhow::Result<()> {
    let mut client = ImapClient::connect(server.address(), login)?;
    let mut writer = Writer::new(0x70c4, &login.user);
    for folder in largest(account).into_iter().take(folders) {
        let name = folder.name(server.layout());
        client.select(&name)?;
        store(&mut client, "UNSEEN", "+FLAGS.SILENT (\\Seen)", 1)?;
        store(&mut client, "UNFLAGGED", "+FLAGS.SILENT (\\Flagged)", 1)?;
        client.append(&name, &[writer.message(None)])?;
    }
    Ok(())
}

/// One message more in each of up to `folders` folders that have messages, the largest first, and nothing else.
///
/// # Errors
/// As [`deliver`].
pub fn deliver_late(server: &Dovecot, login: &Login, account: &SampleAccount, folders: usize) -> anyhow::Result<()> {
    let mut client = ImapClient::connect(server.address(), login)?;
    let mut writer = Writer::new(0x1a7e, &login.user);
    for folder in largest(account).into_iter().take(folders) {
        client.append(&folder.name(server.layout()), &[writer.message(None)])?;
    }
    Ok(())
}

fn largest(account: &SampleAccount) -> Vec<&SampleFolder> {
    let mut largest: Vec<&SampleFolder> = account.folders.iter().collect();
    largest.sort_by_key(|folder| std::cmp::Reverse(folder.messages.len()));
    largest
}

/// What a user moved and deleted for good between two passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// The folder that was tidied up.
    pub folder: String,
    /// What was moved out of it.
    pub moved: Vec<u32>,
    /// Where to.
    pub moved_to: String,
    /// What was deleted.
    pub deleted: Vec<u32>,
}

/// Moves `messages` messages of a folder into another one, and deletes as many.
///
/// # Errors
/// As [`deliver`].
pub fn tidy_up(
    server: &Dovecot,
    login: &Login,
    folder: &str,
    moved_to: &str,
    messages: usize,
) -> anyhow::Result<Tidied> {
    let mut client = ImapClient::connect(server.address(), login)?;
    client.select(folder)?;
    let mut moved = client.search("ALL")?;
    // From the middle, so that what is there before and after stays.
    moved.drain(..moved.len() / 3);
    moved.truncate(messages * 2);
    let deleted = moved.split_off(moved.len() / 2);
    client.move_to(&moved, moved_to)?;
    client.expunge(&deleted)?;
    Ok(Tidied {
        folder: folder.to_owned(),
        moved,
        moved_to: moved_to.to_owned(),
        deleted,
    })
}

fn store(client: &mut ImapClient, keys: &str, change: &str, limit: usize) -> anyhow::Result<usize> {
    let mut uids = client.search(keys)?;
    uids.truncate(limit);
    client.store(&uids, change)?;
    Ok(uids.len())
}
