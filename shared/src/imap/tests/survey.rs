//! Asking many folders at once: no folder's answers are taken for another one's.

use super::super::error::ImapError;
use super::super::session::Session;
use super::super::survey::{Ask, Pace, Question, Told, survey};
use super::{Steps, scripted, uids};

fn question(wire_name: &str, asks: Vec<Ask>) -> Question {
    Question {
        wire_name: wire_name.to_owned(),
        selects: false,
        asks,
    }
}

const SIZES: Ask = Ask::Sizes {
    from: 1,
    dated: false,
    sized: true,
};

/// What is told, in short.
fn shown(number: usize, told: Told) -> String {
    match told {
        Told::Opened(selected) => format!("{number} opened {} {}", selected.uid_validity, selected.exists),
        Told::Closed(_) => format!("{number} closed"),
        Told::Message(message) => format!("{number} message {} {}", message.uid, message.size_bytes),
        Told::Flags(uid, flags) => format!("{number} flags {uid} {flags}"),
        Told::Present(uids) => format!("{number} present {uids}"),
        Told::Body(uid, body) => format!("{number} body {uid} {}", body.len()),
        Told::Refused(_, error) => format!("{number} refused {error}"),
        Told::End => format!("{number} end"),
    }
}

async fn surveyed(session: &mut Session, questions: &[Question], pace: Pace) -> Result<Vec<String>, ImapError> {
    let mut told = Vec::new();
    survey(
        session,
        questions,
        pace,
        || true,
        |number, heard| told.push(shown(number, heard)),
    )
    .await?;
    Ok(told)
}

async fn ahead(questions: &[Question], steps: Steps) -> Result<Vec<String>, ImapError> {
    let (mut session, _server) = scripted(steps);
    surveyed(&mut session, questions, Pace::Ahead).await
}

#[tokio::test]
async fn folder_that_cannot_be_opened_has_no_answers() {
    // A server that keeps the folder before it open answers for that one.
    let answer = "* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\nv1 OK\r\n* 1 FETCH (UID 4 RFC822.SIZE 10)\r\nv2 OK\r\n\
                  v3 NO no such folder\r\n* 1 FETCH (UID 4 RFC822.SIZE 10)\r\nv4 OK\r\n\
                  * 2 EXISTS\r\n* OK [UIDVALIDITY 8]\r\nv5 OK\r\n* 1 FETCH (UID 9 RFC822.SIZE 30)\r\nv6 BAD no\r\n";
    let questions = ["a", "b", "c"].map(|name| question(name, vec![SIZES]));
    let told = ahead(&questions, vec![("v6 UID FETCH 1:* (UID RFC822.SIZE)", answer)])
        .await
        .unwrap();
    assert_eq!(
        told,
        [
            "0 opened 7 1",
            "0 message 4 10",
            "0 end",
            "1 closed",
            "1 end",
            "2 opened 8 2",
            "2 message 9 30",
            "2 refused FETCH was refused: no",
            "2 end"
        ]
    );
}

/// Dovecot (2.3, 2022) does so within a folder.
#[tokio::test]
async fn statuses_that_are_held_back_confuse_no_answers() {
    let asks = vec![
        Ask::Changes {
            last: 5,
            since: Some(3),
        },
        Ask::Present { last: 5, briefly: true },
        Ask::IdentitiesFrom(6),
    ];
    let answer = "* OK [UIDVALIDITY 7]\r\nv1 OK\r\n* 2 FETCH (UID 5 MODSEQ (9) FLAGS (\\Seen))\r\n\
                  * 3 FETCH (UID 6 FLAGS (\\Answered) RFC822.SIZE 8 INTERNALDATE NIL BODY[HEADER.FIELDS (MESSAGE-ID)] {2}\r\n\r\n)\r\n\
                  * 3 FETCH (UID 6 MODSEQ (9) FLAGS ())\r\n* ESEARCH (TAG \"v3\") UID ALL 1:3,5\r\nv2 OK\r\nv3 OK\r\nv4 OK\r\n";
    let told = ahead(&[question("a", asks)], vec![("v4 UID FETCH 6:*", answer)])
        .await
        .unwrap();
    assert_eq!(
        told,
        [
            "0 opened 7 0",
            "0 flags 5 \\Seen",
            "0 message 6 8",
            "0 present 1:3,5",
            "0 end"
        ]
    );
}

#[tokio::test]
async fn answers_of_folders_in_another_order_are_not_believed() {
    let answer = "v1 OK\r\nv3 OK\r\n* 1 FETCH (UID 9 RFC822.SIZE 30)\r\nv4 OK\r\nv2 OK\r\n";
    let questions = ["a", "b"].map(|name| question(name, vec![SIZES]));
    let result = ahead(&questions, vec![("v4 UID FETCH", answer)]).await;
    assert!(matches!(result, Err(ImapError::Unreadable { .. })), "{result:?}");
}

#[tokio::test]
async fn name_that_cannot_be_sent_is_not_sent_without_its_line_break() {
    let questions = [question("a\nb", vec![SIZES]), question("ab", Vec::new())];
    let (mut session, server) = scripted(vec![("v1 EXAMINE \"ab\"", "v1 OK\r\n")]);
    let told = surveyed(&mut session, &questions, Pace::Ahead).await.unwrap();
    assert_eq!(told, ["0 closed", "0 end", "1 opened 0 0", "1 end"]);
    drop(session);
    assert_eq!(server.await.unwrap(), "v1 EXAMINE \"ab\"\r\n");
}

#[tokio::test]
async fn one_by_one_nothing_is_asked_of_a_folder_that_cannot_be_opened() {
    let questions = ["a", "b"].map(|name| question(name, vec![Ask::Bodies(uids("3"))]));
    let (mut session, server) = scripted(vec![
        ("v1 EXAMINE", "v1 NO\r\n"),
        ("v2 EXAMINE", "v2 OK\r\n"),
        ("v3 UID FETCH 3 ", "* 1 FETCH (UID 3 BODY[] {2}\r\nab)\r\nv3 OK\r\n"),
    ]);
    let told = surveyed(&mut session, &questions, Pace::OneByOne).await.unwrap();
    assert_eq!(told, ["0 closed", "0 end", "1 opened 0 0", "1 body 3 2", "1 end"]);
    drop(session);
    assert_eq!(server.await.unwrap().lines().count(), 3);
}

/// Courier (4.17, 2022) gives a passing UIDVALIDITY to EXAMINE.
#[tokio::test]
async fn folder_that_is_only_read_is_opened_for_changes_where_that_alone_gives_lasting_uids() {
    for (made_up, selects, sent) in [
        (false, false, "EXAMINE"),
        (true, false, "SELECT"),
        (false, true, "SELECT"),
    ] {
        let asked = Question {
            selects,
            ..question("a", Vec::new())
        };
        let (mut session, server) = scripted(vec![("v1 ", "v1 OK\r\n")]);
        session.quirks.examine_is_made_up = made_up;
        surveyed(&mut session, &[asked], Pace::Ahead).await.unwrap();
        drop(session);
        assert_eq!(server.await.unwrap(), format!("v1 {sent} \"a\"\r\n"));
    }
}
