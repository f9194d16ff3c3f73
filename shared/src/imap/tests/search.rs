//! Searches: in ranges, in numbers, cut short, and not answered at all.

use super::super::error::ImapError;
use super::super::session::Session;
use super::{PLAIN, Steps, capable};

const RANGES: &str = "* CAPABILITY IMAP4rev1 ESEARCH\r\nv1 OK\r\n";

async fn found(capabilities: &'static str, steps: Steps) -> Result<String, ImapError> {
    let (mut session, _server) = capable(capabilities, steps).await;
    session.search("ALL").await.map(|set| set.to_string())
}

async fn in_ranges(answer: &'static str) -> Result<String, ImapError> {
    found(RANGES, vec![("v2 UID SEARCH RETURN (ALL) ALL\r\n", answer)]).await
}

async fn in_numbers(answer: &'static str) -> Result<String, ImapError> {
    found(PLAIN, vec![("v2 UID SEARCH ALL\r\n", answer)]).await
}

#[tokio::test]
async fn found_messages_are_a_set_in_every_form_of_the_answer() {
    for (answer, set) in [
        ("* ESEARCH (TAG \"v2\") UID ALL 4:19,21,28\r\nv2 OK\r\n", "4:19,21,28"),
        (
            "* ESEARCH (TAG v2) UID COUNT 3 ALL 28,21,4 MODSEQ 7\r\nv2 OK\r\n",
            "4,21,28",
        ),
        ("* ESEARCH UID ALL 1:4294967295\r\nv2 OK\r\n", "1:4294967295"),
        ("* ESEARCH (TAG \"v2\") UID\r\nv2 OK nothing\r\n", ""),
        // hMailServer: descending ranges.
        ("* ESEARCH (TAG \"v2\") UID ALL 9:5,3:1,4\r\nv2 OK\r\n", "1:9"),
        // Offered, and answered as if it were not.
        ("* SEARCH 7 3\r\nv2 OK\r\n", "3,7"),
        (
            "* ESEARCH (TAG \"a7\") UID ALL 1\r\n* ESEARCH (TAG \"v2\") UID ALL 2\r\nv2 OK\r\n",
            "2",
        ),
    ] {
        assert_eq!(in_ranges(answer).await.unwrap(), set, "{answer}");
    }
    for (answer, set) in [
        ("* SEARCH 2 84 882\r\nv2 OK\r\n", "2,84,882"),
        ("* SEARCH\r\nv2 OK\r\n", ""),
        ("* SEARCH 3 1 2 2 (MODSEQ 917162500)\r\nv2 OK\r\n", "1:3"),
        ("* SEARCH 1 2\r\n* 7 EXISTS\r\n* SEARCH 3\r\nv2 OK\r\n", "1:3"),
    ] {
        assert_eq!(in_numbers(answer).await.unwrap(), set, "{answer}");
    }
}

/// async-imap 0.12 takes the first two for an empty folder (tried in 2026).
#[tokio::test]
async fn search_that_failed_has_not_found_nothing() {
    for answer in ["v2 BAD what?\r\n", "v2 NO [SERVERBUG] UID SEARCH Server error\r\n"] {
        for result in [in_numbers(answer).await, in_ranges(answer).await] {
            assert!(
                matches!(result, Err(ImapError::Refused { command: "SEARCH", .. })),
                "{answer}"
            );
        }
    }
    for answer in [
        "v2 OK\r\n",
        "* SEARCH 1 x\r\nv2 OK\r\n",
        "* SEARCH 0\r\nv2 OK\r\n",
        "* SEARCH 4294967296\r\nv2 OK\r\n",
        "* ESEARCH (TAG \"v2\") UID ALL 1:*\r\nv2 OK\r\n",
        "* ESEARCH (TAG \"v2\") UID ALL\r\nv2 OK\r\n",
        "* ESEARCH (TAG \"v2\"\r\nv2 OK\r\n",
    ] {
        for result in [in_numbers(answer).await, in_ranges(answer).await] {
            assert!(
                matches!(result, Err(ImapError::Unreadable { .. })),
                "{answer}: {result:?}"
            );
        }
    }
    for answer in ["* SEARCH 1 2", "* SEARCH 1 2\r\n"] {
        assert!(
            matches!(in_numbers(answer).await, Err(ImapError::Closed { .. })),
            "{answer}"
        );
    }
}

fn numbers(range: std::ops::RangeInclusive<u32>) -> String {
    range.fold(String::new(), |line, uid| line + " " + &uid.to_string())
}

/// Yahoo (2026): a thousand and not one more, whichever end they are from.
#[tokio::test]
async fn yahoo_2026_cuts_a_search_at_a_thousand() {
    let first = format!("* SEARCH{}\r\nv2 OK\r\n", numbers(1001..=2000)).leak();
    let above = format!("* SEARCH{}\r\nv3 OK\r\n", numbers(2001..=2500)).leak();
    let below = format!("* SEARCH{}\r\nv4 OK\r\n", numbers(1..=1000)).leak();
    let steps = vec![
        ("v2 UID SEARCH ALL\r\n", &*first),
        ("v3 UID SEARCH UID 2001:* ALL\r\n", above),
        ("v4 UID SEARCH UID 1:1000 ALL\r\n", below),
    ];
    assert_eq!(found(PLAIN, steps).await.unwrap(), "1:2500");
    // All there is: `1001:*` is the last message again.
    let first = format!("* SEARCH{}\r\nv2 OK\r\n", numbers(1..=1000)).leak();
    let steps = vec![
        ("v2 UID SEARCH ALL\r\n", &*first),
        ("v3 UID SEARCH UID 1001:* ALL\r\n", "* SEARCH 1000\r\nv3 OK\r\n"),
    ];
    assert_eq!(found(PLAIN, steps).await.unwrap(), "1:1000");
}

/// async-imap 0.12 reads such an answer anew each 4 KiB, two seconds for 300,000 (tried in 2026).
#[tokio::test]
async fn answer_of_a_million_numbers_is_read_once() {
    let (ours, mut theirs) = tokio::io::duplex(4 << 10);
    let server = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let answer = format!("* SEARCH{}\r\nv1 OK\r\n", numbers(3..=1_000_000));
        theirs.write_all(answer.as_bytes()).await.unwrap();
        theirs
    });
    let mut session = Session::new(Box::new(ours), super::IDLE);
    let reading = session.run("SEARCH", "UID SEARCH ALL");
    let data = tokio::time::timeout(super::IDLE, reading).await.unwrap().unwrap();
    assert_eq!(data[0].values.len(), 999_998);
    drop(server);
}
