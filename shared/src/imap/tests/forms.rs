//! Answers in every form that the standard and its readers allow: names, items, codes and lines.

use super::super::error::ImapError;
use super::super::folder;
use super::super::open::status_item;
use super::super::session::{Event, Session};
use super::{PLAIN, capable, listed, names, scripted};

/// Dovecot, Cyrus and Gmail (2026): items that were not asked for, and a name in any form.
#[tokio::test]
async fn status_is_read_among_items_that_are_not_known() {
    for line in [
        "\"a\" (MESSAGES 3 SIZE 44421 UIDNEXT 9 MAILBOXID (F2212ea87) UIDVALIDITY 7 HIGHESTMODSEQ 715194045007)",
        "a (APPENDLIMIT NIL uidnext 9 DELETED-STORAGE 0 UIDVALIDITY 7 MESSAGES 3 HIGHESTMODSEQ 715194045007)",
        "{1}\r\na (UIDVALIDITY 7 X-GUID {2}\r\n)( MESSAGES 3 UIDNEXT 9 HIGHESTMODSEQ 715194045007)",
        "Sent Items (old) (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7 HIGHESTMODSEQ 715194045007)",
    ] {
        let answer: &'static str = format!("* STATUS {line}\r\nv1 OK\r\n").leak();
        let (mut session, _server) = scripted(vec![("v1 STATUS", answer), ("v2 STATUS", answer)]);
        let status = session.status("a").await.unwrap();
        assert_eq!(
            (status.messages, status.uid_next, status.uid_validity),
            (3, 9, 7),
            "{line}"
        );
        session.send("STATUS", "STATUS a (HIGHESTMODSEQ)").await.unwrap();
        let Event::Data(data) = session.next_event("STATUS").await.unwrap() else {
            panic!("no data")
        };
        assert_eq!(status_item(&data, "HIGHESTMODSEQ"), Some(715_194_045_007_u64));
        assert_eq!(status_item::<u32>(&data, "APPENDLIMIT"), None);
    }
}

/// Courier, Dovecot and UW (2026): what is told at any time, in the middle of another answer.
#[tokio::test]
async fn list_is_read_between_other_answers() {
    let answer = "* LIST (\\HasChildren) \".\" INBOX\r\n* STATUS INBOX (MESSAGES 4)\r\n* 4 EXISTS\r\n\
                  * OK [ALERT] größer\r\n* LIST () \".\" a (CHILDINFO (\"SUBSCRIBED\"))\r\n\
                  * LIST () \".\" {3}\r\nb\\c (\"OLDNAME\" (\"d\"))\r\n* LIST (\\Noselect) NIL \"e\\\"\\\\f\"\r\nv2 OK\r\n";
    let folders = listed(PLAIN, vec![("v2 LIST", answer), ("v3 LSUB", "v3 OK\r\n")])
        .await
        .unwrap();
    assert_eq!(names(&folders), ["INBOX", "a", "b\\c", "e\"\\f"]);
}

/// Servers that write names as they are stored, in UTF-8 or worse (older Courier and Cyrus).
#[tokio::test]
async fn names_in_raw_utf8_are_opened_as_they_were_listed() {
    let answer = "* LIST () \"/\" \"Größe\"\r\n* LIST () \"/\" Gr&APYA3w-e\r\n* LIST () \"/\" {6}\r\n台北\r\nv2 OK\r\n";
    let (mut session, server) = capable(
        PLAIN,
        vec![
            ("v2 LIST", answer),
            ("v3 LSUB", "v3 OK\r\n"),
            ("v4 EXAMINE \"Größe\"\r\n", "v4 OK\r\n"),
        ],
    )
    .await;
    let (_, folders) = folder::list(&mut session).await.unwrap();
    let paths: Vec<_> = folders.iter().map(|folder| folder.path.join("/")).collect();
    assert_eq!(paths[..3], ["Größe", "Größe", "台北"]);
    session.examine(&folders[0].wire_name).await.unwrap();
    drop(session);
    server.await.unwrap();
}

/// IMAP4rev2 alone has names in UTF-8 (RFC 9051, appendix A); beside IMAP4rev1 it has not.
#[tokio::test]
async fn names_of_imap4rev2_are_not_decoded() {
    let answer = "* LIST () \"/\" \"R&-D\"\r\nv2 OK\r\n";
    for (capabilities, path, wire) in [
        ("* CAPABILITY IMAP4rev2\r\nv1 OK\r\n", "R&-D", "Größe"),
        ("* CAPABILITY IMAP4rev1 IMAP4rev2\r\nv1 OK\r\n", "R&D", "Gr&APYA3w-e"),
    ] {
        let (mut session, _server) = capable(capabilities, vec![("v2 LIST", answer), ("v3 LSUB", "v3 OK\r\n")]).await;
        let (namespace, folders) = folder::list(&mut session).await.unwrap();
        assert_eq!(folders[0].path, [path]);
        assert_eq!(namespace.wire_name(&["Größe".to_owned()]), wire);
    }
}

/// A name that cannot be said is not opened under another one, which may be another folder's.
#[tokio::test]
async fn name_with_a_line_break_is_not_another_folders_name() {
    let (mut session, server) = scripted(vec![]);
    for name in ["a\r\nb", "a\nb", "a\0b"] {
        let error = session.examine(name).await.unwrap_err();
        assert!(error.is_about_one_folder(), "{error}");
        assert!(session.status(name).await.unwrap_err().is_about_one_folder());
    }
    drop(session);
    assert_eq!(server.await.unwrap(), "");
}

/// GMX, Strato, Exchange (2026) and RFC 9051 put words into brackets that nobody else knows.
#[tokio::test]
async fn codes_that_are_not_known_are_kept() {
    for (line, code, text) in [
        ("v1 NO [OVERQUOTA] Mailbox full", "OVERQUOTA", "Mailbox full"),
        ("v1 NO [THROTTLED] slow down", "THROTTLED", "slow down"),
        ("v1 NO [X-Größe 12 (a b)]größer", "X-GRÖßE", "größer"),
        ("v1 NO [overquota", "", "[overquota"),
        ("v1 NO []", "", ""),
        ("v1 NO", "", ""),
        ("v1 no [SERVERBUG] {12}", "SERVERBUG", "{12}"),
        ("v1 BAD [CLIENTBUG] x\u{7}y", "CLIENTBUG", "x y"),
    ] {
        let (mut session, _server) = scripted(vec![("v1 NOOP", format!("{line}\r\n").leak())]);
        match session.refresh().await {
            Err(ImapError::Refused { code: c, text: t, .. }) => {
                assert_eq!((c.to_uppercase(), t.as_str()), (code.to_uppercase(), text));
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

/// Bare line feeds, and lines that are nothing: a session is not lost for them.
#[tokio::test]
async fn lines_may_end_as_they_like() {
    let (mut session, _server): (Session, _) = scripted(vec![
        ("v1 NOOP", "* 3 EXISTS\n\r\n\n* OK\n*\r\n* \r\n+\r\nhello\r\nv1 OK\n"),
        ("v2 NOOP", "v2  OK done\r\n"),
    ]);
    session.refresh().await.unwrap();
    let result = session.refresh().await;
    assert!(
        matches!(result, Err(ImapError::Unreadable { .. })),
        "two spaces are no status: {result:?}"
    );
}
