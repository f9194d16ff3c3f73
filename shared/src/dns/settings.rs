//! `[dns]` of the provider's profile: what a customer's domain has to say.
//!
//! Texts may have `{domain}` in them, in whose place the customer's domain comes.

use std::time::Duration;

use serde::Deserialize;

use super::answer::{Data, Kind, Srv};
use crate::domain::Host;

/// What stands for the customer's domain in a text.
const DOMAIN: &str = "{domain}";

/// What the provider's customers have to put into their DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsSettings {
    /// Where mail is to go: preference and server.
    pub mx: Vec<(u16, String)>,
    /// The name that SPF records have to include.
    pub spf_include: Option<String>,
    /// DKIM keys.
    pub dkim: Vec<Dkim>,
    /// The DMARC record that is advised to domains that have none.
    pub dmarc: Option<String>,
    /// Names below the domain that are to lead to the provider.
    pub aliases: Vec<(Purpose, String)>,
    /// Services and where they are (RFC 6186, RFC 6764).
    pub srv: Vec<Service>,
    /// How long caches are taken to keep an old MX record that nobody has seen.
    pub unknown_ttl: Duration,
}

/// `[[dns.dkim]]`: where mail programs find the key that mail is signed with.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// The first part of the name, before `._domainkey`.
    pub selector: String,
    /// The name of the provider's own record that it leads to.
    pub cname: Option<String>,
    /// The record itself.
    pub txt: Option<String>,
}

/// `[[dns.srv]]`: a service.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Such as `_imaps._tcp`.
    pub service: String,
    /// The lower, the earlier it is tried.
    #[serde(default)]
    pub priority: u16,
    /// The share among those of the same priority.
    #[serde(default = "one")]
    pub weight: u16,
    /// The port; 0 for a service that is not offered.
    pub port: u16,
    /// The server; `.` for a service that is not offered.
    pub target: String,
}

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Where the domain's mail goes.
    Mx,
    /// Who may send its mail.
    Spf,
    /// The key its mail is signed with.
    Dkim,
    /// What others do with mail that is not its own.
    Dmarc,
    /// The address of the web mailer.
    Webmail,
    /// The settings for Thunderbird and others.
    Autoconfig,
    /// The settings for Outlook.
    Autodiscover,
    /// Where a service is.
    Srv,
}

/// A record that a domain needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What it is for.
    pub purpose: Purpose,
    /// Whose it is.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// What is to stand in it; of SPF the name to include, of DMARC what is advised.
    pub values: Vec<Data>,
    /// Whether mail goes its way without.
    pub optional: bool,
}

/// `[dns]` as it is written.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDns {
    /// Where mail goes: preference and server, as in `10 mx1.example.net`.
    mx: Vec<String>,
    /// The name that SPF records have to include.
    spf_include: Option<String>,
    /// DKIM keys.
    #[serde(default)]
    dkim: Vec<Dkim>,
    /// The DMARC record that is advised to domains that have none.
    dmarc: Option<String>,
    /// Where the name webmail leads to.
    webmail: Option<String>,
    /// Where the name autoconfig leads to.
    autoconfig: Option<String>,
    /// Where the name autodiscover leads to.
    autodiscover: Option<String>,
    /// Services and where they are.
    #[serde(default)]
    srv: Vec<Service>,
    /// How long caches are taken to keep an old MX record that nobody has seen, 0 to 604800.
    #[serde(default = "a_day")]
    unknown_ttl_seconds: u32,
}

fn one() -> u16 {
    1
}

fn a_day() -> u32 {
    86_400
}

impl RawDns {
    /// Checks what is written; else the key and what is wrong.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(self) -> Result<DnsSettings, (&'static str, String)> {
        let mx: Vec<(u16, String)> = self
            .mx
            .iter()
            .map(|text| {
                mx_of(text).ok_or((
                    "dns.mx",
                    "write each as preference and server, such as \"10 mx1.example.net\"".to_owned(),
                ))
            })
            .collect::<Result<_, _>>()?;
        if mx.is_empty() {
            return Err(("dns.mx", "write at least one server".to_owned()));
        }
        if self.unknown_ttl_seconds > 7 * 86_400 {
            return Err(("dns.unknown_ttl_seconds", "write a number from 0 to 604800".to_owned()));
        }
        for dkim in &self.dkim {
            dkim.check()?;
        }
        for service in &self.srv {
            service.check()?;
        }
        if let Some(dmarc) = &self.dmarc
            && !dmarc.starts_with("v=DMARC1;")
        {
            return Err(("dns.dmarc", "begin it with v=DMARC1;".to_owned()));
        }
        let name = |key, text: Option<String>| text.map(|text| name_of(key, &text)).transpose();
        let spf_include = name("dns.spf_include", self.spf_include)?;
        let aliases = [
            (Purpose::Webmail, name("dns.webmail", self.webmail)?),
            (Purpose::Autoconfig, name("dns.autoconfig", self.autoconfig)?),
            (Purpose::Autodiscover, name("dns.autodiscover", self.autodiscover)?),
        ];
        Ok(DnsSettings {
            mx,
            spf_include,
            dkim: self.dkim,
            dmarc: self.dmarc,
            aliases: aliases
                .into_iter()
                .filter_map(|(purpose, name)| Some((purpose, name?)))
                .collect(),
            srv: self.srv,
            unknown_ttl: Duration::from_secs(self.unknown_ttl_seconds.into()),
        })
    }
}

impl Dkim {
    fn check(&self) -> Result<(), (&'static str, String)> {
        if !is_name(&self.selector) {
            return Err((
                "dns.dkim.selector",
                format!("{}: write the part before ._domainkey alone", self.selector),
            ));
        }
        match (&self.cname, &self.txt) {
            (Some(cname), None) => name_of("dns.dkim.cname", cname).map(drop),
            (None, Some(_)) => Ok(()),
            _ => Err(("dns.dkim", format!("{}: write either cname or txt", self.selector))),
        }
    }
}

impl Service {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let is_service = self.service.split('.').collect::<Vec<_>>();
        if !matches!(is_service.as_slice(), [name, "_tcp" | "_udp"] if name.starts_with('_') && is_name(name)) {
            return Err((
                "dns.srv.service",
                format!("{}: write service and protocol, such as _imaps._tcp", self.service),
            ));
        }
        if self.target == "." {
            return Ok(());
        }
        name_of("dns.srv.target", &self.target).map(drop)
    }
}

impl DnsSettings {
    /// The records that a domain needs, in the order in which they are best made.
    pub fn wanted(&self, domain: &str) -> Vec<Wanted> {
        let filled = |text: &str| text.replace(DOMAIN, domain);
        let cname = |text: &str| Data::Cname(filled(text).trim_end_matches('.').to_ascii_lowercase());
        let mut wanted = vec![Wanted {
            purpose: Purpose::Mx,
            name: domain.to_owned(),
            kind: Kind::Mx,
            values: self
                .mx
                .iter()
                .map(|(preference, exchange)| Data::Mx {
                    preference: *preference,
                    exchange: filled(exchange),
                })
                .collect(),
            optional: false,
        }];
        let mut add = |purpose, name: String, kind, values, optional| {
            wanted.push(Wanted {
                purpose,
                name,
                kind,
                values,
                optional,
            });
        };
        if let Some(include) = &self.spf_include {
            add(
                Purpose::Spf,
                domain.to_owned(),
                Kind::Txt,
                vec![Data::Txt(filled(include))],
                false,
            );
        }
        for dkim in &self.dkim {
            let name = format!("{}._domainkey.{domain}", dkim.selector);
            match (&dkim.cname, &dkim.txt) {
                (Some(target), _) => add(Purpose::Dkim, name, Kind::Cname, vec![cname(target)], false),
                (None, txt) => {
                    let txt = filled(txt.as_deref().unwrap_or_default());
                    add(Purpose::Dkim, name, Kind::Txt, vec![Data::Txt(txt)], false);
                }
            }
        }
        if let Some(dmarc) = &self.dmarc {
            add(
                Purpose::Dmarc,
                format!("_dmarc.{domain}"),
                Kind::Txt,
                vec![Data::Txt(filled(dmarc))],
                true,
            );
        }
        for (purpose, target) in &self.aliases {
            let label = match purpose {
                Purpose::Autoconfig => "autoconfig",
                Purpose::Autodiscover => "autodiscover",
                _ => "webmail",
            };
            add(
                *purpose,
                format!("{label}.{domain}"),
                Kind::Cname,
                vec![cname(target)],
                true,
            );
        }
        for service in &self.srv {
            let target = filled(&service.target).trim_end_matches('.').to_ascii_lowercase();
            let srv = Srv {
                priority: service.priority,
                weight: service.weight,
                port: service.port,
                target,
            };
            add(
                Purpose::Srv,
                format!("{}.{domain}", service.service),
                Kind::Srv,
                vec![Data::Srv(srv)],
                true,
            );
        }
        wanted
    }

    /// The servers that mail is to go to.
    pub fn exchanges(&self, domain: &str) -> Vec<String> {
        let records = self.mail_exchanges(domain).into_iter();
        records.map(|(_, exchange)| exchange).collect()
    }

    /// The same with their preferences.
    pub fn mail_exchanges(&self, domain: &str) -> Vec<(u16, String)> {
        let records = self.mx.iter();
        records
            .map(|(preference, exchange)| (*preference, exchange.replace(DOMAIN, domain)))
            .collect()
    }
}

fn mx_of(text: &str) -> Option<(u16, String)> {
    let (preference, exchange) = text.trim().split_once(char::is_whitespace)?;
    let exchange = name_of("dns.mx", exchange.trim()).ok()?;
    Some((preference.parse().ok()?, exchange))
}

/// A name of the DNS, without the root's dot and in lower case.
fn name_of(key: &'static str, text: &str) -> Result<String, (&'static str, String)> {
    let name = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let plain = name.replace(DOMAIN, "example.org");
    let labels: Vec<&str> = plain.split('.').collect();
    let is_good =
        labels.len() > 1 && labels.iter().all(|label| is_name(label)) && plain.parse::<std::net::IpAddr>().is_err();
    if is_good && plain.len() <= crate::domain::host::MAX_HOST_BYTES {
        return Ok(name);
    }
    let words = match text.parse::<Host>() {
        Err(error) => error.to_string(),
        Ok(_) => "write the name of a server in full, not an address".to_owned(),
    };
    Err((key, format!("{text}: {words}")))
}

/// One part of a name; an underscore is allowed, as in `_spf`.
fn is_name(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl Purpose {
    /// The purpose as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mx => "mx",
            Self::Spf => "spf",
            Self::Dkim => "dkim",
            Self::Dmarc => "dmarc",
            Self::Webmail => "webmail",
            Self::Autoconfig => "autoconfig",
            Self::Autodiscover => "autodiscover",
            Self::Srv => "srv",
        }
    }
}
