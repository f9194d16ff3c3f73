use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

const SMALL: Bounds = Bounds {
    files: 50,
    bytes: 1 << 20,
    ratio: 20,
    small_bytes: 10_000,
};

fn zipped(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn zeros(files: usize, bytes: usize) -> Vec<u8> {
    let file = |n| (format!("{n}.ics"), vec![b'0'; bytes]);
    zipped(&(0..files).map(file).collect::<Vec<_>>())
}

/// Bytes that do not pack.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..bytes).map(next).collect()
}

/// What comes out of an archive, and how it ended.
fn open(archive: &[u8], bounds: &Bounds) -> (Vec<(String, usize)>, Result<(), ArchiveError>) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(archive).unwrap();
    let mut files = Vec::new();
    let ended = each_file_within(file, bounds, |name, entry| {
        let mut bytes = Vec::new();
        let read = entry.read_to_end(&mut bytes);
        files.push((name, bytes.len()));
        read.map(drop)
    });
    (files, ended)
}

fn error(archive: &[u8]) -> ArchiveError {
    open(archive, &SMALL).1.unwrap_err()
}

#[test]
fn files_come_in_their_order_and_no_name_becomes_a_path() {
    let files = ["../../etc/passwd", "/root/a.vcf", "b\u{7}\n.ics", "c.vcf"];
    let files: Vec<(String, Vec<u8>)> = files.iter().map(|name| ((*name).to_owned(), b"x".to_vec())).collect();
    let (read, ended) = open(&zipped(&files), &SMALL);
    ended.unwrap();
    let names: Vec<&str> = read.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["../../etc/passwd", "/root/a.vcf", "b.ics", "c.vcf"]);
    assert!(!std::path::Path::new("/root/a.vcf").exists());
}

#[test]
fn a_file_that_is_packed_too_tightly_ends_where_more_comes_out_than_may() {
    let (files, ended) = open(&zeros(1, 900_000), &SMALL);
    assert!(matches!(ended, Err(ArchiveError::Bomb)), "{ended:?}");
    assert!(files[0].1 <= 20_000 * 2, "{files:?}");
    // Little is little, however tightly it is packed.
    open(&zeros(1, 10_000), &SMALL).1.unwrap();
}

#[test]
fn all_files_together_have_a_bound() {
    let file = |n| (format!("{n}"), noise(30_000));
    let many: Vec<(String, Vec<u8>)> = (0..40).map(file).collect();
    let (files, ended) = open(&zipped(&many), &SMALL);
    assert!(matches!(ended, Err(ArchiveError::TooLarge)), "{ended:?}");
    assert_eq!(files.len(), 35);
    open(&zipped(&many[..30]), &SMALL).1.unwrap();
}

#[test]
fn too_many_files_are_refused_before_they_are_listed() {
    assert!(matches!(error(&zeros(51, 1)), ArchiveError::TooManyFiles));
    open(&zeros(50, 1), &SMALL).1.unwrap();
    // Counts beyond two bytes are told in another record; whatever it says, it is too many.
    let mut archive = zeros(2, 1);
    let end = archive.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap();
    archive[end + 8..end + 12].fill(0xff);
    assert!(matches!(error(&archive), ArchiveError::TooManyFiles));
}

#[test]
fn an_archive_with_a_password_is_told_as_such() {
    let mut archive = zeros(1, 100);
    let central = archive.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    archive[6] |= 1;
    archive[central + 8] |= 1;
    assert!(matches!(error(&archive), ArchiveError::Encrypted));
}

#[test]
fn sizes_that_an_archive_tells_are_not_believed() {
    let mut archive = zeros(1, 900_000);
    let central = archive.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    // "It is a hundred bytes long."
    archive[22..26].copy_from_slice(&100_u32.to_le_bytes());
    archive[central + 24..central + 28].copy_from_slice(&100_u32.to_le_bytes());
    let (files, ended) = open(&archive, &SMALL);
    assert!(
        ended.is_err() && files.iter().all(|(_, bytes)| *bytes <= 40_000),
        "{files:?}"
    );
}

#[test]
fn damage_anywhere_is_told_and_nothing_panics() {
    let archive = zipped(&[("a.ics".to_owned(), noise(3_000)), ("b.ics".to_owned(), noise(3_000))]);
    let mut damaged = archive.clone();
    damaged[1_000] ^= 0xff;
    assert!(matches!(error(&damaged), ArchiveError::Damaged));
    for cut in (0..archive.len()).step_by(97) {
        assert!(open(&archive[..cut], &SMALL).1.is_err(), "{cut}");
    }
    for at in (0..archive.len()).filter(|at| at % 13 == 0 || *at > 6_000) {
        for byte in [0, 0xff] {
            let mut damaged = archive.clone();
            damaged[at] = byte;
            let _ = open(&damaged, &SMALL);
        }
    }
}

#[test]
fn unknown_methods_of_packing_are_damage() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("a", stored).unwrap();
    zip.write_all(b"BEGIN:VCARD").unwrap();
    let mut archive = zip.finish().unwrap().into_inner();
    let central = archive.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    archive[8] = 97;
    archive[central + 10] = 97;
    assert!(matches!(error(&archive), ArchiveError::Damaged));
}
