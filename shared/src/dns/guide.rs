//! What a customer is told of a domain: each record as it should be, as it is, and what to type.
//!
//! Pure. Words are for people who have a form for DNS records before them and nothing else.

use std::fmt::Write as _;

use serde::Serialize;

use super::answer::{Data, Kind};
use super::gate::{DomainWatch, Leads, answers};
use super::look::{Look, Seen};
use super::settings::{DnsSettings, Purpose, Wanted};
use super::spf;

mod problem;

pub use problem::{Problem, problems};

/// A TTL that is worth lowering before the change.
pub const LONG_TTL_SECONDS: u32 = 3_600;

/// How a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// As it should be.
    Right,
    /// There is none.
    Missing,
    /// There is another one.
    Wrong,
    /// Nobody said anything.
    Unknown,
}

/// What is to be done about a record, for programs that have words of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdviceCode {
    /// Nothing.
    Leave,
    /// It is right, and some still see the old.
    Wait,
    /// Make it.
    Add,
    /// Put it in the place of what is there.
    Replace,
    /// The new servers are there; remove the others.
    RemoveOthers,
    /// Of the new servers some are missing.
    AddOthers,
    /// Replace what is there by the text that has both.
    Merge,
    /// Make one record of several.
    MergeIntoOne,
    /// Right, but another record takes its place for some.
    LookAgain,
}

/// A record, for the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordGuide {
    /// What it is for.
    pub purpose: Purpose,
    /// Whose it is.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What to type.
    pub wanted: Vec<String>,
    /// What the domain's servers answer.
    pub found: Vec<String>,
    /// What resolvers answer, where it is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_at_resolvers: Option<Vec<String>>,
    /// How it is.
    pub state: RecordState,
    /// Whether mail goes its way without.
    pub optional: bool,
    /// How long caches keep what was found, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
    /// What to do, for programs.
    pub advice_code: AdviceCode,
    /// What to do, in words.
    pub advice: String,
}

/// The records of a domain that has not been looked at, or by its last look.
pub fn records(settings: &DnsSettings, domain: &str, watch: Option<&DomainWatch>) -> Vec<RecordGuide> {
    let look = watch.map(|watch| &watch.look);
    let wanted = settings.wanted(domain);
    wanted
        .iter()
        .map(|wanted| {
            if wanted.purpose == Purpose::Mx {
                return mx(wanted, look, settings);
            }
            let is_it = |seen: &&Seen| seen.name == wanted.name && seen.purpose == wanted.purpose;
            let seen = look.and_then(|look| look.records.iter().find(is_it));
            record(wanted, seen, look.and_then(|look| look.spf_lookups))
        })
        .collect()
}

fn mx(wanted: &Wanted, look: Option<&Look>, settings: &DnsSettings) -> RecordGuide {
    let of_servers: Vec<(&[Data], u32)> = look.map(|look| answers(look).collect()).unwrap_or_default();
    let mut found: Vec<&Data> = of_servers.iter().flat_map(|(mx, _)| mx.iter()).collect();
    found.sort();
    found.dedup();
    let exchanges = settings.exchanges(&wanted.name);
    let ttl = of_servers.iter().map(|(_, ttl)| *ttl).max();
    let at_resolvers = look.and_then(|look| look.mx_at_resolvers.as_ref());
    let owned: Vec<Data> = found.iter().map(|data| (*data).clone()).collect();
    let has_all = |mx: &[Data]| {
        exchanges
            .iter()
            .all(|new| mx.iter().any(|data| data.exchange() == Some(new)))
    };
    let everywhere = of_servers.iter().all(|(mx, _)| has_all(mx));
    let (state, advice) = if of_servers.is_empty() {
        (RecordState::Unknown, AdviceCode::LookAgain)
    } else if found.is_empty() {
        (RecordState::Missing, AdviceCode::Add)
    } else {
        match (Leads::of(&owned, &exchanges), everywhere) {
            (Leads::New, true) => (RecordState::Right, AdviceCode::Leave),
            (Leads::New, false) => (RecordState::Wrong, AdviceCode::AddOthers),
            (Leads::Both, _) => (RecordState::Wrong, AdviceCode::RemoveOthers),
            (Leads::Elsewhere, _) => (RecordState::Wrong, AdviceCode::Replace),
        }
    };
    let other = at_resolvers.filter(|at_resolvers| !of_servers.is_empty() && **at_resolvers != owned);
    let advice = if advice == AdviceCode::Leave && other.is_some() {
        AdviceCode::Wait
    } else {
        advice
    };
    let mut words = words(advice, wanted);
    if let Some(ttl) = ttl.filter(|ttl| *ttl > LONG_TTL_SECONDS && !matches!(state, RecordState::Right)) {
        let kept = duration(ttl);
        let _ = write!(
            words,
            " Others may keep what is there now for {kept}. Lower its TTL to 300 seconds a day before you change it: \
             then mail stops arriving at your previous provider soon after the change."
        );
    }
    RecordGuide {
        purpose: wanted.purpose,
        name: wanted.name.clone(),
        kind: wanted.kind.to_string(),
        wanted: texts(&wanted.values),
        found: texts(&owned),
        found_at_resolvers: other.map(|other| texts(other)),
        state,
        optional: wanted.optional,
        ttl_seconds: ttl,
        advice_code: advice,
        advice: words,
    }
}

fn record(wanted: &Wanted, seen: Option<&Seen>, spf_lookups: Option<u32>) -> RecordGuide {
    let found: &[Data] = seen.and_then(|seen| seen.values.as_deref()).unwrap_or_default();
    let is_known = seen.is_some_and(|seen| seen.values.is_some());
    let (to_type, state, advice) = match wanted.purpose {
        _ if !is_known => (first_form(wanted), RecordState::Unknown, AdviceCode::LookAgain),
        Purpose::Spf => spf_record(wanted, found),
        // Any policy is the domain's own business.
        Purpose::Dmarc if !found.is_empty() => (texts(found), RecordState::Right, AdviceCode::Leave),
        _ if found.is_empty() => (texts(&wanted.values), RecordState::Missing, AdviceCode::Add),
        _ if seen.is_some_and(|seen| seen.same_address) => {
            (texts(&wanted.values), RecordState::Right, AdviceCode::Leave)
        }
        _ if found
            .iter()
            .all(|data| wanted.values.iter().any(|wanted| is_same(data, wanted))) =>
        {
            (texts(&wanted.values), RecordState::Right, AdviceCode::Leave)
        }
        _ => (texts(&wanted.values), RecordState::Wrong, AdviceCode::Replace),
    };
    let at_resolvers = seen.and_then(|seen| seen.at_resolvers.as_deref());
    let advice = match (advice, at_resolvers) {
        (AdviceCode::Leave, Some(_)) => AdviceCode::Wait,
        (advice, _) => advice,
    };
    let mut words = words(advice, wanted);
    if wanted.purpose == Purpose::Spf
        && let Some(lookups) = spf_lookups.filter(|lookups| *lookups > spf::MAX_LOOKUPS)
    {
        let (often, most) = (lookups.min(20), spf::MAX_LOOKUPS);
        let at_least = if lookups > often { "more than " } else { "" };
        let _ = write!(
            words,
            " With it the record has others ask the DNS {at_least}{often} times, and only {most} are allowed: take out \
             what no longer sends your mail, first of all your previous provider once everything has moved."
        );
    }
    RecordGuide {
        purpose: wanted.purpose,
        name: wanted.name.clone(),
        kind: wanted.kind.to_string(),
        wanted: to_type,
        found: texts(found),
        found_at_resolvers: at_resolvers.map(texts),
        state,
        optional: wanted.optional,
        ttl_seconds: seen.filter(|_| !found.is_empty()).map(|seen| seen.ttl_seconds),
        advice_code: advice,
        advice: words,
    }
}

fn spf_record(wanted: &Wanted, found: &[Data]) -> (Vec<String>, RecordState, AdviceCode) {
    let include = wanted.values.first().and_then(Data::txt).unwrap_or_default();
    let texts: Vec<&str> = found.iter().filter_map(Data::txt).collect();
    let merged = vec![spf::merged(&texts, include)];
    match texts.as_slice() {
        [] => (merged, RecordState::Missing, AdviceCode::Add),
        [one] if spf::includes(one, include) => (vec![(*one).to_owned()], RecordState::Right, AdviceCode::Leave),
        [_] => (merged, RecordState::Wrong, AdviceCode::Merge),
        _ => (merged, RecordState::Wrong, AdviceCode::MergeIntoOne),
    }
}

/// What to type where nothing is known of the domain.
fn first_form(wanted: &Wanted) -> Vec<String> {
    match wanted.purpose {
        Purpose::Spf => spf_record(wanted, &[]).0,
        _ => texts(&wanted.values),
    }
}

fn is_same(found: &Data, wanted: &Data) -> bool {
    match (found, wanted) {
        // Between the parts of a key white space means nothing.
        (Data::Txt(found), Data::Txt(wanted)) => squeezed(found) == squeezed(wanted),
        (Data::Srv(found), Data::Srv(wanted)) => (found.port, &found.target) == (wanted.port, &wanted.target),
        _ => found == wanted,
    }
}

fn squeezed(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    text.trim_end_matches(';').to_owned()
}

fn texts(values: &[Data]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn words(advice: AdviceCode, wanted: &Wanted) -> String {
    let kind = match wanted.kind {
        Kind::Mx => "MX",
        Kind::Cname => "CNAME",
        Kind::Srv => "SRV",
        _ => "TXT",
    };
    let name = &wanted.name;
    match (advice, wanted.purpose) {
        (AdviceCode::Leave, Purpose::Dmarc) => "Leave it as it is.".to_owned(),
        (AdviceCode::Leave, _) => "This is right: leave it as it is.".to_owned(),
        (AdviceCode::Wait, _) => {
            "This is right; others may still see the old value for a while. You need not do anything.".to_owned()
        }
        (AdviceCode::Add, _) => format!("Add a record of the type {kind} for {name} with this value."),
        (AdviceCode::Replace, Purpose::Mx) => {
            format!(
                "When your mailboxes have been copied for the first time, replace all MX records of {name} by these."
            )
        }
        (AdviceCode::Replace, _) => {
            format!("Replace what {name} has now by a record of the type {kind} with this value.")
        }
        (AdviceCode::RemoveOthers, _) => {
            "Some mail still goes to other servers: remove all MX records but these, at all of your DNS servers."
                .to_owned()
        }
        (AdviceCode::AddOthers, _) => {
            "Mail reaches the new provider; add the servers that are missing, so that it does when one is down."
                .to_owned()
        }
        (AdviceCode::Merge, _) => format!(
            "Replace your SPF record by this one, which has all that yours has and the new provider: {name} may have one SPF record only."
        ),
        (AdviceCode::MergeIntoOne, _) => format!(
            "{name} has several SPF records, which makes all of them void: replace them by this one, which has what each of them has and the new provider."
        ),
        (AdviceCode::LookAgain, _) => "The DNS gave no answer about this: look again in a few minutes.".to_owned(),
    }
}

/// `20 minutes`, `4 hours`, `2 days`.
fn duration(seconds: u32) -> String {
    let of = |count: u32, unit| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match seconds {
        0..=5_399 => of(seconds.div_ceil(60), "minute"),
        5_400..=129_599 => of((seconds + 1_800) / 3_600, "hour"),
        _ => of((seconds + 43_200) / 86_400, "day"),
    }
}

#[cfg(test)]
#[path = "guide_tests.rs"]
mod tests;
