//! Which destination folder each source folder becomes.
//!
//! - `INBOX` stays `INBOX`, in whatever capitals. Folders below it stay below it, unless all folders
//!   of the destination are below `INBOX` anyway.
//! - One source folder for sent mail, drafts, trash, junk and archive each goes to the destination's
//!   folder for that ([`special`]); this is the only way that two folders of different names become
//!   one, and never two of the source.
//! - All others keep their path, below what their parent became. What the destination cannot hold in
//!   a name is escaped ([`escape`]), or cut where it is too long ([`place`]).
//! - No two source folders get names that are equal but for case, because some servers would take
//!   them for one: the later one gets a number.
//! - A folder that was mapped in an earlier pass stays where it went.

mod escape;
mod place;
mod special;

use std::collections::{BTreeMap, HashMap};

pub use escape::restore_name;
pub(super) use special::is_bin;

use crate::domain::CopyOptions;
use crate::imap::folder::{ListedFolder, Namespace, SpecialUse};
use escape::Names;
use place::{Place, Places};

/// One source folder and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderMapping {
    /// Its name at the source, on the wire.
    pub source_name: String,
    /// Its path as people read it, parts joined by `/`.
    pub title: String,
    /// Its name at the destination, on the wire.
    pub destination_name: String,
    /// Its path there as people read it, parts joined by `/`.
    pub destination_title: String,
    /// Whether the user subscribed to it at the source.
    pub subscribed: bool,
    /// Why it is named otherwise there, in words for customers; `None` where it is not.
    pub note: Option<String>,
    /// What to try where the server refuses that name: it may hold less than most servers do.
    pub otherwise: Option<Box<FolderMapping>>,
}

/// Maps every folder that can hold messages and that the customer wants. A folder in `known` (source
/// name, destination name) stays where it went before. The result is in a stable order: `INBOX`,
/// folders with a special use, then all others by path; and parents come before their children.
pub fn map_folders(
    source: &[ListedFolder],
    destination: &[ListedFolder],
    namespace: &Namespace,
    known: &BTreeMap<String, String>,
    options: &CopyOptions,
) -> Vec<FolderMapping> {
    let homes = homes(source, destination, known);
    let wanted = |folder: &&ListedFolder| folder.selectable && options.takes(&folder.path);
    let mut folders: Vec<&ListedFolder> = source.iter().filter(wanted).collect();
    folders.sort_by_key(|folder| {
        (
            folder.path != ["INBOX"],
            !folder.wire_name.eq_ignore_ascii_case("INBOX"),
            !homes.contains_key(folder.wire_name.as_str()),
            &folder.path,
            &folder.wire_name,
        )
    });
    let (usual, strict) = (Names::usual(namespace.separator), Names::strict(namespace.separator));
    let places = |names| Places::new(namespace, names, known, &homes);
    let mut as_usual = places(usual);
    let first = as_usual.all(&folders, &[]);
    // The parents may have been taken as they are, or have been refused as well.
    let second = places(strict).with_parents_of(&as_usual).all(&folders, &[&first]);
    let third = places(strict).all(&folders, &[&first, &second]);
    let mapped = folders.into_iter().zip(first.iter().zip(second.iter().zip(&third)));
    mapped
        .map(|(folder, (first, (second, third)))| {
            let mut tries = vec![first];
            for place in [second, third] {
                if tries.iter().all(|before| before.name != place.name) {
                    tries.push(place);
                }
            }
            let chained = tries.into_iter().rev().fold(None, |otherwise, place| {
                Some(mapping(folder, place, otherwise.map(Box::new)))
            });
            chained.unwrap_or_else(|| mapping(folder, first, None))
        })
        .collect()
}

fn mapping(folder: &ListedFolder, place: &Place, otherwise: Option<Box<FolderMapping>>) -> FolderMapping {
    FolderMapping {
        source_name: folder.wire_name.clone(),
        title: folder.path.join("/"),
        destination_name: place.name.clone(),
        destination_title: place.path.join("/"),
        subscribed: folder.subscribed,
        note: place.note(),
        otherwise,
    }
}

/// The destination's folders for a use, by the names of the source folders that go there.
fn homes<'a>(
    source: &'a [ListedFolder],
    destination: &'a [ListedFolder],
    known: &BTreeMap<String, String>,
) -> HashMap<&'a str, (SpecialUse, &'a ListedFolder)> {
    let held: Vec<&ListedFolder> = source.iter().filter(|folder| folder.selectable).collect();
    let mut homes = HashMap::new();
    for special_use in special::ALL {
        let Some(home) = special::home_of(special_use, destination) else {
            continue;
        };
        let chosen = special::chosen_for(special_use, home, &held);
        let free = |folder: &&ListedFolder| {
            !known.contains_key(&folder.wire_name) && !known.values().any(|name| *name == home.wire_name)
        };
        if let Some(folder) = chosen.filter(free) {
            homes.insert(folder.wire_name.as_str(), (special_use, home));
        }
    }
    homes
}

#[cfg(test)]
mod tests;
