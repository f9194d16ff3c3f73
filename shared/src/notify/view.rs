//! What a template may speak of: a request in plain values, without anything secret.

mod dns;
mod looked;
pub(super) mod rows;
pub(super) mod samples;
mod staff;

pub(super) use dns::GUIDED_DOMAINS;
use dns::{Domain, DomainGuide, Ttl};
use jiff::Timestamp;
use looked::LookedAt;
use rows::Row;
use serde::Serialize;
use staff::Staff;

use super::clients::Clients;
use super::files::{self, File};
use super::german;
use super::owner::OWNER;
use super::wording::{lasting, moment, one_line, sentence};
use crate::domain::{AfterEnd, ClassCounts, Fault, JobState, Language, LaterLooks, RequestState};
use crate::forgotten::is_forgotten;
use crate::profile::{DestinationAuth, Profile};
use crate::store::{AttachmentRecord, JobRecord, RequestRecord};
use crate::watch::{dns_tells_of_all, domains_of};

/// How many mailboxes a mail lists; the report has them all.
pub(super) const LISTED_MAILBOXES: usize = 100;
/// How many files with contacts and calendars a mail lists.
pub(super) const LISTED_FILES: usize = 50;

/// What stands for the provider's colour where the profile names none.
const GREY: &str = "#d0d0d0";

/// Everything a template sees. Texts are one line each and not yet escaped; counts and sizes are
/// numbers, for the filters `number`, `counted` and `size`.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "what templates ask is yes or no")]
pub(super) struct View {
    /// The template's name: that of the notice, without the generation.
    pub(super) kind: &'static str,
    pub(super) language: Language,
    pub(super) provider: String,
    pub(super) support: Option<String>,
    /// The address of the provider's picture.
    pub(super) logo: Option<String>,
    /// The provider's colour, as HTML writes it.
    pub(super) accent: String,
    /// What stands below everything.
    pub(super) imprint: Vec<String>,
    /// Where the customers' page is.
    pub(super) page: Option<String>,
    pub(super) request: String,
    pub(super) ticket: Option<String>,
    pub(super) frame: Option<Frame>,
    /// Whether the mailboxes come in a file.
    pub(super) is_file: bool,
    /// How long the first pass takes, as was told when it began.
    pub(super) estimate: Option<String>,
    /// Why the request as a whole failed.
    pub(super) reason: Option<String>,
    pub(super) rows: Listing<Row>,
    /// All mailboxes: first those that failed, then those with exceptions, else by row.
    pub(super) mailboxes: Listing<Mailbox>,
    /// Those that failed.
    pub(super) failed: Listing<Mailbox>,
    /// Contacts and calendars: first what failed, then what has exceptions.
    pub(super) files: Listing<File>,
    /// Whether any of them was not imported whole.
    pub(super) trouble: bool,
    pub(super) totals: Totals,
    pub(super) clients: Clients,
    /// Whether the DNS change is seen without being told of.
    pub(super) watches_dns: bool,
    /// Whether the final pass deletes what was deleted at the previous provider.
    pub(super) carries_deletions: bool,
    /// The domains whose DNS is to be changed.
    pub(super) domains: Listing<Domain>,
    /// What to type for the first of them; nothing where the profile does not say.
    pub(super) guide: Listing<DomainGuide>,
    /// What is known of how long others keep the present MX records, where it is worth lowering.
    pub(super) ttl: Option<Ttl>,
    /// The MX records to set, as preference and server, where they are the same for all domains.
    pub(super) exchanges: Vec<String>,
    /// Whether the key to the sealed passwords is gone.
    pub(super) passwords_destroyed: bool,
    /// When the mailboxes at the previous provider are looked at for the last time, while that is to come.
    pub(super) last_look: Option<String>,
    /// Until when the passwords at the previous provider are needed at the latest, while looks are to come.
    pub(super) needed_until: Option<String>,
    /// What the pass that the notice tells of brought: the mailboxes with new mail or trouble.
    pub(super) looked: Listing<LookedAt>,
    /// How many messages it fetched.
    pub(super) fetched: i64,
    /// Whether it did not begin in time.
    pub(super) missed: bool,
    /// Whether the previous provider let it into no mailbox.
    pub(super) is_shut_out: bool,
    /// Whether the passwords at the previous provider are needed for looks that are to come.
    pub(super) password_is_needed: bool,
    /// What only the owner of a mailbox is told.
    pub(super) owner: Option<Owner>,
    /// What only staff are told.
    pub(super) staff: Option<Staff>,
    /// For how many days the report and the certificates can be had.
    pub(super) kept_days: u32,
    /// What a request waits for: `upload`, `mending` or `cutover`.
    pub(super) waits_for: &'static str,
    /// Until when.
    pub(super) waits_until: Option<String>,
    /// Whether it has ended because nobody came back to it.
    pub(super) forgotten: bool,
}

/// A mailbox's owner.
#[derive(Debug, Serialize)]
pub(super) struct Owner {
    /// Whether others know the password of the new mailbox.
    password_is_known: bool,
}

/// The time frame, in words.
#[derive(Debug, Serialize)]
pub(super) struct Frame {
    start: String,
    end: Option<String>,
    /// Whether what is left at its end goes on, instead of waiting for the next night.
    goes_on: bool,
}

/// The first of a list, and how many more there are.
#[derive(Debug, Serialize)]
pub(super) struct Listing<T> {
    pub(super) shown: Vec<T>,
    pub(super) more: usize,
}

/// A mailbox. `outcome` is `failed`, `exceptions`, `cancelled` or `well`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Mailbox {
    address: String,
    /// The address here, where it is another one.
    destination: Option<String>,
    outcome: &'static str,
    messages_total: i64,
    messages_copied: i64,
    bytes_copied: i64,
    exceptions: i64,
    refused: ClassCounts,
    reason: Option<String>,
    /// The path of its certificate, where one was made.
    certificate: Option<String>,
}

/// Sums over all mailboxes.
#[derive(Debug, Default, Serialize)]
pub(super) struct Totals {
    mailboxes: usize,
    failed: usize,
    messages_copied: i64,
    bytes_copied: i64,
    exceptions: i64,
    /// How many mailboxes have a certificate.
    certified: usize,
}

impl View {
    pub(super) fn new(
        kind: &'static str,
        request: &RequestRecord,
        jobs: &[JobRecord],
        faults: &[Fault],
        files: &[AttachmentRecord],
        profile: &Profile,
    ) -> Self {
        let language = request.language;
        let mut mailboxes: Vec<Mailbox> = jobs.iter().map(|job| Mailbox::new(job, language)).collect();
        mailboxes.sort_by_key(|mailbox| match mailbox.outcome {
            "failed" => 0,
            "exceptions" => 1,
            _ => 2,
        });
        let failed: Vec<Mailbox> = mailboxes
            .iter()
            .filter(|mailbox| mailbox.outcome == "failed")
            .cloned()
            .collect();
        let files = files::told(files, jobs, language);
        let to_come = request.open_looks().filter(|looks| looks.has_more());
        let in_words = |at| moment(at, &profile.provider.time_zone, language);
        Self {
            kind,
            language,
            provider: one_line(&profile.provider.name),
            support: profile
                .notices
                .support
                .as_ref()
                .map(|support| one_line(support.as_str())),
            logo: profile.notices.logo.as_deref().map(one_line),
            accent: accent(profile),
            imprint: profile.notices.imprint.iter().map(|line| one_line(line)).collect(),
            page: profile.notices.page.as_deref().map(one_line),
            request: request.request_id.to_string(),
            ticket: request
                .ticket
                .as_deref()
                .map(one_line)
                .filter(|ticket| !ticket.is_empty()),
            frame: request.window.as_ref().map(|window| Frame {
                start: moment(window.start(), window.zone(), language),
                end: window.end().map(|end| moment(end, window.zone(), language)),
                goes_on: window.after_end() == AfterEnd::Continue,
            }),
            is_file: !request.is_by_form(),
            estimate: request.estimated.map(|seconds| lasting(seconds, language)),
            reason: reason(
                request.error_code.as_deref(),
                request.error_message.as_deref(),
                language,
            ),
            rows: Row::listing(faults, jobs, language),
            totals: Totals::of(&mailboxes, failed.len()),
            mailboxes: Listing::first(mailboxes, LISTED_MAILBOXES),
            failed: Listing::first(failed, LISTED_MAILBOXES),
            trouble: files.iter().any(File::has_trouble),
            files: Listing::first(files, LISTED_FILES),
            clients: Clients::of(profile, jobs),
            watches_dns: profile.dns.is_some() && dns_tells_of_all(jobs),
            carries_deletions: request.options.carry_deletions,
            domains: Domain::listing(jobs),
            guide: Listing::first(Vec::new(), 0),
            ttl: None,
            exchanges: exchanges(profile, jobs),
            passwords_destroyed: request.data_key.is_none(),
            last_look: to_come.and_then(LaterLooks::last).map(in_words),
            needed_until: to_come.and_then(LaterLooks::until).map(in_words),
            password_is_needed: request.open_looks().is_some(),
            missed: false,
            is_shut_out: false,
            fetched: 0,
            looked: Listing::first(Vec::new(), LISTED_MAILBOXES),
            owner: None,
            staff: None,
            kept_days: profile.requests.keep_ended_days,
            waits_for: match request.state {
                RequestState::AwaitingUpload => "upload",
                RequestState::AwaitingCutover => "cutover",
                _ => "mending",
            },
            waits_until: request
                .expires_at
                .filter(|_| request.state.waits_for_its_customer())
                .and_then(|until| Timestamp::from_second(until).ok())
                .map(|until| moment(until, &profile.provider.time_zone, language)),
            forgotten: is_forgotten(request.error_code.as_deref()),
        }
    }

    /// Of one mailbox, for its owner: nothing of the request, which is another person's.
    pub(super) fn of_owner(request: &RequestRecord, job: &JobRecord, profile: &Profile) -> Self {
        Self {
            page: None,
            ticket: None,
            frame: None,
            reason: None,
            owner: Some(Owner {
                password_is_known: job.sealed_destination_password.is_some()
                    || job.had_destination_password
                    || profile.imap.auth == DestinationAuth::Password,
            }),
            ..Self::new(OWNER, request, std::slice::from_ref(job), &[], &[], profile)
        }
    }
}

fn accent(profile: &Profile) -> String {
    let accent = profile.provider.accent;
    accent.map_or_else(|| GREY.to_owned(), |accent| accent.to_string())
}

/// The MX records of the provider's domains.
fn exchanges(profile: &Profile, jobs: &[JobRecord]) -> Vec<String> {
    let Some(dns) = &profile.dns else { return Vec::new() };
    let mut records = domains_of(jobs).into_iter().map(|domain| dns.mail_exchanges(&domain));
    let first = records.next().unwrap_or_default();
    if records.any(|other| other != first) {
        return Vec::new();
    }
    first
        .iter()
        .map(|(preference, exchange)| one_line(&format!("{preference} {exchange}")))
        .collect()
}

impl<T> Listing<T> {
    fn first(mut all: Vec<T>, most: usize) -> Self {
        let more = all.len().saturating_sub(most);
        all.truncate(most);
        Self { shown: all, more }
    }
}

impl Mailbox {
    fn new(job: &JobRecord, language: Language) -> Self {
        let outcome = match job.status.state() {
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
            _ if job.exceptions > 0 => "exceptions",
            _ => "well",
        };
        Self {
            address: one_line(&job.address),
            destination: (job.destination.key() != job.address.to_lowercase())
                .then(|| one_line(job.destination.as_str())),
            outcome,
            messages_total: job.messages_total,
            messages_copied: job.messages_copied,
            bytes_copied: job.bytes_copied,
            exceptions: job.exceptions,
            refused: job.certificate.as_ref().map(|note| note.classes).unwrap_or_default(),
            certificate: job.certificate_path(),
            reason: reason(job.error_code.as_deref(), job.error_message.as_deref(), language),
        }
    }
}

impl Totals {
    fn of(mailboxes: &[Mailbox], failed: usize) -> Self {
        let start = Self {
            mailboxes: mailboxes.len(),
            failed,
            certified: mailboxes.iter().filter(|mailbox| mailbox.certificate.is_some()).count(),
            ..Self::default()
        };
        mailboxes.iter().fold(start, |sum, mailbox| Self {
            messages_copied: sum.messages_copied.saturating_add(mailbox.messages_copied),
            bytes_copied: sum.bytes_copied.saturating_add(mailbox.bytes_copied),
            exceptions: sum.exceptions.saturating_add(mailbox.exceptions),
            ..sum
        })
    }
}

/// Why something failed, in the customer's language where there are words for the code.
pub(super) fn reason(code: Option<&str>, message: Option<&str>, language: Language) -> Option<String> {
    let own = own_words(language, || german::failure(code?));
    own.or_else(|| message.map(one_line))
        .filter(|reason| !reason.is_empty())
        .map(|reason| sentence(&reason))
}

/// The words of a language other than the one that everything is said in.
fn own_words<T>(language: Language, german: impl FnOnce() -> Option<T>) -> Option<T> {
    match language {
        Language::English => None,
        Language::German => german(),
    }
}
