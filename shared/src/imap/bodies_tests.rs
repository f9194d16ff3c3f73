use super::super::tests::scripted;
use super::*;

/// What arrives, in a line each.
async fn given(sets: &[&[(u32, u64)]], steps: Vec<(&'static str, &'static str)>) -> (Vec<String>, ReadEnd) {
    let (mut session, _server) = scripted(steps);
    let wanted = |set: &&[(u32, u64)]| {
        set.iter()
            .map(|(uid, size_bytes)| Wanted {
                uid: *uid,
                size_bytes: *size_bytes,
            })
            .collect()
    };
    let sets: Vec<Vec<Wanted>> = sets.iter().map(wanted).collect();
    let (sink, mut pieces) = channel();
    let (end, lines) = tokio::join!(read(&mut session, &sets, sink), async {
        let mut lines = Vec::new();
        while let Some(piece) = pieces.next().await {
            lines.push(match piece {
                Piece::Whole { uid, body } => format!("{uid} {}", String::from_utf8_lossy(&body)),
                Piece::Begin { uid, size_bytes } => format!("{uid} begins {size_bytes}"),
                Piece::Part(part) => format!("part {}", part.len()),
                Piece::End => "end".to_owned(),
                Piece::EndOfSet => "set".to_owned(),
            });
        }
        lines
    });
    (lines, end.unwrap())
}

#[tokio::test]
async fn sets_are_asked_for_ahead_and_answers_go_by_uid() {
    let steps = vec![(
        "v2 UID FETCH 7 (",
        "* 2 FETCH (UID 3 BODY[] {1}\r\nb)\r\n* 9 FETCH (FLAGS (\\Seen) UID 7)\r\n* 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n\
         * 1 FETCH (UID 1 BODY[] {1}\r\na)\r\nv1 OK\r\n* 4 FETCH (UID 7 BODY[] {1}\r\nc)\r\nv2 OK\r\n",
    )];
    let (lines, end) = given(&[&[(1, 1), (3, 1)], &[(7, 1)]], steps).await;
    assert_eq!(lines, ["3 b", "1 a", "set", "7 c", "set"]);
    assert_eq!(end, ReadEnd::Given(Vec::new()));
}

/// Dovecot (2.3, 2022) holds the statuses of pipelined commands back.
#[tokio::test]
async fn statuses_may_come_after_the_data_of_later_commands() {
    let steps = vec![(
        "v2 UID FETCH 7 (",
        "* 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n* 4 FETCH (UID 7 BODY[] {1}\r\nc)\r\nv1 OK\r\nv2 OK\r\n",
    )];
    let (lines, _) = given(&[&[(1, 1)], &[(7, 1)]], steps).await;
    assert_eq!(lines, ["1 a", "set", "7 c", "set"]);
}

#[tokio::test]
async fn message_that_has_gone_is_left_out() {
    let steps = vec![
        ("v2 UID FETCH", "v1 OK\r\n"),
        ("", "v2 OK\r\nv3 OK\r\nv4 OK\r\nv5 OK\r\n"),
    ];
    let (lines, _) = given(&[&[(1, 1)], &[(2, (1 << 20) + 3)]], steps).await;
    assert_eq!(lines, ["set", "set"]);
}

/// Exchange counts RFC822.SIZE before it converts the message (2023).
#[tokio::test]
async fn large_message_whose_size_is_wrong_is_not_begun() {
    let size = (1 << 20) + 3;
    let steps = vec![(
        "v4 UID FETCH",
        "* 2 FETCH (UID 2 BODY[]<1048578> {0}\r\n)\r\nv1 OK\r\n* 2 FETCH (UID 2 BODY[]<0> {2}\r\nxx)\r\nv2 OK\r\nv3 OK\r\nv4 OK\r\n",
    )];
    let (lines, end) = given(&[&[(2, size)]], steps).await;
    assert_eq!(lines, ["set"]);
    assert_eq!(end, ReadEnd::Given(vec![2]));
}

#[tokio::test]
async fn part_that_is_too_short_is_an_error() {
    let size = (1 << 20) + 3;
    let steps = vec![(
        "v4 UID FETCH",
        "* 2 FETCH (UID 2 BODY[]<1048578> {1}\r\nx)\r\nv1 OK\r\n* 2 FETCH (UID 2 BODY[]<0> {2}\r\nxx)\r\nv2 OK\r\n",
    )];
    let (mut session, _server) = scripted(steps);
    let (sink, _pieces) = channel();
    let sets = vec![vec![Wanted {
        uid: 2,
        size_bytes: size,
    }]];
    let end = read(&mut session, &sets, sink).await;
    assert!(matches!(end, Err(ImapError::Unreadable { .. })), "{end:?}");
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
