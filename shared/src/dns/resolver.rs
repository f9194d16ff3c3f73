//! Looking names up: at the resolvers of the machine, and at single servers of a zone.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use futures_util::future::join;

use super::answer::{Answer, Code, Data, Kind, Srv};
use super::ask::{AskError, Manner, ask};
use crate::imap::guard::AddressPolicy;

/// Where DNS servers listen.
const PORT: u16 = 53;

/// Where the resolvers of the machine are written down.
const SYSTEM: &str = "/etc/resolv.conf";

/// Asks the DNS. Cheap to clone; it keeps no answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
    /// The port of the servers of zones; another one in the local stack only.
    port: u16,
    addresses: AddressPolicy,
}

/// Why a name could not be looked up. "There is nothing" is an [`Answer`] and no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The text is no name of the DNS.
    #[error("not a name of the DNS")]
    BadName,
    /// The signatures of the domain are broken (DNSSEC): without checking them there is an answer.
    #[error("the domain's signatures (DNSSEC) are broken")]
    BrokenSignatures,
    /// The servers of the domain could not be asked, or said that they cannot tell.
    #[error("the domain's DNS servers could not be asked")]
    ServerFailure,
    /// Our resolvers were silent.
    #[error("the DNS did not answer")]
    NoAnswer,
}

impl Resolver {
    /// By the resolvers that the machine is told of; servers of zones only on addresses that the
    /// policy allows.
    pub fn of_system(addresses: AddressPolicy) -> Self {
        let text = std::fs::read(SYSTEM).unwrap_or_default();
        Self {
            servers: servers_of(&text),
            port: PORT,
            addresses,
        }
    }

    /// By this resolver alone; servers of zones listen on its port. For the local stack.
    pub fn at(server: SocketAddr) -> Self {
        Self {
            servers: vec![server],
            port: server.port(),
            addresses: AddressPolicy::Any,
        }
    }

    /// What resolvers say. An answer is one with [`Code::NoError`] or [`Code::NoSuchName`].
    ///
    /// # Errors
    /// [`LookupError`].
    pub async fn lookup(&self, name: &str, kind: Kind) -> Result<Answer, LookupError> {
        let mut ended = LookupError::NoAnswer;
        for server in &self.servers {
            match ask(*server, name, kind, Manner::Resolve).await {
                Ok(answer) if matches!(answer.code, Code::NoError | Code::NoSuchName) => return Ok(answer),
                Ok(answer) if answer.code == Code::ServerFailure => {
                    let unchecked = ask(*server, name, kind, Manner::ResolveUnchecked).await;
                    let is_there =
                        unchecked.is_ok_and(|answer| matches!(answer.code, Code::NoError | Code::NoSuchName));
                    if is_there {
                        return Err(LookupError::BrokenSignatures);
                    }
                    ended = LookupError::ServerFailure;
                }
                Ok(_) => ended = LookupError::ServerFailure,
                Err(AskError::BadName) => return Err(LookupError::BadName),
                Err(error @ AskError::NoAnswer { .. }) => {
                    tracing::debug!(dns.name = name, error = crate::queue::causes(&error), "no answer");
                }
            }
        }
        Err(ended)
    }

    /// The addresses of a server, those of IPv4 first.
    ///
    /// # Errors
    /// [`LookupError`] where neither could be asked for.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let (v4, v6) = join(self.lookup(host, Kind::A), self.lookup(host, Kind::Aaaa)).await;
        let found = |answer: &Answer| answer.of(Data::address).map(|(_, address)| address).collect::<Vec<_>>();
        match (v4, v6) {
            (Err(error), Err(_)) => Err(error),
            (v4, v6) => Ok([v4, v6].iter().flatten().flat_map(found).collect()),
        }
    }

    /// Where a service of a domain is (RFC 2782), such as `_imaps._tcp.example.org`, in the order of
    /// their priorities. Empty where nothing is said, and where the domain says that it has none.
    ///
    /// # Errors
    /// [`LookupError`].
    pub async fn services(&self, name: &str) -> Result<Vec<Srv>, LookupError> {
        let answer = self.lookup(name, Kind::Srv).await?;
        let mut found: Vec<Srv> = answer.of(Data::srv).map(|(_, srv)| srv.clone()).collect();
        found.retain(|srv| !srv.target.is_empty());
        found.sort_by_key(|srv| (srv.priority, std::cmp::Reverse(srv.weight)));
        Ok(found)
    }

    /// What one server of a zone knows itself; none where it is silent, or at an address that may not
    /// be connected to.
    pub async fn ask_server(&self, address: IpAddr, name: &str, kind: Kind) -> Option<Answer> {
        if !self.addresses.allows(address) {
            return None;
        }
        ask(SocketAddr::new(address, self.port), name, kind, Manner::Own)
            .await
            .ok()
    }
}

/// The resolvers in a `resolv.conf`; the machine's own where none is named.
fn servers_of(text: &[u8]) -> Vec<SocketAddr> {
    let own = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let Ok(config) = resolv_conf::Config::parse(text) else {
        return vec![own];
    };
    let named: Vec<SocketAddr> = config
        .nameservers
        .iter()
        .map(|server| SocketAddr::new(server.into(), PORT))
        .collect();
    if named.is_empty() { vec![own] } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resolvers_are_those_of_the_machine() {
        let text = b"search example.org\nnameserver 192.0.2.53\nnameserver 2001:db8::53\noptions edns0\n";
        let named = ["192.0.2.53:53", "[2001:db8::53]:53"].map(|server| server.parse().unwrap());
        assert_eq!(servers_of(text), named);
        for nothing in [&b""[..], b"search example.org\n", b"\xff\xfe nonsense"] {
            assert_eq!(servers_of(nothing), ["127.0.0.1:53".parse().unwrap()]);
        }
    }

    #[tokio::test]
    async fn servers_of_a_zone_are_not_asked_at_private_addresses() {
        let resolver = Resolver {
            servers: Vec::new(),
            port: PORT,
            addresses: AddressPolicy::PublicOnly,
        };
        let answer = resolver
            .ask_server("127.0.0.1".parse().unwrap(), "example.org", Kind::Mx)
            .await;
        assert_eq!(answer, None);
    }
}
