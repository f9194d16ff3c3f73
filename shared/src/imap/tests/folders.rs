//! Listing folders with their numbers, and making them, in few round trips.

use super::super::error::ImapError;
use super::super::folder::{self, ListedFolder, Wanted};
use super::{Steps, capable, names};

const WITH_STATUS: &str =
    "* CAPABILITY IMAP4rev1 LIST-EXTENDED SPECIAL-USE LIST-STATUS CONDSTORE NAMESPACE\r\nv1 OK\r\n";
const WITHOUT_STATUS: &str = "* CAPABILITY IMAP4rev1\r\nv1 OK\r\n";

async fn listed(capabilities: &'static str, steps: Steps) -> Result<Vec<ListedFolder>, ImapError> {
    let (mut session, _server) = capable(capabilities, steps).await;
    folder::list_with_status(&mut session).await.map(|(_, folders)| folders)
}

fn messages(folders: &[ListedFolder]) -> Vec<Option<u32>> {
    folders
        .iter()
        .map(|folder| folder.status.map(|status| status.messages))
        .collect()
}

#[tokio::test]
async fn numbers_come_with_the_list_wherever_they_stand_in_it() {
    let steps = vec![(
        "v3 LIST \"\" \"*\" RETURN (SPECIAL-USE SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))\r\n",
        "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\nv2 OK\r\n\
         * STATUS Sent (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 5 HIGHESTMODSEQ 0)\r\n\
         * LIST (\\Noselect) \"/\" Projekte\r\n* LIST (\\Subscribed) \"/\" inbox\r\n* LIST () \"/\" {4}\r\nSent\r\n\
         * STATUS \"INBOX\" (UIDVALIDITY 5 HIGHESTMODSEQ 18446744073709551615 MESSAGES 7 UIDNEXT 9)\r\nv3 OK\r\n",
    )];
    let folders = listed(WITH_STATUS, steps).await.unwrap();
    assert_eq!(names(&folders), ["Projekte", "inbox", "Sent"]);
    assert_eq!(messages(&folders), [None, Some(7), Some(3)]);
    let highest: Vec<_> = folders
        .iter()
        .filter_map(|folder| folder.status?.highest_modseq)
        .collect();
    // 0 means that the folder keeps none.
    assert_eq!(highest, [u64::MAX]);
}

/// RFC 5819, section 2: what cannot be looked up is left out.
#[tokio::test]
async fn folder_whose_numbers_are_left_out_is_asked_alone_and_its_refusal_is_its_own() {
    let steps = vec![
        (
            "v3 LIST",
            "v2 OK\r\n* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 7 UIDNEXT 9 UIDVALIDITY 5)\r\n\
             * LIST () \"/\" a\r\n* LIST () \"/\" b\r\nv3 OK\r\n",
        ),
        (
            "v5 STATUS \"b\"",
            "v4 NO [NOPERM] not yours\r\n* STATUS b (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 4)\r\nv5 OK\r\n",
        ),
    ];
    let folders = listed(WITH_STATUS, steps).await.unwrap();
    assert_eq!(messages(&folders), [Some(7), None, Some(2)]);
}

#[tokio::test]
async fn numbers_are_asked_for_all_at_once_where_the_list_does_not_tell_them() {
    let lines = "* LIST () \"/\" INBOX\r\n* LIST () \"/\" a\r\n* LIST () \"/\" b\r\nv2 OK\r\nv3 OK\r\n";
    let steps = vec![
        ("v3 LSUB", lines),
        // Answered in another order than they were asked.
        (
            "v6 STATUS \"b\" (MESSAGES UIDNEXT UIDVALIDITY)\r\n",
            "* STATUS b (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 5)\r\nv6 OK\r\n\
             * STATUS a (MESSAGES 2 UIDNEXT 9 UIDVALIDITY 5)\r\n* STATUS INBOX (MESSAGES 1 UIDNEXT 9 UIDVALIDITY 5)\r\n\
             v4 OK\r\nv5 OK\r\n",
        ),
    ];
    let folders = listed(WITHOUT_STATUS, steps).await.unwrap();
    assert_eq!(messages(&folders), [Some(1), Some(2), Some(3)]);
}

/// Strato (2021) announces extensions of LIST, and lists nothing when it is asked with any of them.
#[tokio::test]
async fn strato_2021_lists_nothing_with_numbers_and_is_asked_without() {
    let plain = "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Sent\r\nv4 OK\r\nv5 OK\r\n";
    let capabilities = "* CAPABILITY IMAP4rev1 LIST-STATUS\r\nv1 OK\r\n";
    for nothing in [
        "v2 OK\r\nv3 OK\r\n",
        "* STATUS Sent (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 4)\r\nv2 OK\r\nv3 OK\r\n",
    ] {
        let first = "v2 LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))\r\n";
        let steps = vec![
            (first, ""),
            ("v3 LSUB", nothing),
            ("v4 LIST \"\" \"*\"\r\n", ""),
            ("v5 LSUB", plain),
            ("v6 STATUS \"INBOX\"", ""),
            (
                "v7 STATUS \"Sent\"",
                "* STATUS INBOX (MESSAGES 1 UIDNEXT 9 UIDVALIDITY 5)\r\nv6 OK\r\n\
                 * STATUS Sent (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 4)\r\nv7 OK\r\n",
            ),
        ];
        let folders = listed(capabilities, steps).await.unwrap();
        assert_eq!(
            (names(&folders), messages(&folders)),
            (vec!["INBOX", "Sent"], vec![Some(1), Some(2)])
        );
    }
}

#[tokio::test]
async fn list_that_is_refused_with_extensions_is_asked_for_without() {
    let steps = vec![
        ("v3 LIST", "v2 OK\r\nv3 BAD what\r\n"),
        ("v5 LSUB", "* LIST () \"/\" INBOX\r\nv4 OK\r\nv5 OK\r\n"),
        (
            "v6 STATUS",
            "* STATUS INBOX (MESSAGES 1 UIDNEXT 9 UIDVALIDITY 5)\r\nv6 OK\r\n",
        ),
    ];
    let folders = listed(WITH_STATUS, steps).await.unwrap();
    assert_eq!((names(&folders), messages(&folders)), (vec!["INBOX"], vec![Some(1)]));
}

#[tokio::test]
async fn folders_are_made_together_and_a_refusal_is_about_one() {
    let wanted = |wire_name, create| Wanted { wire_name, create };
    let steps = vec![
        (
            "v8 STATUS \"d\"",
            "v2 OK\r\n* STATUS a (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 5)\r\nv3 OK\r\n\
             v4 NO [ALREADYEXISTS] there\r\n* STATUS b (MESSAGES 4 UIDNEXT 5 UIDVALIDITY 6)\r\nv5 OK\r\n\
             v6 NO [CANNOT] not by this name\r\nv7 NO no such folder\r\n\
             v8 NO no such folder\r\n",
        ),
        // It may have been looked for before it was made.
        ("v9 STATUS \"d\"", "v9 NO no such folder\r\n"),
    ];
    let (mut session, _server) = capable(WITHOUT_STATUS, steps).await;
    let folders = [
        wanted("a", true),
        wanted("b", true),
        wanted("c", true),
        wanted("d", false),
        wanted("e\n", true),
    ];
    let made = folder::ready(&mut session, &folders).await.unwrap();
    assert_eq!(made[0].as_ref().unwrap().uid_validity, 5);
    assert_eq!(made[1].as_ref().unwrap().messages, 4);
    let refused = |at: usize| match &made[at] {
        Err(ImapError::Refused { command, .. }) => *command,
        other => panic!("{other:?}"),
    };
    assert_eq!((refused(2), refused(3), refused(4)), ("CREATE", "STATUS", "STATUS"));
}
