//! What a function is told by its environment, read once at its start.

use std::net::SocketAddr;
use std::path::PathBuf;

use aws_config::SdkConfig;
use jiff::SignedDuration;

use crate::check::Finder;
use crate::dns::Resolver;
use crate::domain::LeadTimes;
use crate::imap::Connector;
use crate::imap::connect::TrustError;
use crate::imap::guard::AddressPolicy;
use crate::profile::{LoadError, Profile};
use crate::queue::{QueueUrls, Queues};
use crate::room::Room;
use crate::schedule::Schedules;
use crate::secrets::Secrets;
use crate::store::Store;
use crate::sync::Engine;

/// The configuration of a function, with the clients it needs.
#[derive(Clone)]
pub struct Config {
    /// What AWS's clients are made from.
    pub aws: SdkConfig,
    /// The provider's settings.
    pub profile: Profile,
    /// Which rules hold.
    pub rules: Rules,
    /// The bucket of the uploads.
    pub bucket: String,
    /// The bucket of the certificates.
    pub certificate_bucket: String,
    /// Opens sessions with servers that customers name.
    pub sources: Connector,
    /// Opens sessions with the provider's own server, which may be on a private address.
    pub destination: Connector,
    /// The configuration set that mails are sent by, so that SES tells what became of them.
    pub mail_configuration_set: Option<String>,
    variables: Variables,
}

/// The rules that only the local stack may relax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How far ahead a window has to begin.
    pub lead_times: LeadTimes,
    /// Which source addresses may be connected to.
    pub addresses: AddressPolicy,
    /// Whether a row may ask for an unencrypted connection.
    pub plaintext_imap: bool,
    /// The one DNS resolver to ask, on whose port all other DNS servers listen too; none for the real
    /// DNS.
    pub dns_server: Option<SocketAddr>,
}

/// What is wrong with a function's environment.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable is missing.
    #[error("the environment variable {0} is missing")]
    Missing(&'static str),
    /// A variable has a value that nobody knows.
    #[error("the environment variable {name} is {value}; it can be {allowed}")]
    Unknown {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it can be.
        allowed: &'static str,
    },
    /// A relaxation outside the local stack.
    #[error("{0} is a relaxation for STAGE=local only")]
    OnlyLocal(&'static str),
    /// A file beside the program cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The profile, or what stands beside it, is not right.
    #[error(transparent)]
    Profile(#[from] LoadError),
    /// The extra certificates are not right.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

#[derive(Clone)]
struct Variables {
    table: String,
    key_id: String,
    schedule_group: String,
    schedule_role_arn: String,
    start_queue_arn: String,
    start_dead_letter_arn: String,
    queues: QueueUrls,
}

impl Config {
    /// Reads the environment, the profile and the certificates beside the program.
    ///
    /// # Errors
    /// [`ConfigError`]: a function that is told something wrong does not start.
    pub async fn load() -> Result<Self, ConfigError> {
        let root = PathBuf::from(needed("LAMBDA_TASK_ROOT")?);
        let profile = Profile::load(&root.join("profile.toml"))?;
        let rules = Rules::read(profile.requests.lead_times(), variable)?;
        let path = root.join("extra-ca.pem");
        let extra_ca = match std::fs::read(&path) {
            Ok(pem) => Some(pem),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(ConfigError::Unreadable { path, source }),
        };
        let sources = Connector::try_new(rules.addresses, rules.plaintext_imap, extra_ca.as_deref())?;
        Ok(Self {
            aws: aws_config::load_from_env().await,
            rules,
            bucket: needed("BUCKET_NAME")?,
            certificate_bucket: needed("CERTIFICATE_BUCKET_NAME")?,
            sources: match rules.dns_server {
                Some(server) => sources.with_names(Resolver::at(server)),
                None => sources,
            },
            profile,
            destination: Connector::try_new(AddressPolicy::Any, rules.plaintext_imap, extra_ca.as_deref())?,
            mail_configuration_set: variable("MAIL_CONFIGURATION_SET").filter(|name| !name.is_empty()),
            variables: Variables {
                table: needed("TABLE_NAME")?,
                key_id: needed("KEY_ID")?,
                schedule_group: needed("SCHEDULE_GROUP")?,
                schedule_role_arn: needed("SCHEDULE_ROLE_ARN")?,
                start_queue_arn: needed("START_QUEUE_ARN")?,
                start_dead_letter_arn: needed("START_DEAD_LETTER_QUEUE_ARN")?,
                queues: QueueUrls {
                    ingest: needed("INGEST_QUEUE_URL")?,
                    check: needed("CHECK_QUEUE_URL")?,
                    start: needed("START_QUEUE_URL")?,
                    plan: needed("PLAN_QUEUE_URL")?,
                    sync: needed("SYNC_QUEUE_URL")?,
                    certify: needed("CERTIFY_QUEUE_URL")?,
                    watch: needed("WATCH_QUEUE_URL")?,
                    cutover: needed("CUTOVER_QUEUE_URL")?,
                    notify: needed("NOTIFY_QUEUE_URL")?,
                    owner: needed("OWNER_QUEUE_URL")?,
                    import: needed("IMPORT_QUEUE_URL")?,
                    ticket: needed("TICKET_QUEUE_URL")?,
                },
            },
        })
    }

    /// The job table.
    pub fn store(&self) -> Store {
        let client = aws_sdk_dynamodb::Client::new(&self.aws);
        Store::new(client, self.variables.table.clone())
            .keeping(self.profile.requests.retention())
            .with_passwords_for_files(self.profile.files_take_passwords())
    }

    /// The queues.
    pub fn queues(&self) -> Queues {
        Queues::new(aws_sdk_sqs::Client::new(&self.aws), self.variables.queues.clone())
    }

    /// Sealing and opening of passwords.
    pub fn secrets(&self) -> Secrets {
        let kms = aws_sdk_kms::Client::new(&self.aws);
        let manager = aws_sdk_secretsmanager::Client::new(&self.aws);
        Secrets::new(kms, manager, self.variables.key_id.clone(), self.store())
    }

    /// The scheduler.
    pub fn schedules(&self) -> Schedules {
        let variables = self.variables.clone();
        Schedules::new(
            aws_sdk_scheduler::Client::new(&self.aws),
            variables.schedule_group,
            variables.schedule_role_arn,
            variables.start_queue_arn,
            variables.start_dead_letter_arn,
        )
    }

    /// What requests find their place with.
    pub fn room(&self) -> Room {
        let lead_times = self.rules.lead_times;
        Room {
            store: self.store(),
            capacity: self.profile.capacity,
            provider: self.profile.provider.clone(),
            lead_times,
            shortest_frame: if lead_times.are_kept() {
                self.profile.limits.shortest_frame()
            } else {
                SignedDuration::ZERO
            },
        }
    }

    /// The DNS.
    pub fn resolver(&self) -> Resolver {
        match self.rules.dns_server {
            Some(server) => Resolver::at(server),
            None => Resolver::of_system(self.rules.addresses),
        }
    }

    /// What finds servers that nobody named.
    pub fn finder(&self) -> Finder {
        Finder::new(self.sources.clone(), self.resolver())
    }

    /// What planning and copying work with.
    pub fn engine(&self) -> Engine {
        Engine {
            store: self.store(),
            secrets: self.secrets(),
            sources: self.sources.clone(),
            destination: self.destination.clone(),
            profile: self.profile.clone(),
        }
    }
}

impl Rules {
    /// Reads the rules; what is not said is what production keeps, with these lead times.
    fn read(kept: LeadTimes, variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let choice =
            |name: &'static str, kept: &'static str, relaxed: &'static str, allowed: &'static str| match variable(name)
                .as_deref()
            {
                None => Ok(false),
                Some(value) if value == kept => Ok(false),
                Some(value) if value == relaxed => Ok(true),
                Some(value) => Err(ConfigError::Unknown {
                    name,
                    value: value.to_owned(),
                    allowed,
                }),
            };
        let local = choice("STAGE", "production", "local", "production or local")?;
        let relaxed = |name, kept, relaxation, allowed| match choice(name, kept, relaxation, allowed)? {
            true if !local => Err(ConfigError::OnlyLocal(name)),
            is_relaxed => Ok(is_relaxed),
        };
        let waived = relaxed("LEAD_TIMES", "kept", "waived", "kept or waived")?;
        let private = relaxed("PRIVATE_SOURCES", "refused", "allowed", "refused or allowed")?;
        let dns_server = match variable("DNS_SERVER").filter(|server| !server.is_empty()) {
            None => None,
            Some(_) if !local => return Err(ConfigError::OnlyLocal("DNS_SERVER")),
            Some(value) => Some(value.parse().map_err(|_| ConfigError::Unknown {
                name: "DNS_SERVER",
                value,
                allowed: "an address with a port, such as 127.0.0.1:5353",
            })?),
        };
        let plaintext_imap = relaxed("PLAINTEXT_IMAP", "refused", "allowed", "refused or allowed")?;
        Ok(Self {
            lead_times: if waived { LeadTimes::WAIVED } else { kept },
            addresses: if private {
                AddressPolicy::Any
            } else {
                AddressPolicy::PublicOnly
            },
            plaintext_imap,
            dns_server,
        })
    }
}

/// Which function this process is (`_HANDLER`), and what it logs (`RUST_LOG`).
pub fn handler() -> (String, Option<String>) {
    (variable("_HANDLER").unwrap_or_default(), variable("RUST_LOG"))
}

fn needed(name: &'static str) -> Result<String, ConfigError> {
    variable(name)
        .filter(|value| !value.is_empty())
        .ok_or(ConfigError::Missing(name))
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge at which the environment is read"
)]
fn variable(name: &'static str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A profile's own lead times.
    const LONG_LEAD: LeadTimes = LeadTimes {
        ordinary: SignedDuration::from_hours(72),
        weekend: SignedDuration::from_hours(96),
    };

    fn rules(set: &'static [(&'static str, &'static str)]) -> Result<Rules, ConfigError> {
        Rules::read(LONG_LEAD, move |name| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn production_keeps_every_rule() {
        let strict = rules(&[]).unwrap();
        assert_eq!(
            (strict.lead_times, strict.addresses, strict.plaintext_imap),
            (LONG_LEAD, AddressPolicy::PublicOnly, false)
        );
        assert_eq!(strict.dns_server, None);
    }

    #[test]
    fn relaxations_are_refused_outside_the_local_stack() {
        for (name, value) in [
            ("LEAD_TIMES", "waived"),
            ("PRIVATE_SOURCES", "allowed"),
            ("PLAINTEXT_IMAP", "allowed"),
            ("DNS_SERVER", "127.0.0.1:5353"),
        ] {
            let read = |stage: Option<&str>| {
                Rules::read(LeadTimes::KEPT, |key| {
                    if key == name {
                        Some(value.to_owned())
                    } else {
                        stage.filter(|_| key == "STAGE").map(str::to_owned)
                    }
                })
            };
            assert!(matches!(read(None), Err(ConfigError::OnlyLocal(told)) if told == name));
            assert!(read(Some("production")).is_err());
            assert!(read(Some("local")).is_ok());
        }
    }

    #[test]
    fn unknown_values_are_told_with_the_known_ones() {
        let error = rules(&[("STAGE", "staging")]).unwrap_err().to_string();
        assert_eq!(
            error,
            "the environment variable STAGE is staging; it can be production or local"
        );
    }
}
