//! The domains of a request, and what their owner types into the DNS.

use serde::Serialize;

use super::{Listing, View};
use crate::dns::guide::{AdviceCode, LONG_TTL_SECONDS, RecordGuide, records};
use crate::dns::{DnsSettings, DomainWatch, Purpose};
use crate::domain::Language;
use crate::notify::Facts;
use crate::notify::wording::{length, one_line};
use crate::profile::Profile;
use crate::store::{JobRecord, NoticeKind};
use crate::watch::domains_of;

/// How many domains a mail names.
const LISTED_DOMAINS: usize = 20;

/// Of how many domains a mail has all records; the page has those of the others.
pub(in crate::notify) const GUIDED_DOMAINS: usize = 3;

/// A domain whose DNS is to be changed.
#[derive(Debug, Serialize)]
pub(in crate::notify) struct Domain {
    pub(super) name: String,
}

/// A domain, and the records that it needs.
#[derive(Debug, Serialize)]
pub(in crate::notify) struct DomainGuide {
    pub(super) name: String,
    pub(super) records: Vec<Record>,
    /// How long others may keep the present MX records, where that is long.
    pub(super) kept: Option<String>,
}

/// A record to set.
#[derive(Debug, Serialize)]
pub(in crate::notify) struct Record {
    pub(super) purpose: Purpose,
    /// Such as `MX`.
    pub(super) kind: String,
    pub(super) name: String,
    /// What to type, a line each.
    pub(super) values: Vec<String>,
    /// `set`, `add`, `replace`, `merge`, `only` (and no other MX record), or `right`.
    pub(super) todo: &'static str,
    /// Whether mail goes its way without.
    pub(super) optional: bool,
}

/// How long others keep the present MX records.
#[derive(Debug, Serialize)]
pub(in crate::notify) struct Ttl {
    /// In words; none where nobody has looked yet.
    pub(super) long: Option<String>,
}

impl Domain {
    /// Those of the mailboxes, in order.
    pub(super) fn listing(jobs: &[JobRecord]) -> Listing<Self> {
        let domain = |name: String| Self { name: one_line(&name) };
        Listing::first(domains_of(jobs).into_iter().map(domain).collect(), LISTED_DOMAINS)
    }
}

impl View {
    /// With what to type into the DNS, where it is time for that, and before it with what can be done ahead.
    #[must_use]
    pub(in crate::notify) fn with_guide(self, kind: NoticeKind, facts: &Facts, profile: &Profile) -> Self {
        let Some(settings) = &profile.dns else { return self };
        let language = self.language;
        let watch = |domain: &str| {
            let known = facts.domains.iter().find(|known| known.domain == domain);
            known.map(|known| &known.watch)
        };
        let mut domains = domains_of(&facts.jobs);
        match kind {
            NoticeKind::FirstPassDone => {
                let more = domains.len().saturating_sub(GUIDED_DOMAINS);
                domains.truncate(GUIDED_DOMAINS);
                let guide = |domain: &String| DomainGuide::of(domain, settings, watch(domain), language);
                let shown = domains.iter().map(guide).collect();
                Self {
                    guide: Listing { shown, more },
                    ..self
                }
            }
            NoticeKind::Scheduled | NoticeKind::Started => {
                let known: Vec<Option<u32>> = domains
                    .iter()
                    .take(GUIDED_DOMAINS)
                    .map(|domain| watch(domain).and_then(ttl_of))
                    .collect();
                Self {
                    ttl: Ttl::of(&known, language),
                    ..self
                }
            }
            _ => self,
        }
    }
}

/// How long caches keep the old MX records of a domain, in seconds.
fn ttl_of(watch: &DomainWatch) -> Option<u32> {
    watch.old_ttl_seconds.or(watch.first_ttl_seconds)
}

/// Those that are worth lowering.
fn long(seconds: u32) -> Option<u32> {
    (seconds > LONG_TTL_SECONDS).then_some(seconds)
}

impl Ttl {
    /// By what is known of some domains; nothing where none of them is worth the trouble.
    fn of(known: &[Option<u32>], language: Language) -> Option<Self> {
        let longest = known.iter().flatten().max().copied();
        let long = longest.and_then(long).map(|seconds| length(seconds.into(), language));
        (long.is_some() || known.iter().any(Option::is_none)).then_some(Self { long })
    }
}

impl DomainGuide {
    fn of(domain: &str, settings: &DnsSettings, watch: Option<&DomainWatch>, language: Language) -> Self {
        let records = records(settings, domain, watch).into_iter().map(Record::of);
        let kept = watch.and_then(ttl_of).and_then(long);
        Self {
            name: one_line(domain),
            records: records.collect(),
            kept: kept.map(|seconds| length(seconds.into(), language)),
        }
    }
}

impl Record {
    fn of(guide: RecordGuide) -> Self {
        Self {
            todo: match guide.advice_code {
                AdviceCode::Leave | AdviceCode::Wait => "right",
                AdviceCode::Add | AdviceCode::AddOthers => "add",
                AdviceCode::Replace => "replace",
                AdviceCode::RemoveOthers => "only",
                AdviceCode::Merge | AdviceCode::MergeIntoOne => "merge",
                AdviceCode::LookAgain => "set",
            },
            purpose: guide.purpose,
            kind: guide.kind,
            name: one_line(&guide.name),
            values: guide.wanted.iter().map(|value| one_line(value)).collect(),
            optional: guide.optional,
        }
    }
}
