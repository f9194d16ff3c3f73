use super::*;
use crate::dovecot::{Layout, Login, Options, Store};
use crate::imap_client::{Append, ImapClient};
use crate::samples;

const USER: &str = "test@harbour.example";

fn login() -> Login {
    Login::new(USER, "geheim, \"sehr\"")
}

fn server(name: &str, layout: Layout, store: Store) -> Dovecot {
    let options = Options {
        users: vec![login()],
        layout,
        store,
        ..Options::new(name)
    };
    Dovecot::start(options).unwrap()
}

/// Two servers of unlike kinds.
fn servers() -> (Dovecot, Dovecot) {
    let source = server("source", Layout::german(), Store::Sdbox);
    let layout = Layout::english().with_separator('.', "INBOX.");
    (source, server("target", layout, Store::Maildir))
}

fn differences(source: &Dovecot, destination: &Dovecot) -> Vec<String> {
    let account = samples::small(USER, "", 0, 0);
    let expected = account.expected(source.layout(), destination.layout());
    let comparison = compare_accounts((source, USER), (destination, USER), &expected).unwrap();
    comparison.differences.iter().map(ToString::to_string).collect()
}

fn message(number: u32) -> Append {
    Append {
        flags: vec!["\\Seen".to_owned(), "$Forwarded".to_owned()],
        internal_date: "01-Feb-2019 10:11:12 +0530".to_owned(),
        bytes: format!("Message-ID: <{number}@x.example>\r\nSubject: {number}\r\n\r\nbody\r\n").into_bytes(),
    }
}

/// What is found when the second of three messages at the destination is made another one.
fn found_after(change: impl FnOnce(&mut Vec<Append>)) -> Vec<String> {
    let (source, destination) = servers();
    let mut messages: Vec<_> = (1..=3).map(message).collect();
    let mut client = ImapClient::connect(source.address(), &login()).unwrap();
    client.append("INBOX", &messages).unwrap();
    change(&mut messages);
    let mut client = ImapClient::connect(destination.address(), &login()).unwrap();
    client.append("INBOX", &messages).unwrap();
    differences(&source, &destination)
}

#[test]
fn equal_accounts_are_identical_on_unlike_servers() {
    assert_eq!(found_after(|_| ()), [""; 0]);
    assert_eq!(found_after(|messages| messages.reverse()), [""; 0]);
}

#[test]
fn a_doubled_message_is_found() {
    let found = found_after(|messages| messages.push(message(2)));
    assert_eq!(found, ["INBOX: UID 4 (<2@x.example>): surplus"]);
}

#[test]
fn a_lost_message_is_found() {
    let found = found_after(|messages| drop(messages.remove(1)));
    assert_eq!(found, ["INBOX: UID 2 (<2@x.example>): missing"]);
}

#[test]
fn a_lost_twin_is_found() {
    let (source, destination) = servers();
    let twins = [message(1), message(1)];
    for (server, count) in [(&source, 2), (&destination, 1)] {
        let mut client = ImapClient::connect(server.address(), &login()).unwrap();
        client.append("INBOX", &twins[..count]).unwrap();
    }
    let found = differences(&source, &destination);
    assert_eq!(found, ["INBOX: UID 2 (<1@x.example>): missing"]);
}

#[test]
fn one_different_flag_or_keyword_is_found() {
    let found = found_after(|messages| drop(messages[1].flags.remove(1)));
    let expected = "INBOX: UID 2 (<2@x.example>): flags ($Forwarded \\Seen) became (\\Seen)";
    assert_eq!(found, [expected]);
    let found = found_after(|messages| messages[1].flags.push("\\Flagged".to_owned()));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn an_internaldate_one_second_off_is_found() {
    let found = found_after(|messages| {
        messages[1].internal_date = "01-Feb-2019 10:11:13 +0530".to_owned();
    });
    let expected = "INBOX: UID 2 (<2@x.example>): INTERNALDATE 1548996072 became 1548996073";
    assert_eq!(found, [expected]);
}

#[test]
fn the_same_instant_in_another_zone_is_the_same() {
    let found = found_after(|messages| {
        messages[1].internal_date = "01-Feb-2019 04:41:12 +0000".to_owned();
    });
    assert_eq!(found, [""; 0]);
}

#[test]
fn one_changed_byte_is_found() {
    let found = found_after(|messages| {
        let at = messages[1].bytes.len() - 3;
        messages[1].bytes[at] ^= 1;
    });
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("UID 2 (<2@x.example>): other bytes"), "{found:?}");
}

#[test]
fn folders_and_subscriptions_are_compared_under_their_expected_names() {
    let (source, destination) = servers();
    let account = samples::small(USER, &login().password, 40, 3);
    samples::deliver(&source, &account).unwrap();
    samples::deliver(&destination, &account).unwrap();
    assert_eq!(differences(&source, &destination), [""; 0]);

    let mut client = ImapClient::connect(destination.address(), &login()).unwrap();
    client.command("UNSUBSCRIBE INBOX.Sent").unwrap();
    client.command("SUBSCRIBE INBOX.Drafts").unwrap();
    client.create("INBOX.Surplus").unwrap();
    client.command("DELETE \"INBOX.Auftr&AOQ-ge.offen\"").unwrap();
    let found = differences(&source, &destination);
    assert_eq!(
        found,
        [
            "INBOX.Aufträge.offen: folder missing, 4 messages with it",
            "INBOX.Surplus: surplus folder with 0 messages",
            "INBOX.Sent: subscription missing",
            "INBOX.Drafts: surplus subscription",
        ]
    );

    let mut client = ImapClient::connect(source.address(), &login()).unwrap();
    client.create("Nobody knows").unwrap();
    let found = differences(&source, &destination);
    assert!(
        found[0].starts_with("Nobody knows: at the source, but not"),
        "{found:?}"
    );
}

#[test]
fn changes_between_passes_are_seen_as_differences() {
    let (source, destination) = servers();
    let account = samples::small(USER, &login().password, 40, 3);
    samples::deliver(&source, &account).unwrap();
    samples::deliver(&destination, &account).unwrap();
    let changes = samples::deliver_between_passes(&source, &account, 3, 1).unwrap();
    assert_eq!(changes.new_in_inbox, 3);
    let found = differences(&source, &destination);
    let count = |end: &str| found.iter().filter(|line| line.contains(end)).count();
    assert_eq!(count(": missing"), 3, "{found:?}");
    assert_eq!(count("folder missing, 1 messages"), 1, "{found:?}");
    assert_eq!(count("subscription missing"), 1, "{found:?}");
    assert!(count("became") >= changes.labelled, "{found:?}");
}
