//! The written invariants of the code base, kept.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the tidy test is a test as a whole")]

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES: usize = 400;

fn root() -> PathBuf {
    mailvan_local::workspace_root()
}

/// All files below a folder with this ending, with their text.
fn files(folder: &Path, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path, ending));
        } else if name.ends_with(ending) {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// A file's code without its comments.
fn code(text: &str) -> String {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Fails where a file below `folder` holds one of `words` in its code.
fn forbid(folder: &str, words: &[&str], except: &[&str]) {
    for (path, text) in files(&root().join(folder), ".rs") {
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        if except.contains(&shown.as_str()) {
            continue;
        }
        for word in words {
            assert!(
                !code(&text).contains(word),
                "{shown} holds {word}, which stays out of {folder}"
            );
        }
    }
}

#[test]
fn domain_and_intake_know_no_runtime_no_cloud_and_no_server() {
    for folder in ["shared/src/domain", "shared/src/intake"] {
        forbid(
            folder,
            &[
                "tokio",
                "aws_sdk",
                "aws_config",
                "aws_lambda",
                "async_imap",
                "std::fs",
                "std::net::Tcp",
                "std::env",
                "Timestamp::now",
            ],
            &[],
        );
    }
}

#[test]
fn only_the_connector_opens_connections() {
    forbid(
        "shared/src",
        &["TcpStream::connect", "lookup_host"],
        &["shared/src/imap/connect.rs"],
    );
    forbid("functions", &["TcpStream", "lookup_host"], &[]);
}

#[test]
fn only_one_file_each_reads_the_environment_and_the_clock() {
    forbid("shared/src", &["env::var"], &["shared/src/config.rs"]);
    forbid("shared/src", &["Timestamp::now"], &["shared/src/clock.rs"]);
    // A build script runs before there is a function: cargo tells it by its environment where to write.
    forbid(
        "functions",
        &["env::var", "Timestamp::now"],
        &["functions/page/build.rs"],
    );
}

#[test]
fn only_the_login_knows_the_imap_library() {
    forbid("shared/src", &["async_imap"], &["shared/src/imap/login.rs"]);
}

#[test]
fn only_one_file_knows_the_dns_library() {
    forbid("shared/src", &["hickory"], &["shared/src/dns/ask.rs"]);
    forbid("functions", &["hickory"], &[]);
}

#[test]
fn no_file_holds_more_than_one_thing() {
    for folder in ["shared", "functions", "infra", "tests"] {
        for (path, text) in files(&root().join(folder), ".rs") {
            assert!(
                text.lines().count() <= FILE_LINES,
                "{} has more than {FILE_LINES} lines",
                path.display()
            );
        }
    }
}

#[test]
fn every_hazard_of_imap_servers_names_tests_that_exist() {
    let table = fs::read_to_string(root().join("shared/src/imap/tests.rs")).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("//! | "));
    let named: Vec<&str> = rows.filter_map(|row| row.rsplit('`').nth(1)).collect();
    assert!(named.len() > 50, "{} tests are named", named.len());
    let sources = [
        files(&root().join("shared/src"), ".rs"),
        files(&root().join("infra/engine/tests"), ".rs"),
    ]
    .concat();
    for name in named {
        let begins = format!("fn {name}(");
        assert!(
            sources.iter().any(|(_, text)| text.contains(&begins)),
            "there is no test {name}"
        );
    }
}

#[test]
fn versions_stand_in_the_workspace_table_only() {
    for (path, text) in files(&root(), "Cargo.toml") {
        if path != root().join("Cargo.toml") {
            assert!(!text.contains("version = \""), "{} names a version", path.display());
        }
    }
}

#[test]
fn top_level_is_what_was_agreed() {
    let agreed = [
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "clippy.toml",
        "deny.toml",
        "functions",
        "infra",
        "rust-toolchain.toml",
        "shared",
        "target",
        "template.yaml",
        "tests",
    ];
    for entry in fs::read_dir(root()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(
            name.starts_with('.') || agreed.contains(&name.as_str()),
            "{name} is not part of the top level"
        );
    }
}

#[test]
fn every_function_has_its_place_in_the_template_and_the_binary() {
    let template = fs::read_to_string(root().join("template.yaml")).unwrap();
    let main = fs::read_to_string(root().join("functions/bootstrap/src/main.rs")).unwrap();
    for entry in fs::read_dir(root().join("functions")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != "bootstrap" {
            assert!(
                template.contains(&format!("Handler: {name}\n")),
                "{name} is not in the template"
            );
            assert!(main.contains(&format!("\"{name}\" =>")), "{name} is not in the binary");
        }
    }
}

/// What stands between `before` and `after`, wherever they do.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let pieces = text.split(before).skip(1);
    pieces
        .filter_map(|piece| Some(piece.split_once(after)?.0))
        .filter(|name| name.chars().all(char::is_alphanumeric))
        .collect()
}

#[test]
fn every_metric_and_every_alarm_is_explained_to_staff() {
    let template = fs::read_to_string(root().join("template.yaml")).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, told) = readme.split_once("\n## Alarms\n").unwrap();
    let (told, _) = told.split_once("\n## ").unwrap();
    let watched = between(&template, "Namespace: Mailvan\n      MetricName: ", "\n");
    let code = ["shared/src/sync", "shared/src/certify", "functions"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), ".rs"))
        .map(|(_, text)| text)
        .collect::<String>();
    let written = between(&code, "(\"", "\", Unit::");
    for metric in &watched {
        assert!(
            written.contains(metric),
            "nothing writes {metric}, which an alarm reads"
        );
    }
    for metric in written {
        let is_read = watched.contains(&metric) || told.contains(&format!("`{metric}`"));
        assert!(
            is_read,
            "no alarm reads {metric}, and README does not say what for it is written"
        );
    }
    for alarm in template
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix("Alarm:"))
    {
        let is_explained = told.contains(&format!("`{alarm}Alarm`"))
            || ["DeadLetter", "QueueAge", "Errors", "Throttles"]
                .iter()
                .any(|kind| alarm.ends_with(kind) && told.contains(&format!("`...{kind}Alarm`")));
        assert!(is_explained, "README does not say what {alarm}Alarm means");
    }
}

#[test]
fn every_test_that_keeps_a_threat_away_is_there() {
    let threats = fs::read_to_string(root().join("infra/THREATS.md")).unwrap();
    let (_, table) = threats.split_once("\n## Threats\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let code: Vec<String> = ["shared", "functions", "infra", "tests"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), ".rs"))
        .map(|(_, text)| text)
        .collect();
    let corpus = root().join("tests/fixtures/intake");
    for line in lines {
        let keepers = line.trim_end_matches('|').rsplit(" | ").next().unwrap();
        // Every second piece stands between two backticks.
        let names: Vec<&str> = keepers.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "nothing keeps it: {line}");
        for name in names.into_iter().filter(|name| !name.contains(' ')) {
            let is_test = code.iter().any(|text| text.contains(&format!("fn {name}(")));
            let is_file = ["csv", "xlsx"].map(|ending| corpus.join(format!("{name}.{ending}")).exists());
            assert!(is_test || is_file.contains(&true), "there is no {name}: {line}");
        }
    }
}
