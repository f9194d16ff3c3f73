//! Which addresses customers may make us connect to.
//!
//! A source host is typed by a customer. Without this guard it could name our own network or the
//! metadata service. The address is checked that is connected to, not the name, so a name that
//! resolves differently the second time gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is done with addresses that are not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Public addresses only; what production uses.
    PublicOnly,
    /// Any address; for the local stack, whose servers are on loopback.
    Any,
}

/// An address that is not public.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the server name {host} leads to {address}, which is not a public internet address")]
pub struct ForbiddenAddress {
    /// The host as given.
    pub host: String,
    /// What it resolved to.
    pub address: IpAddr,
}

impl AddressPolicy {
    /// Whether this address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::PublicOnly => is_public(address),
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => is_public_v4(v4),
            None => is_public_v6(v6),
        },
    }
}

/// IANA's special-purpose registry for IPv4, as of 2025.
fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol_assignments = a == 192 && b == 0 && c == 0;
    let relay = a == 192 && b == 88 && c == 99;
    let benchmarking = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 240
        || v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_multicast()
        || v4.is_broadcast()
        || v4.is_documentation()
        || shared
        || protocol_assignments
        || relay
        || benchmarking)
}

/// Global unicast (`2000::/3`) without documentation, benchmarking, ORCHID and Teredo ranges.
fn is_public_v6(v6: Ipv6Addr) -> bool {
    let [a, b, ..] = v6.segments();
    let global_unicast = a & 0xe000 == 0x2000;
    let special = a == 0x2001 && (b < 0x0200 || b == 0x0db8);
    let documentation = a == 0x3fff && b < 0x1000;
    global_unicast && !special && !documentation
}

/// The IPv4 address inside a mapped, compatible, NAT64 or 6to4 address: it must be public too.
fn embedded_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = v6.segments();
    let [first, second, third, .., high, low] = segments;
    let is_mapped = segments.starts_with(&[0, 0, 0, 0, 0]) && matches!(segments, [.., 0 | 0xffff, _, _]);
    if is_mapped && !v6.is_unspecified() && !v6.is_loopback() || (first, second) == (0x0064, 0xff9b) {
        Some(v4_of(high, low))
    } else if first == 0x2002 {
        Some(v4_of(second, third))
    } else {
        None
    }
}

fn v4_of(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass() {
        let refused = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
            "2001::1",
        ];
        for address in refused {
            assert!(!AddressPolicy::PublicOnly.allows(address.parse().unwrap()), "{address}");
        }
        for address in ["8.8.8.8", "2a01:4f8::1", "::ffff:8.8.8.8", "2002:808:808::1"] {
            assert!(AddressPolicy::PublicOnly.allows(address.parse().unwrap()), "{address}");
        }
    }
}
