//! What a process leaves behind that dies while it holds a password that it has opened.
//!
//! The test runs itself once more, in a directory of its own where the system may write core dumps.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "test: it is an edge, and helpers of integration tests count as no tests"
)]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use mailvan::domain::Secret;
use mailvan::telemetry;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit};

/// How the second process dies. Its environment is in its memory too, so it says nothing of the password.
const HOW: &str = "MAILVAN_TEST_DIES";

/// Made while it runs: what stands in the program itself is in each core dump.
fn password() -> String {
    format!("opened-{}", 3_u64.pow(30))
}

#[test]
fn the_process_that_dies() {
    let Ok(how) = env::var(HOW) else { return };
    if how != "unguarded" {
        telemetry::start(None);
        println!(
            "dumpable: {:?}, limit: {:?}",
            prctl::get_dumpable(),
            getrlimit(Resource::RLIMIT_CORE)
        );
    }
    let opened = Secret::from(password());
    assert!(how != "panic", "a text that was cut: {}", opened.expose());
    // It is still needed when the process has died.
    let _held = &opened;
    std::process::abort();
}

/// What the second process has written, and its core dump, if there is one.
fn dies(how: &str) -> (String, Option<Vec<u8>>) {
    let directory = tempfile::tempdir().unwrap();
    let program = env::current_exe().unwrap();
    // Where the limit cannot be raised it stays.
    let run = r#"ulimit -c unlimited; exec "$0" --exact the_process_that_dies --nocapture"#;
    let ended = Command::new("sh")
        .args(["-c", run])
        .arg(program)
        .current_dir(directory.path())
        .env(HOW, how)
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    assert!(!ended.status.success(), "{how}: it was to die");
    let told = [ended.stdout, ended.stderr].concat();
    (String::from_utf8_lossy(&told).into_owned(), core(directory.path()))
}

fn core(directory: &Path) -> Option<Vec<u8>> {
    let mut files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let core = files.find(|file| {
        file.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("core"))
    })?;
    Some(fs::read(core).unwrap())
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_process_that_dies_leaves_no_password_behind() {
    // So that what follows says something, where the system writes core dumps into the directory.
    if let (_, Some(core)) = dies("unguarded") {
        assert!(holds(&core, &password()), "a core dump without what was in memory");
    }
    for how in ["panic", "abort"] {
        let (told, core) = dies(how);
        assert!(told.contains("dumpable: Ok(false), limit: Ok((0, 0))"), "{how}: {told}");
        assert!(!told.contains(&password()), "{how}: {told}");
        assert!(core.is_none(), "{how}: there is a core dump");
        assert_eq!(told.contains("panicked"), how == "panic", "{told}");
    }
}
