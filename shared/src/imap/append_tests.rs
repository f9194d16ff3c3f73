use super::super::tests::capable;
use super::*;

const PLAIN: &str = "* CAPABILITY IMAP4rev1\r\nv1 OK\r\n";
const PLUS: &str = "* CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS\r\nv1 OK\r\n";
const MULTI: &str = "* CAPABILITY IMAP4rev1 LITERAL+ MULTIAPPEND UIDPLUS\r\nv1 OK\r\n";
const MULTI_WAITING: &str = "* CAPABILITY IMAP4rev1 MULTIAPPEND\r\nv1 OK\r\n";

const BODY: &[u8] = b"secret body";

async fn send(appender: &mut Appender<'_>) -> Begun {
    let head = Head {
        flags: vec!["\\Seen".to_owned()],
        date: None,
        size_bytes: BODY.len() as u64,
    };
    let begun = appender.begin(&head).await.unwrap();
    if begun == Begun::Go {
        appender.write(BODY).await.unwrap();
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
