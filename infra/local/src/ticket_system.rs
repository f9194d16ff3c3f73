//! The provider's ticket systems: an HTTP server that checks what it is told, by code of its own.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::venv::Venv;

const START_WITHIN: Duration = Duration::from_mins(1);

/// The key of the webhook's signatures.
pub const KEY: &str = "whsec_dGhpcyBpcyBhIGtleSBvZiB0aGUgdGVzdHMgYW5kIG9mIG5vdGhpbmcgZWxzZQ==";
/// What WHMCS is opened with: identifier, secret and access key.
pub const CREDENTIALS: &str = "van-identifier-1\nvan-secret-22\nvan-access-333";
/// The mailbox of the system that reads mail.
pub const MAILBOX: &str = "tickets@harbour-hosting.example";
/// The secret that holds the key.
const KEY_SECRET: &str = "mailvan/tickets-webhook";
/// The secret that holds the credentials.
const CREDENTIALS_SECRET: &str = "mailvan/tickets-whmcs";

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct TicketSystem {
    child: Child,
    dir: PathBuf,
    port: u16,
    client: reqwest::Client,
}

/// A call that came.
#[derive(Clone, Debug, Deserialize)]
pub struct Call {
    /// `webhook` or `whmcs`.
    pub kind: Option<String>,
    /// The API's action.
    pub action: Option<String>,
    /// What was answered; 0 where nothing was.
    pub status: u16,
    /// What is wrong with it, if something is.
    pub wrong: Option<String>,
    /// The path it went to.
    pub path: String,
    /// By which a webhook is known again.
    pub id: Option<String>,
    /// Whether a webhook of this id was taken before.
    pub again: bool,
    /// The webhook's body, or the action's parameters.
    pub body: Value,
}

/// A ticket of WHMCS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Ticket {
    /// Its number, as customers see it.
    pub tid: String,
    /// Its state.
    pub status: String,
    /// What was replied.
    #[serde(default)]
    pub replies: Vec<Entry>,
    /// What only staff see.
    #[serde(default)]
    pub notes: Vec<Entry>,
}

/// A text in a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// The text.
    pub message: String,
    /// Which member of staff wrote it.
    #[serde(default)]
    pub admin: String,
    /// Whether its customer gets no mail of it.
    #[serde(default)]
    pub noemail: String,
}

impl TicketSystem {
    /// Starts a server with a WHMCS that has the tickets 4711 and 4712, of two customers.
    ///
    /// # Errors
    /// Fails when it does not listen within a minute; the message names its log.
    pub fn start(venv: &Venv, dir: &Path) -> Result<Self> {
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
        }
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let program = dir.join("ticket_system.py");
        fs::write(&program, include_str!("ticket_system.py"))?;
        let ticket = |id: &str, tid: &str, email: &str| json!({ "ticketid": id, "tid": tid, "email": email, "requestor_email": email, "status": "Open" });
        let tickets = json!([
            ticket("17", "4711", "customer@example.org"),
            ticket("18", "4712", "another@example.com")
        ]);
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(venv.python())
            .arg(&program)
            .env("KEY", KEY)
            .env("CREDENTIALS", CREDENTIALS)
            .env("TICKETS", tickets.to_string())
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(dir.join("log"))?)
            .spawn()
            .context("cannot start the ticket system")?;
        let mut server = Self {
            child,
            dir: dir.to_owned(),
            port,
            client: reqwest::Client::builder().no_proxy().build()?,
        };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if server.child.try_wait()?.is_some() || begun.elapsed() > START_WITHIN {
                bail!(
                    "the ticket system does not start; see {}",
                    server.dir.join("log").display()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Where webhooks go.
    pub fn webhook_url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Where WHMCS's API is.
    pub fn whmcs_url(&self) -> String {
        format!("http://127.0.0.1:{}/includes/api.php", self.port)
    }

    /// The profile's tables about all three, the mails from this sender.
    pub(crate) fn profile(&self, sender: &str) -> String {
        format!(
            r#"[tickets.webhook]
url = "{}"
key_secret = "{KEY_SECRET}"
[tickets.whmcs]
url = "{}"
credentials_secret = "{CREDENTIALS_SECRET}"
write = "reply"
admin_user = "van"
completed_status = "Closed"
[tickets.email]
address = "{MAILBOX}"
sender = "{sender}"
"#,
            self.webhook_url(),
            self.whmcs_url()
        )
    }

    /// The secrets that these tables name.
    pub(crate) fn secrets() -> [(String, String); 2] {
        [(KEY_SECRET, KEY), (CREDENTIALS_SECRET, CREDENTIALS)].map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    /// Has the next calls of a kind fail; of one action only, where one is named.
    ///
    /// # Errors
    /// Fails when the server does not answer.
    pub async fn fail(&self, kind: &str, action: Option<&str>, how: &str, times: u32) -> Result<()> {
        let url = format!("http://127.0.0.1:{}/_control", self.port);
        let order = json!({ "kind": kind, "action": action, "how": how, "times": times });
        let answer = self.client.post(url).json(&order).send().await?;
        ensure!(answer.status().is_success(), "the ticket system takes no orders");
        Ok(())
    }

    /// The calls that came, in their order.
    ///
    /// # Errors
    /// Fails when the server does not answer.
    pub async fn calls(&self) -> Result<Vec<Call>> {
        self.told("_calls").await
    }

    /// A ticket of WHMCS, by the number that its customer sees.
    ///
    /// # Errors
    /// Fails when there is none.
    pub async fn ticket(&self, tid: &str) -> Result<Ticket> {
        let tickets: Vec<Ticket> = self.told("_tickets").await?;
        let found = tickets.into_iter().find(|ticket| ticket.tid == tid);
        found.with_context(|| format!("there is no ticket {tid}"))
    }

    async fn told<T: DeserializeOwned>(&self, what: &str) -> Result<T> {
        let url = format!("http://127.0.0.1:{}/{what}", self.port);
        Ok(self.client.get(url).send().await?.json().await?)
    }
}

impl Drop for TicketSystem {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
