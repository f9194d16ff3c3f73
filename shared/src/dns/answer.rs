//! What a DNS server answered, without the library's types.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The types of records that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the DNS's own")]
pub enum Kind {
    A,
    Aaaa,
    Cname,
    Ds,
    Mx,
    Ns,
    Soa,
    Srv,
    Txt,
}

/// What stands in a record. Names are in lower case and without the root's dot; the root itself is
/// the empty text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// A or AAAA.
    Address(IpAddr),
    /// CNAME.
    Cname(String),
    /// MX.
    Mx {
        /// The lower, the earlier it is tried.
        preference: u16,
        /// The server.
        exchange: String,
    },
    /// NS.
    Ns(String),
    /// SRV (RFC 2782).
    Srv(Srv),
    /// TXT, its strings put together as SPF, DKIM and DMARC do.
    Txt(String),
    /// SOA: how long "there is nothing" may be kept (RFC 2308), in seconds.
    Soa {
        /// The last field of the record.
        minimum: u32,
    },
    /// Anything else.
    Other,
}

/// Where a service is (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Srv {
    /// The lower, the earlier it is tried.
    pub priority: u16,
    /// The share among those of the same priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The server; empty where the domain says that it has no such service.
    pub target: String,
}

/// A record as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is, in lower case and without the root's dot.
    pub name: String,
    /// How long it may be kept, in seconds.
    pub ttl_seconds: u32,
    /// What stands in it.
    pub data: Data,
}

/// Response codes (RFC 1035, section 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The name is there, with or without records of the type.
    NoError,
    /// NXDOMAIN: there is no such name.
    NoSuchName,
    /// The server could not find out; from a resolver also: the signatures are broken.
    ServerFailure,
    /// The server does not answer for this domain.
    Refused,
    /// Another one.
    Other(u16),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the server says of the name.
    pub code: Code,
    /// Whether it answers by its own zone.
    pub authoritative: bool,
    /// The records, aliases on the way included.
    pub records: Vec<Record>,
    /// Name servers or SOA of the zone that is responsible.
    pub authority: Vec<Record>,
}

impl Answer {
    /// The records of a type, wherever an alias led.
    pub fn of<'a, T: 'a>(&'a self, pick: impl Fn(&'a Data) -> Option<T> + 'a) -> impl Iterator<Item = (u32, T)> + 'a {
        self.records
            .iter()
            .filter_map(move |record| pick(&record.data).map(|value| (record.ttl_seconds, value)))
    }

    /// How long "there is nothing" may be kept, in seconds (RFC 2308, section 5).
    pub fn negative_ttl_seconds(&self) -> Option<u32> {
        self.authority.iter().find_map(|record| match record.data {
            Data::Soa { minimum } => Some(record.ttl_seconds.min(minimum)),
            _ => None,
        })
    }

    /// The zone that says there is nothing.
    pub fn zone(&self) -> Option<&str> {
        let of_soa = |record: &&Record| matches!(record.data, Data::Soa { .. });
        self.authority.iter().find(of_soa).map(|record| record.name.as_str())
    }
}

impl Data {
    /// The address.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            _ => None,
        }
    }

    /// The name server.
    pub fn ns(&self) -> Option<&str> {
        match self {
            Self::Ns(name) => Some(name),
            _ => None,
        }
    }

    /// The server of an MX record; empty where the domain says that it takes no mail (RFC 7505).
    pub fn exchange(&self) -> Option<&str> {
        match self {
            Self::Mx { exchange, .. } => Some(exchange),
            _ => None,
        }
    }

    /// The text.
    pub fn txt(&self) -> Option<&str> {
        match self {
            Self::Txt(text) => Some(text),
            _ => None,
        }
    }

    /// The place of a service.
    pub fn srv(&self) -> Option<&Srv> {
        match self {
            Self::Srv(srv) => Some(srv),
            _ => None,
        }
    }
}

impl fmt::Display for Data {
    /// As it is typed into a form for records: `10 mx1.example.net`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Cname(name) | Self::Ns(name) => f.write_str(name),
            Self::Mx { preference, exchange } => write!(f, "{preference} {}", dotted(exchange)),
            Self::Srv(srv) => srv.fmt(f),
            Self::Txt(text) => f.write_str(text),
            Self::Soa { .. } | Self::Other => Ok(()),
        }
    }
}

impl fmt::Display for Srv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            priority, weight, port, ..
        } = self;
        write!(f, "{priority} {weight} {port} {}", dotted(&self.target))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Ds => "DS",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Soa => "SOA",
            Self::Srv => "SRV",
            Self::Txt => "TXT",
        })
    }
}

/// The root has no other form than its dot.
fn dotted(name: &str) -> &str {
    if name.is_empty() { "." } else { name }
}
