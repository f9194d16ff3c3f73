//! Counting and room.

use mailvan::domain::{CheckCode, FolderPattern, MailboxSize};
use mailvan_local::dovecot::Dovecot;
use mailvan_local::imap_client::Append;
use mailvan_local::samples::{SampleAccount, deliver, small};

use crate::scripted::scripted;
use crate::{PASSWORD, Subject, USER, is, server};

fn account() -> SampleAccount {
    small(USER, PASSWORD, 60, 11)
}

fn filled(hidden: &[&str]) -> Dovecot {
    let source = server("previous", |options| {
        options.hidden_capabilities = hidden.iter().map(|&name| name.to_owned()).collect();
    });
    deliver(&source, &account()).unwrap();
    source
}

async fn size_between(source: &Dovecot, destination: &Dovecot) -> MailboxSize {
    let looked = Subject::between(source.port(), destination.port()).look().await;
    assert_eq!(looked.findings, [], "{looked:?}");
    looked.size.unwrap()
}

#[tokio::test]
async fn mailbox_is_counted_with_and_without_sizes_of_folders() {
    let destination = server("provider", |_| ());
    let told = size_between(&filled(&[]), &destination).await;
    let account = account();
    assert_eq!(usize::try_from(told.messages).unwrap(), account.messages());
    assert!(told.bytes > 0 && !told.is_estimate && told.folders > 4, "{told:?}");
    let weighed = size_between(&filled(&["STATUS=SIZE"]), &destination).await;
    assert_eq!(weighed, told);
}

#[tokio::test]
async fn mailbox_without_room_is_too_small_and_excluded_folders_take_none() {
    let source = filled(&[]);
    let small = server("provider", |options| options.quota_kib = Some(8));
    let subject = || Subject::between(source.port(), small.port());
    let looked = subject().look().await;
    assert_eq!(looked.findings.len(), 1, "{looked:?}");
    is(&looked.findings[0].fault, CheckCode::DestinationTooSmall);
    assert!(looked.size.is_some());

    let mut only_one = subject();
    only_one.options.include = vec!["No such folder".parse::<FolderPattern>().unwrap()];
    assert_eq!(only_one.look().await.findings, []);

    let large = server("provider", |options| options.quota_kib = Some(1 << 20));
    size_between(&source, &large).await;
}

/// A destination that says how large a message may be.
#[tokio::test]
async fn messages_that_the_destination_does_not_take_are_told_by_folder() {
    const LIMIT: usize = 4096;
    let answers = &[
        (
            "AUTHENTICATE",
            "% OK [CAPABILITY IMAP4rev1 UIDPLUS XAPPLE APPENDLIMIT=4096] done\r\n",
        ),
        ("LIST", "* LIST () \"/\" INBOX\r\n% OK done\r\n"),
    ];
    let greeting = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready";
    let port = scripted(greeting, answers).await;
    let is_large = |message: &&Append| message.bytes.len() > LIMIT;
    let account = account();
    let folders = account.folders.iter();
    let per_folder = folders.map(|folder| folder.messages.iter().filter(is_large).count() as u64);
    let mut expected: Vec<u64> = per_folder.filter(|count| *count > 0).collect();
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let in_all: u64 = expected.iter().sum();
    expected.truncate(5);
    assert!(!expected.is_empty() && in_all < account.messages() as u64);
    for hidden in [&[][..], &["STATUS=SIZE"]] {
        let source = filled(hidden);
        let looked = Subject::between(source.port(), port).look().await;
        assert_eq!(looked.findings, [], "{looked:?}");
        let servers = looked.servers.unwrap();
        let found: Vec<u64> = servers.too_large.folders.iter().map(|folder| folder.messages).collect();
        assert_eq!((servers.message_limit, &found), (Some(4096), &expected));
        assert_eq!(servers.too_large.messages, in_all);
        assert_eq!(servers.destination, "UIDPLUS");
        assert!(servers.source.contains("CONDSTORE") && servers.source.contains("UIDPLUS"));
        assert_eq!(servers.source.contains("STATUS=SIZE"), hidden.is_empty(), "{servers:?}");
        // Which of them are of these days nobody knows.
        let mut of_days = Subject::between(source.port(), port);
        of_days.options.dates.since = Some("2020-01-01".parse().unwrap());
        assert!(of_days.look().await.servers.unwrap().too_large.is_empty());
    }
}
