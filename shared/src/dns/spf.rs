//! SPF records (RFC 7208): which of a domain's texts is one, and how a provider is added to it.

/// How many terms of a record, with those it includes, may ask the DNS (RFC 7208, section 4.6.4).
pub const MAX_LOOKUPS: u32 = 10;

/// What a term has others ask the DNS for.
enum Asks<'a> {
    Nothing,
    Once,
    /// For the record of this name, whose terms ask in their turn.
    RecordOf(&'a str),
}

/// Whether a TXT record is meant as SPF.
pub fn is_spf(text: &str) -> bool {
    text.split_ascii_whitespace()
        .next()
        .is_some_and(|version| version.eq_ignore_ascii_case("v=spf1"))
}

/// Whether a record lets a provider's servers send.
pub fn includes(record: &str, include: &str) -> bool {
    terms(record).any(|term| matches!(asks(term), Asks::RecordOf(name) if name.eq_ignore_ascii_case(include)))
}

/// One record out of those the domain has, with the provider added. What others may send stays; of
/// two endings the stricter one's first word wins, since a record has one.
///
/// ```
/// # use mailvan::dns::spf::merged;
/// assert_eq!(merged(&["v=spf1 mx include:old.example ~all"], "new.example"), "v=spf1 mx include:old.example include:new.example ~all");
/// assert_eq!(merged(&[], "new.example"), "v=spf1 include:new.example ~all");
/// ```
pub fn merged(records: &[&str], include: &str) -> String {
    let (mut kept, mut redirect, mut ending): (Vec<&str>, Option<&str>, Option<&str>) = (Vec::new(), None, None);
    for term in records.iter().flat_map(|record| terms(record)) {
        if is_all(term) {
            ending = Some(stricter(ending, term));
        } else if term.to_ascii_lowercase().starts_with("redirect=") {
            redirect = redirect.or(Some(term));
        } else if !kept.iter().any(|other| other.eq_ignore_ascii_case(term)) {
            kept.push(term);
        }
    }
    let own = format!("include:{include}");
    if !kept.iter().any(|term| includes(&format!("v=spf1 {term}"), include)) {
        kept.push(&own);
    }
    // A redirection counts only where no `all` ends the record.
    let end = ending.or(redirect).unwrap_or("~all");
    format!("v=spf1 {} {end}", kept.join(" "))
}

/// The terms of a record that ask the DNS: each with the name whose own record is then read, where
/// it is one that includes.
pub fn lookups(record: &str) -> Vec<Option<&str>> {
    let has_all = terms(record).any(is_all);
    terms(record)
        .filter(|term| !(has_all && term.to_ascii_lowercase().starts_with("redirect=")))
        .filter_map(|term| match asks(term) {
            Asks::Nothing => None,
            Asks::Once => Some(None),
            Asks::RecordOf(name) => Some(Some(name)),
        })
        .collect()
}

fn terms(record: &str) -> impl Iterator<Item = &str> {
    record.split_ascii_whitespace().skip(1)
}

fn is_all(term: &str) -> bool {
    term.trim_start_matches(['+', '-', '~', '?'])
        .eq_ignore_ascii_case("all")
}

/// Of two endings the one that refuses more.
fn stricter<'a>(one: Option<&'a str>, other: &'a str) -> &'a str {
    let strictness = |term: &str| match term.as_bytes().first() {
        Some(b'-') => 3,
        Some(b'~') => 2,
        Some(b'?') => 1,
        _ => 0,
    };
    match one {
        Some(one) if strictness(one) >= strictness(other) => one,
        _ => other,
    }
}

fn asks(term: &str) -> Asks<'_> {
    let plain = term.trim_start_matches(['+', '-', '~', '?']);
    let split = plain.find([':', '=', '/']).unwrap_or(plain.len());
    let (word, rest) = plain.split_at(split);
    match (word.to_ascii_lowercase().as_str(), rest.get(1..)) {
        ("include" | "redirect", Some(name)) if !name.is_empty() => Asks::RecordOf(name),
        ("include" | "redirect" | "a" | "mx" | "ptr" | "exists", _) => Asks::Once,
        _ => Asks::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_domain_has_is_kept_and_the_provider_comes_before_the_end() {
        for (records, expected) in [
            (&[][..], "v=spf1 include:new.example ~all"),
            (&["v=spf1 -all"], "v=spf1 include:new.example -all"),
            (&["v=spf1 a mx"], "v=spf1 a mx include:new.example ~all"),
            (
                &["v=spf1 redirect=old.example"],
                "v=spf1 include:new.example redirect=old.example",
            ),
            (
                &["V=SPF1 ip4:192.0.2.1 +include:NEW.example ?all"],
                "v=spf1 ip4:192.0.2.1 +include:NEW.example ?all",
            ),
            (
                &["v=spf1 mx ~all", "v=spf1 mx include:old.example -all"],
                "v=spf1 mx include:old.example include:new.example -all",
            ),
        ] {
            assert_eq!(merged(records, "new.example"), expected);
        }
    }

    #[test]
    fn terms_that_ask_the_dns_are_counted() {
        let record = "v=spf1 ip4:192.0.2.0/24 a a:x.example mx/24 include:one.example exists:%{i}.x ?all redirect=two.example exp=e.example";
        assert_eq!(lookups(record), [None, None, None, Some("one.example"), None]);
        assert_eq!(lookups("v=spf1 redirect=two.example"), [Some("two.example")]);
        assert!(!is_spf("v=spf10 a") && is_spf("v=spf1"));
    }

    proptest! {
        #[test]
        fn a_merged_record_includes_the_provider_and_merging_again_changes_nothing(
            terms in proptest::collection::vec("(a|mx|ip4:192[.]0[.]2[.]1|include:[a-z]{1,4}[.]example|[-~?+]?all|redirect=r[.]example)", 0..8),
        ) {
            let record = format!("v=spf1 {}", terms.join(" "));
            let once = merged(&[&record], "new.example");
            prop_assert!(includes(&once, "new.example"));
            prop_assert_eq!(merged(&[&once], "new.example"), once.clone());
            for term in terms.iter().filter(|term| term.starts_with("include:")) {
                prop_assert!(once.contains(term.as_str()));
            }
        }
    }
}
