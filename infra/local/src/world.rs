//! Two mail servers, a stack between them and a customer: what the demonstration and the flows run on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::compare::{Comparison, compare_accounts};
use crate::customer::Customer;
use crate::dovecot::{Dovecot, Layout, Login, Options};
use crate::ministack::Emulator;
use crate::package::{Build, build_bootstrap};
use crate::permit;
use crate::proxy::{Network, Proxy};
use crate::radicale::{Logins, Radicale};
use crate::samples::{SampleAccount, deliver};
use crate::setup::Setup;
use crate::stack::{Parameters, Stack};
use crate::ticket_system::{self, TicketSystem};
use crate::venv::Venv;
use crate::workspace_root;

/// The secret that holds the destination's master password.
const MASTER_SECRET: &str = "mailvan/destination-master";
/// The mailboxes' own passwords there, which nobody gave us.
pub const DESTINATION_PASSWORD: &str = "known to nobody";
/// The provider's staff.
pub const SUPPORT: &str = "support@harbour-hosting.example";
/// The secret that the provider makes permits with.
const PERMIT_SECRET: &str = "mailvan/order-permits";
const PERMITS_KEY: &str = "a key of the provider, 40 bytes or longer";
/// The ticket that the orders of a world with ticket systems are about.
const TICKET: &str = "4711";
const MASTER_PASSWORD: &str = "van-key-7";

/// What a world is like.
#[derive(Debug)]
pub struct Plan {
    /// The name of its directory; one world at a time may have it.
    pub name: String,
    /// The accounts at the source; at the destination they exist and are empty.
    pub accounts: Vec<SampleAccount>,
    /// The previous provider's server, without its users.
    pub source: Options,
    /// The new provider's server, without its users.
    pub destination: Options,
    /// How the line to the new provider is; none where the functions reach it directly.
    pub destination_network: Option<Network>,
    /// Whether the new provider has a server for contacts and calendars.
    pub has_dav: bool,
    /// Whether it has ticket systems; and who their mails are from, which is nobody that SES lets send.
    pub tickets_from: Option<String>,
    /// Whether each mailbox of the new provider is opened with its own password, and not by the master user.
    pub own_passwords: bool,
    /// The profile's `[limits]`, in TOML.
    pub limits: String,
    /// More tables of the profile, in TOML.
    pub more_profile: String,
    /// The provider's own templates, by their paths below `notices`.
    pub templates: Vec<(&'static str, &'static str)>,
    /// The template's parameters.
    pub parameters: Parameters,
    /// The functions' binary; a dev build is made where it is not given.
    pub bootstrap: Option<PathBuf>,
    /// Whether the emulator leaves the functions' roles unchecked, which costs it a good part of its time.
    pub ignore_roles: bool,
}

/// A running world; dropping it ends everything in it.
#[derive(Debug)]
pub struct World {
    /// The previous provider.
    pub source: Dovecot,
    /// The new provider.
    pub destination: Dovecot,
    /// The line over which the functions reach it, if it has one of its own.
    pub destination_line: Option<Proxy>,
    /// Its server for contacts and calendars, if it has one.
    pub dav: Option<Radicale>,
    /// Its ticket systems, if it has some.
    pub tickets: Option<TicketSystem>,
    /// The emulated AWS.
    pub emulator: Emulator,
    /// The deployed service.
    pub stack: Stack,
    /// Someone with mailboxes to move.
    pub customer: Customer,
    /// The provider's permit for the accounts' domains.
    pub permit: String,
    /// The accounts, as they were delivered.
    pub accounts: Vec<SampleAccount>,
}

/// A permit of the world's provider for domains and addresses, and a ticket if there is one, good for a day.
pub fn permit_for(mailboxes: &[String], ticket: Option<&str>) -> String {
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    permit::make(PERMITS_KEY, mailboxes, until, ticket)
}

impl Plan {
    /// German folders at the source, another separator and prefix at the destination, frames that start at once.
    pub fn new(name: &str, accounts: Vec<SampleAccount>) -> Self {
        Self {
            name: name.to_owned(),
            accounts,
            source: Options {
                layout: Layout::german(),
                ..Options::new("previous")
            },
            destination: Options {
                layout: Layout::english().with_separator('.', "INBOX."),
                ..Options::new("provider")
            },
            destination_network: None,
            has_dav: false,
            tickets_from: None,
            own_passwords: false,
            limits: String::new(),
            more_profile: String::new(),
            templates: Vec::new(),
            parameters: Parameters {
                lead_times_waived: true,
                ..Parameters::default()
            },
            bootstrap: None,
            ignore_roles: false,
        }
    }

    /// Builds, starts, fills and deploys it all. `tell` gets a line for each step.
    ///
    /// # Errors
    ///
    /// Fails when a step does.
    pub async fn start(self, tell: impl Fn(&str)) -> Result<World> {
        crate::dovecot::ensure_installed()?;
        let root = workspace_root();
        let venv = Venv::prepare(&root).await?;
        let bootstrap = if let Some(path) = self.bootstrap {
            path
        } else {
            tell("building the functions (minutes the first time)");
            build_bootstrap(&root, Build::Dev, None).await?
        };
        let users: Vec<Login> = self.accounts.iter().map(|account| account.login.clone()).collect();
        // The new mailboxes have passwords that nobody gave us: only the master user opens them.
        let here = users
            .iter()
            .map(|login| Login::new(&login.user, DESTINATION_PASSWORD))
            .collect();
        let source = Dovecot::start(Options { users, ..self.source })?;
        let destination = Dovecot::start(Options {
            users: here,
            master_users: vec![Login::new("migration", MASTER_PASSWORD)],
            ..self.destination
        })?;
        let line = |network| Proxy::start(destination.address(), network);
        let destination_line = self.destination_network.map(line).transpose()?;
        let destination_port = destination_line.as_ref().map_or(destination.port(), Proxy::port);
        tell(&format!(
            "the previous provider listens on port {}, the new one on port {}",
            source.port(),
            destination.port()
        ));
        for account in &self.accounts {
            deliver(&source, account)?;
            let (messages, mb) = (account.messages(), account.size_bytes() / 1_000_000);
            let folders = account.folders.len();
            tell(&format!(
                "{} has {messages} messages in {folders} folders, {mb} MB",
                account.login.user
            ));
        }
        let dir = root.join("target/local").join(&self.name);
        let logins = Logins {
            user_password: DESTINATION_PASSWORD.to_owned(),
            master_user: "migration".to_owned(),
            master_password: MASTER_PASSWORD.to_owned(),
        };
        let start = |()| Radicale::start(&venv, &root.join("target/local/dav").join(&self.name), &logins);
        let dav = self.has_dav.then_some(()).map(start).transpose()?;
        let dav_url = dav.as_ref().map(Radicale::url);
        let tickets = self.tickets_from.as_ref().map(|sender| {
            let system = TicketSystem::start(&venv, &root.join("target/local/tickets").join(&self.name))?;
            Ok::<_, anyhow::Error>((system.profile(sender), system))
        });
        let (tickets_profile, tickets) = tickets.transpose()?.unzip();
        let auth = if self.own_passwords {
            "auth = \"password\"".to_owned()
        } else {
            format!("auth = \"master\"\nmaster_user = \"migration\"\nmaster_password_secret = \"{MASTER_SECRET}\"")
        };
        let tables = Tables {
            auth: &auth,
            dav_url: dav_url.as_deref(),
            limits: &self.limits,
            more: &(tickets_profile.unwrap_or_default() + &self.more_profile),
        };
        write_templates(&dir, &self.templates)?;
        let mut setup = Setup::new(&self.name, bootstrap, write_profile(&dir, destination_port, &tables)?);
        setup.secrets = vec![
            (MASTER_SECRET.to_owned(), MASTER_PASSWORD.to_owned()),
            (PERMIT_SECRET.to_owned(), PERMITS_KEY.to_owned()),
        ];
        if tickets.is_some() {
            setup.secrets.extend(TicketSystem::secrets());
        }
        setup.parameters = self.parameters;
        setup.emulator.ignore_roles = self.ignore_roles;
        let (emulator, stack) = setup.start(&venv, tell).await?;
        let domains = self
            .accounts
            .iter()
            .filter_map(|account| account.login.user.split_once('@'));
        let domains: BTreeSet<String> = domains.map(|(_, domain)| domain.to_owned()).collect();
        let permit = permit_for(&Vec::from_iter(domains), tickets.as_ref().map(|_| TICKET));
        let customer = Customer::of(&stack, permit.clone())?;
        Ok(World {
            source,
            destination,
            destination_line,
            dav,
            tickets,
            emulator,
            stack,
            customer,
            permit,
            accounts: self.accounts,
        })
    }
}

impl World {
    /// Every password there is in it.
    pub fn passwords(&self) -> Vec<&str> {
        let given = self.accounts.iter().map(|account| account.login.password.as_str());
        given
            .chain([DESTINATION_PASSWORD, MASTER_PASSWORD, PERMITS_KEY, ticket_system::KEY])
            .chain(ticket_system::CREDENTIALS.lines())
            .collect()
    }

    /// The link by which the provider leads its customer to the page.
    ///
    /// # Errors
    ///
    /// Fails when the stack has no API.
    pub fn page_link(&self) -> Result<String> {
        Ok(format!("{}#p={}", self.stack.page_url()?, self.permit))
    }

    /// The customer's CSV with every account; the source is said to listen on `port`.
    pub fn csv(&self, port: u16) -> String {
        let row = |SampleAccount { login, .. }: &SampleAccount| {
            format!(
                "{},\"{}\",127.0.0.1,{port},none\n",
                login.user,
                login.password.replace('"', "\"\"")
            )
        };
        let rows: String = self.accounts.iter().map(row).collect();
        format!("email,password,source_host,port,security\n{rows}")
    }

    /// Compares each account of one server with the other's, message by message.
    ///
    /// # Errors
    ///
    /// Fails when a store cannot be read.
    pub fn compare(&self) -> Result<Vec<Comparison>> {
        let compare = |account: &SampleAccount| {
            let expected = account.expected(self.source.layout(), self.destination.layout());
            let user = account.login.user.as_str();
            compare_accounts((&self.source, user), (&self.destination, user), &expected)
        };
        self.accounts.iter().map(compare).collect()
    }
}

/// What differs between profiles, in TOML but for the address.
struct Tables<'a> {
    auth: &'a str,
    dav_url: Option<&'a str>,
    limits: &'a str,
    more: &'a str,
}

fn write_profile(dir: &Path, port: u16, tables: &Tables<'_>) -> Result<PathBuf> {
    let Tables {
        auth,
        dav_url,
        limits,
        more,
    } = tables;
    let dav = dav_url
        .map(|url| format!("[destination.dav]\nurl = \"{url}\"\n"))
        .unwrap_or_default();
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let path = dir.join("profile.toml");
    let text = format!(
        r#"[provider]
name = "Harbour Hosting"
time_zone = "Europe/Berlin"

[destination.imap]
host = "127.0.0.1"
port = {port}
security = "none"
{auth}

{dav}
[orders]
permit_secret = "{PERMIT_SECRET}"

[notices]
sender = "migration@harbour-hosting.example"
support = "{SUPPORT}"
files_wait_minutes = 0

[limits]
{limits}

{more}"#
    );
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn write_templates(dir: &Path, templates: &[(&str, &str)]) -> Result<()> {
    let folder = dir.join("notices");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    for (name, text) in templates {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
