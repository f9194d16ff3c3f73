use super::super::tests::scripted;
use super::*;

/// What came of asking for messages, as text: `3 seen 5`, `4 gone`.
async fn read_all(session: &mut Session, set: &str) -> Result<Vec<String>, ImapError> {
    let mut found = Vec::new();
    read(session, &set.parse().unwrap(), |uid, reading| {
        found.push(match reading {
            Reading::Seen(seen) => format!("{uid} seen {}", seen.size_bytes),
            Reading::Gone => format!("{uid} gone"),
            Reading::Withheld => format!("{uid} withheld"),
        });
    })
    .await?;
    Ok(found)
}

fn part(offset: usize, length: usize) -> &'static str {
    let bytes = "x".repeat(length);
    format!("* 1 FETCH (UID 3 BODY[]<{offset}> {{{length}}}\r\n{bytes})\r\n").leak()
}

#[tokio::test]
async fn what_is_not_listed_is_gone_and_what_is_listed_and_not_given_is_withheld() {
    let (mut session, _server) = scripted(vec![
        (
            "v1 UID FETCH 3:5 (UID FLAGS INTERNALDATE RFC822.SIZE)\r\n",
            "* 1 FETCH (UID 3 RFC822.SIZE 2 INTERNALDATE NIL)\r\n* 2 FETCH (UID 5 RFC822.SIZE 2 INTERNALDATE NIL)\r\nv1 OK\r\n",
        ),
        (
            "v2 UID FETCH 3,5 (UID BODY.PEEK[])\r\n",
            "* 1 FETCH (FLAGS (\\Seen) UID 3)\r\n* 1 FETCH (BODY[] {2}\r\nhi UID 3)\r\n* 2 FETCH (UID 5 BODY[] NIL)\r\nv2 OK\r\n",
        ),
        (
            "v3 UID FETCH 5 (UID FLAGS INTERNALDATE RFC822.SIZE)\r\n",
            "* 2 FETCH (UID 5 RFC822.SIZE 2 INTERNALDATE NIL)\r\nv3 OK\r\n",
        ),
    ]);
    let found = read_all(&mut session, "3:5").await.unwrap();
    assert_eq!(found, ["4 gone", "3 seen 2", "5 withheld"]);
}

#[tokio::test]
async fn message_that_is_refused_is_withheld_and_the_others_are_read() {
    let (mut session, _server) = scripted(vec![
        ("v1 UID FETCH 3:5 (", "v1 NO no\r\n"),
        (
            "v2 UID FETCH 3 (",
            "* 1 FETCH (UID 3 RFC822.SIZE 2 INTERNALDATE NIL)\r\nv2 OK\r\n",
        ),
        (
            "v3 UID FETCH 4:5 (",
            "* 2 FETCH (UID 4 RFC822.SIZE 2 INTERNALDATE NIL)\r\nv3 NO Some messages could not be FETCHed\r\n",
        ),
        ("v4 UID FETCH 5 (", "v4 NO no\r\n"),
        (
            "v5 UID FETCH 3:5 (UID BODY.PEEK[])\r\n",
            "* 1 FETCH (UID 3 BODY[] {2}\r\nhi)\r\nv5 NO no\r\n",
        ),
        ("v6 UID FETCH 4 (", "v6 NO no\r\n"),
        ("v7 UID FETCH 5 (", "v7 NO no\r\n"),
        (
            "v8 UID FETCH 4:5 (",
            "* 2 FETCH (UID 4 RFC822.SIZE 2 INTERNALDATE NIL)\r\nv8 NO no\r\n",
        ),
        ("v9 UID FETCH 5 (", "v9 NO no\r\n"),
    ]);
    let found = read_all(&mut session, "3:5").await.unwrap();
    assert_eq!(found, ["3 seen 2", "4 withheld", "5 withheld"]);
}

#[tokio::test]
async fn large_message_is_read_to_its_true_end_in_parts() {
    let megabyte = usize::try_from(PART_BYTES).unwrap();
    let listed = "* 1 FETCH (UID 3 RFC822.SIZE 1048577 INTERNALDATE \"07-Feb-1994 21:52:25 -0800\")\r\nv1 OK\r\n";
    let answer = |offset, length, end: &str| -> &'static str { format!("{}{end}", part(offset, length)).leak() };
    let (mut session, server) = scripted(vec![
        ("v1 UID FETCH 3 (UID FLAGS INTERNALDATE RFC822.SIZE)\r\n", listed),
        (
            "v2 UID FETCH 3 (UID BODY.PEEK[]<0.1048576>)\r\n",
            answer(0, megabyte, "v2 OK\r\n"),
        ),
        (
            "v3 UID FETCH 3 (UID BODY.PEEK[]<1048576.1048576>)\r\n",
            answer(megabyte, megabyte, "v3 OK\r\n"),
        ),
        ("v4 UID FETCH 3 (UID BODY.PEEK[]<2097152.1048576>)\r\n", "v4 OK\r\n"),
    ]);
    let mut seen = None;
    read(&mut session, &"3".parse().unwrap(), |_, reading| seen = Some(reading))
        .await
        .unwrap();
    let expected = Seen {
        body: body_digest("x".repeat(2 * megabyte).as_bytes()),
        size_bytes: 2 * PART_BYTES,
        date: "1994-02-08T05:52:25Z".parse().ok(),
    };
    assert_eq!(seen, Some(Reading::Seen(expected)));
    drop(session);
    server.await.unwrap();
}

#[tokio::test]
async fn large_message_that_goes_while_it_is_read_is_gone_and_not_short() {
    let megabyte = usize::try_from(PART_BYTES).unwrap();
    let (mut session, _server) = scripted(vec![
        (
            "v1 UID FETCH 3 (",
            "* 1 FETCH (UID 3 RFC822.SIZE 2000000 INTERNALDATE NIL)\r\nv1 OK\r\n",
        ),
        ("<0.1048576>)\r\n", part(0, megabyte)),
        ("", "v2 OK\r\n"),
        ("<1048576.1048576>)\r\n", "v3 OK\r\n"),
        ("v4 UID FETCH 3 (", "v4 OK\r\n"),
    ]);
    assert_eq!(read_all(&mut session, "3").await.unwrap(), ["3 gone"]);
}

#[tokio::test]
async fn refused_fetch_is_an_error_and_keeps_what_came_before() {
    let (mut session, _server) = scripted(vec![
        (
            "v1 UID FETCH",
            "* 1 FETCH (UID 3 RFC822.SIZE 2 INTERNALDATE NIL)\r\n* 2 FETCH (UID 4 RFC822.SIZE 2 INTERNALDATE NIL)\r\nv1 OK\r\n",
        ),
        (
            "v2 UID FETCH",
            "* 1 FETCH (UID 3 BODY[] {2}\r\nhi)\r\nv2 NO [UNAVAILABLE] come back later\r\n",
        ),
    ]);
    let mut found = Vec::new();
    let ended = read(&mut session, &"3:4".parse().unwrap(), |uid, _| found.push(uid)).await;
    assert!(matches!(ended, Err(ImapError::Refused { .. })), "{ended:?}");
    assert_eq!(found, [3]);
}
