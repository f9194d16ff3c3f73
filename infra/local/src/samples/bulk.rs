//! Accounts to measure with: as many messages of such sizes as real mailboxes have.
//!
//! The sizes follow `REAL_MAIL` without chance (the i-th of n messages has the size of the i-th
//! quantile), only their order is drawn: so an account of another number of messages has the same
//! mean. Bodies are cut out of one block of lines, since nobody reads them, and made fast.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::mime::Writer;
use super::{Append, Plan, SampleAccount, SampleFolder};
use crate::dovecot::{Login, Purpose};

/// The password of all these accounts.
pub const PASSWORD: &str = "Messlatte-7";

/// Their users.
pub const USERS: [&str; 4] = [MIXED_USER, SMALL_USER, LARGE_USER, MILLION_USER];

const MIXED_USER: &str = "mixed@harbour.example";
const SMALL_USER: &str = "small@harbour.example";
const LARGE_USER: &str = "large@harbour.example";
const MILLION_USER: &str = "million@harbour.example";

/// Where a share of all messages (in 1/100,000) is at most so many bytes long; straight lines between. The median is
/// about 8 KB, the mean about 42 KB, the largest are a few MB.
const REAL_MAIL: &[(usize, usize)] = &[
    (0, 600),
    (5_000, 1_200),
    (25_000, 3_000),
    (50_000, 8_000),
    (75_000, 22_000),
    (90_000, 56_000),
    (95_000, 140_000),
    (99_000, 450_000),
    (99_900, 1_900_000),
    (100_000, 4_800_000),
];

const SMALL_MAIL: &[(usize, usize)] = &[(0, 2_000), (100_000, 5_000)];

const EVERY: usize = 100_000;

/// One message in so many has no header at all; sizes apart, that is what peers stumble over.
const HEADERLESS_EVERY: usize = 500;

const LARGE_BYTES: usize = 60_000_000;

const MIXED: &[Plan] = &[
    (&["INBOX"], None, true, 200),
    (&["Sent"], Some(Purpose::Sent), true, 150),
    (&["Drafts"], Some(Purpose::Drafts), true, 5),
    (&["Trash"], Some(Purpose::Trash), true, 30),
    (&["Junk"], Some(Purpose::Junk), false, 30),
    (&["Archive"], Some(Purpose::Archive), true, 100),
    (&["Archive", "2019"], None, true, 30),
    (&["Archive", "2020"], None, true, 30),
    (&["Archive", "2021"], None, true, 30),
    (&["Archive", "2022"], None, true, 30),
    (&["Archive", "2023"], None, true, 30),
    (&["Archive", "2024"], None, true, 30),
    (&["Projekte"], None, true, 5),
    (&["Projekte", "Größe & Maße"], None, true, 20),
    (&["Projekte", "Größe & Maße", "Zeichnungen"], None, true, 15),
    (&["Projekte", "Ångström–Prüfung"], None, true, 15),
    (&["Projekte", "Kran 7"], None, true, 15),
    (&["Projekte", "Kran 7", "Angebote"], None, true, 10),
    (&["Projekte", "Kran 7", "Rechnungen"], None, true, 10),
    (&["お客様"], None, true, 10),
    (&["お客様", "東京"], None, true, 15),
    (&["お客様", "大阪"], None, true, 10),
    (&["Lists"], None, false, 1),
    (&["Lists", "Sailing"], None, true, 40),
    (&["Lists", "Weather & Sea"], None, true, 40),
    (&["Lists", "Notices"], None, false, 25),
    (&["Suppliers"], None, true, 10),
    (&["Suppliers", "Steel"], None, true, 8),
    (&["Suppliers", "Rope"], None, true, 8),
    (&["Suppliers", "Paint"], None, true, 8),
    (&["Accounts"], None, true, 12),
    (&["Accounts", "Incoming"], None, true, 14),
    (&["Accounts", "Outgoing"], None, true, 14),
    (&["Q&A"], None, true, 4),
    (&["Empty"], None, true, 0),
];

const FEW: &[Plan] = &[
    (&["INBOX"], None, true, 60),
    (&["Sent"], Some(Purpose::Sent), true, 25),
    (&["Trash"], Some(Purpose::Trash), true, 5),
    (&["Aufträge"], None, true, 10),
];

const ONE: &[Plan] = &[(&["INBOX"], None, true, 1)];

/// 35 folders with sizes as in real mail: 10,000 messages are about 421 MB.
pub fn mixed(messages: usize) -> SampleAccount {
    account(MIXED_USER, MIXED, REAL_MAIL, messages)
}

/// A few folders with messages of 2 to 5 KB.
pub fn light(messages: usize) -> SampleAccount {
    account(SMALL_USER, FEW, SMALL_MAIL, messages)
}

/// Ordinary messages in one folder, and `large` messages of 60 MB among them.
pub fn large(messages: usize, large: usize) -> SampleAccount {
    let mut account = account(LARGE_USER, ONE, SMALL_MAIL, messages);
    let mut bulk = Bulk::new(60);
    let step = messages / (large + 1);
    if let Some(inbox) = account.folders.first_mut() {
        for number in 1..=large {
            let message = bulk.message(None, LARGE_BYTES);
            inbox
                .messages
                .insert((number * (step + 1)).min(inbox.messages.len()), message);
        }
    }
    account
}

/// The first messages of a folder that is then doubled until it holds a million.
pub fn tiny(messages: usize) -> SampleAccount {
    account(MILLION_USER, ONE, &[(0, 500), (EVERY, 700)], messages)
}

fn account(user: &str, plans: &[Plan], sizes: &[(usize, usize)], messages: usize) -> SampleAccount {
    let mut bulk = Bulk::new(messages as u64);
    let whole: usize = plans.iter().map(|(.., weight)| weight).sum();
    let mut counts: Vec<usize> = plans.iter().map(|(.., weight)| messages * weight / whole).collect();
    let rest = messages - counts.iter().sum::<usize>();
    if let Some(inbox) = counts.first_mut() {
        *inbox += rest;
    }
    let mut sizes: Vec<usize> = (0..messages)
        .map(|number| quantile(sizes, (2 * number + 1) * EVERY / (2 * messages)))
        .collect();
    bulk.shuffle(&mut sizes);
    let mut sizes = sizes.into_iter();
    let folders = plans
        .iter()
        .zip(counts)
        .map(|((path, purpose, subscribed, _), count)| SampleFolder {
            path: path.to_vec(),
            purpose: *purpose,
            subscribed: *subscribed,
            messages: sizes
                .by_ref()
                .take(count)
                .map(|size| bulk.message(*purpose, size))
                .collect(),
        });
    SampleAccount {
        folders: folders.collect(),
        login: Login::new(user, PASSWORD),
    }
}

/// The size at `share` of all messages.
fn quantile(sizes: &[(usize, usize)], share: usize) -> usize {
    let pairs = sizes.iter().zip(sizes.iter().skip(1));
    let mut within = pairs.filter(|((from, _), (to, _))| (*from..=*to).contains(&share));
    within.next().map_or(0, |((from, low), (to, high))| {
        low + (high - low) * (share - from) / (to - from)
    })
}

/// Writes messages of a given size.
struct Bulk {
    writer: Writer,
    block: Vec<u8>,
    number: usize,
}

/// 57 bytes are 76 letters of base64, and a line end.
const LINE_DATA: usize = 57;
const LINE: usize = 78;
const BLOCK_LINES: usize = 16_384;

impl Bulk {
    fn new(seed: u64) -> Self {
        let mut writer = Writer::new(seed, "bulk@harbour.example");
        let mut block = Vec::with_capacity(LINE * BLOCK_LINES);
        for _ in 0..BLOCK_LINES {
            block.extend(STANDARD.encode(writer.random.bytes(LINE_DATA)).into_bytes());
            block.extend(b"\r\n");
        }
        Self {
            writer,
            block,
            number: 0,
        }
    }

    fn shuffle(&mut self, sizes: &mut [usize]) {
        for at in (1..sizes.len()).rev() {
            sizes.swap(at, self.writer.random.below(at + 1));
        }
    }

    fn message(&mut self, purpose: Option<Purpose>, size: usize) -> Append {
        self.number += 1;
        let mut message = self.writer.frame(purpose);
        if self.number.is_multiple_of(HEADERLESS_EVERY) {
            message.bytes = b"\r\n".to_vec();
        } else {
            message.bytes.extend(b"Content-Type: text/plain\r\n\r\n");
        }
        let mut at = self.writer.random.below(BLOCK_LINES) * LINE;
        while message.bytes.len() + 2 < size {
            let left = size - message.bytes.len() - 2;
            let piece = self.block.get(at..).unwrap_or_default();
            let piece = piece.get(..left).unwrap_or(piece);
            message.bytes.extend(piece);
            at = 0;
        }
        // A cut through a line end would leave a lone CR.
        if message.bytes.ends_with(b"\r") {
            message.bytes.pop();
        }
        message.bytes.extend(b"\r\n");
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_real_mail_whatever_the_number() {
        for messages in [1_000, 10_000] {
            let account = mixed(messages);
            assert_eq!((account.messages(), account.folders.len()), (messages, 35));
            let mean = account.size_bytes() / messages;
            assert!((41_000..44_000).contains(&mean), "{mean}");
            let all = account.folders.iter().flat_map(|folder| &folder.messages);
            let mut sizes: Vec<usize> = all.map(|message| message.bytes.len()).collect();
            sizes.sort_unstable();
            assert!((7_500..8_500).contains(&sizes[messages / 2]), "{}", sizes[messages / 2]);
            assert!(sizes[messages - 1] > 2_000_000);
        }
    }

    #[test]
    fn large_messages_stand_among_ordinary_ones() {
        let account = large(20, 2);
        let sizes: Vec<bool> = account.folders[0]
            .messages
            .iter()
            .map(|m| m.bytes.len() > 50_000_000)
            .collect();
        assert_eq!(sizes.iter().filter(|large| **large).count(), 2);
        assert!(!sizes[0] && !sizes[21]);
    }

    #[test]
    fn lines_are_whole() {
        let account = light(50);
        for message in account.folders.iter().flat_map(|folder| &folder.messages) {
            assert!(message.bytes.ends_with(b"\r\n"));
            let lone = message.bytes.windows(2).any(|two| two[0] == b'\r' && two[1] != b'\n');
            assert!(!lone);
        }
    }
}
