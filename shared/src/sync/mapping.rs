//! Which destination folder each source folder becomes.
//!
//! Folders that are for the same thing become one another (`Gesendet` becomes `Sent`); all others
//! keep their path. No two source folders share a destination: the later one gets a number.

use std::collections::{BTreeMap, HashSet};

use crate::imap::folder::{ListedFolder, Namespace, SpecialUse};

/// One source folder and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderMapping {
    /// Its name at the source, on the wire.
    pub source_name: String,
    /// Its path as people read it, parts joined by `/`.
    pub title: String,
    /// Its name at the destination, on the wire.
    pub destination_name: String,
    /// Whether the user subscribed to it at the source.
    pub subscribed: bool,
}

/// What mail programs and servers name the folders when they do not say what they are for, in
/// lower case: English, German, French, Italian, Spanish.
const KNOWN_NAMES: [(SpecialUse, &[&str]); 5] = [
    (
        SpecialUse::Sent,
        &[
            "sent",
            "sent items",
            "sent messages",
            "sent mail",
            "gesendet",
            "gesendete elemente",
            "gesendete objekte",
            "gesendete nachrichten",
            "envoyés",
            "éléments envoyés",
            "messages envoyés",
            "inviata",
            "posta inviata",
            "inviati",
            "enviados",
            "elementos enviados",
            "mensajes enviados",
        ],
    ),
    (
        SpecialUse::Drafts,
        &[
            "drafts",
            "draft",
            "entwürfe",
            "entwurf",
            "brouillons",
            "bozze",
            "borradores",
        ],
    ),
    (
        SpecialUse::Trash,
        &[
            "trash",
            "deleted items",
            "deleted messages",
            "deleted",
            "papierkorb",
            "gelöschte elemente",
            "gelöschte objekte",
            "corbeille",
            "éléments supprimés",
            "cestino",
            "posta eliminata",
            "papelera",
            "elementos eliminados",
        ],
    ),
    (
        SpecialUse::Junk,
        &[
            "junk",
            "spam",
            "junk e-mail",
            "junk email",
            "junk mail",
            "bulk mail",
            "spamverdacht",
            "indésirables",
            "courrier indésirable",
            "posta indesiderata",
            "correo no deseado",
        ],
    ),
    (
        SpecialUse::Archive,
        &["archive", "archives", "archiv", "archivio", "archivo"],
    ),
];

/// Maps every folder that can hold messages. A folder in `known` (source name, destination name)
/// stays where it went before. The result is in a stable order: `INBOX`, folders with
/// a special use, then all others by path; and parents come before their children.
pub fn map_folders(
    source: &[ListedFolder],
    destination: &[ListedFolder],
    namespace: &Namespace,
    known: &BTreeMap<String, String>,
) -> Vec<FolderMapping> {
    let mut folders: Vec<(&ListedFolder, Option<SpecialUse>)> = source
        .iter()
        .filter(|folder| folder.selectable)
        .map(|folder| (folder, special_use(folder, source)))
        .collect();
    folders.sort_by_key(|(folder, special_use)| {
        (
            folder.path != ["INBOX"],
            special_use.is_none(),
            folder.path.clone(),
            folder.wire_name.clone(),
        )
    });
    let mut taken: HashSet<String> = known.values().map(|name| name.to_lowercase()).collect();
    let mapped = folders.into_iter().map(|(folder, special_use)| {
        let home = special_use.and_then(|special_use| home_of(special_use, destination));
        let wanted = home.map_or_else(|| folder.path.clone(), |home| home.path.clone());
        let mut path = wanted.clone();
        let mut name = home.map_or_else(|| namespace.wire_name(&path), |home| home.wire_name.clone());
        let fixed = known.get(&folder.wire_name);
        // Names equal but for case are one folder on some servers.
        for number in 2.. {
            if let Some(fixed) = fixed {
                name.clone_from(fixed);
                break;
            }
            if taken.insert(name.to_lowercase()) {
                break;
            }
            path.clone_from(&wanted);
            if let Some(last) = path.last_mut() {
                *last = format!("{last} ({number})");
            }
            name = namespace.wire_name(&path);
        }
        FolderMapping {
            source_name: folder.wire_name.clone(),
            title: folder.path.join("/"),
            destination_name: name,
            subscribed: folder.subscribed,
        }
    });
    mapped.collect()
}

/// What a source folder is for: as the server says, else by its name, unless the server names
/// another one for that.
fn special_use(folder: &ListedFolder, all: &[ListedFolder]) -> Option<SpecialUse> {
    folder
        .special_use
        .or_else(|| by_name(folder).filter(|found| all.iter().all(|other| other.special_use != Some(*found))))
}

/// The destination's folder for a use: as the server says, else by its name.
fn home_of(special_use: SpecialUse, destination: &[ListedFolder]) -> Option<&ListedFolder> {
    let said = destination
        .iter()
        .find(|folder| folder.selectable && folder.special_use == Some(special_use));
    said.or_else(|| {
        destination
            .iter()
            .find(|folder| folder.selectable && by_name(folder) == Some(special_use))
    })
}

/// Only folders at the top, or right below `INBOX`, are known by their names.
fn by_name(folder: &ListedFolder) -> Option<SpecialUse> {
    let name = match folder.path.as_slice() {
        [name] => name,
        [inbox, name] if inbox == "INBOX" => name,
        _ => return None,
    };
    let name = name.to_lowercase();
    KNOWN_NAMES
        .iter()
        .find(|(_, names)| names.contains(&name.as_str()))
        .map(|(special_use, _)| *special_use)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &[&str], special_use: Option<SpecialUse>) -> ListedFolder {
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        ListedFolder {
            wire_name: path.join("."),
            path,
            special_use,
            selectable: true,
            subscribed: false,
        }
    }

    fn slash() -> Namespace {
        Namespace::own(String::new(), Some('/'))
    }

    fn names(mapped: &[FolderMapping]) -> Vec<(&str, &str)> {
        mapped
            .iter()
            .map(|m| (m.source_name.as_str(), m.destination_name.as_str()))
            .collect()
    }

    #[test]
    fn folders_for_the_same_thing_become_one_another() {
        let source = [
            folder(&["Projekte", "Größe"], None),
            folder(&["Gesendet"], None),
            folder(&["INBOX"], None),
            folder(&["Müll"], Some(SpecialUse::Trash)),
        ];
        let destination = [
            folder(&["INBOX"], None),
            folder(&["Sent"], Some(SpecialUse::Sent)),
            folder(&["Trash"], None),
        ];
        assert_eq!(
            names(&map_folders(&source, &destination, &slash(), &BTreeMap::new())),
            [
                ("INBOX", "INBOX"),
                ("Gesendet", "Sent"),
                ("Müll", "Trash"),
                ("Projekte.Größe", "Projekte/Gr&APYA3w-e")
            ]
        );
    }

    #[test]
    fn no_two_folders_share_a_destination() {
        let source = [
            folder(&["Sent"], None),
            folder(&["Sent Items"], Some(SpecialUse::Sent)),
            folder(&["work"], None),
            folder(&["Work"], None),
        ];
        let destination = [folder(&["Sent"], Some(SpecialUse::Sent))];
        assert_eq!(
            names(&map_folders(&source, &destination, &slash(), &BTreeMap::new())),
            [
                ("Sent Items", "Sent"),
                ("Sent", "Sent (2)"),
                ("Work", "Work"),
                ("work", "work (2)")
            ]
        );
    }

    #[test]
    fn folder_of_an_earlier_pass_stays_where_it_went() {
        let known = BTreeMap::from([("Sent".to_owned(), "Sent (2)".to_owned())]);
        let source = [folder(&["Sent"], None), folder(&["sent (2)"], None)];
        let mapped = map_folders(&source, &[folder(&["Sent"], Some(SpecialUse::Sent))], &slash(), &known);
        assert_eq!(names(&mapped), [("Sent", "Sent (2)"), ("sent (2)", "sent (2) (2)")]);
    }

    #[test]
    fn folders_that_hold_no_messages_are_left_out() {
        let parent = ListedFolder {
            selectable: false,
            ..folder(&["Projekte"], None)
        };
        assert_eq!(map_folders(&[parent], &[], &slash(), &BTreeMap::new()), []);
    }
}
