//! A look at a domain: what its servers and the resolvers answer now. It asks and judges nothing.

use std::net::IpAddr;

use futures_util::future::{join_all, join4};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Code, Data, Kind};
use super::limit;
use super::resolver::{LookupError, Resolver};
use super::settings::{DnsSettings, Purpose, Wanted};
use super::spf;
use super::zone::{Responsible, addresses, responsible};

/// A name that nobody has: who answers it answers every name.
const PROBE: &str = "mailvan-wildcard-probe";

/// How many records are asked for, and how many servers are asked, at the same time.
const AT_ONCE: usize = 8;

/// What was seen of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The domain.
    pub domain: String,
    /// Whether it is there.
    pub existence: Existence,
    /// The zone that it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// How long caches keep who the servers are, in seconds.
    pub delegation_ttl_seconds: u32,
    /// The servers that are responsible, at each of their addresses.
    pub servers: Vec<ServerLook>,
    /// Where mail goes by what resolvers say; none where they say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mx_at_resolvers: Option<Vec<Data>>,
    /// The domain's own addresses: without MX, mail goes there (RFC 5321, section 5.1).
    pub own_addresses: Vec<IpAddr>,
    /// Where mail to names below the domain goes that nobody has made.
    pub wildcard_mx: Vec<Data>,
    /// The records besides MX that the domain needs, in the order of the profile.
    pub records: Vec<Seen>,
    /// How often the domain's SPF record has the DNS asked, with the provider's include.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spf_lookups: Option<u32>,
}

/// Whether a domain is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Existence {
    /// It is.
    Exists,
    /// There is no such domain.
    NoSuchDomain,
    /// Its signatures (DNSSEC) are broken: most resolvers take it for not there.
    BrokenSignatures,
    /// It could not be found out.
    Unknown,
}

/// A server of a domain, at one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerLook {
    /// Its name.
    pub name: String,
    /// Where it was asked; none where the name has no address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// What it said.
    pub says: Says,
}

/// What a server says of where mail goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Says {
    /// It answers for the domain.
    Answers {
        /// Its MX records.
        mx: Vec<Data>,
        /// How long they, or that there are none, may be kept, in seconds.
        ttl_seconds: u32,
    },
    /// It is named as responsible and does not know the domain.
    Lame,
    /// It does not answer.
    Silent,
    /// Its name has no address, or none that may be asked.
    NoAddress,
}

/// What was seen of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Whose it is.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// What the domain's servers say, or else the resolvers; none where nobody said anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Data>>,
    /// What resolvers say, where it is something else: they keep the old for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_resolvers: Option<Vec<Data>>,
    /// How long they may keep it, in seconds.
    pub ttl_seconds: u32,
    /// It is no alias, and leads to where the alias would.
    #[serde(default)]
    pub same_address: bool,
}

impl Look {
    /// A look that found nothing out.
    pub(super) fn nothing(domain: String) -> Self {
        Self {
            domain,
            existence: Existence::Unknown,
            zone: None,
            delegation_ttl_seconds: 0,
            servers: Vec::new(),
            mx_at_resolvers: None,
            own_addresses: Vec::new(),
            wildcard_mx: Vec::new(),
            records: Vec::new(),
            spf_lookups: None,
        }
    }
}

/// Looks at a domain.
pub async fn look(resolver: &Resolver, settings: &DnsSettings, domain: &str) -> Look {
    let mut look = Look::nothing(domain.to_owned());
    match responsible(resolver, domain).await {
        Responsible::Servers {
            zone,
            names,
            ttl_seconds,
        } => {
            (look.existence, look.zone, look.delegation_ttl_seconds) = (Existence::Exists, Some(zone), ttl_seconds);
            look.servers = ask_all(resolver, &names, domain).await;
        }
        Responsible::Nobody => {
            look.existence = Existence::NoSuchDomain;
            return look;
        }
        Responsible::BrokenSignatures => look.existence = Existence::BrokenSignatures,
        Responsible::Unknown => return look,
    }
    let answers = |server: &&ServerLook| matches!(server.says, Says::Answers { .. });
    let own = look.servers.iter().find(answers).and_then(|server| server.address);
    let probe = format!("{PROBE}.{domain}");
    let wanted = settings.wanted(domain);
    let rest = wanted.iter().filter(|wanted| wanted.purpose != Purpose::Mx);
    let seen = stream::iter(rest)
        .map(|wanted| see(resolver, own, wanted))
        .buffered(AT_ONCE);
    let (mx, wildcard, addresses, seen) = join4(
        resolver.lookup(domain, Kind::Mx),
        resolver.lookup(&probe, Kind::Mx),
        resolver.addresses(domain),
        seen.collect::<Vec<Seen>>(),
    )
    .await;
    look.mx_at_resolvers = mx.ok().map(|answer| limit::few(mx_of(&answer)));
    look.wildcard_mx = wildcard.map(|answer| limit::few(mx_of(&answer))).unwrap_or_default();
    look.own_addresses = limit::few(addresses.unwrap_or_default());
    look.records = seen;
    look.spf_lookups = spf_lookups(resolver, settings, &look).await;
    look.bounded()
}

async fn ask_all(resolver: &Resolver, names: &[String], domain: &str) -> Vec<ServerLook> {
    let each = stream::iter(names).map(async |name| {
        let of_server = |address, says| ServerLook {
            name: name.clone(),
            address,
            says,
        };
        let found = match addresses(resolver, name).await {
            Ok(found) if found.is_empty() => return vec![of_server(None, Says::NoAddress)],
            Ok(found) => found,
            Err(LookupError::BadName) => return vec![of_server(None, Says::NoAddress)],
            Err(_) => return vec![of_server(None, Says::Silent)],
        };
        let at_each = found.iter().map(async |address| {
            let says = match resolver.ask_server(*address, domain, Kind::Mx).await {
                None => Says::Silent,
                Some(answer) => says(&answer),
            };
            of_server(Some(*address), says)
        });
        join_all(at_each).await
    });
    let servers: Vec<Vec<ServerLook>> = each.buffered(AT_ONCE).collect().await;
    servers.into_iter().flatten().collect()
}

fn says(answer: &Answer) -> Says {
    // It may answer again in a moment, and what is then old.
    if answer.code == Code::ServerFailure {
        return Says::Silent;
    }
    if !answer.authoritative || !matches!(answer.code, Code::NoError | Code::NoSuchName) {
        return Says::Lame;
    }
    let mx = mx_of(answer);
    // Not judged by a part of them.
    if mx.len() > limit::RECORDS {
        return Says::Silent;
    }
    let kept = answer.records.iter().map(|record| record.ttl_seconds).max();
    Says::Answers {
        mx,
        ttl_seconds: kept.or(answer.negative_ttl_seconds()).unwrap_or_default(),
    }
}

fn mx_of(answer: &Answer) -> Vec<Data> {
    let mut found: Vec<Data> = answer
        .records
        .iter()
        .filter(|record| record.data.exchange().is_some())
        .map(|record| record.data.clone())
        .collect();
    found.sort();
    found
}

async fn see(resolver: &Resolver, own: Option<IpAddr>, wanted: &Wanted) -> Seen {
    // An alias shows with whatever is asked for, and what stands there instead of it does too.
    let kind = if wanted.kind == Kind::Cname {
        Kind::A
    } else {
        wanted.kind
    };
    let at_resolvers = resolver.lookup(&wanted.name, kind).await.ok();
    let own = match own {
        Some(address) => resolver.ask_server(address, &wanted.name, kind).await,
        None => None,
    };
    // What is delegated further the domain's own servers do not know.
    let own = own.filter(|answer| answer.authoritative && matches!(answer.code, Code::NoError | Code::NoSuchName));
    let values_of = |answer: &Answer| values(wanted, answer);
    let (own_values, other) = (own.as_ref().map(values_of), at_resolvers.as_ref().map(values_of));
    let values = own_values.clone().or_else(|| other.clone());
    let ttl_seconds = own
        .or(at_resolvers)
        .and_then(|answer| answer.records.iter().map(|record| record.ttl_seconds).max());
    let same_address = match (values.as_deref(), wanted.values.first()) {
        (Some([Data::Address(_), ..]), Some(Data::Cname(target))) => {
            let there = resolver.addresses(target).await.unwrap_or_default();
            let found = values.iter().flatten().filter_map(Data::address);
            !there.is_empty() && found.into_iter().all(|address| there.contains(&address))
        }
        _ => false,
    };
    Seen {
        name: wanted.name.clone(),
        purpose: wanted.purpose,
        at_resolvers: other.filter(|other| own_values.as_ref().is_some_and(|own| own != other)),
        values,
        ttl_seconds: ttl_seconds.unwrap_or_default(),
        same_address,
    }
}

/// What of an answer is about the purpose: a domain has texts for many.
fn values(wanted: &Wanted, answer: &Answer) -> Vec<Data> {
    let is_meant = |data: &Data| match (wanted.purpose, wanted.kind) {
        (Purpose::Spf, _) => data.txt().is_some_and(spf::is_spf),
        (Purpose::Dmarc, _) => data.txt().is_some_and(|text| text.trim_start().starts_with("v=DMARC1")),
        (_, Kind::Txt) => data.txt().is_some(),
        (_, Kind::Srv) => data.srv().is_some(),
        _ => matches!(data, Data::Address(_)),
    };
    let alias = answer
        .records
        .iter()
        .find(|record| record.name == wanted.name && matches!(record.data, Data::Cname(_)));
    if let (Some(alias), Kind::Cname) = (alias, wanted.kind) {
        return vec![alias.data.clone()];
    }
    let mut found: Vec<Data> = answer
        .records
        .iter()
        .map(|record| record.data.clone())
        .filter(is_meant)
        .collect();
    found.sort();
    limit::few(found).into_iter().map(limit::short).collect()
}

/// Counts how often the record that the domain should have asks the DNS; stops counting where it is
/// too often by far.
async fn spf_lookups(resolver: &Resolver, settings: &DnsSettings, look: &Look) -> Option<u32> {
    let include = settings.spf_include.as_deref()?;
    let seen = look.records.iter().find(|seen| seen.purpose == Purpose::Spf)?;
    let texts: Vec<&str> = seen.values.iter().flatten().filter_map(Data::txt).collect();
    let mut open = vec![spf::merged(&texts, include)];
    let mut counted = 0;
    while let Some(record) = open.pop() {
        for name in spf::lookups(&record) {
            counted += 1;
            if counted > 2 * spf::MAX_LOOKUPS {
                return Some(counted);
            }
            let Some(name) = name else { continue };
            if let Ok(answer) = resolver.lookup(name, Kind::Txt).await {
                let text = answer
                    .of(Data::txt)
                    .map(|(_, text)| text.to_owned())
                    .find(|text| spf::is_spf(text));
                open.extend(text);
            }
        }
    }
    Some(counted)
}
