//! What is unusual about a domain's DNS, for what it is.

use serde::Serialize;

use crate::dns::gate::{DomainWatch, Leads, Standing, answers};
use crate::dns::look::Says;
use crate::dns::settings::DnsSettings;

/// Something that the customer should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A stable word.
    pub code: &'static str,
    /// What it is and what to do.
    pub message: String,
}

/// What is unusual about a domain, by its last look.
pub fn problems(settings: &DnsSettings, watch: &DomainWatch) -> Vec<Problem> {
    let look = &watch.look;
    let domain = look.domain.as_str();
    let exchanges = settings.exchanges(domain);
    let mut found = Vec::new();
    let mut add = |code, message: String| found.push(Problem { code, message });
    match Standing::of(look, settings) {
        Standing::NoSuchDomain => add(
            "no_such_domain",
            format!(
                "There is no domain {domain} in the DNS. Check how it is spelt, and whether it is registered and paid for."
            ),
        ),
        Standing::BrokenSignatures => add(
            "broken_signatures",
            format!(
                "The signatures of {domain} (DNSSEC) are broken, so that most servers take it for not there and its mail does not arrive. \
                 Whoever runs its DNS has to sign it anew, or its DS records have to be removed at the registrar."
            ),
        ),
        Standing::Unknown => add(
            "no_server_answers",
            format!(
                "None of the DNS servers of {domain} answers for it. Ask whoever runs them; until then mail may not arrive."
            ),
        ),
        Standing::NotChanged | Standing::PartlyChanged | Standing::Changed => {}
    }
    for (code, says, words) in [
        (
            "lame_server",
            Says::Lame,
            "is named as a DNS server of the domain, but does not know it. Have it set up there, or take its name out at the registrar.",
        ),
        (
            "silent_server",
            Says::Silent,
            "does not answer. The final pass does not start by itself until it does, because others may still be told the old servers by it.",
        ),
        (
            "server_without_address",
            Says::NoAddress,
            "is named as a DNS server of the domain and has no address. Take its name out at the registrar.",
        ),
    ] {
        let mut names: Vec<&str> = look
            .servers
            .iter()
            .filter(|server| server.says == says)
            .map(|server| server.name.as_str())
            .collect();
        names.dedup();
        for name in names {
            add(code, format!("{name} {words}"));
        }
    }
    let leads: Vec<Leads> = answers(look).map(|(mx, _)| Leads::of(mx, &exchanges)).collect();
    if leads.contains(&Leads::Both) {
        add(
            "split_delivery",
            format!(
                "The MX records of {domain} name the new provider and others, so that some mail still arrives elsewhere. Remove the others."
            ),
        );
    }
    if leads.windows(2).any(|two| matches!(two, [one, other] if one != other)) {
        add(
            "servers_disagree",
            format!(
                "The DNS servers of {domain} do not say the same. A change takes a while to reach all of them; if they still differ in an hour, ask whoever runs them."
            ),
        );
    }
    let has_none = answers(look).next().is_some() && answers(look).all(|(mx, _)| mx.is_empty());
    if has_none && !look.own_addresses.is_empty() {
        add(
            "address_fallback",
            format!(
                "{domain} has no MX record, so that its mail goes to the address of its web server. Add the MX records."
            ),
        );
    }
    let refuses = |mx: &[crate::dns::Data]| mx.iter().any(|data| data.exchange() == Some(""));
    if answers(look).any(|(mx, _)| refuses(mx)) {
        add(
            "null_mx",
            format!("{domain} says by its MX record that it takes no mail. Replace it."),
        );
    }
    if !look.wildcard_mx.is_empty() && Leads::of(&look.wildcard_mx, &exchanges) != Leads::New {
        add(
            "wildcard_mx",
            format!(
                "A wildcard record (*.{domain}) sends the mail of all names below {domain} elsewhere. Change it too, if addresses with such names are in use."
            ),
        );
    }
    found
}
