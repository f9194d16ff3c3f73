//! Into which mailboxes an order may have mail moved.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::EmailAddress;

/// So many are named to a person; the others are counted.
const NAMED: usize = 5;

/// Domains and single addresses, each normalised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(Vec<String>);

impl Grants {
    /// These domains and addresses; `None` where there are none or one of them is neither.
    pub fn of(texts: &[String]) -> Option<Self> {
        let grants: Option<Vec<String>> = texts.iter().map(|text| normalised(text)).collect();
        grants.filter(|grants| !grants.is_empty()).map(Self)
    }

    /// No mailbox at all.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether mail may be moved into this mailbox.
    pub fn allow(&self, mailbox: &EmailAddress) -> bool {
        let address = mailbox.key();
        self.0
            .iter()
            .any(|grant| *grant == address || grant == mailbox.domain())
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<&str> = self.0.iter().take(NAMED).map(String::as_str).collect();
        f.write_str(&named.join(", "))?;
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// An address, or a domain as addresses have it.
fn normalised(text: &str) -> Option<String> {
    if text.contains('@') {
        return text.parse().ok().map(|address: EmailAddress| address.key());
    }
    let address: EmailAddress = format!("anybody@{}", text.trim()).parse().ok()?;
    Some(address.domain().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(texts: &[&str]) -> Option<Grants> {
        Grants::of(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn they_are_for_their_domains_and_addresses_and_for_no_other() {
        let grants = grants(&["Customer.example", "Anna@shop.example", "müller.example"]).unwrap();
        for (mailbox, is_allowed) in [
            ("bert@customer.example", true),
            ("B@CUSTOMER.example", true),
            ("anna@shop.example", true),
            ("Anna@Shop.example", true),
            ("x@xn--mller-kva.example", true),
            ("bert@shop.example", false),
            ("anna@sub.customer.example", false),
            ("anna@notcustomer.example", false),
            ("customer.example@evil.example", false),
        ] {
            assert_eq!(grants.allow(&mailbox.parse().unwrap()), is_allowed, "{mailbox}");
        }
    }

    #[test]
    fn none_allow_nothing() {
        assert!(!Grants::none().allow(&"anna@example.com".parse().unwrap()));
    }

    #[test]
    fn what_is_neither_domain_nor_address_grants_nothing() {
        for texts in [
            &[][..],
            &[""],
            &["*"],
            &["example"],
            &["a.example", "@"],
            &["127.0.0.1"],
        ] {
            assert_eq!(grants(texts), None, "{texts:?}");
        }
    }

    #[test]
    fn many_are_counted() {
        let many: Vec<String> = (0..8).map(|n| format!("d{n}.example")).collect();
        let text = Grants::of(&many).unwrap().to_string();
        assert_eq!(
            text,
            "d0.example, d1.example, d2.example, d3.example, d4.example and 3 more"
        );
    }
}
