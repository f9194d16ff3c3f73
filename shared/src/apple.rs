//! Configuration profiles for Apple's devices: mail, contacts and calendars of a mailbox in one file.
//!
//! The format is Apple's property list (Device Management: `com.apple.mail.managed`, `com.apple.carddav.account`,
//! `com.apple.caldav.account`). No password stands in it: the device asks for it. It is not signed either, which a
//! device shows before it takes it. All its names are derived from the mailbox's address, so that a second file takes
//! the place of the first on a device.

use http::Uri;
use plist::{Dictionary, Value};
use uuid::Uuid;

use crate::domain::{EmailAddress, Endpoint, Language, Security};
use crate::profile::{Clients, Profile};

/// What a browser and a device know such a file by.
pub const CONTENT_TYPE: &str = "application/x-apple-aspen-config";

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("a configuration profile cannot be written")]
pub struct AppleProfileError(#[from] plist::Error);

/// Writes the file of a mailbox; nothing where the profile names no server of outgoing mail, without which a device
/// takes no account.
///
/// # Errors
/// [`AppleProfileError`].
pub fn apple_profile(
    mailbox: &EmailAddress,
    profile: &Profile,
    language: Language,
) -> Result<Option<String>, AppleProfileError> {
    let Clients { imap, smtp, dav, .. } = &profile.clients;
    let Some(smtp) = smtp else { return Ok(None) };
    let names = Names::of(mailbox, &profile.provider.name);
    let mut accounts = vec![Value::Dictionary(mail(&names, imap, smtp))];
    if let Some(place) = dav.as_deref().and_then(|dav| Place::of(dav, mailbox)) {
        for kind in ["CardDAV", "CalDAV"] {
            accounts.push(Value::Dictionary(place.account(&names, kind)));
        }
    }
    let about = match language {
        Language::English => "E-mail, contacts and calendars of this mailbox. Your device asks for the password.",
        Language::German => "E-Mail, Kontakte und Kalender dieses Postfachs. Ihr Gerät fragt nach dem Passwort.",
    };
    let mut whole = names.payload("Configuration", "profile", &names.mailbox);
    whole.insert("PayloadDescription".to_owned(), about.into());
    whole.insert("PayloadOrganization".to_owned(), names.provider.as_str().into());
    whole.insert("PayloadRemovalDisallowed".to_owned(), false.into());
    whole.insert("PayloadContent".to_owned(), Value::Array(accounts));
    let mut text = Vec::new();
    Value::Dictionary(whole).to_writer_xml(&mut text)?;
    // The writer writes UTF-8.
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

/// What the payloads of a mailbox are named.
struct Names {
    mailbox: String,
    provider: String,
    id: Uuid,
}

impl Names {
    fn of(mailbox: &EmailAddress, provider: &str) -> Self {
        Self {
            mailbox: mailbox.to_string(),
            // The format is XML, which has no way to write control characters.
            provider: provider.replace(char::is_control, " "),
            id: Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("mailto:{}", mailbox.key()).as_bytes()),
        }
    }

    /// What every payload says of itself.
    fn payload(&self, kind: &str, part: &str, title: &str) -> Dictionary {
        let id = Uuid::new_v5(&self.id, part.as_bytes());
        let mut payload = Dictionary::new();
        payload.insert("PayloadType".to_owned(), kind.into());
        payload.insert("PayloadVersion".to_owned(), 1.into());
        payload.insert(
            "PayloadIdentifier".to_owned(),
            format!("mailvan.{}.{part}", self.id).into(),
        );
        payload.insert(
            "PayloadUUID".to_owned(),
            id.hyphenated().to_string().to_uppercase().into(),
        );
        payload.insert("PayloadDisplayName".to_owned(), title.into());
        payload
    }
}

fn mail(names: &Names, imap: &Endpoint, smtp: &Endpoint) -> Dictionary {
    let mut account = names.payload("com.apple.mail.managed", "mail", &names.provider);
    let mut set = |key: &str, value: Value| {
        account.insert(key.to_owned(), value);
    };
    set("EmailAccountType", "EmailTypeIMAP".into());
    set("EmailAccountDescription", names.provider.as_str().into());
    set("EmailAddress", names.mailbox.as_str().into());
    for (side, server) in [("Incoming", imap), ("Outgoing", smtp)] {
        set(&format!("{side}MailServerAuthentication"), "EmailAuthPassword".into());
        set(&format!("{side}MailServerHostName"), server.host.as_str().into());
        set(&format!("{side}MailServerPortNumber"), u64::from(server.port).into());
        // Of STARTTLS too: the device tries both.
        set(
            &format!("{side}MailServerUseSSL"),
            (server.security != Security::None).into(),
        );
        set(&format!("{side}MailServerUsername"), names.mailbox.as_str().into());
    }
    set("OutgoingPasswordSameAsIncomingPassword", true.into());
    account
}

/// Where contacts and calendars are.
struct Place {
    host: String,
    port: u16,
    tls: bool,
    path: String,
}

impl Place {
    fn of(url: &str, mailbox: &EmailAddress) -> Option<Self> {
        let url: Uri = url.replace("{mailbox}", mailbox.as_str()).parse().ok()?;
        let tls = url.scheme_str()? == "https";
        Some(Self {
            host: url.host()?.to_owned(),
            port: url.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            tls,
            path: url.path().to_owned(),
        })
    }

    /// The account of a kind, `CardDAV` or `CalDAV`, which the names of its keys begin with.
    fn account(&self, names: &Names, kind: &str) -> Dictionary {
        let part = kind.to_lowercase();
        let mut account = names.payload(&format!("com.apple.{part}.account"), &part, &names.provider);
        let mut set = |key: &str, value: Value| {
            account.insert(format!("{kind}{key}"), value);
        };
        set("AccountDescription", names.provider.as_str().into());
        set("HostName", self.host.as_str().into());
        set("Port", u64::from(self.port).into());
        set("UseSSL", self.tls.into());
        set("Username", names.mailbox.as_str().into());
        // Else the device looks for it itself (RFC 6764).
        if self.path != "/" {
            set("PrincipalURL", self.path.as_str().into());
        }
        account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../infra/profile.example.toml");

    fn written(mailbox: &str, profile: &Profile) -> String {
        apple_profile(&mailbox.parse().unwrap(), profile, Language::English)
            .unwrap()
            .unwrap()
    }

    fn parts(text: &str) -> (Dictionary, Vec<Dictionary>) {
        let whole = Value::from_reader_xml(text.as_bytes())
            .unwrap()
            .into_dictionary()
            .unwrap();
        let content = whole.get("PayloadContent").unwrap().as_array().unwrap();
        let accounts = content
            .iter()
            .map(|account| account.as_dictionary().unwrap().clone())
            .collect();
        (whole, accounts)
    }

    #[test]
    fn mail_contacts_and_calendars_are_set_up_without_a_password() {
        let text = written("anna@example.com", &Profile::parse(EXAMPLE).unwrap());
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("apple_profile", text));
        let (whole, accounts) = parts(&text);
        assert_eq!(whole.get("PayloadType").unwrap().as_string(), Some("Configuration"));
        let kinds: Vec<_> = accounts
            .iter()
            .map(|account| account.get("PayloadType").unwrap().as_string().unwrap())
            .collect();
        assert_eq!(
            kinds,
            [
                "com.apple.mail.managed",
                "com.apple.carddav.account",
                "com.apple.caldav.account"
            ]
        );
        let keys = accounts.iter().flat_map(Dictionary::keys);
        assert!(
            keys.filter(|key| key.contains("Password"))
                .all(|key| key == "OutgoingPasswordSameAsIncomingPassword")
        );
    }

    #[test]
    fn second_file_of_a_mailbox_has_the_names_of_the_first() {
        let profile = Profile::parse(EXAMPLE).unwrap();
        let ids = |mailbox: &str| -> Vec<String> {
            let (whole, accounts) = parts(&written(mailbox, &profile));
            let all = std::iter::once(&whole).chain(&accounts);
            all.map(|payload| payload.get("PayloadUUID").unwrap().as_string().unwrap().to_owned())
                .collect()
        };
        let anna = ids("anna@example.com");
        assert_eq!(anna, ids("Anna@EXAMPLE.com"));
        let ben = ids("ben@example.com");
        let every: std::collections::BTreeSet<&String> = anna.iter().chain(&ben).collect();
        assert_eq!(every.len(), 8);
    }

    #[test]
    fn addresses_of_contacts_may_name_the_mailbox_and_a_port() {
        let with = EXAMPLE.replace(
            "dav = \"https://dav.example.net/\"",
            "dav = \"https://dav.example.net:8443/principals/{mailbox}/\"",
        );
        let (_, accounts) = parts(&written("anna@example.com", &Profile::parse(&with).unwrap()));
        let contacts = accounts.get(1).unwrap();
        assert_eq!(contacts.get("CardDAVPort").unwrap().as_unsigned_integer(), Some(8443));
        assert_eq!(
            contacts.get("CardDAVPrincipalURL").unwrap().as_string(),
            Some("/principals/anna@example.com/")
        );
    }

    #[test]
    fn hostile_names_are_text() {
        let mut profile = Profile::parse(EXAMPLE).unwrap();
        profile.provider.name = "</string><key>x</key>\u{1}&\"".to_owned();
        let (whole, _) = parts(&written("anna@example.com", &profile));
        assert_eq!(
            whole.get("PayloadOrganization").unwrap().as_string(),
            Some("</string><key>x</key> &\"")
        );
    }

    #[test]
    fn without_outgoing_mail_there_is_no_file() {
        let mut profile = Profile::parse(EXAMPLE).unwrap();
        profile.clients.smtp = None;
        let mailbox = "anna@example.com".parse().unwrap();
        assert_eq!(apple_profile(&mailbox, &profile, Language::German).unwrap(), None);
    }
}
