//! What real servers do to a session, played back byte by byte. Each hazard names where it was met.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::task::JoinHandle;

use super::error::ImapError;
use super::fetch;
use super::folder::{self, ListedFolder};
use super::session::Session;
use crate::domain::uid::UidSet;

mod deflate;
mod folders;
mod forms;
mod login;
mod output;
mod quirks;
mod search;
mod seeds;
mod silence;
mod streams;
mod survey;
mod token;
mod wire;

const IDLE: Duration = Duration::from_secs(20);

/// What a server waits for, and its answer to it.
type Steps = Vec<(&'static str, &'static str)>;

/// A server that waits for each text and gives the answer behind it, then says nothing more and
/// closes its side. The handle gives all that it was sent.
pub(super) fn scripted(steps: Steps) -> (Session, JoinHandle<String>) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    (Session::new(Box::new(ours), IDLE), tokio::spawn(play(theirs, steps)))
}

async fn play(mut wire: DuplexStream, steps: Steps) -> String {
    let mut heard = Vec::new();
    let mut seen = 0;
    for (expected, answer) in steps {
        loop {
            let text = String::from_utf8_lossy(&heard[seen..]).into_owned();
            if let Some(at) = text.find(expected) {
                seen += at + expected.len();
                break;
            }
            assert!(wire.read_buf(&mut heard).await.unwrap() > 0, "no {expected} in {text}");
        }
        wire.write_all(answer.as_bytes()).await.unwrap();
    }
    wire.shutdown().await.unwrap();
    wire.read_to_end(&mut heard).await.unwrap();
    String::from_utf8_lossy(&heard).into_owned()
}

/// A session that knows these capabilities; the next tag is `v2`.
pub(super) async fn capable(capabilities: &'static str, mut steps: Steps) -> (Session, JoinHandle<String>) {
    steps.insert(0, ("CAPABILITY\r\n", capabilities));
    let (mut session, server) = scripted(steps);
    session.read_capabilities().await.unwrap();
    (session, server)
}

fn uids(set: &str) -> UidSet {
    set.parse().unwrap()
}

async fn fetched(answer: &'static str) -> Result<Vec<(u32, Bytes)>, ImapError> {
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", answer)]);
    let mut got = Vec::new();
    fetch::bodies(&mut session, &uids("1:9"), |uid, body| got.push((uid, body))).await?;
    Ok(got)
}

/// async-imap 0.12 ends the stream as if all were there (tried in 2026).
#[tokio::test]
async fn end_of_stream_in_the_middle_of_a_fetch_is_an_error() {
    for answer in [
        "* 1 FETCH (UID 1 BODY[] {5}\r\nab",
        "* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\n",
        "* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\nv1 OK",
    ] {
        let result = fetched(answer).await;
        assert!(
            matches!(result, Err(ImapError::Closed { command: "FETCH" })),
            "{answer}"
        );
    }
}

/// async-imap 0.12 takes it for an empty folder (tried in 2026).
#[tokio::test]
async fn bad_to_uid_fetch_is_an_error() {
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", "v1 BAD line too long\r\n")]);
    let result = fetch::metadata(&mut session, &uids("1")).await;
    assert!(matches!(result, Err(ImapError::Refused { command: "FETCH", .. })));
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", "v1 BAD line too long\r\n")]);
    let result = fetch::identities_from(&mut session, 1).await;
    assert!(matches!(result, Err(ImapError::Refused { command: "FETCH", .. })));
}

/// Exchange after ten errors; Yandex says it again and again.
#[tokio::test]
async fn bye_is_an_error() {
    let result = fetched("* 1 FETCH (UID 1 BODY[] {0}\r\n)\r\n* BYE too many errors\r\n* BYE\r\n").await;
    assert!(matches!(result, Err(ImapError::Bye { command: "FETCH", .. })));
}

/// Each of these ended a session of async-imap 0.12 (tried in 2026).
#[tokio::test]
async fn untagged_data_that_nobody_asked_for_is_skipped() {
    let noise = "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n* ESEARCH (TAG \"v1\") UID COUNT 5 ALL 4:19\r\n\
                 * STATUS INBOX (SIZE 44421 MAILBOXID (F2212ea87))\r\n* XLIST (\r\n* 4 EXISTS\r\nv1 OK\r\n";
    let (mut session, _server) = scripted(vec![("v1 NOOP", noise), ("v2 NOOP", "v2 OK\r\n")]);
    session.refresh().await.unwrap();
    session.refresh().await.unwrap();
}

/// async-imap 0.12 panics (tried in 2026).
#[tokio::test]
async fn internaldate_nil_is_no_date() {
    let answer = "* 1 FETCH (UID 3 FLAGS () INTERNALDATE NIL RFC822.SIZE 7)\r\nv1 OK\r\n";
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", answer)]);
    let found = fetch::metadata(&mut session, &uids("3")).await.unwrap().messages;
    assert_eq!((found[0].uid, found[0].size_bytes, &found[0].date), (3, 7, &None));
}

/// RFC 3516; Yandex answers without a body for some messages.
#[tokio::test]
async fn literal8_is_a_body_and_a_missing_body_is_none() {
    let answer =
        "* 1 FETCH (UID 1 BODY[] ~{3}\r\na\0b)\r\n* 2 FETCH (UID 2 BODY[] NIL)\r\n* 3 FETCH (UID 3)\r\nv1 OK\r\n";
    assert_eq!(fetched(answer).await.unwrap(), [(1, Bytes::from_static(b"a\0b"))]);
}

/// RFC 9051, section 7.4.2: a server may answer without what it cannot tell.
#[tokio::test]
async fn messages_without_a_size_are_not_lost() {
    let answer =
        "* 1 FETCH (UID 1 RFC822.SIZE 7)\r\n* 9 FETCH (FLAGS (\\Seen) UID 9)\r\n* 2 FETCH (UID 2)\r\nv1 OK\r\n";
    let (mut session, _server) = scripted(vec![("v1 UID FETCH 1:*", answer)]);
    assert_eq!(fetch::sizes(&mut session, 1).await.unwrap(), [(1, 7), (2, 0)]);
}

const PLAIN: &str = "* CAPABILITY IMAP4rev1\r\nv1 OK\r\n";

async fn listed(capabilities: &'static str, steps: Steps) -> Result<Vec<ListedFolder>, ImapError> {
    let (mut session, _server) = capable(capabilities, steps).await;
    folder::list(&mut session).await.map(|(_, folders)| folders)
}

fn names(folders: &[ListedFolder]) -> Vec<&str> {
    folders.iter().map(|folder| folder.wire_name.as_str()).collect()
}

const EXTENDED: &str = "* CAPABILITY IMAP4rev1 LIST-EXTENDED SPECIAL-USE\r\nv1 OK\r\n";

#[tokio::test]
async fn strato_2021_lists_nothing_when_asked_with_extensions() {
    let steps = vec![
        ("RETURN (SPECIAL-USE SUBSCRIBED)\r\n", "v2 OK\r\n"),
        (
            "v3 LIST \"\" \"*\"\r\n",
            "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Sent\r\nv3 OK\r\n",
        ),
        ("v4 LSUB", "* LSUB () \"/\" Sent\r\nv4 OK\r\n"),
    ];
    let folders = listed(EXTENDED, steps).await.unwrap();
    assert_eq!(names(&folders), ["INBOX", "Sent"]);
    assert!(folders[1].subscribed);
}

#[tokio::test]
async fn inbox_is_there_even_where_no_list_names_it() {
    let steps = vec![
        ("RETURN", "* LIST (\\Sent \\Subscribed) \"/\" Sent\r\nv2 OK\r\n"),
        ("v3 LIST \"\" \"*\"\r\n", "* LIST () \"/\" Sent\r\nv3 OK\r\n"),
        ("v4 LSUB", "v4 OK\r\n"),
    ];
    let folders = listed(EXTENDED, steps).await.unwrap();
    assert_eq!(names(&folders), ["Sent", "INBOX"]);
    assert!(folders[0].subscribed && folders[0].special_use.is_some());
    assert!(folders[1].selectable);
}

#[tokio::test]
async fn exchange_lists_names_with_spaces_without_quotes() {
    let lines = "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Sent Items\r\n* LIST () \"/\" Old (2019) [x]\r\nv2 OK\r\n";
    let folders = listed(PLAIN, vec![("v2 LIST", lines), ("v3 LSUB", "v3 OK\r\n")]).await;
    assert_eq!(names(&folders.unwrap()), ["INBOX", "Sent Items", "Old (2019) [x]"]);
}

#[tokio::test]
async fn folder_that_cannot_be_read_is_an_error() {
    for line in ["* LIST () \"/\"\r\nv2 OK\r\n", "* LIST (\r\nv2 OK\r\n"] {
        let result = listed(PLAIN, vec![("v2 LIST", line), ("v3 LSUB", "v3 OK\r\n")]).await;
        assert!(
            matches!(result, Err(ImapError::Unreadable { command: "LIST", .. })),
            "{line}"
        );
    }
}

/// RFC 6154 and RFC 8457: Gmail's Starred and Important.
#[tokio::test]
async fn views_of_other_folders_are_not_copied() {
    let lines = "* LIST (\\Flagged) \"/\" Starred\r\n* LIST (\\Important) \"/\" Important\r\n\
                 * LIST (\\All) \"/\" All\r\n* LIST () \"/\" INBOX\r\nv2 OK\r\n";
    let folders = listed(PLAIN, vec![("v2 LIST", lines), ("v3 LSUB", "v3 OK\r\n")]).await;
    let selectable: Vec<bool> = folders.unwrap().iter().map(|folder| folder.selectable).collect();
    assert_eq!(selectable, [false, false, true, true]);
}
