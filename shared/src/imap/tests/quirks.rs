//! What real servers do that the standard does not know, each named after one that does it.

use super::super::connect::greeted;
use super::super::date::InternalDate;
use super::super::error::{Disposition, ImapError};
use super::super::fetch;
use super::super::folder;
use super::super::value::Value;
use super::{Steps, capable, listed, names, scripted, uids};

async fn examined(steps: Steps) -> Result<super::super::Selected, ImapError> {
    let (mut session, _server) = scripted(steps);
    session.examine("a").await
}

/// Microsoft 365 (seen from 2012 to 2026): the login is accepted, everything after it is not. It is
/// about the mailbox, not about the folder, which must not be passed over for it.
#[tokio::test]
async fn microsoft_365_accepts_a_login_and_then_nothing() {
    let words = "v1 BAD User is authenticated but not connected.\r\n";
    let error = examined(vec![("v1 EXAMINE", words)]).await.unwrap_err();
    assert!(matches!(error, ImapError::NotConnected { .. }), "{error}");
    assert!(!error.is_about_one_folder());
    assert_eq!(
        (error.disposition(), error.code()),
        (Disposition::Retry, "not_connected")
    );
    let capabilities = "* CAPABILITY IMAP4 IMAP4rev1 NAMESPACE LITERAL+\r\nv1 OK\r\n";
    let words = "v2 BAD User is authenticated but not connected.\r\n";
    let result = listed(capabilities, vec![("v2 NAMESPACE", words)]).await;
    assert!(matches!(result, Err(ImapError::NotConnected { .. })), "{result:?}");
}

/// Exchange 2003 to 2026: the connection may end there, and the answer says nothing anyway.
#[tokio::test]
async fn exchange_is_not_asked_for_namespaces() {
    let greeting = "* OK The Microsoft Exchange IMAP4 service is ready. [UgBPAA==]\r\n";
    let (session, _server) = scripted(vec![
        ("", greeting),
        ("v1 CAPABILITY", "* CAPABILITY IMAP4 IMAP4rev1 NAMESPACE\r\nv1 OK\r\n"),
        (
            "v2 LIST \"\" \"*\"",
            "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Sent Items\r\nv2 OK\r\n",
        ),
        ("v3 LSUB", "v3 OK\r\n"),
    ]);
    let mut session = greeted("test", session.into_wire()).await.unwrap();
    session.read_capabilities().await.unwrap();
    let (namespace, folders) = folder::list(&mut session).await.unwrap();
    assert_eq!(
        (namespace.separator, names(&folders)),
        (Some('/'), vec!["INBOX", "Sent Items"])
    );
}

#[tokio::test]
async fn connection_that_ends_at_namespace_is_an_error() {
    let capabilities = "* CAPABILITY IMAP4rev1 NAMESPACE\r\nv1 OK\r\n";
    let result = listed(capabilities, vec![("v2 NAMESPACE", "")]).await;
    assert!(
        matches!(result, Err(ImapError::Closed { command: "NAMESPACE" })),
        "{result:?}"
    );
}

/// Exchange (2026) ends a session after ten errors.
#[tokio::test]
async fn exchange_says_goodbye_after_ten_errors() {
    let words = "v1 BAD Command Error. 12\r\n* BYE Connection closed. 14\r\n";
    let (mut session, _server) = scripted(vec![("v1 EXAMINE", words)]);
    assert!(matches!(session.examine("a").await, Err(ImapError::Refused { .. })));
    let error = session.examine("b").await.unwrap_err();
    assert!(
        matches!(&error, ImapError::Bye { text, .. } if text == "Connection closed. 14"),
        "{error}"
    );
}

/// Exchange (2026) refuses a line of more than 10,239 characters.
#[tokio::test]
async fn no_line_is_longer_than_exchange_takes() {
    let scattered: Vec<String> = (1..=4000).map(|n| (n * 7 + 1_000_000).to_string()).collect();
    let set = uids(&scattered.join(","));
    let lines = set.commands().len();
    let steps = (1..=lines).map(|n| {
        let expected: &'static str = format!("v{n} UID FETCH").leak();
        let answer: &'static str = format!("v{n} OK\r\n").leak();
        (expected, answer)
    });
    let (mut session, server) = scripted(steps.collect());
    fetch::metadata(&mut session, &set).await.unwrap();
    drop(session);
    let heard = server.await.unwrap();
    assert!(heard.lines().all(|line| line.len() < 8192) && heard.lines().count() == lines);
}

/// Yandex (2026): BYE without an end. Each of them would wake the session.
#[tokio::test]
async fn yandex_2026_says_goodbye_without_end() {
    let endless = "* BYE Autologout; idle for too long\r\n".repeat(10_000).leak();
    let result = examined(vec![("v1 EXAMINE", endless)]).await;
    assert!(matches!(result, Err(ImapError::Bye { .. })));
    let (session, _server) = scripted(vec![("v1 LOGOUT", endless)]);
    tokio::time::timeout(std::time::Duration::from_secs(10), session.logout())
        .await
        .unwrap();
}

/// Yandex (2026): some messages have no body when it is asked for, or only attributes that were not.
#[tokio::test]
async fn yandex_2026_answers_without_a_body() {
    let answer = "* 1 FETCH (UID 1)\r\n* 2 FETCH ()\r\n* 3 FETCH (UID 3 BODY[] NIL)\r\n* 4 FETCH NIL\r\n\
                  * 5 FETCH (UID 5 BODY[] \"\")\r\nv1 OK\r\n";
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", answer)]);
    let data = session.run("FETCH", "UID FETCH 1:* (UID BODY.PEEK[])").await.unwrap();
    let bodies: Vec<_> = data
        .iter()
        .map(|one| {
            one.values[0]
                .list()
                .get(3)
                .and_then(Value::bytes)
                .map(bytes::Bytes::len)
        })
        .collect();
    assert_eq!(bodies, [None, None, None, None, Some(0)]);
}

/// Without `\*` new keywords cannot be kept; where the server does not say, all can be (RFC 9051, section 7.1). Exchange (2026)
/// keeps none, Yahoo (2026) does not say.
#[tokio::test]
async fn permanent_flags_are_those_that_are_told() {
    for (line, flags) in [
        (
            "* OK [PERMANENTFLAGS (\\Seen \\Deleted)] Permanent flags\r\n",
            Some(vec!["\\Seen", "\\Deleted"]),
        ),
        (
            "* OK [PERMANENTFLAGS (\\Seen \\*)]größer\r\n",
            Some(vec!["\\Seen", "\\*"]),
        ),
        ("* OK [permanentflags ()] none\r\n", Some(Vec::new())),
        ("* FLAGS (\\Seen $Later)\r\n", None),
    ] {
        let answer = format!("{line}* 3 EXISTS\r\nv1 OK\r\n").leak();
        let selected = examined(vec![("v1 EXAMINE", answer)]).await.unwrap();
        let told = selected.permanent_flags.as_deref();
        let told = told.map(|flags| flags.iter().map(String::as_str).collect());
        assert_eq!((told, selected.exists), (flags, 3), "{line}");
    }
}

/// Courier-IMAP (its source of 2026): EXAMINE of a folder that was never opened for changes gives the
/// time of day as its UIDVALIDITY, and keeps no UID.
#[tokio::test]
async fn courier_is_asked_by_select_because_examine_makes_up_a_uidvalidity() {
    let greeting = "* OK [CAPABILITY IMAP4rev1 ACL2=UNION] Courier-IMAP ready. Copyright 1998-2026\r\n";
    let selected =
        "* 3 EXISTS\r\n* OK [UIDVALIDITY 1093] Ok\r\n* OK [MYRIGHTS \"acdilrsw\"] ACL\r\nv1 OK [READ-WRITE] Ok\r\n";
    let (session, server) = scripted(vec![("", greeting), ("v1 SELECT \"INBOX.a\"\r\n", selected)]);
    let mut session = greeted("test", session.into_wire()).await.unwrap();
    assert_eq!(session.examine("INBOX.a").await.unwrap().uid_validity, 1093);
    drop(session);
    assert!(!server.await.unwrap().contains("EXAMINE"));
}

/// Courier-IMAP 5.0.1 (2018): a text of its own instead of a message with 8-bit headers. Later versions
/// give the message, and say something else beside it.
#[tokio::test]
async fn courier_2018_puts_another_message_in_the_place_of_a_unicode_one() {
    let other = "* 1 FETCH (UID 1 BODY[] {12}\r\nunavailable\n)\r\n* OK [ALERT] Cannot open message 1 because it is a \
                 Unicode message and your E-mail reader did not enable Unicode support.\r\nv1 OK\r\n";
    let own = "* OK [ALERT] Message 1 appears to be a Unicode message and your E-mail reader did not enable \
               Unicode support.\r\n* NO [ALERT] Cannot open message 2\r\nv1 OK\r\n";
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", other)]);
    let result = session.run("FETCH", "UID FETCH 1 (UID BODY.PEEK[])").await;
    assert!(
        matches!(result, Err(ImapError::Unreadable { command: "FETCH", .. })),
        "{result:?}"
    );
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", own)]);
    session.run("FETCH", "UID FETCH 1 (UID BODY.PEEK[])").await.unwrap();
}

/// hMailServer (2026): UIDVALIDITY 0, which RFC 9051 forbids; other servers leave it out.
#[tokio::test]
async fn hmailserver_2026_has_no_uidvalidity() {
    for line in ["* OK [UIDVALIDITY 0] ok\r\n", "* OK [UIDVALIDITY] ok\r\n", ""] {
        let answer = format!("* 3 EXISTS\r\n{line}v1 OK\r\n").leak();
        let selected = examined(vec![("v1 EXAMINE", answer)]).await.unwrap();
        assert_eq!(
            (selected.exists, selected.uid_validity, selected.uid_next),
            (3, 0, None)
        );
        assert_eq!(
            selected.permanent_flags, None,
            "all flags may be kept where the server does not say"
        );
    }
}

/// Days of one digit with a space before them (Exchange), without (Zimbra), and none at all.
#[test]
fn days_are_padded_with_spaces_or_nothing() {
    let date = InternalDate::parse(" 7-Feb-2026 21:52:25 +0000").unwrap();
    for wire in ["07-Feb-2026 21:52:25 +0000", "7-Feb-2026 21:52:25 +0000"] {
        assert_eq!(InternalDate::parse(wire).unwrap().instant(), date.instant());
    }
    for wire in [
        "",
        " ",
        "NIL",
        "00-Jan-0000 00:00:00 +0000",
        "31-Feb-2026 00:00:00 +0000",
        "7-Feb-26",
    ] {
        assert_eq!(InternalDate::parse(wire), None, "{wire}");
    }
}

/// mail.ru (2024): large sizes in exponents.
#[tokio::test]
async fn mail_ru_2024_writes_sizes_as_floats() {
    let answer = "* 1 FETCH (UID 1 RFC822.SIZE 9.3736e+06)\r\n* 2 FETCH (UID 2 RFC822.SIZE 7)\r\nv1 OK\r\n";
    let (mut session, _server) = scripted(vec![("v1 UID FETCH 1:*", answer)]);
    assert_eq!(fetch::sizes(&mut session, 1).await.unwrap(), [(1, 0), (2, 7)]);
}

/// Sohu (2026): the answer to NAMESPACE under another name.
#[tokio::test]
async fn sohu_2026_answers_namespace_as_capability() {
    let capabilities = "* CAPABILITY IMAP4rev1 NAMESPACE\r\nv1 OK\r\n";
    let (mut session, _server) = capable(
        capabilities,
        vec![
            ("v2 NAMESPACE", "* CAPABILITY ((\"\" \"/\")) NIL NIL\r\nv2 OK\r\n"),
            ("v3 LIST", "* LIST () \"/\" INBOX\r\nv3 OK\r\n"),
            ("v4 LSUB", "v4 OK\r\n"),
        ],
    )
    .await;
    let (_, folders) = folder::list(&mut session).await.unwrap();
    assert_eq!(names(&folders), ["INBOX"]);
    assert!(session.capabilities().has("NAMESPACE"));
}

/// Gmail (2026): labels as quoted strings and literals; async-imap 0.12 drops the latter.
#[tokio::test]
async fn gmail_2026_writes_labels_in_every_form() {
    let answer =
        "* 1 FETCH (X-GM-LABELS (\"\\\\Inbox\" {5}\r\na\"b)c &AOQ-) X-GM-MSGID 1278455344230334865 UID 5)\r\nv1 OK\r\n";
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", answer)]);
    let data = session
        .run("FETCH", "UID FETCH 5 (UID X-GM-LABELS X-GM-MSGID)")
        .await
        .unwrap();
    let items = data[0].values[0].list();
    let labels: Vec<_> = items[1].list().iter().filter_map(Value::text).collect();
    assert_eq!(labels, ["\\Inbox", "a\"b)c", "&AOQ-"]);
    assert_eq!(
        (items[3].number(), items[5].number()),
        (Some(1_278_455_344_230_334_865_u64), Some(5))
    );
}
