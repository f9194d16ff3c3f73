//! Large providers: where their mailboxes are opened, what they ask for, and how much they give out in a day.
//!
//! What they say to a refused login and what they ask for is as of 2026.

use super::suggest::is_within;
use crate::domain::Host;

/// What a provider asks for instead of the usual password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// The usual password is enough.
    Password,
    /// A password that is made for one application.
    AppPassword,
    /// An access token (OAuth 2.0).
    Token,
}

/// A provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// As customers call it.
    pub name: &'static str,
    /// Its IMAP server, on port 993.
    pub imap: &'static str,
    /// Where its IMAP servers' and MX hosts' names end, with the domains of its addresses.
    domains: &'static [&'static str],
    /// What it asks for.
    pub asks: Asks,
    /// Where that is found, in words.
    pub how: &'static str,
    /// Where IMAP is switched on, in words; empty where it always is.
    pub switch: &'static str,
    /// How many bytes it gives out of a mailbox in a day, by IMAP; none where it does not say.
    pub daily_bytes: Option<u64>,
}

const PROVIDERS: [Provider; 14] = [
    Provider {
        name: "Gmail",
        imap: "imap.gmail.com",
        domains: &["gmail.com", "googlemail.com", "google.com"],
        asks: Asks::AppPassword,
        how: "In the Google account, switch on 2-Step Verification, then make an app password at https://myaccount.google.com/apppasswords and give that here",
        switch: "In Gmail's settings, under Forwarding and POP/IMAP, enable IMAP; in Google Workspace the administrator may have to allow it",
        // "Download via IMAP 2500 MB" a day: https://support.google.com/a/answer/1071518 (2026). For accounts that nobody
        // pays for Google tells none; it will not be more.
        daily_bytes: Some(2_500_000_000),
    },
    Provider {
        name: "Microsoft 365 and Outlook.com",
        imap: "outlook.office365.com",
        domains: &["office365.com", "outlook.com", "hotmail.com", "live.com", "msn.com"],
        asks: Asks::Token,
        how: "Microsoft lets programs in by its own sign-in page only (OAuth), which this service cannot use yet; please ask support how to go on",
        switch: "The administrator enables IMAP for the mailbox in the Exchange admin centre, under its email apps",
        daily_bytes: None,
    },
    Provider {
        name: "Yahoo",
        imap: "imap.mail.yahoo.com",
        domains: &[
            "yahoo.com",
            "yahoodns.net",
            "ymail.com",
            "rocketmail.com",
            "yahoo.co.uk",
            "yahoo.de",
            "yahoo.fr",
            "yahoo.it",
            "yahoo.es",
        ],
        asks: Asks::AppPassword,
        how: "In Yahoo's account security, generate an app password and give that here",
        switch: "",
        daily_bytes: None,
    },
    Provider {
        name: "AOL",
        imap: "imap.aol.com",
        domains: &["aol.com", "aim.com"],
        asks: Asks::AppPassword,
        how: "In AOL's account security, generate an app password and give that here",
        switch: "",
        daily_bytes: None,
    },
    Provider {
        name: "iCloud",
        imap: "imap.mail.me.com",
        domains: &["me.com", "icloud.com", "mac.com"],
        asks: Asks::AppPassword,
        how: "At https://account.apple.com, under Sign-In and Security, make an app-specific password and give that here",
        switch: "",
        daily_bytes: None,
    },
    Provider {
        name: "Fastmail",
        imap: "imap.fastmail.com",
        domains: &["fastmail.com", "fastmail.fm", "messagingengine.com"],
        asks: Asks::AppPassword,
        how: "In Fastmail's settings, under Privacy & Security, make an app password for IMAP and give that here",
        switch: "",
        daily_bytes: None,
    },
    Provider {
        name: "Yandex",
        imap: "imap.yandex.com",
        domains: &["yandex.com", "yandex.ru", "yandex.net"],
        asks: Asks::AppPassword,
        how: "In the Yandex account, make an app password for mail and give that here",
        switch: "In Yandex Mail's settings, under Email clients, allow access by IMAP and by app passwords",
        daily_bytes: None,
    },
    Provider {
        name: "Mail.ru",
        imap: "imap.mail.ru",
        domains: &["mail.ru", "bk.ru", "inbox.ru", "list.ru"],
        asks: Asks::AppPassword,
        how: "In the Mail.ru account, make a password for external applications and give that here",
        switch: "",
        daily_bytes: None,
    },
    Provider {
        name: "GMX",
        imap: "imap.gmx.net",
        domains: &["gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.com"],
        asks: Asks::Password,
        how: "With two-factor authentication, make an application-specific password in GMX's settings and give that here",
        switch: "In GMX's settings, under POP3/IMAP, allow access by POP3 and IMAP",
        daily_bytes: None,
    },
    Provider {
        name: "WEB.DE",
        imap: "imap.web.de",
        domains: &["web.de"],
        asks: Asks::Password,
        how: "With two-factor authentication, make an application-specific password in WEB.DE's settings and give that here",
        switch: "In WEB.DE's settings, under POP3/IMAP, allow access by POP3 and IMAP",
        daily_bytes: None,
    },
    Provider {
        name: "IONOS",
        imap: "imap.ionos.com",
        domains: &["ionos.com", "ionos.de", "kundenserver.de", "1und1.de", "perfora.net"],
        asks: Asks::Password,
        how: "",
        switch: "",
        daily_bytes: None,
    },
    Provider {
        name: "Strato",
        imap: "imap.strato.de",
        domains: &["strato.de", "rzone.de"],
        asks: Asks::Password,
        how: "",
        switch: "",
        daily_bytes: None,
    },
    Provider {
        name: "OVHcloud",
        imap: "ssl0.ovh.net",
        domains: &["ovh.net", "ovh.com"],
        asks: Asks::Password,
        how: "",
        switch: "",
        daily_bytes: None,
    },
    Provider {
        name: "Zoho Mail",
        imap: "imap.zoho.com",
        domains: &["zoho.com", "zoho.eu"],
        asks: Asks::Password,
        how: "With two-factor authentication, make an app password in Zoho's account security and give that here",
        switch: "In Zoho Mail's settings, under Mail Accounts, enable IMAP access",
        daily_bytes: None,
    },
];

impl Provider {
    /// The provider that a server, or the domain of an address, belongs to.
    pub fn of(name: &str) -> Option<&'static Self> {
        let name = name.trim_end_matches('.');
        PROVIDERS
            .iter()
            .find(|provider| provider.domains.iter().any(|domain| is_within(name, domain)))
    }

    /// Its server, where it reads as a name of one.
    pub fn host(&self) -> Option<Host> {
        self.imap.parse().ok()
    }
}

/// Names of known servers and domains, for guessing what somebody meant to type.
pub(super) fn known_hosts() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|provider| provider.imap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_belongs_to_its_provider_and_no_other_does() {
        for (name, provider) in [
            ("imap.gmail.com", Some("Gmail")),
            ("aspmx.l.google.com.", Some("Gmail")),
            ("OUTLOOK.office365.com", Some("Microsoft 365 and Outlook.com")),
            (
                "example-com.mail.protection.outlook.com",
                Some("Microsoft 365 and Outlook.com"),
            ),
            ("mx-eu.mail.am0.yahoodns.net", Some("Yahoo")),
            ("mx01.mail.icloud.com", Some("iCloud")),
            ("notgmail.com", None),
            ("me.com.example.org", None),
            ("imap.example.org", None),
        ] {
            assert_eq!(Provider::of(name).map(|provider| provider.name), provider, "{name}");
        }
    }

    #[test]
    fn every_provider_has_a_server_of_its_own() {
        for provider in PROVIDERS {
            assert!(provider.host().is_some(), "{}", provider.name);
            assert_eq!(Provider::of(provider.imap), Some(&provider));
        }
    }
}
