//! Counting and room.

use mailvan::domain::{CheckCode, FolderPattern, MailboxSize};
use mailvan_local::dovecot::Dovecot;
use mailvan_local::samples::{SampleAccount, deliver, small};

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
