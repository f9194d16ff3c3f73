//! Where in the destination's tree each folder goes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use super::escape::{Names, tagged};
use crate::domain::pattern::folded;
use crate::imap::folder::{ListedFolder, Namespace, SpecialUse};
use crate::imap::name;

/// The longest part of a name that Dovecot takes, in bytes on the wire, which are those on its disk.
const PART_BYTES: usize = 255;

/// The longest name where the separator tells of Maildir: there, the whole name is that of one
/// directory.
const MAILDIR_NAME_BYTES: usize = 250;

/// The longest name elsewhere. Dovecot takes 4,096 bytes.
const NAME_BYTES: usize = 1_000;

/// The longest part and the longest name where a server has refused a shorter one.
const STRICT_PART_BYTES: usize = 120;
const STRICT_NAME_BYTES: usize = 230;

/// The least room for a name that is cut; with less, the folder goes nearer to the top.
const LEAST_ROOM: usize = 48;

/// What stands where a name was cut.
const CUT: char = '…';

/// Between the parts of a path on a server without hierarchy.
const FLAT_SEPARATOR: char = '\u{2215}';

/// Where a folder goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) path: Vec<String>,
    reasons: Vec<Reason>,
}

/// Why a folder is named otherwise at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Home(SpecialUse),
    Parent,
    OutOfInbox,
    Characters,
    Cut,
    Taken,
}

/// The places given so far.
pub(super) struct Places<'a> {
    namespace: &'a Namespace,
    names: Names,
    known: &'a BTreeMap<String, String>,
    homes: &'a HashMap<&'a str, (SpecialUse, &'a ListedFolder)>,
    /// What each path of the source became, folders and their mere parents.
    given: HashMap<Vec<String>, Place>,
    /// Whether that holds for parents only, and folders get places anew.
    parents_are_given: bool,
    /// Paths that are given without regard to case.
    taken: HashSet<String>,
    /// The last number that was given to a name that others have too.
    numbers: HashMap<String, u32>,
}

impl<'a> Places<'a> {
    pub(super) fn new(
        namespace: &'a Namespace,
        names: Names,
        known: &'a BTreeMap<String, String>,
        homes: &'a HashMap<&'a str, (SpecialUse, &'a ListedFolder)>,
    ) -> Self {
        let inbox = vec!["INBOX".to_owned()];
        let mut taken: HashSet<String> = known.values().map(|name| key(&namespace.path(name))).collect();
        taken.extend(homes.values().map(|(_, home)| key(&home.path)));
        taken.insert(key(&inbox));
        let place = Place {
            name: "INBOX".to_owned(),
            path: inbox.clone(),
            reasons: Vec::new(),
        };
        Self {
            namespace,
            names,
            known,
            homes,
            given: HashMap::from([(inbox, place)]),
            parents_are_given: false,
            taken,
            numbers: HashMap::new(),
        }
    }

    /// The same, where the parents of folders are what they became in `other`.
    pub(super) fn with_parents_of(mut self, other: &Self) -> Self {
        self.given.clone_from(&other.given);
        self.parents_are_given = true;
        self
    }

    /// The places of all folders, in their order. A place of `reserved` is given to the folder at the
    /// same position, or to none.
    pub(super) fn all(&mut self, folders: &[&ListedFolder], reserved: &[&[Place]]) -> Vec<Place> {
        for folder in folders {
            if let Some(place) = self.fixed(folder) {
                self.given.entry(folder.path.clone()).or_insert(place);
            }
        }
        self.taken
            .extend(reserved.iter().copied().flatten().map(|place| key(&place.path)));
        let mut owned = HashSet::new();
        let mut places = Vec::with_capacity(folders.len());
        for (position, folder) in folders.iter().enumerate() {
            // A second folder of the same path is one whose name cannot be read as it was meant.
            let is_first = owned.insert(&folder.path);
            let inbox = || {
                self.given
                    .get(&folder.path)
                    .filter(|_| is_first && folder.path == ["INBOX"])
            };
            let fixed = self.fixed(folder).or_else(|| inbox().cloned());
            if fixed.is_none() {
                let own = reserved.iter().filter_map(|places| places.get(position));
                own.for_each(|place| {
                    self.taken.remove(&key(&place.path));
                });
            }
            places.push(match fixed {
                Some(place) => place,
                None if is_first && !self.parents_are_given => self.of(&folder.path),
                None => self.below(&folder.path),
            });
        }
        places
    }

    /// Where a folder goes whatever its name is: where it went before, or to the destination's
    /// folder for its use.
    fn fixed(&self, folder: &ListedFolder) -> Option<Place> {
        if let Some(name) = self.known.get(&folder.wire_name) {
            let path = self.namespace.path(name);
            return Some(Place {
                name: name.clone(),
                path,
                reasons: Vec::new(),
            });
        }
        let (special_use, home) = self.homes.get(folder.wire_name.as_str())?;
        let is_renamed = home.path != folder.path;
        Some(Place {
            name: home.wire_name.clone(),
            path: home.path.clone(),
            reasons: is_renamed.then_some(Reason::Home(*special_use)).into_iter().collect(),
        })
    }

    /// What a path becomes.
    fn of(&mut self, path: &[String]) -> Place {
        if let Some(place) = self.given.get(path) {
            return place.clone();
        }
        let place = self.below(path);
        self.given.insert(path.to_vec(), place.clone());
        place
    }

    /// A new place below what the parent of a path became.
    fn below(&mut self, path: &[String]) -> Place {
        let (part, parents) = path
            .split_last()
            .map_or(("", path), |(part, parents)| (part.as_str(), parents));
        let mut reasons = Vec::new();
        let above = match parents {
            [] => Vec::new(),
            [inbox] if inbox == "INBOX" && self.is_below_inbox() => {
                reasons.push(Reason::OutOfInbox);
                Vec::new()
            }
            parents => {
                let parent = self.of(parents);
                reasons.extend((!parent.reasons.is_empty()).then_some(Reason::Parent));
                parent.path
            }
        };
        let escaped = self.names.escape(part, above.is_empty());
        reasons.extend((escaped != part).then_some(Reason::Characters));
        let wanted = key(&self.joined(&above, escaped.clone()));
        let mut number = 1;
        loop {
            let tag = (number > 1).then(|| number.to_string());
            let named = tag
                .as_deref()
                .map_or_else(|| escaped.clone(), |tag| tagged(&escaped, tag));
            let mut candidate = self.joined(&above, named);
            let fits = self.fits(&candidate);
            if !fits {
                candidate = self.cut(&above, &escaped, path, number);
            }
            if self.taken.insert(key(&candidate)) {
                reasons.extend((!fits).then_some(Reason::Cut));
                reasons.extend((number > 1).then_some(Reason::Taken));
                return Place {
                    name: self.namespace.wire_name(&candidate),
                    path: candidate,
                    reasons,
                };
            }
            number = self.numbers.get(&wanted).copied().unwrap_or(1).max(number) + 1;
            self.numbers.insert(wanted.clone(), number);
        }
    }

    /// Whether the server has all folders below `INBOX`.
    fn is_below_inbox(&self) -> bool {
        let prefix = self.namespace.prefix.as_str();
        let name = self
            .namespace
            .separator
            .and_then(|separator| prefix.strip_suffix(separator));
        name.is_some_and(|name| name.eq_ignore_ascii_case("INBOX"))
    }

    fn joined(&self, above: &[String], part: String) -> Vec<String> {
        match above {
            [flat, ..] if self.namespace.separator.is_none() => vec![format!("{flat}{FLAT_SEPARATOR}{part}")],
            above => above.iter().cloned().chain([part]).collect(),
        }
    }

    fn fits(&self, path: &[String]) -> bool {
        let part = path.last().map_or(0, |part| name::encode(part).len());
        part <= self.limits().0 && self.namespace.wire_name(path).len() <= self.limits().1
    }

    /// The longest part and the longest name, in bytes.
    fn limits(&self) -> (usize, usize) {
        if self.names.is_strict() {
            (STRICT_PART_BYTES, STRICT_NAME_BYTES)
        } else if self.namespace.separator == Some('.') {
            (PART_BYTES, MAILDIR_NAME_BYTES)
        } else {
            (PART_BYTES, NAME_BYTES)
        }
    }

    /// A name that is cut, with a digest of the whole path that makes it the path's own.
    fn cut(&self, above: &[String], escaped: &str, path: &[String], number: u32) -> Vec<String> {
        let whole = digest(&SHA256, format!("{number}\0{}", path.join("\0")).as_bytes());
        let number = whole
            .as_ref()
            .first_chunk()
            .map_or(0, |bytes| u32::from_be_bytes(*bytes));
        let tag = format!("{number:08x}");
        let mut above = above;
        while self.namespace.wire_name(above).len() + LEAST_ROOM > self.limits().1
            && let Some((_, nearer)) = above.split_last()
        {
            above = nearer;
        }
        let cut_after = |end: usize| {
            self.joined(
                above,
                tagged(&format!("{}{CUT}", escaped.get(..end).unwrap_or_default()), &tag),
            )
        };
        let ends: Vec<usize> = escaped.char_indices().map(|(end, _)| end).skip(1).collect();
        let fitting = ends.partition_point(|end| self.fits(&cut_after(*end)));
        cut_after(
            fitting
                .checked_sub(1)
                .and_then(|last| ends.get(last))
                .copied()
                .unwrap_or(0),
        )
    }
}

/// A path without regard to case.
fn key(path: &[String]) -> String {
    folded(&path.join("\0")).collect()
}

impl Place {
    /// Why the folder is named otherwise, in words for customers.
    pub(super) fn note(&self) -> Option<String> {
        if self.reasons.is_empty() {
            return None;
        }
        let reasons: Vec<String> = self.reasons.iter().map(ToString::to_string).collect();
        let path = self.path.join("/");
        Some(format!("at the new provider it is {path}: {}", reasons.join("; ")))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Home(SpecialUse::Sent) => "that is the folder for sent mail there",
            Self::Home(SpecialUse::Drafts) => "that is the folder for drafts there",
            Self::Home(SpecialUse::Trash) => "that is the folder for deleted mail there",
            Self::Home(SpecialUse::Junk) => "that is the folder for unwanted mail there",
            Self::Home(SpecialUse::Archive) => "that is the folder for archived mail there",
            Self::Parent => "the folder above it is named otherwise",
            Self::OutOfInbox => "all folders are below INBOX there",
            Self::Characters => {
                "it had characters that a name cannot have there; others that look like them stand for them"
            }
            Self::Cut => "the name was too long for the server and is cut",
            Self::Taken => "another folder has its name, perhaps in other capitals; the number tells them apart",
        };
        f.write_str(words)
    }
}
