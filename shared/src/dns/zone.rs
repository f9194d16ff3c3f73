//! Which servers are responsible for a domain: those its zone names and those its parent delegates to.

use std::net::IpAddr;

use super::answer::{Answer, Code, Data, Kind};
use super::resolver::{LookupError, Resolver};

/// How many of a parent's servers are asked for the delegation.
const PARENT_SERVERS: usize = 3;

/// How many servers a domain can have. A zone names them as it likes, and each of them is asked.
const SERVERS: usize = 16;

/// How many addresses of one server are asked.
const ADDRESSES: usize = 4;

/// Who is responsible for a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Responsible {
    /// These servers.
    Servers {
        /// The zone that the domain stands in.
        zone: String,
        /// Their names, in order.
        names: Vec<String>,
        /// How long caches keep who they are, in seconds.
        ttl_seconds: u32,
    },
    /// There is no such domain.
    Nobody,
    /// It cannot be found out, because the signatures are broken.
    BrokenSignatures,
    /// It cannot be found out.
    Unknown,
}

/// Finds who is responsible for a domain.
pub(super) async fn responsible(resolver: &Resolver, domain: &str) -> Responsible {
    let (zone, own) = match resolver.lookup(domain, Kind::Ns).await {
        Ok(answer) if answer.code == Code::NoSuchName => return Responsible::Nobody,
        Ok(answer) if answer.of(Data::ns).next().is_some() => (domain.to_owned(), Ok(answer)),
        Ok(answer) => match answer.zone() {
            Some(zone) => (zone.to_owned(), resolver.lookup(zone, Kind::Ns).await),
            None => return Responsible::Unknown,
        },
        Err(LookupError::BrokenSignatures) => return Responsible::BrokenSignatures,
        // No server of its own may be answering, and the parent still knows which they should be.
        Err(error) => (domain.to_owned(), Err(error)),
    };
    let mut names = Vec::new();
    let mut ttl_seconds = 0;
    let delegated = delegation(resolver, &zone).await;
    for (ttl, name) in own.iter().flat_map(names_of).chain(delegated) {
        ttl_seconds = ttl_seconds.max(ttl);
        names.push(name);
    }
    names.sort_unstable();
    names.dedup();
    if names.is_empty() || names.len() > SERVERS {
        return Responsible::Unknown;
    }
    Responsible::Servers {
        zone,
        names,
        ttl_seconds,
    }
}

/// The addresses of a server that are asked: those of IPv4, for few functions have IPv6; else those
/// that there are.
///
/// # Errors
/// [`LookupError`]: a server whose address could not be looked up may be there.
pub(super) async fn addresses(resolver: &Resolver, server: &str) -> Result<Vec<IpAddr>, LookupError> {
    let mut found = resolver.addresses(server).await?;
    if found.iter().any(IpAddr::is_ipv4) {
        found.retain(IpAddr::is_ipv4);
    }
    found.truncate(ADDRESSES);
    Ok(found)
}

/// The servers that the parent of a zone delegates it to, as the parent's own servers say.
async fn delegation(resolver: &Resolver, zone: &str) -> Vec<(u32, String)> {
    if zone.is_empty() {
        return Vec::new();
    }
    let above = zone.split_once('.').map_or("", |(_, above)| above);
    for parent in parents(resolver, above).await.into_iter().take(PARENT_SERVERS) {
        let found = addresses(resolver, &parent).await.unwrap_or_default();
        let Some(address) = found.first().copied() else {
            continue;
        };
        let Some(answer) = resolver.ask_server(address, zone, Kind::Ns).await else {
            continue;
        };
        let referred = answer.authority.iter().filter(|record| record.name == zone);
        let referred = referred.filter_map(|record| Some((record.ttl_seconds, record.data.ns()?.to_owned())));
        let found: Vec<(u32, String)> = referred.chain(names_of(&answer)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// The servers of the zone that a name stands in.
async fn parents(resolver: &Resolver, name: &str) -> Vec<String> {
    let Ok(answer) = resolver.lookup(name, Kind::Ns).await else {
        return Vec::new();
    };
    let is_zone = answer.of(Data::ns).next().is_some();
    let of_zone = match answer.zone() {
        Some(zone) if !is_zone && zone != name => resolver.lookup(zone, Kind::Ns).await.ok(),
        _ => Some(answer),
    };
    of_zone.iter().flat_map(names_of).map(|(_, name)| name).collect()
}

fn names_of(answer: &Answer) -> Vec<(u32, String)> {
    answer.of(Data::ns).map(|(ttl, name)| (ttl, name.to_owned())).collect()
}
