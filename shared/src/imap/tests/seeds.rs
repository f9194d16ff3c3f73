//! The seeds of the fuzz target (`shared/fuzz`), which needs a nightly compiler: they hold on any.

use std::path::PathBuf;

use super::super::frame::Framer;
use super::super::replay::check_input;
use super::super::response::{Response, parse_response};

fn seeds() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Also where the connection ends anywhere, and where a byte of it is another one.
#[test]
fn seeds_of_the_fuzz_target_hold() {
    let seeds = seeds();
    assert!(seeds.len() >= 7, "{}", seeds.len());
    for (_, seed) in seeds {
        for end in 0..=seed.len() {
            check_input(&seed[..end]);
        }
        for place in 4..seed.len() {
            for byte in *b"\n {}()\"[]\\\0\xff" {
                let mut other = seed.clone();
                other[place] = byte;
                check_input(&other);
            }
        }
    }
}

/// They are what real servers say: each is read to its end.
#[test]
fn seeds_of_the_fuzz_target_are_answers() {
    for (path, seed) in seeds() {
        let mut framer = Framer::default();
        framer.buffer().extend_from_slice(&seed[4..]);
        while let Some(frame) = framer.next_frame().unwrap() {
            let response = parse_response(&frame);
            let is_read = !matches!(response, Response::Unreadable(_) | Response::Foreign(_));
            assert!(is_read, "{}: {frame:?}", path.display());
        }
        assert_eq!(framer.take_rest(), "", "{}", path.display());
    }
}
