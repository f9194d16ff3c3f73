//! Sample mailboxes worth seeing: the same for the same seed, and odd where real ones are odd.
//!
//! An account here is a value ([`SampleAccount`]); `deliver.rs` brings it onto a server and changes
//! it between two passes, `oddities.rs` holds the messages that a copier may get wrong, `mime.rs`
//! writes messages. The names are those of roles and places, not of people.

use std::collections::BTreeSet;

use crate::compare::Expected;
use crate::dovecot::{Layout, Login, Purpose};
use crate::imap_client::Append;

mod awkward;
pub mod bulk;
mod deliver;
mod mime;
mod oddities;

pub use awkward::awkward;
pub use deliver::{Changes, Tidied, deliver, deliver_between_passes, deliver_late, tidy_up, touch};

use crate::random::Random;
use mime::Writer;

/// A folder with its messages.
#[derive(Clone, Debug)]
pub struct SampleFolder {
    /// The path, part by part; `["INBOX"]` is INBOX. For a special folder the server's name counts.
    pub path: Vec<&'static str>,
    /// What the folder is for.
    pub purpose: Option<Purpose>,
    /// Whether the user has subscribed to it.
    pub subscribed: bool,
    /// The messages, in the order of their UIDs.
    pub messages: Vec<Append>,
}

impl SampleFolder {
    /// Its full name on a server.
    pub fn name(&self, layout: &Layout) -> String {
        self.purpose
            .and_then(|purpose| layout.special_name(purpose))
            .unwrap_or_else(|| layout.name(&self.path))
    }
}

/// An account with all its mail.
#[derive(Clone, Debug)]
pub struct SampleAccount {
    /// User name (an address) and password, at both sides.
    pub login: Login,
    /// The folders, parents first.
    pub folders: Vec<SampleFolder>,
}

impl SampleAccount {
    /// How many messages it has.
    pub fn messages(&self) -> usize {
        self.folders.iter().map(|folder| folder.messages.len()).sum()
    }

    /// Their size on the wire.
    pub fn size_bytes(&self) -> usize {
        self.folders
            .iter()
            .flat_map(|folder| &folder.messages)
            .map(|m| m.bytes.len())
            .sum()
    }

    /// Where its folders are expected after a migration, those of
    /// [`deliver_between_passes`] included.
    pub fn expected(&self, source: &Layout, destination: &Layout) -> Expected {
        let names = |folder: &SampleFolder| (folder.name(source), folder.name(destination));
        let mut folders: std::collections::BTreeMap<_, _> = self.folders.iter().map(names).collect();
        folders.insert("INBOX".to_owned(), "INBOX".to_owned());
        folders.insert(
            source.name(&deliver::NEW_FOLDER),
            destination.name(&deliver::NEW_FOLDER),
        );
        // Special-use folders that the source's server provides, whether the sample uses them or not.
        for (purpose, _) in &source.special {
            let names = (source.special_name(*purpose), destination.special_name(*purpose));
            if let (Some(from), Some(to)) = names {
                folders.insert(from, to);
            }
        }
        let special = destination.special.iter();
        let provided: BTreeSet<_> = special
            .filter_map(|(purpose, _)| destination.special_name(*purpose))
            .collect();
        Expected { folders, provided }
    }
}

/// A plan of a folder: path, purpose, subscribed, weight among the account's messages.
type Plan = (&'static [&'static str], Option<Purpose>, bool, usize);

const OFFICE: &[Plan] = &[
    (&["INBOX"], None, true, 30),
    (&["Gesendet"], Some(Purpose::Sent), true, 18),
    (&["Entwürfe"], Some(Purpose::Drafts), false, 1),
    (&["Papierkorb"], Some(Purpose::Trash), true, 4),
    (&["Unerwünscht"], Some(Purpose::Junk), false, 3),
    (&["Ablage"], Some(Purpose::Archive), true, 12),
    (&["Projekte", "Größe & Maße"], None, true, 7),
    (&["Projekte", "Größe & Maße", "Zeichnungen"], None, false, 5),
    (&["Projekte", "Ångström–Prüfung"], None, true, 4),
    (&["Archiv", "2022"], None, false, 6),
    (&["Archiv", "2023"], None, true, 6),
    (&["お客様", "東京"], None, true, 3),
    (&["Q&A"], None, true, 1),
    (&["Leer"], None, true, 0),
];

const WORKSHOP: &[Plan] = &[
    (&["INBOX"], None, true, 50),
    (&["Gesendet"], Some(Purpose::Sent), true, 20),
    (&["Papierkorb"], Some(Purpose::Trash), false, 5),
    (&["Aufträge"], None, true, 10),
    (&["Aufträge", "offen"], None, true, 10),
    (&["Aufträge", "erledigt"], None, false, 5),
];

const LISTS: &[Plan] = &[
    (&["INBOX"], None, true, 5),
    (&["Listen", "Segeln"], None, true, 40),
    (&["Listen", "Wetter & Seegang"], None, true, 40),
    (&["Gesendet"], Some(Purpose::Sent), false, 15),
];

const RECEPTION: &[Plan] = &[(&["INBOX"], None, false, 2), (&["Nur für Gäste 🛥"], None, true, 1)];

/// The accounts of the demonstration: three of about `messages` messages, and one that is almost
/// empty.
pub fn accounts(messages: usize, seed: u64) -> Vec<SampleAccount> {
    vec![
        office(messages, seed),
        account(
            Login::new("werkstatt@harbour.example", "Lack, \"Leim\" & Co"),
            WORKSHOP,
            messages,
            seed + 1,
        ),
        account(
            Login::new("listen@harbour.example", "schlüssel-straße"),
            LISTS,
            messages,
            seed + 2,
        ),
        account(
            Login::new("empfang@harbour.example", "p:w%d\\;1"),
            RECEPTION,
            messages.min(12),
            seed + 3,
        ),
    ]
}

/// The account with everything in it: all folders, all oddities, one message of 6 MB.
pub fn office(messages: usize, seed: u64) -> SampleAccount {
    let mut account = account(
        Login::new("buero@harbour.example", "Ankerwinde-2024"),
        OFFICE,
        messages,
        seed,
    );
    let mut random = Random::new(seed ^ 0x0dd);
    if let Some(inbox) = account.folders.first_mut() {
        inbox.messages.extend(oddities::for_inbox(&mut random));
    }
    account.folders.push(SampleFolder {
        path: vec!["Sonderfälle"],
        purpose: None,
        subscribed: true,
        messages: oddities::all(&mut random),
    });
    account
}

/// An account for tests: INBOX and nested folders with `messages` small messages in all.
pub fn small(user: &str, password: &str, messages: usize, seed: u64) -> SampleAccount {
    account(Login::new(user, password), WORKSHOP, messages, seed)
}

fn account(login: Login, plans: &[Plan], messages: usize, seed: u64) -> SampleAccount {
    let whole: usize = plans.iter().map(|(.., weight)| weight).sum();
    let mut writer = Writer::new(seed, &login.user);
    let mut folders: Vec<_> = plans
        .iter()
        .map(|(path, purpose, subscribed, weight)| {
            let count = messages * weight / whole.max(1);
            let messages = (0..count).map(|_| writer.message(*purpose)).collect();
            SampleFolder {
                path: path.to_vec(),
                purpose: *purpose,
                subscribed: *subscribed,
                messages,
            }
        })
        .collect();
    let written: usize = folders.iter().map(|folder| folder.messages.len()).sum();
    if let Some(inbox) = folders.first_mut() {
        let rest = messages.saturating_sub(written);
        inbox.messages.extend((0..rest).map(|_| writer.message(None)));
    }
    SampleAccount { login, folders }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_mail() {
        let (one, other) = (accounts(60, 7), accounts(60, 7));
        for (one, other) in one.iter().zip(&other) {
            for (one, other) in one.folders.iter().zip(&other.folders) {
                assert_eq!(one.messages, other.messages);
            }
        }
        let another = office(60, 8);
        assert_ne!(one[0].folders[0].messages, another.folders[0].messages);
    }

    #[test]
    fn an_account_has_as_many_messages_as_asked_for() {
        assert_eq!(small("a@b.example", "x", 103, 1).messages(), 103);
    }
}
