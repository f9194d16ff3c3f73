//! Finding the server of a mailbox for which nobody named one.
//!
//! Asked are the domain's service records (RFC 6186), its file for e-mail programs ([`autoconfig`]) and
//! where its mail goes (MX); then the usual names are tried. No server is believed before it has answered
//! with a certificate that is valid for its name.
//!
//! What is found gets a password that the customer has not meant for that very name. So a server counts
//! as found only where nobody could have named it but who has the domain in hand anyway: a name within the
//! domain, whose certificate proves it; one that the domain's own HTTPS server names; or a well-known
//! provider's. Answers of the DNS can be forged on their way, so another domain's server that they name is
//! only proposed to the customer. `infra/THREATS.md` has the reasoning.

mod autoconfig;

use std::time::Duration;

use futures_util::future::{join, join_all, join3};

use super::providers::Provider;
use super::suggest::is_within;
use crate::dns::{Data, Kind, Resolver, Srv};
use crate::domain::{CheckCode, CheckFault, Endpoint, FoundBy, FoundServer, Host, LoginName, Security, ServerSearch};
use crate::imap::Connector;

/// How long a candidate may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many are tried, and how many of them the domain's records may name.
const MOST_CANDIDATES: usize = 16;
const MOST_RECORDS: usize = 4;

/// Where web servers listen.
const HTTPS: u16 = 443;

/// Finds servers. Cheap to clone.
#[derive(Clone)]
pub struct Finder {
    connector: Connector,
    resolver: Resolver,
    https_port: u16,
}

/// A server that may be the one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    server: FoundServer,
    /// Whether nobody else can have named it.
    is_vouched: bool,
}

/// What the domain says of itself.
#[derive(Default)]
struct Said {
    services: Vec<(Security, Srv)>,
    configured: Vec<autoconfig::Configured>,
    exchanges: Vec<String>,
}

impl Finder {
    /// Finds servers by this DNS, and connects by these rules.
    pub fn new(connector: Connector, resolver: Resolver) -> Self {
        Self {
            connector,
            resolver,
            https_port: HTTPS,
        }
    }

    /// The same, with web servers on another port.
    #[must_use]
    pub fn with_https_port(mut self, port: u16) -> Self {
        self.https_port = port;
        self
    }

    /// Looks for the server of a domain's mailboxes. No password is sent anywhere.
    pub async fn find(&self, domain: &str) -> ServerSearch {
        let (services, configured, exchanges) = join3(
            self.services(domain),
            autoconfig::fetch(&self.connector, self.https_port, domain),
            self.exchanges(domain),
        )
        .await;
        let candidates = candidates(
            domain,
            Said {
                services,
                configured,
                exchanges,
            },
        );
        let tries = candidates
            .iter()
            .map(|candidate| self.connector.probe(&candidate.server.endpoint, PATIENCE));
        let answers = join_all(tries).await;
        let answering = candidates.into_iter().zip(answers);
        let answering = answering
            .filter(|(_, answer)| answer.is_ok())
            .map(|(candidate, _)| candidate);
        let (vouched, others): (Vec<_>, Vec<_>) = answering.partition(|candidate| candidate.is_vouched);
        let search = ServerSearch {
            found: vouched.into_iter().next().map(|candidate| candidate.server),
            suggestion: others.first().map(|other| other.server.endpoint.host.to_string()),
        };
        tracing::info!(
            dns.domain = domain,
            found_by = ?search.found.as_ref().map(|found| found.by),
            is_proposed = search.suggestion.is_some(),
            "looked for a server"
        );
        search
    }

    async fn services(&self, domain: &str) -> Vec<(Security, Srv)> {
        let ask = async |service: &str, security| {
            let found = self.resolver.services(&format!("{service}._tcp.{domain}")).await;
            let few = found.unwrap_or_default().into_iter().take(MOST_RECORDS);
            few.map(|srv| (security, srv)).collect::<Vec<_>>()
        };
        // Encrypted from the first byte where both are offered (RFC 8314).
        let (tls, starttls) = join(ask("_imaps", Security::Tls), ask("_imap", Security::StartTls)).await;
        tls.into_iter().chain(starttls).collect()
    }

    async fn exchanges(&self, domain: &str) -> Vec<String> {
        let Ok(answer) = self.resolver.lookup(domain, Kind::Mx).await else {
            return Vec::new();
        };
        let mut found: Vec<Data> = answer.records.into_iter().map(|record| record.data).collect();
        found.sort();
        let exchanges = found.iter().filter_map(Data::exchange).take(MOST_RECORDS);
        exchanges.map(str::to_owned).collect()
    }
}

/// What the customer is told where no server was found.
pub fn nowhere(domain: &str, search: &ServerSearch) -> CheckFault {
    let Some(suggestion) = &search.suggestion else {
        let message = format!(
            "No IMAP server is named, and none was found for {domain}: neither by its DNS records and its settings for \
             e-mail programs, nor under the usual names"
        );
        let remedy = "Give the name of the previous provider's IMAP server; its help pages have it, and so has an e-mail \
                      program that is set up";
        return CheckFault::new(CheckCode::SourceNotFound, message, remedy);
    };
    let message = format!(
        "No IMAP server is named. The domain {domain} names {suggestion}, which belongs to somebody else, so the password was \
         not sent there"
    );
    let remedy = "If that is the previous provider's server, give its name with the password; else ask the previous provider \
                  for the name";
    let mut fault = CheckFault::new(CheckCode::SourceNotFound, message, remedy);
    fault.suggestion = Some(suggestion.clone());
    fault
}

/// Who may be the server, the likeliest first.
fn candidates(domain: &str, said: Said) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    let mut add = |candidate: Option<Candidate>| {
        let is_new = |new: &Candidate| all.iter().all(|old| old.server.endpoint != new.server.endpoint);
        if let Some(candidate) = candidate.filter(|candidate| is_new(candidate)) {
            all.push(candidate);
        }
    };
    for (security, srv) in said.services {
        add(named_by_dns(domain, &srv.target, srv.port, security));
    }
    for configured in said.configured {
        let is_vouched = configured.is_its_own_word || is_within(&configured.host, domain);
        if !is_vouched && let Some(provider) = Provider::of(&configured.host) {
            add(of_provider(provider));
            continue;
        }
        add(host(&configured.host).map(|host| Candidate {
            server: FoundServer {
                endpoint: Endpoint {
                    host,
                    port: configured.port,
                    security: configured.security,
                },
                login: configured.login,
                by: FoundBy::Autoconfig,
            },
            is_vouched,
        }));
    }
    for name in said.exchanges.iter().map(String::as_str).chain([domain]) {
        add(Provider::of(name).and_then(of_provider));
    }
    for security in [Security::Tls, Security::StartTls] {
        for name in [format!("imap.{domain}"), format!("mail.{domain}"), domain.to_owned()] {
            add(host(&name).map(|host| Candidate {
                server: FoundServer {
                    endpoint: Endpoint::with_defaults(host, None, Some(security)),
                    login: LoginName::Address,
                    by: FoundBy::UsualName,
                },
                is_vouched: true,
            }));
        }
    }
    all.truncate(MOST_CANDIDATES);
    all
}

/// A server that a service record names. In a known provider's domain others may have names too, so its
/// own server is taken instead.
fn named_by_dns(domain: &str, target: &str, port: u16, security: Security) -> Option<Candidate> {
    if let Some(provider) = Provider::of(target) {
        return of_provider(provider);
    }
    let host = host(target)?;
    Some(Candidate {
        is_vouched: is_within(host.as_str(), domain),
        server: FoundServer {
            endpoint: Endpoint { host, port, security },
            login: LoginName::Address,
            by: FoundBy::ServiceRecord,
        },
    })
}

fn of_provider(provider: &Provider) -> Option<Candidate> {
    Some(Candidate {
        server: FoundServer {
            endpoint: Endpoint::with_defaults(provider.host()?, None, None),
            login: LoginName::Address,
            by: FoundBy::Provider,
        },
        is_vouched: true,
    })
}

/// A name that a certificate can be for.
fn host(text: &str) -> Option<Host> {
    let host: Host = text.parse().ok()?;
    (host.ip().is_none() && !host.is_single_label()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn srv(target: &str, port: u16) -> Srv {
        Srv {
            priority: 0,
            weight: 0,
            port,
            target: target.to_owned(),
        }
    }

    fn shown(said: Said) -> Vec<String> {
        let show = |candidate: Candidate| {
            let mark = if candidate.is_vouched { "" } else { "?" };
            format!("{}{mark}", candidate.server.endpoint)
        };
        candidates("example.org", said).into_iter().map(show).collect()
    }

    #[test]
    fn the_usual_names_are_tried_last_and_encrypted() {
        assert_eq!(
            shown(Said::default()),
            [
                "imap.example.org:993 (tls)",
                "mail.example.org:993 (tls)",
                "example.org:993 (tls)",
                "imap.example.org:143 (starttls)",
                "mail.example.org:143 (starttls)",
                "example.org:143 (starttls)",
            ]
        );
    }

    #[test]
    fn what_the_domain_says_comes_first() {
        let said = Said {
            services: vec![
                (Security::Tls, srv("box.example.org", 1993)),
                (Security::StartTls, srv("imap.example.org", 143)),
            ],
            configured: vec![autoconfig::Configured {
                host: "imap.hoster.example".to_owned(),
                port: 993,
                security: Security::Tls,
                login: LoginName::LocalPart,
                is_its_own_word: true,
            }],
            exchanges: vec![
                "example-org.mail.protection.outlook.com".to_owned(),
                "mx.other.example".to_owned(),
            ],
        };
        let shown = shown(said);
        assert_eq!(
            shown[..5],
            [
                "box.example.org:1993 (tls)",
                "imap.example.org:143 (starttls)",
                "imap.hoster.example:993 (tls)",
                "outlook.office365.com:993 (tls)",
                "imap.example.org:993 (tls)",
            ]
        );
        assert_eq!(shown.len(), 9);
    }

    /// Whoever may have the name `autoconfig` below a domain must not learn a password by it.
    #[test]
    fn a_server_elsewhere_that_only_a_name_below_the_domain_names_is_not_vouched_for() {
        let configured =
            ["imap.evil.example", "box.example.org", "imap.gmail.com"].map(|host| autoconfig::Configured {
                host: host.to_owned(),
                port: 993,
                security: Security::Tls,
                login: LoginName::Address,
                is_its_own_word: false,
            });
        let shown = shown(Said {
            configured: configured.to_vec(),
            ..Said::default()
        });
        assert_eq!(
            shown[..3],
            [
                "imap.evil.example:993 (tls)?",
                "box.example.org:993 (tls)",
                "imap.gmail.com:993 (tls)"
            ]
        );
    }

    /// Whoever can forge an answer of the DNS must not learn a password by it.
    #[test]
    fn a_server_elsewhere_that_only_the_dns_names_is_not_vouched_for() {
        let services = [
            "imap.evil.example",
            "notexample.org",
            "10.1.2.3",
            "localhost",
            "vps7.ovh.net",
            "imap.example.org",
        ];
        let services = services.map(|target| (Security::Tls, srv(target, 993)));
        let shown = shown(Said {
            services: services.to_vec(),
            ..Said::default()
        });
        assert_eq!(
            shown[..4],
            [
                "imap.evil.example:993 (tls)?",
                "notexample.org:993 (tls)?",
                "ssl0.ovh.net:993 (tls)",
                "imap.example.org:993 (tls)",
            ]
        );
    }

    #[test]
    fn nothing_found_says_what_to_do_and_what_was_named() {
        let fault = nowhere("example.org", &ServerSearch::default());
        assert_eq!(
            (fault.code, fault.suggestion.as_deref()),
            (CheckCode::SourceNotFound, None)
        );
        let named = ServerSearch {
            suggestion: Some("imap.hoster.example".to_owned()),
            ..ServerSearch::default()
        };
        let fault = nowhere("example.org", &named);
        assert!(fault.message.contains("names imap.hoster.example"), "{}", fault.message);
        assert_eq!(fault.suggestion.as_deref(), Some("imap.hoster.example"));
    }
}
