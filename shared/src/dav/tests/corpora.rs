//! The test files of the crates `ical` and `calcard`, as their packages have them: those were collected from many
//! programs and servers. Cargo fetches the packages; nothing of them is copied.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{all, spool};
use crate::dav::charset::decode;
use crate::dav::meaning::meaning;

/// Where the source of a package lies.
fn package(name: &str) -> PathBuf {
    let asked = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let own = packages.iter().find(|package| package["name"] == name).unwrap();
    let manifest = PathBuf::from(own["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().to_owned()
}

/// The contacts and calendars in a folder, by their names.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if matches!(ending, Some("ics" | "vcf")) {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

/// How many entries begin in a text: counted by its lines alone.
fn begins(bytes: &[u8]) -> usize {
    let text = decode(bytes, None).replace('\r', "\n");
    let begins = text.lines().filter(|line| {
        let line = line.trim_start_matches('\u{feff}').trim().to_ascii_uppercase();
        ["BEGIN:VEVENT", "BEGIN:VTODO", "BEGIN:VJOURNAL", "BEGIN:VCARD"].contains(&line.as_str())
    });
    begins.count()
}

/// What became of the files: sums, and each one of which something is to be told.
fn outcome(files: &BTreeMap<String, Vec<u8>>) -> String {
    let (mut objects_in_all, mut told) = (0, String::new());
    for (name, bytes) in files {
        if spool(bytes).is_err() {
            assert_eq!(begins(bytes), 0, "{name}");
            writeln!(told, "{name}: nothing that is known").unwrap();
            continue;
        }
        let (objects, problems) = all(bytes);
        objects_in_all += objects.len();
        let out: usize = objects.iter().map(|object| begins(object.text.as_bytes())).sum();
        assert!(
            begins(bytes) <= out + problems.len(),
            "{name}: {} and {} of {}",
            out,
            problems.len(),
            begins(bytes)
        );
        for object in &objects {
            let (again, _) = all(object.text.as_bytes());
            assert_eq!(again.len(), 1, "{name}");
            assert_eq!(
                (&again[0].uid, meaning(&again[0].text)),
                (&object.uid, meaning(&object.text)),
                "{name}"
            );
        }
        if !problems.is_empty() {
            writeln!(told, "{name}: {} objects", objects.len()).unwrap();
            for problem in problems {
                let reason: String = problem.reason.chars().take(100).collect();
                writeln!(told, "  line {}: {reason}", problem.line).unwrap();
            }
        }
    }
    format!("{} files, {objects_in_all} objects\n{told}", files.len())
}

#[test]
fn the_test_files_of_ical_become_what_is_expected() {
    insta::assert_snapshot!("ical", outcome(&files(&package("ical").join("tests"))));
}

#[test]
fn the_test_files_of_calcard_become_what_is_expected() {
    insta::assert_snapshot!("calcard", outcome(&files(&package("calcard").join("resources"))));
}

#[test]
fn damaged_test_files_make_nothing_fail() {
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below.max(1)
    };
    for (_, mut bytes) in files(&package("calcard").join("resources")) {
        if bytes.len() > 50_000 {
            continue;
        }
        for _ in 0..8 {
            let at = random(bytes.len());
            match random(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), b"\n:;=\"\\ "[random(7)]),
                2 => bytes.drain(at..(at + random(40)).min(bytes.len())).for_each(drop),
                _ => bytes
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte ^= 1 << (at % 8)),
            }
            if spool(&bytes).is_ok() {
                all(&bytes);
            }
        }
    }
}
