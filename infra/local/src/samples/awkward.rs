//! An account in which every other message is one that a copier may lose, double or change.
//!
//! What `oddities.rs` has once is here many times over and mixed with ordinary mail, so that each
//! batch of a copier holds some of it, and whatever breaks off breaks off among them.

use super::mime::{Writer, attachment, internal_date, text};
use super::{Append, OFFICE, Purpose, SampleAccount, SampleFolder, account, oddities};
use crate::dovecot::Login;
use crate::random::Random;

/// How many messages of a hundred are awkward.
const AWKWARD_PERCENT: usize = 55;
/// A larger message takes a slow line longer than a short run lasts.
const LARGE: usize = 1_000_000;
/// So few Message-IDs and dates that many messages share one.
const SHARED: usize = 7;
const FLAGS: &[&str] = &["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"];
const KEYWORDS: &[&str] = &[
    "$Forwarded",
    "$MDNSent",
    "NonJunk",
    "Auftrag-17",
    "$a.b+c=d_e",
    "spaeter",
];

/// An account with `messages` messages in many folders; one of them, `Sonderfälle`, holds each
/// oddity once and `empty` messages of zero bytes, which Dovecot keeps but takes from nobody.
pub fn awkward(login: Login, messages: usize, empty: usize, seed: u64) -> SampleAccount {
    let mut random = Random::new(seed ^ 0xa3c);
    let mut odd = oddities::all(&mut random);
    odd.retain(|message| message.bytes.len() < LARGE);
    odd.extend(oddities::for_inbox(&mut random));
    odd.extend((0..empty).map(|_| Append {
        flags: Vec::new(),
        internal_date: String::new(),
        bytes: Vec::new(),
    }));
    let user = login.user.clone();
    let mut account = account(login, OFFICE, messages.saturating_sub(odd.len()), seed);
    let mut writer = Writer::new(seed ^ 0xa4d, &user);
    for folder in &mut account.folders {
        for at in 0..folder.messages.len() {
            if !random.percent(AWKWARD_PERCENT) {
                continue;
            }
            let (before, rest) = folder.messages.split_at_mut(at);
            if let Some(message) = rest.first_mut() {
                *message = one(&mut random, &mut writer, before, folder.purpose);
            }
        }
    }
    account.folders.push(SampleFolder {
        path: vec!["Sonderfälle"],
        purpose: None,
        subscribed: true,
        messages: odd,
    });
    account
}

/// An awkward message for a folder that holds those `before` it.
fn one(random: &mut Random, writer: &mut Writer, before: &[Append], purpose: Option<Purpose>) -> Append {
    if let Some(twin) = before.get(random.below(before.len().max(1)))
        && random.percent(20)
    {
        return twin_of(random, twin);
    }
    let mut message = writer.message(purpose);
    let number = random.below(SHARED);
    message.bytes = match random.below(12) {
        // Equal Message-IDs over different bytes.
        0 | 1 => headed(&format!("Message-ID: <shared.{number}@harbour.example>"), &body(random)),
        2 | 3 => without_message_id(&message.bytes),
        4 => headed("Subject: header only", b""),
        5 => b"Subject: header only, and no line after it\r\n".to_vec(),
        // Without a header: a body at once, or what looks like none.
        6 => [b"\r\n", &*body(random)].concat(),
        7 => vec![b'x'; 1 + random.below(3)],
        8 => with_each(&message.bytes, random, &[b"\0", b"\n", b"\r", b"\r\r\n", b"\x80"]),
        9 => headed("Subject: Gr\u{f6}\u{df}e und \u{7a93}", &body(random)),
        10 => [
            b"Subject: Gr\xf6\xdfe, undeclared\r\nX-\xe4: \xff\r\n\r\n",
            &*body(random),
        ]
        .concat(),
        _ => {
            let length = 2_000 + random.below(30_000);
            headed(
                "Subject: one line",
                text(random, length).replace("\r\n", " ").as_bytes(),
            )
        }
    };
    if random.percent(2) {
        let size = LARGE / 10 + random.below(LARGE / 2);
        message.bytes = [b"Subject: large\r\n", &*attachment(random, size)].concat();
    }
    if random.percent(40) {
        message.flags = flags(random);
    }
    if random.percent(40) {
        // Equal to the second, and in another zone's words.
        message.internal_date = internal_date(random, 1_400_000_000 + number);
    }
    message
}

/// The same bytes again: all alike, or another date, or other flags.
fn twin_of(random: &mut Random, twin: &Append) -> Append {
    let mut twin = twin.clone();
    match random.below(4) {
        0 => twin.flags = flags(random),
        1 => twin.internal_date = internal_date(random, 1_400_000_000),
        _ => {}
    }
    twin
}

fn flags(random: &mut Random) -> Vec<String> {
    let words = FLAGS.iter().chain(KEYWORDS);
    words
        .filter(|_| random.percent(30))
        .map(|word| (*word).to_owned())
        .collect()
}

fn body(random: &mut Random) -> Vec<u8> {
    let length = 20 + random.below(1_500);
    text(random, length).into_bytes()
}

fn headed(header: &str, body: &[u8]) -> Vec<u8> {
    [header.as_bytes(), b"\r\n\r\n", body].concat()
}

fn without_message_id(message: &[u8]) -> Vec<u8> {
    let lines = message.split_inclusive(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.starts_with(b"Message-ID:"))
        .flatten()
        .copied()
        .collect()
}

/// A message with some of these bytes put in here and there, but never more than one CR before a
/// line's CRLF: Dovecot gives the third one out, and takes it away where it is appended (2.3.19).
fn with_each(message: &[u8], random: &mut Random, pieces: &[&[u8]]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for piece in pieces {
        let at = random.below(bytes.len());
        bytes.splice(at..at, piece.iter().copied());
    }
    while let Some(at) = bytes.windows(4).position(|part| part == b"\r\r\r\n") {
        bytes.remove(at);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::compare::read_account;
    use crate::dovecot::{Dovecot, Layout, Options};
    use crate::samples::deliver;

    #[test]
    fn every_awkwardness_is_among_a_few_hundred_messages() {
        let account = awkward(Login::new("a@b.example", "x"), 600, 2, 5);
        assert_eq!(account.messages(), 600);
        let all: Vec<&Append> = account.folders.iter().flat_map(|folder| &folder.messages).collect();
        let any = |is: &dyn Fn(&[u8]) -> bool| all.iter().filter(|message| is(&message.bytes)).count();
        let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(any(&|bytes| !bytes.is_empty() && !holds(bytes, b"Message-ID:")) > 30);
        assert!(any(&|bytes| holds(bytes, b"<shared.1@")) > 1);
        assert!(any(&|bytes| bytes.contains(&0)) > 5);
        assert!(any(&|bytes| bytes.windows(2).any(|two| two[1] == b'\n' && two[0] != b'\r')) > 5);
        assert!(any(&|bytes| bytes.windows(2).any(|two| two[0] == b'\r' && two[1] != b'\n')) > 5);
        assert!(any(&|bytes| bytes.split(|byte| *byte == b'\n').any(|line| line.len() > 2_000)) > 5);
        assert!(any(&|bytes| bytes.first().is_some_and(|byte| *byte == b'\r')) > 5);
        assert_eq!(any(&<[u8]>::is_empty), 2);
        let distinct: BTreeSet<&[u8]> = all.iter().map(|message| &*message.bytes).collect();
        assert!(distinct.len() + 20 < all.len(), "twins are missing");
        assert!(
            all.iter()
                .any(|message| message.flags.contains(&"\\Deleted".to_owned()))
        );
    }

    #[test]
    fn dovecot_takes_all_of_it() {
        let account = awkward(Login::new("a@b.example", "x"), 900, 2, 6);
        let users = vec![account.login.clone()];
        let server = Dovecot::start(Options {
            users,
            layout: Layout::german(),
            ..Options::new("awkward")
        });
        let server = server.unwrap();
        deliver(&server, &account).unwrap();
        let view = read_account(&server, "a@b.example").unwrap();
        assert_eq!(view.folders.values().map(Vec::len).sum::<usize>(), 900);
        let empty = view
            .folders
            .values()
            .flatten()
            .filter(|message| message.size_bytes == 0);
        assert_eq!(empty.count(), 2);
    }
}
