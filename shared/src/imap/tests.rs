//! What real servers do to a session, played back byte by byte. Each hazard names where it was met.
//!
//! Where each is shown, here and between two servers (`infra/engine/tests/engine`):
//!
//! | hazard | test |
//! | --- | --- |
//! | **async-imap 0.12 (tried in 2026)** | |
//! | a tagged NO or BAD passes for an empty answer | `bad_to_uid_fetch_is_an_error` |
//! | | `refused_command_is_not_an_empty_folder` |
//! | an end of stream passes for success | `end_of_stream_in_the_middle_of_a_fetch_is_an_error` |
//! | | `dead_connection_is_not_an_empty_folder` |
//! | NAMESPACE, ESEARCH, XLIST, STATUS SIZE, CHILDINFO end the session | `untagged_data_that_nobody_asked_for_is_skipped` |
//! | | `status_is_read_among_items_that_are_not_known` |
//! | | `list_is_read_between_other_answers` |
//! | CAPABILITY without IMAP4rev1 | `capabilities_that_do_not_name_imap4rev1_are_believed` |
//! | literal8; a literal in X-GM-LABELS | `literal8_is_a_body_and_a_missing_body_is_none` |
//! | | `gmail_2026_writes_labels_in_every_form` |
//! | INTERNALDATE NIL, or none | `internaldate_nil_is_no_date` |
//! | | `messages_without_a_date_are_dated_by_their_header` |
//! | a multibyte character behind a code | `greeting_and_login_may_be_spelt_as_servers_do` |
//! | | `codes_that_are_not_known_are_kept` |
//! | names in quotes, literals, UTF-7 | `names_in_every_form_are_the_same_text` |
//! | | `example_of_the_standard_is_read_and_written` |
//! | APPEND loses UIDs and reasons, and always waits | `uids_of_a_multiappend_are_in_order` |
//! | | `message_refused_before_its_bytes_is_not_sent` |
//! | | `literal_minus_lets_small_messages_follow_at_once_and_larger_ones_wait` |
//! | pipelined and dropped commands are mixed up | `commands_run_ahead_and_answers_go_by_uid` |
//! | | `answers_of_folders_in_another_order_are_not_believed` |
//! | | `answer_to_a_dropped_command_is_not_taken_for_another` |
//! | a large literal is held whole | `parts_that_come_out_of_turn_are_put_in_order` |
//! | passwords and bodies in errors and logs | `password_repeated_by_the_server_is_hidden` |
//! | | `debug_shows_nothing_of_what_is_on_its_way` |
//! | PREAUTH | `preauthenticated_connection_is_not_used` |
//! | **Exchange, Microsoft 365** | |
//! | OK, then "authenticated but not connected" | `microsoft_365_accepts_a_login_and_then_nothing` |
//! | NAMESPACE ends the connection | `exchange_is_not_asked_for_namespaces` |
//! | | `connection_that_ends_at_namespace_is_an_error` |
//! | odd names without quotes | `exchange_lists_names_with_spaces_without_quotes` |
//! | BYE after ten errors | `exchange_says_goodbye_after_ten_errors` |
//! | "Backoff Time" | `server_says_for_how_long_it_wants_to_be_left_alone` |
//! | lines of more than 10,239 characters | `no_command_has_a_longer_line_than_exchange_takes` |
//! | days padded with a space | `days_are_padded_with_spaces_or_nothing` |
//! | | `dates_are_sent_to_the_second_and_in_their_zone` |
//! | sizes counted before the message is converted | `large_message_whose_size_is_wrong_is_not_begun` |
//! | **others** | |
//! | Gmail: views as folders; so much a day; messages it keeps back | `views_of_other_folders_are_not_copied` |
//! | | `daily_cap_is_told_from_other_refusals` |
//! | | `refused_message_is_found_among_the_others_by_halving` |
//! | Yahoo: a line end behind each message; SEARCH cut at 1000 | `literal_minus_lets_small_messages_follow_at_once_and_larger_ones_wait` |
//! | | `yahoo_2026_cuts_what_it_finds_and_nothing_passes_for_deleted` |
//! | Yandex: BYE without end; no body; no SEARCH | `yandex_2026_says_goodbye_without_end` |
//! | | `yandex_2026_answers_without_a_body_and_nothing_is_given` |
//! | | `yandex_2026_messages_without_a_body_are_named_and_all_others_are_copied` |
//! | | `yandex_2026_refuses_to_search_and_deletions_are_found_nevertheless` |
//! | Courier: EXAMINE; `INBOX.`; Unicode messages | `courier_is_asked_by_select_because_examine_makes_up_a_uidvalidity` |
//! | | `prefix_and_separator_are_the_servers_own` |
//! | | `courier_2018_puts_another_message_in_the_place_of_a_unicode_one` |
//! | Zimbra: sizes, headers and messages disagree | `messages_whose_sizes_are_told_wrongly_are_copied_whole` |
//! | | `zimbra_2023_header_and_message_disagree_and_nothing_is_doubled` |
//! | hMailServer: ranges from their end; UIDVALIDITY 0 | `hmailserver_2026_uids_in_descending_ranges_are_not_believed` |
//! | | `found_messages_are_a_set_in_every_form_of_the_answer` |
//! | | `hmailserver_2026_has_no_uidvalidity` |
//! | | `hmailserver_2026_without_a_uidvalidity_is_copied_once` |
//! | mail.ru: floats | `mail_ru_2024_writes_sizes_as_floats` |
//! | Strato: LIST with extensions gives nothing | `strato_2021_lists_nothing_when_asked_with_extensions` |
//! | | `strato_2021_lists_nothing_with_numbers_and_is_asked_without` |
//! | Proton Bridge: UIDs change | `proton_bridge_2026_changes_uids_and_nothing_is_doubled_or_brought_back` |
//! | | `folder_numbered_anew_at_the_source_is_planned_anew_within_the_pass` |
//! | Sohu: NAMESPACE answered as CAPABILITY | `sohu_2026_answers_namespace_as_capability` |
//! | **any** | |
//! | PERMANENTFLAGS without `\*`, and missing | `permanent_flags_are_those_that_are_told` |
//! | | `keywords_that_the_destination_does_not_keep_are_counted` |
//! | names: NUL and line breaks; `*`, `%`, spaces; the other side's separator | `name_with_a_line_break_is_not_another_folders_name` |
//! | | `names_are_opened_as_they_are` |
//! | | `maildir_below_inbox_gets_every_folder` |
//! | names equal but for case, over the limit; INBOX in any case | `maildir_with_slashes_gets_every_folder_though_it_takes_no_dots` |
//! | | `prefix_and_separator_are_the_servers_own` |
//! | NUL, bare LF and CR in messages | `refused_bytes_are_repaired_where_that_is_asked_for_and_keep_their_keywords` |
//! | a message that vanishes during a FETCH | `message_that_vanishes_while_it_is_read_is_gone_and_no_exception` |
//! | | `large_message_that_goes_while_it_is_read_is_gone_and_not_short` |
//! | any bytes, cut anywhere | `any_stream_is_the_same_to_a_session_and_ends` |
//! | | `seeds_of_the_fuzz_target_hold` |

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::task::JoinHandle;

use super::error::ImapError;
use super::fetch;
use super::folder::{self, ListedFolder};
use super::session::Session;
use crate::domain::uid::UidSet;

mod deflate;
mod folders;
mod forms;
mod login;
mod output;
mod quirks;
mod search;
mod seeds;
mod silence;
mod streams;
mod survey;
mod token;
mod wire;

const IDLE: Duration = Duration::from_secs(20);

/// What a server waits for, and its answer to it.
type Steps = Vec<(&'static str, &'static str)>;

/// A server that waits for each text and gives the answer behind it, then says nothing more and
/// closes its side. The handle gives all that it was sent.
pub(super) fn scripted(steps: Steps) -> (Session, JoinHandle<String>) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    (Session::new(Box::new(ours), IDLE), tokio::spawn(play(theirs, steps)))
}

async fn play(mut wire: DuplexStream, steps: Steps) -> String {
    let mut heard = Vec::new();
    let mut seen = 0;
    for (expected, answer) in steps {
        loop {
            let text = String::from_utf8_lossy(&heard[seen..]).into_owned();
            if let Some(at) = text.find(expected) {
                seen += at + expected.len();
                break;
            }
            assert!(wire.read_buf(&mut heard).await.unwrap() > 0, "no {expected} in {text}");
        }
        wire.write_all(answer.as_bytes()).await.unwrap();
    }
    wire.shutdown().await.unwrap();
    wire.read_to_end(&mut heard).await.unwrap();
    String::from_utf8_lossy(&heard).into_owned()
}

/// A session that knows these capabilities; the next tag is `v2`.
pub(super) async fn capable(capabilities: &'static str, mut steps: Steps) -> (Session, JoinHandle<String>) {
    steps.insert(0, ("CAPABILITY\r\n", capabilities));
    let (mut session, server) = scripted(steps);
    session.read_capabilities().await.unwrap();
    (session, server)
}

fn uids(set: &str) -> UidSet {
    set.parse().unwrap()
}

async fn fetched(answer: &'static str) -> Result<Vec<(u32, Bytes)>, ImapError> {
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", answer)]);
    let mut got = Vec::new();
    fetch::bodies(&mut session, &uids("1:9"), |uid, body| got.push((uid, body))).await?;
    Ok(got)
}

/// async-imap 0.12 ends the stream as if all were there (tried in 2026).
#[tokio::test]
async fn end_of_stream_in_the_middle_of_a_fetch_is_an_error() {
    for answer in [
        "* 1 FETCH (UID 1 BODY[] {5}\r\nab",
        "* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\n",
        "* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\nv1 OK",
    ] {
        let result = fetched(answer).await;
        assert!(
            matches!(result, Err(ImapError::Closed { command: "FETCH" })),
            "{answer}"
        );
    }
}

/// async-imap 0.12 takes it for an empty folder (tried in 2026).
#[tokio::test]
async fn bad_to_uid_fetch_is_an_error() {
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", "v1 BAD line too long\r\n")]);
    let result = fetch::metadata(&mut session, &uids("1")).await;
    assert!(matches!(result, Err(ImapError::Refused { command: "FETCH", .. })));
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", "v1 BAD line too long\r\n")]);
    let result = fetch::identities_from(&mut session, 1).await;
    assert!(matches!(result, Err(ImapError::Refused { command: "FETCH", .. })));
}

/// Exchange after ten errors; Yandex says it again and again.
#[tokio::test]
async fn bye_is_an_error() {
    let result = fetched("* 1 FETCH (UID 1 BODY[] {0}\r\n)\r\n* BYE too many errors\r\n* BYE\r\n").await;
    assert!(matches!(result, Err(ImapError::Bye { command: "FETCH", .. })));
}

/// Each of these ended a session of async-imap 0.12 (tried in 2026).
#[tokio::test]
async fn untagged_data_that_nobody_asked_for_is_skipped() {
    let noise = "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n* ESEARCH (TAG \"v1\") UID COUNT 5 ALL 4:19\r\n\
                 * STATUS INBOX (SIZE 44421 MAILBOXID (F2212ea87))\r\n* XLIST (\r\n* 4 EXISTS\r\nv1 OK\r\n";
    let (mut session, _server) = scripted(vec![("v1 NOOP", noise), ("v2 NOOP", "v2 OK\r\n")]);
    session.refresh().await.unwrap();
    session.refresh().await.unwrap();
}

/// async-imap 0.12 panics (tried in 2026).
#[tokio::test]
async fn internaldate_nil_is_no_date() {
    let answer = "* 1 FETCH (UID 3 FLAGS () INTERNALDATE NIL RFC822.SIZE 7)\r\nv1 OK\r\n";
    let (mut session, _server) = scripted(vec![("v1 UID FETCH", answer)]);
    let found = fetch::metadata(&mut session, &uids("3")).await.unwrap().messages;
    assert_eq!((found[0].uid, found[0].size_bytes, &found[0].date), (3, 7, &None));
}

/// RFC 3516; Yandex answers without a body for some messages.
#[tokio::test]
async fn literal8_is_a_body_and_a_missing_body_is_none() {
    let answer =
        "* 1 FETCH (UID 1 BODY[] ~{3}\r\na\0b)\r\n* 2 FETCH (UID 2 BODY[] NIL)\r\n* 3 FETCH (UID 3)\r\nv1 OK\r\n";
    assert_eq!(fetched(answer).await.unwrap(), [(1, Bytes::from_static(b"a\0b"))]);
}

/// RFC 9051, section 7.4.2: a server may answer without what it cannot tell.
#[tokio::test]
async fn messages_without_a_size_are_not_lost() {
    let answer =
        "* 1 FETCH (UID 1 RFC822.SIZE 7)\r\n* 9 FETCH (FLAGS (\\Seen) UID 9)\r\n* 2 FETCH (UID 2)\r\nv1 OK\r\n";
    let (mut session, _server) = scripted(vec![("v1 UID FETCH 1:*", answer)]);
    assert_eq!(fetch::sizes(&mut session, 1).await.unwrap(), [(1, 7), (2, 0)]);
}

const PLAIN: &str = "* CAPABILITY IMAP4rev1\r\nv1 OK\r\n";

async fn listed(capabilities: &'static str, steps: Steps) -> Result<Vec<ListedFolder>, ImapError> {
    let (mut session, _server) = capable(capabilities, steps).await;
    folder::list(&mut session).await.map(|(_, folders)| folders)
}

fn names(folders: &[ListedFolder]) -> Vec<&str> {
    folders.iter().map(|folder| folder.wire_name.as_str()).collect()
}

const EXTENDED: &str = "* CAPABILITY IMAP4rev1 LIST-EXTENDED SPECIAL-USE\r\nv1 OK\r\n";

#[tokio::test]
async fn strato_2021_lists_nothing_when_asked_with_extensions() {
    let steps = vec![
        ("RETURN (SPECIAL-USE SUBSCRIBED)\r\n", "v2 OK\r\n"),
        (
            "v3 LIST \"\" \"*\"\r\n",
            "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Sent\r\nv3 OK\r\n",
        ),
        ("v4 LSUB", "* LSUB () \"/\" Sent\r\nv4 OK\r\n"),
    ];
    let folders = listed(EXTENDED, steps).await.unwrap();
    assert_eq!(names(&folders), ["INBOX", "Sent"]);
    assert!(folders[1].subscribed);
}

#[tokio::test]
async fn inbox_is_there_even_where_no_list_names_it() {
    let steps = vec![
        ("RETURN", "* LIST (\\Sent \\Subscribed) \"/\" Sent\r\nv2 OK\r\n"),
        ("v3 LIST \"\" \"*\"\r\n", "* LIST () \"/\" Sent\r\nv3 OK\r\n"),
        ("v4 LSUB", "v4 OK\r\n"),
    ];
    let folders = listed(EXTENDED, steps).await.unwrap();
    assert_eq!(names(&folders), ["Sent", "INBOX"]);
    assert!(folders[0].subscribed && folders[0].special_use.is_some());
    assert!(folders[1].selectable);
}

#[tokio::test]
async fn exchange_lists_names_with_spaces_without_quotes() {
    let lines = "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Sent Items\r\n* LIST () \"/\" Old (2019) [x]\r\nv2 OK\r\n";
    let folders = listed(PLAIN, vec![("v2 LIST", lines), ("v3 LSUB", "v3 OK\r\n")]).await;
    assert_eq!(names(&folders.unwrap()), ["INBOX", "Sent Items", "Old (2019) [x]"]);
}

#[tokio::test]
async fn folder_that_cannot_be_read_is_an_error() {
    for line in ["* LIST () \"/\"\r\nv2 OK\r\n", "* LIST (\r\nv2 OK\r\n"] {
        let result = listed(PLAIN, vec![("v2 LIST", line), ("v3 LSUB", "v3 OK\r\n")]).await;
        assert!(
            matches!(result, Err(ImapError::Unreadable { command: "LIST", .. })),
            "{line}"
        );
    }
}

/// RFC 6154 and RFC 8457: Gmail's Starred and Important.
#[tokio::test]
async fn views_of_other_folders_are_not_copied() {
    let lines = "* LIST (\\Flagged) \"/\" Starred\r\n* LIST (\\Important) \"/\" Important\r\n\
                 * LIST (\\All) \"/\" All\r\n* LIST () \"/\" INBOX\r\nv2 OK\r\n";
    let folders = listed(PLAIN, vec![("v2 LIST", lines), ("v3 LSUB", "v3 OK\r\n")]).await;
    let selectable: Vec<bool> = folders.unwrap().iter().map(|folder| folder.selectable).collect();
    assert_eq!(selectable, [false, false, true, true]);
}
