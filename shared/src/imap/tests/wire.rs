//! What is sent, byte by byte: lines that no server finds too long, and names that are no patterns.

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::task::JoinHandle;

use super::super::bodies::{self, Wanted};
use super::super::session::Session;
use super::super::store::{Change, FolderChanges, store_all};
use super::super::survey::{Ask, Pace, Question, survey};
use super::super::{digest, fetch, relocate, remove};
use super::{IDLE, scripted};

/// A server that says OK to every line; the handle gives the lines.
fn obliging() -> (Session, JoinHandle<Vec<String>>) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let server = tokio::spawn(async move {
        let (reader, mut writer) = tokio::io::split(theirs);
        let mut lines = BufReader::new(reader).lines();
        let mut heard = Vec::new();
        while let Ok(Some(line)) = lines.next_line().await {
            let tag = line.split(' ').next().unwrap_or_default();
            writer.write_all(format!("{tag} OK\r\n").as_bytes()).await.unwrap();
            heard.push(line);
        }
        heard
    });
    (Session::new(Box::new(ours), IDLE), server)
}

/// Exchange (2026) refuses a line of more than 10,239 characters, and RFC 7162 asks for 8192 at most: whatever is
/// asked of scattered messages, and each of them is asked for once.
#[tokio::test]
async fn no_command_has_a_longer_line_than_exchange_takes() {
    let scattered: Vec<u32> = (1..=4000).map(|n| n * 7 + 1_000_000).collect();
    let set = crate::domain::uid::UidSet::from_sorted(scattered.iter().copied());
    for command in ["metadata", "bodies", "survey", "digest", "store", "move", "remove"] {
        let (mut session, server) = obliging();
        match command {
            "metadata" => drop(fetch::metadata(&mut session, &set).await.unwrap()),
            "bodies" => {
                let wanted = scattered.iter().map(|uid| Wanted {
                    uid: *uid,
                    size_bytes: 1,
                });
                let wanted: Vec<Wanted> = wanted.collect();
                let (sink, _pieces) = bodies::channel();
                drop(
                    bodies::read(&mut session, &wanted, sink, &mut Vec::new())
                        .await
                        .unwrap(),
                );
            }
            "survey" => {
                let question = Question {
                    wire_name: "a".to_owned(),
                    selects: false,
                    asks: vec![Ask::Identities(set.clone())],
                };
                let asking = survey(
                    &mut session,
                    std::slice::from_ref(&question),
                    Pace::Ahead,
                    || true,
                    |_, _| (),
                );
                asking.await.unwrap();
            }
            "digest" => drop(digest::list(&mut session, &set).await.unwrap()),
            "store" => {
                let change = Change {
                    uids: set.clone(),
                    sign: '+',
                    flags: vec!["\\Seen".to_owned()],
                };
                let folder = FolderChanges {
                    wire_name: "a".to_owned(),
                    uid_validity: 0,
                    changes: vec![change],
                };
                drop(store_all(&mut session, &[folder]).await.unwrap());
            }
            "move" => drop(relocate::relocate(&mut session, &set, "b").await.unwrap()),
            _ => remove::remove(&mut session, &set).await.unwrap(),
        }
        drop(session);
        let lines = server.await.unwrap();
        assert!(lines.iter().all(|line| line.len() < 8192), "{command}");
        let named = |uid: &u32| {
            let uid = uid.to_string();
            lines.iter().any(|line| line.contains(&uid))
        };
        assert!(scattered.iter().all(named), "{command}: a message is not asked for");
    }
}

/// Names that mean something else elsewhere: in LIST (`*` and `%`), at the other side's server (its separator), to
/// who trims (spaces at the end).
#[tokio::test]
async fn names_are_opened_as_they_are() {
    for (name, sent) in [
        ("50% *neu*", "\"50% *neu*\""),
        (" a  ", "\" a  \""),
        ("v1.0/x", "\"v1.0/x\""),
        ("a\"b\\c", "\"a\\\"b\\\\c\""),
        ("{5}", "\"{5}\""),
        ("NIL", "\"NIL\""),
        ("", "\"\""),
    ] {
        let expected: &'static str = format!("v1 EXAMINE {sent}\r\n").leak();
        let (mut session, server) = scripted(vec![(expected, "v1 OK\r\n")]);
        session.examine(name).await.unwrap();
        drop(session);
        assert_eq!(server.await.unwrap(), expected);
    }
}
