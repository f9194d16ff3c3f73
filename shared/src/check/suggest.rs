//! What was meant by a server's name or port that is wrong. Nothing is suggested that does not answer.

use std::time::Duration;

use strsim::osa_distance;
use tokio::task::JoinSet;

use super::providers::{self, Provider};
use super::source::names_of;
use crate::domain::{CheckFault, Endpoint, Host, Security};
use crate::imap::{Connector, ImapError};

/// How long a guess may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many guesses are tried.
const MOST_GUESSES: usize = 8;

/// Adds to a fault what would have been right, where a guess answers.
pub async fn complete(
    fault: &mut CheckFault,
    error: &ImapError,
    endpoint: &Endpoint,
    domain: &str,
    connector: &Connector,
) {
    match error {
        ImapError::UnknownHost { .. } => {
            let hosts = meant(endpoint.host.as_str(), domain);
            let found = first_that_answers(connector, at_hosts(&hosts, endpoint)).await;
            fault.suggestion = found.map(|found| found.host.to_string());
        }
        ImapError::Tls { source, .. } if !names_of(source).is_empty() => {
            let hosts = certified(&names_of(source), endpoint.host.as_str(), domain);
            let found = first_that_answers(connector, at_hosts(&hosts, endpoint)).await;
            fault.suggestion = found.map(|found| found.host.to_string());
        }
        ImapError::Unreachable { .. }
        | ImapError::NoStartTls { .. }
        | ImapError::Tls { .. }
        | ImapError::Unreadable { .. } => {
            let others = [Security::Tls, Security::StartTls].map(|security| Endpoint {
                host: endpoint.host.clone(),
                port: security.default_port(),
                security,
            });
            let others = others.into_iter().filter(|other| other != endpoint).collect();
            if let Some(found) = first_that_answers(connector, others).await {
                fault.remedy = format!(
                    "Write port {} and {}: there the server answers",
                    found.port, found.security
                );
            }
        }
        _ => {}
    }
}

fn at_hosts(hosts: &[String], endpoint: &Endpoint) -> Vec<Endpoint> {
    let hosts = hosts.iter().filter_map(|host| host.parse::<Host>().ok());
    hosts
        .filter(|host| *host != endpoint.host)
        .take(MOST_GUESSES)
        .map(|host| Endpoint {
            host,
            ..endpoint.clone()
        })
        .collect()
}

/// The first guess, in their order, that an IMAP server answers as asked for. All are tried at once.
async fn first_that_answers(connector: &Connector, guesses: Vec<Endpoint>) -> Option<Endpoint> {
    let mut tries = JoinSet::new();
    for (rank, guess) in guesses.into_iter().enumerate() {
        let connector = connector.clone();
        tries.spawn(async move {
            let answers = connector.probe(&guess, PATIENCE).await.is_ok();
            answers.then_some((rank, guess))
        });
    }
    let mut best: Option<(usize, Endpoint)> = None;
    while let Some(tried) = tries.join_next().await {
        if let Ok(Some((rank, guess))) = tried
            && best.as_ref().is_none_or(|(other, _)| rank < *other)
        {
            best = Some((rank, guess));
        }
    }
    best.map(|(_, guess)| guess)
}

/// Names that may have been meant by one that is not known, the likeliest first.
fn meant(typed: &str, domain: &str) -> Vec<String> {
    let typed = typed.to_ascii_lowercase();
    let mut guesses = Vec::new();
    let nearest = providers::known_hosts()
        .map(|host| (osa_distance(host, &typed), host))
        .filter(|(distance, host)| *distance <= 2 && *distance * 4 <= host.len())
        .min();
    guesses.extend(nearest.map(|(_, host)| host.to_owned()));
    if let Some(provider) = Provider::of(domain) {
        guesses.push(provider.imap.to_owned());
    }
    let first_label = typed.split('.').next().unwrap_or_default();
    for label in [first_label, "imap", "mail"] {
        guesses.push(format!("{label}.{domain}"));
    }
    guesses.push(domain.to_owned());
    if let Some((_, rest)) = typed.split_once('.').filter(|(_, rest)| rest.contains('.')) {
        for label in ["imap", "mail"] {
            guesses.push(format!("{label}.{rest}"));
        }
    }
    unique(guesses)
}

/// Names that a certificate is for and that may be the server's; what a wildcard may stand for. Whoever
/// answers has chosen them, so only those are proposed that belong to a known provider, to the typed
/// server or to the customer's own domain: nobody shall be led to give a password to a stranger's server.
fn certified(names: &[String], typed: &str, domain: &str) -> Vec<String> {
    let first_label = typed.split('.').next().unwrap_or_default();
    let mut guesses = Vec::new();
    for name in names {
        match name.strip_prefix("*.") {
            Some(rest) => guesses.extend([first_label, "imap", "mail"].map(|label| format!("{label}.{rest}"))),
            None => guesses.push(name.clone()),
        }
    }
    guesses.retain(|guess| Provider::of(guess).is_some() || is_within(guess, typed) || is_within(guess, domain));
    // Others may have names in a provider's domain too.
    let own = |guess: String| Provider::of(&guess).map_or(guess, |provider| provider.imap.to_owned());
    unique(guesses.into_iter().map(own).collect())
}

/// Whether a name is this one or below it.
pub(super) fn is_within(name: &str, above: &str) -> bool {
    let (name, above) = (name.to_ascii_lowercase(), above.to_ascii_lowercase());
    name.strip_suffix(&above)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn unique(guesses: Vec<String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for guess in guesses {
        if !unique.contains(&guess) {
            unique.push(guess);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guesses(typed: &str, domain: &str) -> Vec<String> {
        meant(typed, domain)
    }

    #[test]
    fn slips_of_the_pen_are_near() {
        for (left, right, expected) in [
            ("imap.gmail.com", "imap.gmail.com", 0),
            ("imap.gmail.com", "imap.gmial.com", 1),
            ("imap.gmail.com", "imap.gmail.co", 1),
            ("imap.web.de", "imp.webb.de", 2),
            ("", "abc", 3),
        ] {
            assert_eq!(osa_distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn likeliest_name_is_guessed_first() {
        assert_eq!(guesses("imap.gmial.com", "example.com")[0], "imap.gmail.com");
        assert_eq!(
            guesses("imap.exmaple.com", "example.com")[..3],
            ["imap.example.com", "mail.example.com", "example.com"]
        );
        assert_eq!(guesses("nonsense", "gmail.com")[0], "imap.gmail.com");
    }

    #[test]
    fn certificates_names_are_guesses_too() {
        let names = ["*.example.com".to_owned(), "mx.example.com".to_owned()];
        assert_eq!(
            certified(&names, "imap.hoster.example", "example.com"),
            ["imap.example.com", "mail.example.com", "mx.example.com"]
        );
        let names = ["*.google.com".to_owned()];
        assert_eq!(
            certified(&names, "mail.example.com", "example.com")[0],
            "imap.gmail.com"
        );
    }

    #[test]
    fn a_strangers_certificate_proposes_nothing() {
        let names = [
            "evil.example",
            "*.evil.example",
            "notexample.com",
            "imap.example.com.evil.example",
        ];
        let names = names.map(str::to_owned);
        assert_eq!(certified(&names, "imap.example.com", "example.com"), [""; 0]);
    }
}
