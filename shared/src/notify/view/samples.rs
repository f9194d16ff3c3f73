//! Views to try templates with: of a request that has everything, of one that has nothing, and of one whose texts mean
//! harm.

use super::dns::{Domain, DomainGuide, Record, Ttl};
use super::looked::LookedAt;
use super::rows::{Remedy, Row};
use super::staff::Staff;
use super::{Frame, Listing, Mailbox, Owner, Totals, View};
use crate::dns::Purpose;
use crate::domain::{ClassCounts, Language};
use crate::notify::clients::{Clients, Server};
use crate::notify::files::File;
use crate::profile::Profile;

/// What stands in every text of the harmful request, and in no page unless it is written as HTML.
pub(in crate::notify) const HOSTILE_MARK: &str = "<img src=x onerror=x>";

/// What each notice is about, as templates are named.
pub(in crate::notify) const KINDS: [&str; 16] = [
    "received",
    "accepted",
    "refused",
    "scheduled",
    "found_again",
    "started",
    "first_pass_done",
    "dns_seen",
    "finished",
    "looked_again",
    "forgotten_soon",
    "failed",
    "cancelled",
    "imported",
    "needs_staff",
    "owner",
];

/// Every notice in each of the ways it can look.
pub(in crate::notify) fn views(language: Language, profile: &Profile) -> Vec<View> {
    let of_kind = |kind| {
        [
            full(kind, language, profile, ""),
            full(kind, language, profile, HOSTILE_MARK),
            empty(kind, language, profile),
        ]
    };
    KINDS.into_iter().flat_map(of_kind).collect()
}

/// Everything is there; each text ends with `mark`.
#[expect(clippy::too_many_lines, reason = "one sample with a field a line")]
fn full(kind: &'static str, language: Language, profile: &Profile, mark: &str) -> View {
    let text = |text: &str| format!("{text}{mark}");
    let own = |given: Option<String>, sample: &str| Some(given.unwrap_or_else(|| text(sample)));
    let mailbox = |outcome, certificate: bool| Mailbox {
        address: text("anna@example.com"),
        destination: certificate.then(|| text("team@example.com")),
        outcome,
        messages_total: 12_345,
        messages_copied: 12_000,
        bytes_copied: 1_449_999_999,
        exceptions: 2,
        refused: ClassCounts {
            too_large: 1,
            over_quota: 1,
            invalid: 1,
            other: 0,
        },
        reason: (!certificate).then(|| text("The password was refused.")),
        certificate: certificate.then(|| text("/v1/requests/sample/mailboxes/2/certificate")),
    };
    let file = |outcome, failed| File {
        name: text("contacts.vcf"),
        mailbox: Some(text("anna@example.com")),
        outcome,
        imported: 400,
        existing: 4,
        updated: 3,
        kept: 2,
        failed,
        remarks: 5,
        reason: Some(text("The file cannot be read.")),
    };
    let row = |number, address: Option<String>| Row {
        number,
        address,
        faults: Listing {
            shown: vec![Remedy {
                column: Some(text("port")),
                message: text("Write a number."),
            }],
            more: 1,
        },
    };
    let server = || Server {
        host: text("mail.example.net"),
        port: 993,
        security: "SSL/TLS",
    };
    let mailboxes = ["failed", "exceptions", "cancelled", "well"];
    View {
        provider: text(&profile.provider.name),
        support: own(
            profile.notices.support.as_ref().map(ToString::to_string),
            "support@example.net",
        ),
        logo: own(profile.notices.logo.clone(), "https://www.example.net/logo.png"),
        imprint: vec![text("Example Hosting, Main Street 1")],
        page: own(profile.notices.page.clone(), "https://move.example.net/"),
        ticket: Some(text("4711")),
        frame: Some(Frame {
            start: text("Wednesday, 22:00"),
            end: Some(text("Thursday, 06:00")),
            goes_on: mark.is_empty(),
        }),
        is_file: mark.is_empty(),
        estimate: Some(text("2 to 4 hours")),
        reason: Some(text("No mailbox could be opened.")),
        rows: Listing {
            shown: vec![row(0, None), row(2, Some(text("anna@example.com")))],
            more: 3,
        },
        mailboxes: Listing {
            shown: mailboxes
                .into_iter()
                .flat_map(|outcome| [mailbox(outcome, true), mailbox(outcome, false)])
                .collect(),
            more: 3,
        },
        failed: Listing {
            shown: vec![mailbox("failed", false)],
            more: 3,
        },
        files: Listing {
            shown: vec![
                file("failed", 0),
                file("exceptions", 3),
                file("running", 0),
                file("well", 0),
            ],
            more: 3,
        },
        trouble: true,
        totals: Totals {
            mailboxes: 11,
            failed: 2,
            messages_copied: 98_765,
            bytes_copied: 11_449_999_999,
            exceptions: 2,
            certified: 3,
        },
        clients: Clients {
            imap: server(),
            smtp: Some(server()),
            dav: Some(text("https://dav.example.net/{mailbox}/")),
            dav_is_pattern: true,
            help: Some(text("https://help.example.net/mail")),
            apple: true,
            autoconfig: vec![text("https://autoconfig.example.com/mail/config-v1.1.xml")],
            autodiscover: true,
        },
        watches_dns: true,
        carries_deletions: true,
        domains: Listing {
            shown: vec![Domain {
                name: text("example.com"),
            }],
            more: 3,
        },
        guide: Listing {
            shown: vec![DomainGuide {
                name: text("example.com"),
                records: ["set", "add", "replace", "merge", "only", "right"]
                    .into_iter()
                    .zip([
                        Purpose::Mx,
                        Purpose::Spf,
                        Purpose::Dkim,
                        Purpose::Autoconfig,
                        Purpose::Autodiscover,
                        Purpose::Srv,
                    ])
                    .map(|(todo, purpose)| Record {
                        purpose,
                        kind: "MX".to_owned(),
                        name: text("example.com"),
                        values: vec![text("10 mx1.example.net")],
                        todo,
                        optional: todo == "add",
                    })
                    .collect(),
                kept: Some("2 days".to_owned()),
            }],
            more: 3,
        },
        ttl: Some(Ttl {
            long: Some("2 days".to_owned()),
        }),
        exchanges: vec![text("10 mx1.example.net")],
        passwords_destroyed: true,
        last_look: Some(text("Friday, 27 November 2026, 05:12")),
        needed_until: Some(text("Saturday, 28 November 2026, 05:12")),
        looked: Listing {
            shown: vec![LookedAt {
                address: text("anna@example.com"),
                messages: 3,
                trouble: Some(text("The mailbox is full.")),
            }],
            more: 3,
        },
        fetched: 3,
        owner: Some(Owner {
            password_is_known: true,
        }),
        waits_for: "cutover",
        waits_until: Some(text("Wednesday, 25 November 2026, 10:46")),
        forgotten: true,
        staff: staff(kind, "given_up", text("it@example.com")),
        ..empty(kind, language, profile)
    }
}

/// Nothing is there that may be left out.
fn empty(kind: &'static str, language: Language, profile: &Profile) -> View {
    let clients = Clients {
        imap: Server {
            host: "imap.example.net".to_owned(),
            port: 993,
            security: "SSL/TLS",
        },
        smtp: None,
        dav: None,
        dav_is_pattern: false,
        help: None,
        apple: false,
        autoconfig: Vec::new(),
        autodiscover: false,
    };
    View {
        kind,
        language,
        provider: profile.provider.name.clone(),
        support: None,
        logo: None,
        accent: super::accent(profile),
        imprint: Vec::new(),
        page: None,
        request: "01m891k9000w3ge1r70w3ge1r7".to_owned(),
        ticket: None,
        frame: None,
        is_file: false,
        estimate: None,
        reason: None,
        rows: Listing::first(Vec::new(), 0),
        mailboxes: Listing::first(Vec::new(), 0),
        failed: Listing::first(Vec::new(), 0),
        files: Listing::first(Vec::new(), 0),
        trouble: false,
        totals: Totals::default(),
        clients,
        watches_dns: false,
        carries_deletions: false,
        domains: Listing::first(Vec::new(), 0),
        guide: Listing::first(Vec::new(), 0),
        ttl: None,
        exchanges: Vec::new(),
        passwords_destroyed: false,
        last_look: None,
        needed_until: None,
        looked: Listing::first(Vec::new(), 0),
        fetched: 0,
        missed: false,
        is_shut_out: false,
        password_is_needed: false,
        owner: None,
        staff: staff(kind, "late", String::new()),
        kept_days: 90,
        waits_for: "upload",
        waits_until: None,
        forgotten: false,
    }
}

/// What a notice for staff always has, and no other one.
fn staff(kind: &str, cause: &'static str, contact: String) -> Option<Staff> {
    (kind == "needs_staff").then(|| Staff {
        cause,
        contact,
        state: "failed".to_owned(),
    })
}
