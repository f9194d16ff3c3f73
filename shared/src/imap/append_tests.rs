use super::super::tests::{capable, scripted};
use super::*;

const PLAIN: &str = "* CAPABILITY IMAP4rev1\r\nv1 OK\r\n";
const PLUS: &str = "* CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS\r\nv1 OK\r\n";
const MULTI: &str = "* CAPABILITY IMAP4rev1 LITERAL+ MULTIAPPEND UIDPLUS\r\nv1 OK\r\n";
const MULTI_WAITING: &str = "* CAPABILITY IMAP4rev1 MULTIAPPEND\r\nv1 OK\r\n";

const BODY: &[u8] = b"secret body";

async fn send(appender: &mut Appender<'_>) -> Begun {
    send_body(appender, BODY).await
}

async fn send_body(appender: &mut Appender<'_>, body: &[u8]) -> Begun {
    let head = Head {
        flags: vec!["\\Seen".to_owned()],
        date: None,
        size_bytes: body.len() as u64,
    };
    let begun = appender.begin(&head).await.unwrap();
    if begun == Begun::Go {
        appender.write(body).await.unwrap();
        appender.end_message().await.unwrap();
    }
    begun
}

fn stored(uids: &[u32]) -> Vec<Appended> {
    uids.iter().map(|uid| Appended::Stored { uid: Some(*uid) }).collect()
}

fn ok(code: &str, arguments: &str) -> Status {
    Status {
        kind: Kind::Ok,
        code: code.to_owned(),
        arguments: arguments.to_owned(),
        text: String::new(),
    }
}

#[test]
fn uids_of_a_multiappend_are_in_order() {
    assert_eq!(append_uids(&ok("APPENDUID", "7 3:5,9"), 4), [3, 4, 5, 9]);
}

#[test]
fn uids_that_do_not_fit_the_messages_are_not_believed() {
    assert_eq!(append_uids(&ok("APPENDUID", "7 3:5"), 4), [0_u32; 0]);
    assert_eq!(append_uids(&ok("APPENDUID", "7 3:4000000000"), 2), [0_u32; 0]);
    assert_eq!(append_uids(&ok("", ""), 1), [0_u32; 0]);
}

/// hMailServer (2026) writes ranges from their end. RFC 4315 takes `9:5` for `5:9`, and does not say which message got
/// which UID then: where they lie is looked for.
#[test]
fn hmailserver_2026_uids_in_descending_ranges_are_not_believed() {
    for arguments in ["7 9:5", "7 9,8:6,5", "0 9:5"] {
        assert_eq!(append_uids(&ok("APPENDUID", arguments), 5), [0_u32; 0], "{arguments}");
    }
    assert_eq!(append_uids(&ok("APPENDUID", "7 9,5,8"), 3), [9, 5, 8]);
    assert_eq!(append_uids(&ok("APPENDUID", "0 9"), 1), [9]);
}

#[tokio::test]
async fn second_batch_is_under_way_before_the_first_is_answered() {
    let steps = vec![(
        "v3 APPEND \"a\" (\\Seen) {11+}\r\nsecret body\r\n",
        "v2 OK [APPENDUID 7 1:2]\r\nv3 OK [APPENDUID 7 3]\r\n",
    )];
    let (mut session, _server) = capable(MULTI, steps).await;
    let mut appender = Appender::new(&mut session, "a");
    assert_eq!(appender.depth(), 2);
    for _ in 0..2 {
        assert_eq!(send(&mut appender).await, Begun::Go);
    }
    appender.finish().await.unwrap();
    send(&mut appender).await;
    appender.finish().await.unwrap();
    assert_eq!(appender.unanswered(), 2);
    assert_eq!(appender.answer().await.unwrap(), stored(&[1, 2]));
    assert_eq!(appender.answer().await.unwrap(), stored(&[3]));
    assert_eq!(appender.answer().await.unwrap(), []);
}

#[tokio::test]
async fn message_refused_before_its_bytes_is_not_sent() {
    let (mut session, server) = capable(PLAIN, vec![("{11}\r\n", "v2 NO [LIMIT] too large\r\n")]).await;
    let mut appender = Appender::new(&mut session, "INBOX");
    assert_eq!(send(&mut appender).await, Begun::Refused);
    appender.finish().await.unwrap();
    let results = appender.answer().await.unwrap();
    assert!(matches!(&results[..], [Appended::Refused(refusal)] if refusal.code == "LIMIT"));
    drop(session);
    assert!(!server.await.unwrap().contains("secret body"));
}

/// The messages before the refused one are refused with it, and those after it are no part of it.
#[tokio::test]
async fn multiappend_refused_at_its_second_message_takes_no_third() {
    let steps = vec![
        ("{11}\r\n", "+ go on\r\n"),
        ("secret body (\\Seen) {11}\r\n", "v2 NO [LIMIT] too large\r\n"),
    ];
    let (mut session, _server) = capable(MULTI_WAITING, steps).await;
    let mut appender = Appender::new(&mut session, "a");
    assert_eq!(send(&mut appender).await, Begun::Go);
    assert_eq!(send(&mut appender).await, Begun::Refused);
    assert_eq!(send(&mut appender).await, Begun::Closed);
    appender.finish().await.unwrap();
    let results = appender.answer().await.unwrap();
    assert!(matches!(&results[..], [Appended::Refused(_), Appended::Refused(_)]));
}

#[tokio::test]
async fn answers_of_single_appends_are_told_apart_by_their_tags() {
    let steps = vec![("v4 APPEND", "v3 NO bare newlines\r\nv2 OK [APPENDUID 7 8]\r\nv4 OK\r\n")];
    let (mut session, _server) = capable(PLUS, steps).await;
    let mut appender = Appender::new(&mut session, "a");
    for _ in 0..3 {
        assert_eq!(send(&mut appender).await, Begun::Go);
    }
    appender.finish().await.unwrap();
    let results = appender.answer().await.unwrap();
    assert_eq!(results[0], Appended::Stored { uid: Some(8) });
    assert!(matches!(&results[1], Appended::Refused(refusal) if refusal.class() == RefusalClass::Message));
    assert_eq!(results[2], Appended::Stored { uid: None });
}

/// RFC 7888, LITERAL-, which IMAP4rev2 implies: up to 4096 bytes follow at once, more waits for leave, also within a
/// MULTIAPPEND.
#[tokio::test]
async fn literal_minus_lets_small_messages_follow_at_once_and_larger_ones_wait() {
    let (small, large) = ("s".repeat(4096), "l".repeat(4097));
    for (capabilities, multi) in [
        ("LITERAL-", false),
        ("IMAP4rev2", false),
        ("LITERAL- MULTIAPPEND", true),
    ] {
        let told: &'static str = format!("* CAPABILITY IMAP4rev1 UIDPLUS {capabilities}\r\nv1 OK\r\n").leak();
        let first = "v2 APPEND \"a\" (\\Seen) {4096+}\r\n";
        let (begin, end) = if multi {
            (" (\\Seen) ", "v2 OK\r\n")
        } else {
            ("\r\nv3 APPEND \"a\" (\\Seen) ", "v2 OK\r\nv3 OK\r\n")
        };
        let wire = format!("{first}{small}{begin}{{4097}}\r\n{large}\r\n");
        let steps = vec![("{4097}\r\n", "+ go on\r\n"), ("l\r\n", end)];
        let (mut session, server) = capable(told, steps).await;
        let mut appender = Appender::new(&mut session, "a");
        for body in [&small, &large] {
            assert_eq!(send_body(&mut appender, body.as_bytes()).await, Begun::Go);
        }
        appender.finish().await.unwrap();
        assert_eq!(
            appender.answer().await.unwrap(),
            [Appended::Stored { uid: None }, Appended::Stored { uid: None }]
        );
        drop(session);
        assert_eq!(server.await.unwrap(), format!("v1 CAPABILITY\r\n{wire}"));

        // Without leave nothing of it is sent.
        let (mut session, server) = capable(told, vec![("{4097}\r\n", "v2 NO [TOOBIG] too large\r\n")]).await;
        let mut appender = Appender::new(&mut session, "a");
        assert_eq!(send_body(&mut appender, large.as_bytes()).await, Begun::Refused);
        drop(session);
        assert!(!server.await.unwrap().contains("lll"));
    }
}

/// Exchange pads days with a space, Zimbra does not: as the source tells the date, to the second and in its zone, so it
/// is sent.
#[tokio::test]
async fn dates_are_sent_to_the_second_and_in_their_zone() {
    for (told, sent) in [
        ("07-Feb-1994 21:52:25 -0800", "\"07-Feb-1994 21:52:25 -0800\" "),
        (" 7-Feb-2026 00:00:01 +0545", "\" 7-Feb-2026 00:00:01 +0545\" "),
        ("7-Feb-2026 23:59:59 +0000", "\" 7-Feb-2026 23:59:59 +0000\" "),
        ("29-Feb-2024 12:34:56 -0330", "\"29-Feb-2024 12:34:56 -0330\" "),
    ] {
        let answer = format!("* 1 FETCH (UID 1 INTERNALDATE \"{told}\" RFC822.SIZE 11 FLAGS ())\r\nv1 OK\r\n");
        let (mut source, _server) = scripted(vec![("v1 UID FETCH 1", answer.leak())]);
        let uids = UidSet::from_sorted([1]);
        let message = super::super::fetch::metadata(&mut source, &uids)
            .await
            .unwrap()
            .messages
            .remove(0);
        let (mut session, server) = capable(PLUS, vec![("secret body\r\n", "v2 OK\r\n")]).await;
        let mut appender = Appender::new(&mut session, "a");
        let head = Head {
            flags: Vec::new(),
            date: message.date,
            size_bytes: 11,
        };
        appender.begin(&head).await.unwrap();
        appender.write(BODY).await.unwrap();
        appender.end_message().await.unwrap();
        appender.finish().await.unwrap();
        appender.answer().await.unwrap();
        drop(session);
        let wire = server.await.unwrap();
        assert!(
            wire.contains(&format!("v2 APPEND \"a\" () {sent}{{11+}}\r\n")),
            "{wire}"
        );
    }
}
