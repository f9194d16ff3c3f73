use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::domain::pattern::folded;
use crate::imap::name;

fn folder(path: &[&str], special_use: Option<SpecialUse>) -> ListedFolder {
    let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
    ListedFolder {
        wire_name: path.join("^"),
        path,
        special_use,
        selectable: true,
        subscribed: false,
        status: None,
    }
}

fn parent(path: &[&str]) -> ListedFolder {
    ListedFolder {
        selectable: false,
        ..folder(path, None)
    }
}

fn slash() -> Namespace {
    Namespace::own(String::new(), Some('/'))
}

fn courier() -> Namespace {
    Namespace::own("INBOX.".to_owned(), Some('.'))
}

fn mapped(source: &[ListedFolder], destination: &[ListedFolder], namespace: &Namespace) -> Vec<FolderMapping> {
    map_folders(
        source,
        destination,
        namespace,
        &BTreeMap::new(),
        &CopyOptions::default(),
    )
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
    let mapped = mapped(&source, &destination, &slash());
    assert_eq!(
        names(&mapped),
        [
            ("INBOX", "INBOX"),
            ("Gesendet", "Sent"),
            ("Müll", "Trash"),
            ("Projekte^Größe", "Projekte/Gr&APYA3w-e")
        ]
    );
    let notes: Vec<_> = mapped.iter().map(|mapping| mapping.note.as_deref()).collect();
    let sent = "at the new provider it is Sent: that is the folder for sent mail there";
    assert_eq!(notes[..2], [None, Some(sent)]);
}

#[test]
fn one_folder_goes_to_the_destination_s_own_and_the_others_keep_their_names() {
    let destination = [folder(&["Sent"], Some(SpecialUse::Sent))];
    let by_attribute = [
        folder(&["Sent"], None),
        folder(&["Sent Items"], Some(SpecialUse::Sent)),
        folder(&["Gesendet"], None),
    ];
    assert_eq!(
        names(&mapped(&by_attribute, &destination, &slash())),
        [
            ("Sent Items", "Sent"),
            ("Gesendet", "Gesendet"),
            ("Sent", "Sent &,lk-2&,lo-")
        ]
    );
    let by_name = [folder(&["Gesendet"], None), folder(&["sent"], None)];
    assert_eq!(
        names(&mapped(&by_name, &destination, &slash())),
        [("sent", "Sent"), ("Gesendet", "Gesendet")]
    );
}

#[test]
fn children_follow_what_their_parent_became() {
    let source = [
        folder(&["Gesendet"], None),
        folder(&["Gesendet", "2023"], None),
        parent(&["a/b"]),
        folder(&["a/b", "c"], None),
    ];
    let destination = [folder(&["Sent"], Some(SpecialUse::Sent))];
    let mapped = mapped(&source, &destination, &slash());
    let titles: Vec<_> = mapped.iter().map(|m| m.destination_title.as_str()).collect();
    assert_eq!(titles, ["Sent", "Sent/2023", "a∕b/c"]);
    let note = mapped[1].note.as_deref().unwrap();
    assert!(note.contains("the folder above it"), "{note}");
}

#[test]
fn names_equal_but_for_case_are_told_apart() {
    let source = [
        folder(&["work", "a"], None),
        folder(&["Work"], None),
        folder(&["work"], None),
        folder(&["STRASSE"], None),
        folder(&["Straße"], None),
    ];
    let mapped = mapped(&source, &[], &slash());
    let titles: Vec<_> = mapped.iter().map(|m| m.destination_title.as_str()).collect();
    assert_eq!(
        titles,
        ["STRASSE", "Straße ﹙2﹚", "Work", "work ﹙2﹚", "work ﹙2﹚/a"]
    );
}

#[test]
fn inbox_and_what_is_below_it_go_where_the_server_has_them() {
    let source = [
        folder(&["INBOX", "Kunden"], None),
        folder(&["INBOX"], None),
        folder(&["Kunden"], None),
        folder(&["INBOX", "INBOX"], None),
        ListedFolder {
            wire_name: "INBOX^inbox".to_owned(),
            ..folder(&["INBOX"], None)
        },
    ];
    assert_eq!(
        names(&mapped(&source, &[], &slash())),
        [
            ("INBOX", "INBOX"),
            ("INBOX^inbox", "INBOX &,lk-2&,lo-"),
            ("INBOX^INBOX", "INBOX/INBOX"),
            ("INBOX^Kunden", "INBOX/Kunden"),
            ("Kunden", "Kunden"),
        ]
    );
    assert_eq!(
        names(&mapped(&source, &[], &courier())),
        [
            ("INBOX", "INBOX"),
            ("INBOX^inbox", "INBOX.INBOX &,lk-2&,lo-"),
            ("INBOX^INBOX", "INBOX.INBOX &,lk-3&,lo-"),
            ("INBOX^Kunden", "INBOX.Kunden"),
            ("Kunden", "INBOX.Kunden &,lk-2&,lo-"),
        ]
    );
}

#[test]
fn a_name_that_the_server_may_refuse_has_another_to_try() {
    let source = [
        folder(&["v1.0"], None),
        folder(&["v1.0", "50%"], None),
        folder(&["plain"], None),
    ];
    let mapped = mapped(&source, &[], &slash());
    let tries = |mapping: &FolderMapping| {
        let chain = std::iter::successors(Some(mapping.clone()), |m| m.otherwise.as_deref().cloned());
        chain.map(|m| m.destination_title).collect::<Vec<_>>()
    };
    assert_eq!(tries(&mapped[0]), ["plain"]);
    assert_eq!(tries(&mapped[1]), ["v1.0", "v1․0"]);
    assert_eq!(tries(&mapped[2]), ["v1.0/50%", "v1.0/50﹪", "v1․0/50﹪"]);
}

#[test]
fn folder_of_an_earlier_pass_stays_where_it_went_and_its_children_with_it() {
    let known = BTreeMap::from([("Sent".to_owned(), "Sent (2)".to_owned())]);
    let source = [
        folder(&["Sent"], None),
        folder(&["sent (2)"], None),
        folder(&["Sent", "new"], None),
    ];
    let home = [folder(&["Sent"], Some(SpecialUse::Sent))];
    let mapped = map_folders(&source, &home, &slash(), &known, &CopyOptions::default());
    assert_eq!(
        names(&mapped),
        [
            ("Sent", "Sent (2)"),
            ("Sent^new", "Sent (2)/new"),
            ("sent (2)", "sent (2) &,lk-2&,lo-"),
        ]
    );
}

#[test]
fn folders_that_hold_no_messages_or_are_not_wanted_are_left_out() {
    let source = [
        parent(&["a"]),
        folder(&["a", "b"], None),
        folder(&["INBOX"], None),
        folder(&["Sent"], None),
    ];
    let options = CopyOptions {
        exclude: vec!["inbox".parse().unwrap(), "a/**".parse().unwrap()],
        ..CopyOptions::default()
    };
    let mapped = map_folders(&source, &[], &slash(), &BTreeMap::new(), &options);
    assert_eq!(names(&mapped), [("Sent", "Sent")]);
}

#[test]
fn long_names_are_cut_and_stay_apart() {
    let long = "ä".repeat(200);
    let other = format!("{long}x");
    let deep: Vec<&str> = std::iter::repeat_n("zwanzig Zeichen lang", 20).collect();
    let source = [folder(&[&long], None), folder(&[&other], None), folder(&deep, None)];
    for namespace in [slash(), courier()] {
        let mapped = mapped(&source, &[], &namespace);
        let names: HashSet<_> = mapped.iter().map(|m| &m.destination_name).collect();
        assert_eq!(names.len(), 3);
        for mapping in &mapped {
            let part = mapping.destination_name.rsplit(['.', '/']).next().unwrap();
            assert!(part.len() <= 255, "{mapping:?}");
            let whole = if namespace.separator == Some('.') { 250 } else { 1000 };
            assert!(mapping.destination_name.len() <= whole, "{mapping:?}");
        }
        let cut = mapped.iter().find(|mapping| mapping.title == long).unwrap();
        assert!(cut.note.as_deref().unwrap().contains("is cut"));
        assert!(cut.destination_title.starts_with("ääää"));
        let alone = self::mapped(&source[..1], &[], &namespace);
        assert_eq!(alone[0].destination_name, cut.destination_name);
    }
}

/// Paths of parts that are hard to hold, never known for a use.
fn paths() -> impl Strategy<Value = Vec<Vec<String>>> {
    let odd = prop::sample::select("aAbB/.~*% ∕․␦﹙2﹚ßé\0\t".chars().collect::<Vec<_>>());
    let part = prop_oneof![
        5 => prop::collection::vec(odd, 0..4).prop_map(String::from_iter),
        1 => Just("INBOX".to_owned()),
        1 => Just("ä".repeat(150)),
    ];
    prop::collection::vec(prop::collection::vec(part, 1..4), 1..12)
}

fn folders(paths: &[Vec<String>]) -> Vec<ListedFolder> {
    let all: Vec<ListedFolder> = paths
        .iter()
        .map(|path| ListedFolder {
            wire_name: format!("{path:?}"),
            path: path.clone(),
            special_use: None,
            selectable: true,
            subscribed: false,
            status: None,
        })
        .collect();
    let mut seen = HashSet::new();
    all.into_iter()
        .filter(|folder| seen.insert(folder.wire_name.clone()))
        .collect()
}

fn namespaces() -> impl Strategy<Value = Namespace> {
    prop::sample::select(vec![
        slash(),
        courier(),
        Namespace::own(String::new(), Some('.')),
        Namespace::own("INBOX/".to_owned(), Some('/')),
        Namespace::own(String::new(), None),
    ])
}

fn known_of(mapped: &[FolderMapping]) -> BTreeMap<String, String> {
    mapped
        .iter()
        .map(|m| (m.source_name.clone(), m.destination_name.clone()))
        .collect()
}

proptest! {
    #[test]
    fn no_two_folders_become_one(paths in paths(), namespace in namespaces()) {
        let source = folders(&paths);
        let mapped = mapped(&source, &[], &namespace);
        prop_assert_eq!(mapped.len(), source.len());
        let mut seen = HashSet::new();
        for (position, mapping) in mapped.iter().enumerate() {
            let chain = std::iter::successors(Some(mapping), |m| m.otherwise.as_deref());
            for name in chain.map(|m| &m.destination_name) {
                let readable = name::decode(name).unwrap();
                seen.insert((folded(&readable).collect::<String>(), position));
                prop_assert!(!name.is_empty() && !readable.contains(char::is_control));
            }
        }
        let distinct: HashSet<_> = seen.iter().map(|(name, _)| name).collect();
        prop_assert_eq!(distinct.len(), seen.len());
    }

    #[test]
    fn mapped_folders_stay_when_others_are_added(paths in paths(), more in paths(), namespace in namespaces()) {
        let before = mapped(&folders(&paths), &[], &namespace);
        let both = folders(&[paths, more].concat());
        let after = known_of(&map_folders(&both, &[], &namespace, &known_of(&before), &CopyOptions::default()));
        for mapping in &before {
            prop_assert_eq!(after.get(&mapping.source_name), Some(&mapping.destination_name));
        }
        prop_assert_eq!(after.len(), both.len());
        prop_assert_eq!(after.values().collect::<HashSet<_>>().len(), both.len());
    }

    #[test]
    fn names_are_restored_unless_they_were_cut(paths in paths(), dots: bool) {
        let namespace = Namespace::own(String::new(), Some(if dots { '.' } else { '/' }));
        for folder in folders(&paths) {
            let mapping = mapped(std::slice::from_ref(&folder), &[], &namespace).remove(0);
            if mapping.destination_title.contains('…') {
                continue;
            }
            let parts = mapping.destination_name.split(if dots { '.' } else { '/' });
            let restored: Option<Vec<String>> = parts.map(|part| restore_name(&name::decode(part)?)).collect();
            prop_assert_eq!(restored, Some(folder.path));
        }
    }
}
