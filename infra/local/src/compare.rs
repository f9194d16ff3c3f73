//! An independent comparison of two accounts.
//!
//! It reads both servers' stores by `doveadm`, not by IMAP, and shares no code with what copied the
//! mail. Messages are compared as a multiset per folder: bytes (by SHA-256), flags and keywords
//! but `\Recent`, INTERNALDATE to the second. UIDs and the order of messages are free.
//!
//! Reading is in `compare/read.rs`; [`compare_views`] is pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::dovecot::Dovecot;

mod difference;
mod read;

pub use difference::{Difference, Label};
pub use read::read_account;

/// One message as it is in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// The UID, only to name the message.
    pub uid: u32,
    /// INTERNALDATE in seconds since 1970.
    pub date_unix: i64,
    /// Flags and keywords but `\Recent`.
    pub flags: BTreeSet<String>,
    /// The size in the store.
    pub size_bytes: u64,
    /// SHA-256 of the bytes as the server gives them out.
    pub sha256: [u8; 32],
    /// The first `Message-ID` field's value.
    pub message_id: Option<String>,
}

/// One account as it is in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountView {
    /// The folders that hold or can hold messages, with them.
    pub folders: BTreeMap<String, Vec<MessageView>>,
    /// All names that the server lists: also of parents that hold no messages, and of special-use
    /// folders that nobody has used yet.
    pub listed: BTreeSet<String>,
    /// The folders subscribed to.
    pub subscriptions: BTreeSet<String>,
}

/// Where the source's folders are expected at the destination.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Source name to destination name, both in full and in UTF-8.
    pub folders: BTreeMap<String, String>,
    /// Destination folders that the server makes by itself: they may exist empty and unused.
    pub provided: BTreeSet<String>,
}

/// The result for one account.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The account's name at the source.
    pub account: String,
    /// Folders at the source.
    pub folders: usize,
    /// Messages at the source.
    pub messages: usize,
    /// Their size in the source's store.
    pub size_bytes: u64,
    /// What is not as it should be.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// Whether there is no difference.
    pub fn is_identical(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account,
            folders,
            messages,
            size_bytes,
            differences,
        } = self;
        let (mib, tenths) = (size_bytes >> 20, ((size_bytes & 0xf_ffff) * 10) >> 20);
        write!(f, "{account}: ")?;
        if self.is_identical() {
            write!(f, "identical")?;
        } else {
            write!(f, "{} differences", differences.len())?;
        }
        write!(f, " ({folders} folders, {messages} messages, {mib}.{tenths} MiB)")?;
        differences
            .iter()
            .try_for_each(|difference| write!(f, "\n  {difference}"))
    }
}

/// Compares an account of one running server with one of another.
///
/// # Errors
/// If a store cannot be read.
pub fn compare_accounts(
    source: (&Dovecot, &str),
    destination: (&Dovecot, &str),
    expected: &Expected,
) -> anyhow::Result<Comparison> {
    let source_view = read_account(source.0, source.1)?;
    let destination_view = read_account(destination.0, destination.1)?;
    let messages = || source_view.folders.values().flatten();
    Ok(Comparison {
        account: source.1.to_owned(),
        folders: source_view.folders.len(),
        messages: messages().count(),
        size_bytes: messages().map(|message| message.size_bytes).sum(),
        differences: compare_views(&source_view, &destination_view, expected),
    })
}

/// What differs between two accounts.
pub fn compare_views(source: &AccountView, destination: &AccountView, expected: &Expected) -> Vec<Difference> {
    let mut differences = Vec::new();
    let none = Vec::new();
    // Two source folders may be expected in one: what counts is all that is expected there.
    let mut wanted: BTreeMap<&str, Vec<&MessageView>> = BTreeMap::new();
    for (name, messages) in &source.folders {
        match expected.folders.get(name) {
            Some(target) => wanted.entry(target).or_default().extend(messages),
            None => differences.push(Difference::UnexpectedSourceFolder { folder: name.clone() }),
        }
    }
    for (name, messages) in &wanted {
        let there = destination.folders.get(*name);
        let provided = expected.provided.contains(*name) && destination.listed.contains(*name);
        if there.is_none() && !provided {
            differences.push(Difference::FolderMissing {
                folder: (*name).to_owned(),
                messages: messages.len(),
            });
            continue;
        }
        let there: Vec<_> = there.unwrap_or(&none).iter().collect();
        compare_folder(name, messages, &there, &mut differences);
    }
    for (name, messages) in &destination.folders {
        let idle = expected.provided.contains(name) && messages.is_empty();
        if !wanted.contains_key(name.as_str()) && !idle {
            let (folder, messages) = (name.clone(), messages.len());
            differences.push(Difference::FolderSurplus { folder, messages });
        }
    }
    compare_subscriptions(source, destination, expected, &mut differences);
    differences
}

fn compare_subscriptions(
    source: &AccountView,
    destination: &AccountView,
    expected: &Expected,
    differences: &mut Vec<Difference>,
) {
    let target = |name: &String| expected.folders.get(name).unwrap_or(name).clone();
    let wanted: BTreeSet<String> = source.subscriptions.iter().map(target).collect();
    for folder in wanted.difference(&destination.subscriptions).cloned() {
        differences.push(Difference::SubscriptionMissing { folder });
    }
    for folder in destination.subscriptions.difference(&wanted).cloned() {
        differences.push(Difference::SubscriptionSurplus { folder });
    }
}

/// Pairs equal messages off first, then those that differ in less and less, so that each difference
/// is named for what it is.
fn compare_folder(
    folder: &str,
    source: &[&MessageView],
    destination: &[&MessageView],
    differences: &mut Vec<Difference>,
) {
    let mut missing = source.to_vec();
    let mut surplus = destination.to_vec();
    pair(&mut missing, &mut surplus, |m| (m.sha256, m.date_unix, Some(&m.flags)));
    for (from, to) in pair(&mut missing, &mut surplus, |m| (m.sha256, m.date_unix)) {
        differences.push(Difference::Flags {
            message: Label::new(folder, from),
            source: from.flags.clone(),
            destination: to.flags.clone(),
        });
    }
    for (from, to) in pair(&mut missing, &mut surplus, |m| m.sha256) {
        differences.push(Difference::Date {
            message: Label::new(folder, from),
            source_unix: from.date_unix,
            destination_unix: to.date_unix,
        });
        if from.flags != to.flags {
            differences.push(Difference::Flags {
                message: Label::new(folder, from),
                source: from.flags.clone(),
                destination: to.flags.clone(),
            });
        }
    }
    for (from, to) in pair(&mut missing, &mut surplus, |m| (m.message_id.as_ref(), m.date_unix)) {
        differences.push(Difference::Bytes {
            message: Label::new(folder, from),
            source_bytes: from.size_bytes,
            destination_bytes: to.size_bytes,
        });
        if from.flags != to.flags {
            differences.push(Difference::Flags {
                message: Label::new(folder, from),
                source: from.flags.clone(),
                destination: to.flags.clone(),
            });
        }
    }
    let missing = missing.into_iter().map(|m| Difference::Missing {
        message: Label::new(folder, m),
    });
    differences.extend(missing);
    let surplus = surplus.into_iter().map(|m| Difference::Surplus {
        message: Label::new(folder, m),
    });
    differences.extend(surplus);
}

/// Takes pairs of equal key out of both lists.
fn pair<'a, K: Ord>(
    left: &mut Vec<&'a MessageView>,
    right: &mut Vec<&'a MessageView>,
    key: impl Fn(&'a MessageView) -> K,
) -> Vec<(&'a MessageView, &'a MessageView)> {
    let mut index: BTreeMap<K, Vec<&'a MessageView>> = BTreeMap::new();
    for message in right.drain(..).rev() {
        index.entry(key(message)).or_default().push(message);
    }
    let mut pairs = Vec::new();
    left.retain(|message| match index.get_mut(&key(message)).and_then(Vec::pop) {
        Some(other) => {
            pairs.push((*message, other));
            false
        }
        None => true,
    });
    right.extend(index.into_values().flatten());
    right.sort_by_key(|message| message.uid);
    pairs
}

#[cfg(test)]
mod tests;
