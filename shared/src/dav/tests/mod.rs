//! Whole files: what becomes of exports, of corpora, and of what no program would write.

mod corpora;
mod exports;
mod generated;
mod properties;
mod time;

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::import::objects_of;
use super::spool::{Spool, SpoolError};
use super::{Built, Problem};

fn spool(bytes: &[u8]) -> Result<Spool, SpoolError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Spool::open(file)
}

/// All that becomes of a file: its objects and its problems.
fn all(bytes: &[u8]) -> (Vec<Built>, Vec<Problem>) {
    let mut spool = spool(bytes).unwrap();
    let (objects, problems) = objects_of(&mut spool).unwrap();
    (objects, spool.index.problems.iter().cloned().chain(problems).collect())
}

/// The same as text.
fn shown(bytes: &[u8]) -> String {
    let spool = spool(bytes).unwrap();
    let mut text = String::new();
    for wanted in spool.index.objects().wanted {
        let colour = wanted.colour.map(|colour| format!(" {colour}")).unwrap_or_default();
        writeln!(
            text,
            "> {:?} {}{colour}",
            wanted.kind,
            wanted.name.as_deref().unwrap_or("-")
        )
        .unwrap();
    }
    let (objects, problems) = all(bytes);
    for object in objects {
        writeln!(text, "--- {} {}", object.component, object.uid).unwrap();
        text.push_str(&object.text.replace("\r\n", "\n"));
    }
    for problem in problems {
        let file = problem.file.map(|file| format!("{file}, ")).unwrap_or_default();
        writeln!(text, "! {file}line {}: {}", problem.line, problem.reason).unwrap();
    }
    text
}

/// A .zip of files.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
