use super::*;
use crate::imap::tests::scripted;

/// What arrives, in a line each.
async fn given(wanted: &[(u32, u64)], steps: Vec<(&'static str, &'static str)>) -> (Vec<String>, ReadEnd) {
    let (lines, end, withheld) = given_or_not(wanted, steps).await;
    assert_eq!(withheld, []);
    (lines, end.unwrap())
}

/// The same, and what is withheld.
async fn given_or_not(
    wanted: &[(u32, u64)],
    steps: Vec<(&'static str, &'static str)>,
) -> (Vec<String>, Result<ReadEnd, ImapError>, Vec<(u32, String)>) {
    let (mut session, _server) = scripted(steps);
    let wanted = wanted.iter().map(|(uid, size_bytes)| Wanted {
        uid: *uid,
        size_bytes: *size_bytes,
    });
    let wanted: Vec<Wanted> = wanted.collect();
    let (sink, mut pieces) = channel();
    let mut withheld = Vec::new();
    let (end, lines) = tokio::join!(read(&mut session, &wanted, sink, &mut withheld), async {
        let mut lines = Vec::new();
        while let Some(piece) = pieces.next().await {
            lines.push(match piece {
                Piece::Whole { uid, body } => format!("{uid} {}", String::from_utf8_lossy(&body)),
                Piece::Begin { uid, size_bytes, .. } => format!("{uid} begins {size_bytes}"),
                Piece::Part(part) => format!("part {}", part.len()),
                Piece::End => "end".to_owned(),
            });
        }
        lines
    });
    let withheld = withheld.into_iter().map(|one| (one.uid, one.refusal.text)).collect();
    (lines, end, withheld)
}

/// Gmail (2019) gives what it can, and then says NO: what is left is asked again, and what was given is not.
#[tokio::test]
async fn refused_message_is_found_among_the_others_by_halving() {
    let steps = vec![
        (
            "v1 UID FETCH 1:5 (",
            "* 1 FETCH (UID 1 BODY[] {1}\r\na)\r\nv1 NO Some messages could not be FETCHed (Failure)\r\n",
        ),
        (
            "v2 UID FETCH 2:3 (",
            "* 3 FETCH (UID 3 BODY[] {1}\r\nc)\r\nv2 NO no\r\n",
        ),
        (
            "v3 UID FETCH 4:5 (",
            "* 4 FETCH (UID 4 BODY[] {1}\r\nd)\r\n* 5 FETCH (UID 5 BODY[] {1}\r\ne)\r\nv3 OK\r\n",
        ),
        ("v4 UID FETCH 2 (", "v4 NO [SERVERBUG] Internal error occurred\r\n"),
    ];
    let wanted: Vec<(u32, u64)> = (1..=5).map(|uid| (uid, 1)).collect();
    let (lines, end, withheld) = given_or_not(&wanted, steps).await;
    assert_eq!(lines, ["1 a", "3 c", "4 d", "5 e"]);
    assert_eq!(end.unwrap(), ReadEnd::Given(Vec::new()));
    assert_eq!(withheld, [(2, "Internal error occurred".to_owned())]);
}

/// Exchange (2026) throttles, Gmail (2026) has enough: that is about no message. Nor is it sure of one where the server
/// gives out no other, whatever its words.
#[tokio::test]
async fn busy_server_withholds_no_message() {
    for answer in [
        "v1 NO Request is throttled. Suggested Backoff Time: 9000 milliseconds\r\n",
        "v1 NO [OVERQUOTA] Account exceeded command or bandwidth limits\r\n",
        "v1 NO [SERVERBUG] Internal error occurred\r\n",
        "v1 BAD Command Error. 12\r\n",
        "v1 NO System I/O error\r\n",
    ] {
        let (_, end, withheld) = given_or_not(&[(1, 1)], vec![("v1 UID FETCH 1 (", answer)]).await;
        assert!(matches!(end, Err(ImapError::Refused { .. })), "{answer}");
        assert_eq!(withheld, [], "{answer}");
    }
}

/// A large message whose parts are refused from the first one on is left out; where it has begun, what was
/// sent of it cannot be taken back.
#[tokio::test]
async fn large_message_that_is_refused_is_left_out_unless_it_has_begun() {
    let refused = "v2 NO no\r\nv3 NO no\r\nv4 NO no\r\n";
    let steps = vec![("v1 UID FETCH", probe("x").leak() as &str), ("v4 UID FETCH", refused)];
    let (lines, end, withheld) = given_or_not(&[(2, SIZE)], steps).await;
    assert_eq!((lines.len(), end.unwrap()), (0, ReadEnd::Given(Vec::new())));
    assert_eq!(withheld, [(2, "no".to_owned())]);
    let begun = part(0, 512 << 10) + "v2 OK\r\nv3 NO no\r\nv4 NO no\r\n";
    let steps = vec![
        ("v1 UID FETCH", probe("x").leak() as &str),
        ("v4 UID FETCH", begun.leak()),
    ];
    let (_, end, _) = given_or_not(&[(2, SIZE)], steps).await;
    assert!(matches!(end, Err(ImapError::Unreadable { .. })), "{end:?}");
}

/// Dovecot (2.3, 2022) holds the statuses of pipelined commands back, and gives answers to several
/// of them side by side.
#[tokio::test]
async fn commands_run_ahead_and_answers_go_by_uid() {
    let steps = vec![(
        "v2 UID FETCH 7 (",
        "* 2 FETCH (UID 3 BODY[] {1}\r\nb)\r\n* 9 FETCH (FLAGS (\\Seen) UID 7)\r\n* 4 FETCH (UID 7 BODY[] {1}\r\nc)\r\n\
         * 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n* 1 FETCH (UID 1 BODY[] {1}\r\na)\r\nv1 OK\r\nv2 OK\r\n",
    )];
    let (lines, end) = given(&[(1, 1), (3, 1 << 20), (4, 1 << 20), (5, 1 << 20), (7, 1 << 20)], steps).await;
    assert_eq!(lines, ["3 b", "7 c", "1 a"]);
    assert_eq!(end, ReadEnd::Given(Vec::new()));
}

const SIZE: u64 = (1 << 20) + 3;

/// A message of two parts and three bytes.
fn part(offset: u64, length: usize) -> String {
    format!(
        "* 2 FETCH (UID 2 BODY[]<{offset}> {{{length}}}\r\n{})\r\n",
        "x".repeat(length)
    )
}

fn probe(found: &str) -> String {
    let (last, length) = (SIZE - 1, found.len());
    format!("* 2 FETCH (UID 2 BODY[]<{last}> {{{length}}}\r\n{found})\r\nv1 OK\r\n")
}

#[tokio::test]
async fn parts_that_come_out_of_turn_are_put_in_order() {
    let parts = [part(1 << 20, 3), part(0, 512 << 10), part(512 << 10, 512 << 10)].concat();
    let steps = vec![
        ("v1 UID FETCH", probe("x").leak() as &str),
        ("v4 UID FETCH", format!("{parts}v2 OK\r\nv4 OK\r\nv3 OK\r\n").leak()),
    ];
    let (lines, _) = given(&[(2, SIZE)], steps).await;
    assert_eq!(
        lines,
        ["2 begins 1048579", "part 524288", "part 524288", "part 3", "end"]
    );
}

/// Yandex (2026): some messages have no body when it is asked for. They are not given, and neither empty nor refused.
#[tokio::test]
async fn yandex_2026_answers_without_a_body_and_nothing_is_given() {
    let answer = "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 2 BODY[] NIL)\r\n* 3 FETCH NIL\r\n* 4 FETCH ()\r\n\
                  * 5 FETCH (UID 5 BODY[] \"\")\r\n* 6 FETCH (UID 6 BODY[HEADER] {1}\r\nx)\r\nv1 OK\r\n";
    let wanted: Vec<(u32, u64)> = (1..=6).map(|uid| (uid, 1)).collect();
    let (lines, end) = given(&wanted, vec![("v1 UID FETCH", answer)]).await;
    assert_eq!((lines, end), (vec!["5 ".to_owned()], ReadEnd::Given(Vec::new())));
}

#[tokio::test]
async fn message_that_has_gone_is_left_out() {
    let steps = vec![("v1 UID FETCH", "v1 OK\r\n"), ("v2 UID FETCH", "v2 OK\r\n")];
    let (lines, _) = given(&[(1, 1), (2, SIZE)], steps).await;
    assert_eq!(lines, [""; 0]);
    let gone_since_the_probe = "v2 OK\r\nv3 OK\r\nv4 OK\r\n";
    let steps = vec![
        ("v1 UID FETCH", probe("x").leak() as &str),
        ("v4 UID FETCH", gone_since_the_probe),
    ];
    let (lines, _) = given(&[(2, SIZE)], steps).await;
    assert_eq!(lines, [""; 0]);
}

/// Exchange counts RFC822.SIZE before it converts the message (2023).
#[tokio::test]
async fn large_message_whose_size_is_wrong_is_not_begun() {
    let (lines, end) = given(&[(2, SIZE)], vec![("v1 UID FETCH", probe("").leak() as &str)]).await;
    assert_eq!(lines, [""; 0]);
    assert_eq!(end, ReadEnd::Given(vec![2]));
}

#[tokio::test]
async fn message_that_is_not_given_whole_is_an_error() {
    for answers in [part(0, 2), part(0, 512 << 10) + "v2 OK\r\nv3 OK\r\n"] {
        let steps = vec![
            ("v1 UID FETCH", probe("x").leak() as &str),
            ("v4 UID FETCH", answers.leak()),
        ];
        let (mut session, _server) = scripted(steps);
        let (sink, _pieces) = channel();
        let wanted = [Wanted {
            uid: 2,
            size_bytes: SIZE,
        }];
        let end = read(&mut session, &wanted, sink, &mut Vec::new()).await;
        assert!(
            matches!(end, Err(ImapError::Unreadable { .. } | ImapError::Closed { .. })),
            "{end:?}"
        );
    }
}

#[tokio::test]
async fn size_is_measured_by_reading() {
    let steps = vec![
        (
            "BODY.PEEK[]<0.524288>)\r\n",
            "* 2 FETCH (UID 2 BODY[]<0> {3}\r\nabc)\r\nv1 OK\r\n",
        ),
        ("UID FETCH 3", "v2 OK\r\n"),
    ];
    let (mut session, _server) = scripted(steps);
    assert_eq!(measure(&mut session, 2).await.unwrap(), Some(3));
    assert_eq!(measure(&mut session, 3).await.unwrap(), None);
}
