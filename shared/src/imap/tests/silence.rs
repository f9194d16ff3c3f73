//! What must not be taken for "nothing there": each of these was silent in async-imap 0.12 (tried in
//! 2026).

use super::super::error::ImapError;
use super::super::session::Session;
use super::{IDLE, scripted};

/// Commands and what each must not answer to a server that is gone.
async fn each_command(answer: &'static str) -> Vec<(&'static str, ImapError)> {
    let mut errors = Vec::new();
    for name in ["EXAMINE", "SELECT", "STATUS", "NOOP", "LIST", "FETCH"] {
        let (mut session, _server) = scripted(vec![("v1 ", answer)]);
        let result = match name {
            "EXAMINE" => session.examine("a").await.map(drop),
            "SELECT" => session.select("a").await.map(drop),
            "STATUS" => session.status("a").await.map(drop),
            "NOOP" => session.refresh().await,
            other => session.run(other, other).await.map(drop),
        };
        errors.push((name, result.expect_err(name)));
    }
    errors
}

#[tokio::test]
async fn dead_connection_is_not_an_empty_folder() {
    for answer in [
        "",
        "* 0 EXISTS\r\n",
        "* SEARCH\r\n* LIST () \"/\" {4}\r\nab",
        "* STATUS a (MESSAGES 0)\r\n* 1 FETCH (BODY[] {9}\r\n",
        "v1",
        "v1 OK",
        "v1 OK [UIDVALIDITY 1] done\r",
    ] {
        for (name, error) in each_command(answer).await {
            assert!(
                matches!(error, ImapError::Closed { command } if command == name),
                "{name} {answer}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn refused_command_is_not_an_empty_folder() {
    for answer in [
        "v1 BAD no such command\r\n",
        "v1 NO [NONEXISTENT] no such folder\r\n",
        "* 0 EXISTS\r\n* SEARCH\r\n* STATUS a (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1)\r\nv1 NO gone\r\n",
    ] {
        for (name, error) in each_command(answer).await {
            assert!(
                matches!(error, ImapError::Refused { command, .. } if command == name),
                "{name}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn goodbye_is_not_an_empty_folder() {
    for answer in [
        "* BYE\r\n",
        "* BYE [UNAVAILABLE] going down\r\nv1 OK\r\n* 1 EXISTS\r\n",
        "* 0 EXISTS\r\n* SEARCH\r\n* BYE {5}\r\n",
    ] {
        for (name, error) in each_command(answer).await {
            assert!(
                matches!(error, ImapError::Bye { command, .. } if command == name),
                "{name}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn answer_that_cannot_be_read_is_not_an_empty_folder() {
    for answer in [
        "* 1 FETCH (UID 1\r\nv1 OK\r\n",
        "* 1 FETCH UID 1)\r\nv1 OK\r\n",
        "* SEARCH 1 (2\r\nv1 OK\r\n",
        "* LIST (\r\nv1 OK\r\n",
        "* STATUS a (MESSAGES\r\nv1 OK\r\n",
        "* 1 FETCH (BODY[] {99999999999}\r\nv1 OK\r\n",
        "* 1 FETCH (BODY[] {99999999999999999999999999}\r\nv1 OK\r\n",
    ] {
        for (name, error) in each_command(answer).await {
            assert!(
                matches!(error, ImapError::Unreadable { command, .. } if command == name),
                "{name} {answer}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn silent_server_is_not_an_empty_folder() {
    let (ours, _theirs) = tokio::io::duplex(1 << 10);
    let mut session = Session::new(Box::new(ours), std::time::Duration::from_millis(50));
    let result = session.examine("a").await;
    assert!(
        matches!(result, Err(ImapError::TimedOut { command: "EXAMINE", .. })),
        "{result:?}"
    );
}

/// The idle time is between two signs of life, not for the whole answer.
#[tokio::test]
async fn slow_answer_is_waited_for() {
    use tokio::io::AsyncWriteExt as _;
    let (ours, mut theirs) = tokio::io::duplex(1 << 10);
    let mut session = Session::new(Box::new(ours), std::time::Duration::from_millis(400));
    let server = tokio::spawn(async move {
        for part in ["* 3 EX", "ISTS\r\n* OK [UIDVALI", "DITY 7] x\r\n", "v1 O", "K\r\n"] {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            theirs.write_all(part.as_bytes()).await.unwrap();
        }
        theirs
    });
    let selected = tokio::time::timeout(IDLE, session.examine("a")).await.unwrap().unwrap();
    assert_eq!((selected.exists, selected.uid_validity), (3, 7));
    server.await.unwrap();
}
