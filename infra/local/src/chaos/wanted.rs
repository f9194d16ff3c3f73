//! What the destination has to hold in the end, when the user does something on both sides between the passes.

use std::fmt;

use anyhow::{Context as _, Result};

use crate::compare::{AccountView, Comparison, compare_views, read_account};
use crate::dovecot::{Login, Purpose};
use crate::imap_client::ImapClient;
use crate::samples::{Changes, SampleAccount, Tidied, deliver_between_passes, tidy_up};
use crate::world::World;

/// An account as it is wanted, under the source's names.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Whose it is.
    pub(super) user: String,
    view: AccountView,
    /// Messages of zero bytes: the destination takes none, and says so.
    pub(super) refused: u64,
    /// Messages that the user moved or deleted at the source.
    pub(super) gone: u64,
}

/// What a user did between the passes.
#[derive(Clone, Debug)]
pub(super) struct Life {
    at_source: Changes,
    tidied: Tidied,
    at_destination: usize,
}

impl Wanted {
    /// All that is at the source, and nothing else.
    pub(super) fn from_source(world: &World, account: &SampleAccount) -> Result<Self> {
        let user = account.login.user.clone();
        let view = read_account(&world.source, &user)?;
        Ok(Self::new(user, view))
    }

    /// Lets the user live on at both sides for a while; what is wanted then.
    pub(super) fn after_life(
        world: &World,
        account: &SampleAccount,
        messages: usize,
        seed: u64,
    ) -> Result<(Self, Life)> {
        let user = account.login.user.clone();
        let before = read_account(&world.source, &user)?;
        let at_source = deliver_between_passes(&world.source, account, messages, seed)?;
        let last = account.folders.iter().rev().find(|folder| folder.purpose.is_none());
        let moved_to = last.context("an account without folders")?.name(world.source.layout());
        let tidied = tidy_up(&world.source, &account.login, "INBOX", &moved_to, 5)?;
        let touched = live_at_destination(world, account)?;

        let mut view = read_account(&world.source, &user)?;
        // What is deleted at the source stays at the destination, as it was.
        let tidied_up = before.folders.get(&tidied.folder).into_iter().flatten();
        let deleted = tidied_up.filter(|message| tidied.deleted.contains(&message.uid));
        let messages = view.folders.entry(tidied.folder.clone()).or_default();
        messages.extend(deleted.cloned());
        // What the user did at the destination, where nothing happened at the source, is never undone.
        let there = read_account(&world.destination, &user)?;
        for (here, name) in &touched {
            let messages = there.folders.get(name).cloned().unwrap_or_default();
            view.folders.insert(here.clone(), messages);
        }
        let wanted = Self {
            gone: (tidied.moved.len() + tidied.deleted.len()) as u64,
            ..Self::new(user, view)
        };
        let life = Life {
            at_source,
            tidied,
            at_destination: touched.len(),
        };
        Ok((wanted, life))
    }

    /// What differs from it at the destination.
    pub(super) fn compare(&self, world: &World) -> Result<Comparison> {
        let account = world.accounts.iter().find(|account| account.login.user == self.user);
        let account = account.context("an account of another world")?;
        let expected = account.expected(world.source.layout(), world.destination.layout());
        let there = read_account(&world.destination, &self.user)?;
        let messages = || self.view.folders.values().flatten();
        Ok(Comparison {
            account: self.user.clone(),
            folders: self.view.folders.len(),
            messages: messages().count(),
            size_bytes: messages().map(|message| message.size_bytes).sum(),
            differences: compare_views(&self.view, &there, &expected),
        })
    }

    fn new(user: String, mut view: AccountView) -> Self {
        let mut refused = 0;
        for messages in view.folders.values_mut() {
            messages.retain(|message| {
                refused += u64::from(message.size_bytes == 0);
                message.size_bytes > 0
            });
        }
        Self {
            user,
            view,
            refused,
            gone: 0,
        }
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at_source,
            tidied,
            at_destination,
        } = self;
        let (moved, deleted) = (tidied.moved.len(), tidied.deleted.len());
        write!(
            f,
            "{at_source}; {moved} moved to {}, {deleted} deleted; ",
            tidied.moved_to
        )?;
        write!(
            f,
            "at the destination flags, moves and deletions in {at_destination} folders"
        )
    }
}

/// Flags, moves and deletes messages at the destination, in folders where nothing happens at the source. Their names
/// at the source and at the destination.
fn live_at_destination(world: &World, account: &SampleAccount) -> Result<Vec<(String, String)>> {
    let (from, to) = (world.source.layout(), world.destination.layout());
    let names = |purpose| Some((from.special_name(purpose)?, to.special_name(purpose)?));
    let touched: Vec<_> = [Purpose::Sent, Purpose::Trash].into_iter().filter_map(names).collect();
    let [(_, sent), (_, trash)] = touched.as_slice() else {
        return Ok(Vec::new());
    };
    let login = Login::new(&account.login.user, crate::world::DESTINATION_PASSWORD);
    let mut client = ImapClient::connect(world.destination.address(), &login)?;
    client.select(sent)?;
    let all = client.search("ALL")?;
    let some = |nth: usize| all.iter().copied().skip(nth).step_by(7).take(4).collect::<Vec<u32>>();
    client.store(&some(0), "+FLAGS.SILENT (\\Flagged Selbst)")?;
    client.store(&some(1), "-FLAGS.SILENT (\\Seen)")?;
    client.expunge(&some(2))?;
    client.create(trash)?;
    client.move_to(&some(3), trash)?;
    Ok(touched)
}
