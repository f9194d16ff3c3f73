//! How much of a domain's DNS is looked at and kept: a zone can hold what its owner likes.

use super::answer::Data;
use super::look::Look;

/// How many records of a kind are kept. Real domains have a handful.
pub(super) const RECORDS: usize = 20;

/// How long a text of a record is kept, in bytes; the longest that are meant for mail, DKIM keys, have some 800.
const TEXT_BYTES: usize = 2_048;

/// How large a look may be in all: a table's item holds 400 KB, and an answer of the API many looks.
const LOOK_BYTES: usize = 128 * 1024;

/// The first of many.
pub(super) fn few<T>(mut found: Vec<T>) -> Vec<T> {
    found.truncate(RECORDS);
    found
}

/// A record with the beginning of a text that is too long.
pub(super) fn short(data: Data) -> Data {
    match data {
        Data::Txt(text) if text.len() > TEXT_BYTES => {
            let end = text.floor_char_boundary(TEXT_BYTES);
            Data::Txt(text.get(..end).unwrap_or_default().to_owned())
        }
        data => data,
    }
}

impl Look {
    /// The look, if it can be kept; else one that found nothing out, so that nothing is judged by a part of it.
    pub(super) fn bounded(self) -> Self {
        let is_small = serde_json::to_vec(&self).is_ok_and(|json| json.len() <= LOOK_BYTES);
        if is_small {
            return self;
        }
        tracing::warn!(dns.domain = self.domain, "the domain's DNS is too large to be kept");
        Self::nothing(self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::look::{Existence, Says, ServerLook};

    fn look(servers: usize, exchanges: usize) -> Look {
        let exchange = |n| Data::Mx {
            preference: 10,
            exchange: format!("{n}.{}.example", "x".repeat(200)),
        };
        let server = |n| ServerLook {
            name: format!("ns{n}.example.org"),
            address: None,
            says: Says::Answers {
                mx: (0..exchanges).map(exchange).collect(),
                ttl_seconds: 60,
            },
        };
        Look {
            domain: "example.org".to_owned(),
            existence: Existence::Exists,
            zone: Some("example.org".to_owned()),
            delegation_ttl_seconds: 60,
            servers: (0..servers).map(server).collect(),
            mx_at_resolvers: None,
            own_addresses: Vec::new(),
            wildcard_mx: Vec::new(),
            records: Vec::new(),
            spf_lookups: None,
        }
    }

    #[test]
    fn a_domain_that_is_too_large_to_be_kept_says_nothing() {
        let usual = look(8, 5);
        assert_eq!(usual.clone().bounded(), usual);
        let large = look(64, RECORDS).bounded();
        assert_eq!((large.existence, large.servers.len()), (Existence::Unknown, 0));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = |data| match short(data) {
            Data::Txt(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(text(Data::Txt("v=spf1 -all".to_owned())), "v=spf1 -all");
        let cut = text(Data::Txt("\u{e9}".repeat(40_000)));
        assert_eq!(cut.len(), TEXT_BYTES);
        assert_eq!(
            text(Data::Txt(format!("a{}", "\u{e9}".repeat(40_000)))).len(),
            TEXT_BYTES - 1
        );
    }
}
