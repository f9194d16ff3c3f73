//! When mail has stopped arriving at the previous provider: all servers of a domain name the new MX,
//! and caches have forgotten the old one.
//!
//! Pure. What is remembered of a domain from look to look is [`DomainWatch`]; a look that finds the
//! old MX somewhere says how long a cache that has just asked will still use it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::answer::Data;
use super::look::{Existence, Look, Says};
use super::settings::DnsSettings;

/// No cache keeps anything for longer (RFC 8767, section 4, advises so).
const LONGEST_TTL_SECONDS: u32 = 7 * 86_400;

/// How a domain stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Mail goes to the previous provider, or nowhere.
    NotChanged,
    /// Some servers, or some of the MX records, are new.
    PartlyChanged,
    /// All servers name the new MX alone.
    Changed,
    /// No server said anything.
    Unknown,
    /// There is no such domain.
    NoSuchDomain,
    /// The signatures are broken.
    BrokenSignatures,
}

/// Where MX records lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// To the new provider alone.
    New,
    /// To both.
    Both,
    /// To others.
    Elsewhere,
}

/// What is remembered of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainWatch {
    /// When it was looked at first.
    pub first_looked_at: Timestamp,
    /// When it was looked at last.
    pub looked_at: Timestamp,
    /// How long caches kept the old MX at the first look that found it, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_ttl_seconds: Option<u32>,
    /// How long they did at the last look that found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_ttl_seconds: Option<u32>,
    /// Until when a cache may use the old MX that it got at or before the last such look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_until: Option<Timestamp>,
    /// Since when all servers have named the new MX alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
    /// When caches have forgotten the old one, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_pass_after: Option<Timestamp>,
    /// The servers that told an old MX when they answered last, of those that are responsible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old_servers: Vec<String>,
    /// How long caches keep that they are responsible, in seconds, by the last look that found any server.
    #[serde(default)]
    pub delegation_ttl_seconds: u32,
    /// The last look.
    pub look: Look,
}

impl Standing {
    /// How a domain stands by a look.
    pub fn of(look: &Look, settings: &DnsSettings) -> Self {
        match look.existence {
            Existence::NoSuchDomain => return Self::NoSuchDomain,
            Existence::BrokenSignatures => return Self::BrokenSignatures,
            Existence::Exists | Existence::Unknown => {}
        }
        let exchanges = settings.exchanges(&look.domain);
        let leads: Vec<Leads> = answers(look).map(|(mx, _)| Leads::of(mx, &exchanges)).collect();
        // One that is silent now may still tell others the old.
        let is_silent = look.servers.iter().any(|server| server.says == Says::Silent);
        let is_new = |leads: &Leads| *leads == Leads::New;
        if leads.is_empty() {
            Self::Unknown
        } else if leads.iter().all(is_new) {
            if is_silent { Self::PartlyChanged } else { Self::Changed }
        } else if leads.iter().any(|leads| *leads != Leads::Elsewhere) {
            Self::PartlyChanged
        } else {
            Self::NotChanged
        }
    }
}

impl Leads {
    /// Where these records lead, with the new provider's servers.
    pub(super) fn of(mx: &[Data], exchanges: &[String]) -> Self {
        let is_new = |data: &Data| exchanges.iter().any(|new| data.exchange() == Some(new));
        match (mx.iter().any(is_new), mx.iter().all(is_new)) {
            (true, true) => Self::New,
            (true, false) => Self::Both,
            (false, _) => Self::Elsewhere,
        }
    }
}

impl DomainWatch {
    /// What is remembered after a look. A look that found out nothing leaves what was known.
    #[must_use]
    pub fn after(before: Option<&Self>, look: Look, settings: &DnsSettings, now: Timestamp) -> Self {
        let standing = Standing::of(&look, settings);
        let exchanges = settings.exchanges(&look.domain);
        let old_ttl = answers(&look)
            .filter(|(mx, _)| Leads::of(mx, &exchanges) != Leads::New)
            .map(|(_, ttl_seconds)| ttl_seconds.min(LONGEST_TTL_SECONDS))
            .max();
        let mut watch = Self {
            first_looked_at: before.map_or(now, |before| before.first_looked_at),
            looked_at: now,
            first_ttl_seconds: before.and_then(|before| before.first_ttl_seconds).or(old_ttl),
            old_ttl_seconds: old_ttl.or(before.and_then(|before| before.old_ttl_seconds)),
            old_until: before.and_then(|before| before.old_until),
            changed_at: before.and_then(|before| before.changed_at),
            final_pass_after: before.and_then(|before| before.final_pass_after),
            old_servers: before.map_or_else(Vec::new, |before| before.old_servers.clone()),
            delegation_ttl_seconds: before.map_or(0, |before| before.delegation_ttl_seconds),
            look,
        };
        if let Some(ttl) = old_ttl {
            watch.keeps_until(later(now, ttl));
        }
        // Servers that are no longer named as responsible may still be asked, by caches that remember them.
        if let Some(before) = before
            && has_left(&before.old_servers, &watch.look)
        {
            let remembered = before.delegation_ttl_seconds.min(LONGEST_TTL_SECONDS);
            watch.keeps_until(later(
                now,
                remembered.saturating_add(before.old_ttl_seconds.unwrap_or_default()),
            ));
        }
        watch.remember_servers(&exchanges);
        match standing {
            Standing::Changed if watch.changed_at.is_none() => {
                // Until a moment ago the old may have been answered.
                let unseen = u32::try_from(settings.unknown_ttl.as_secs()).unwrap_or(LONGEST_TTL_SECONDS);
                watch.changed_at = Some(now);
                watch.keeps_until(later(now, watch.old_ttl_seconds.unwrap_or(unseen)));
            }
            Standing::NotChanged | Standing::NoSuchDomain => watch.changed_at = None,
            // Somebody still answers the old; a server that is silent only holds the gate meanwhile.
            Standing::PartlyChanged if old_ttl.is_some() => watch.changed_at = None,
            Standing::Changed | Standing::PartlyChanged | Standing::Unknown | Standing::BrokenSignatures => {}
        }
        watch.final_pass_after = watch.changed_at.and(watch.old_until);
        watch
    }

    /// Whether mail has stopped arriving at the previous provider, by the last look.
    pub fn has_settled(&self, settings: &DnsSettings, now: Timestamp) -> bool {
        Standing::of(&self.look, settings) == Standing::Changed
            && self.final_pass_after.is_some_and(|after| now >= after)
    }

    /// Remembers which servers tell the old. One that is silent now is taken to tell what it told before,
    /// and a look that found no servers at all changes nothing.
    fn remember_servers(&mut self, exchanges: &[String]) {
        if self.look.servers.is_empty() {
            return;
        }
        let servers = &self.look.servers;
        let says = |name: &str, matches: &dyn Fn(&Says) -> bool| {
            servers
                .iter()
                .any(|server| server.name == name && matches(&server.says))
        };
        let tells_old =
            |says: &Says| matches!(says, Says::Answers { mx, .. } if Leads::of(mx, exchanges) != Leads::New);
        let told_before = |name: &str| self.old_servers.iter().any(|old| old == name);
        let is_old = |name: &str| {
            says(name, &tells_old) || told_before(name) && says(name, &|says| matches!(says, Says::Silent))
        };
        let mut old: Vec<String> = servers
            .iter()
            .map(|server| server.name.clone())
            .filter(|name| is_old(name))
            .collect();
        old.dedup();
        self.old_servers = old;
        self.delegation_ttl_seconds = self.look.delegation_ttl_seconds;
    }

    fn keeps_until(&mut self, until: Timestamp) {
        self.old_until = self.old_until.max(Some(until));
    }
}

/// What servers answered, with how long it may be kept.
pub(super) fn answers(look: &Look) -> impl Iterator<Item = (&[Data], u32)> {
    look.servers.iter().filter_map(|server| match &server.says {
        Says::Answers { mx, ttl_seconds } => Some((mx.as_slice(), *ttl_seconds)),
        Says::Lame | Says::Silent | Says::NoAddress => None,
    })
}

/// Whether one of these servers is not responsible any more.
fn has_left(old: &[String], now: &Look) -> bool {
    !now.servers.is_empty()
        && old
            .iter()
            .any(|name| now.servers.iter().all(|other| other.name != *name))
}

fn later(now: Timestamp, seconds: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds.into()))
        .unwrap_or(now)
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
