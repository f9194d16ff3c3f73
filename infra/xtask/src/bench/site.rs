//! Where it is measured: two Dovecots with stores in memory, and a long line before each.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use mailvan_local::dovecot::{Dovecot, Layout, Login, Options, Store};
use mailvan_local::imap_client::ImapClient;
use mailvan_local::samples::bulk::{PASSWORD, USERS};
use mailvan_local::samples::{SampleAccount, deliver};
use mailvan_local::workspace_root;

use super::peers::Words;
use super::tool::Tool;

/// The source's user whose mail the tools copy: each round begins with a duplicate of what was filled in.
pub const DUPLICATE: &str = "source";

/// The round trip of the long lines.
pub const LONG_MS: u32 = 30;

/// Both servers, and the lines.
pub struct Site {
    /// Where mail comes from.
    pub source: Dovecot,
    /// Where it goes to.
    pub destination: Dovecot,
    /// The program that measures.
    pub bench: PathBuf,
    lines: (Line, Line),
    scratch: Scratch,
}

/// From one mailbox to another.
pub struct Route {
    /// The source's server, or the line before it.
    pub source: SocketAddr,
    /// The user there.
    pub source_user: String,
    /// The destination's server, or the line before it.
    pub destination: SocketAddr,
    /// The user there.
    pub destination_user: String,
    /// For what a tool keeps between two passes; in memory, as the mail is.
    pub directory: PathBuf,
    /// For the tool that writes the destination's files itself.
    pub destination_configuration: PathBuf,
}

impl Site {
    /// Starts it all; `bench` is the program that measures.
    pub fn start(bench: &Path, store: Store) -> Result<Self> {
        // A running server takes up to a second to hear of a new user.
        let options = |name: &str, users: Vec<String>| Options {
            layout: Layout::english(),
            store,
            users: users.into_iter().map(|user| Login::new(user, PASSWORD)).collect(),
            ..Options::new(name)
        };
        let filled = USERS.iter().map(|user| (*user).to_owned());
        let source = Dovecot::start(options("bench-from", filled.chain([DUPLICATE.to_owned()]).collect()))?;
        let destination = Dovecot::start(options("bench-to", Tool::ALL.iter().map(Tool::to_string).collect()))?;
        let lines = (
            Line::start(bench, source.address())?,
            Line::start(bench, destination.address())?,
        );
        Ok(Self {
            source,
            destination,
            bench: bench.to_owned(),
            lines,
            scratch: Scratch::create()?,
        })
    }

    /// Brings an account's mail to the source, and lets the server see each message once: what it caches of a message
    /// at the first look would else be the first tool's burden.
    pub fn fill(&self, account: &SampleAccount) -> Result<()> {
        deliver(&self.source, account)?;
        self.look_at(&account.login)
    }

    /// Doubles the messages of an account's INBOX so often.
    pub fn double(&self, login: &Login, times: u32) -> Result<()> {
        let mut client = ImapClient::connect(self.source.address(), login)?;
        client.select("INBOX")?;
        for _ in 0..times {
            client.command("COPY 1:* INBOX")?;
            client.command("NOOP")?;
        }
        self.look_at(login)
    }

    /// Reads what tools ask for beside the bodies, of every message.
    fn look_at(&self, login: &Login) -> Result<()> {
        let mut client = ImapClient::connect(self.source.address(), login)?;
        let answer = client.command("LIST \"\" \"*\" RETURN (STATUS (MESSAGES SIZE))")?;
        for line in answer {
            let line = String::from_utf8_lossy(&line).into_owned();
            let Some((name, _)) = line.strip_prefix("* STATUS ").and_then(|line| line.rsplit_once(" (")) else {
                continue;
            };
            client.command(&format!("EXAMINE {name}"))?;
            client.command("UID FETCH 1:* (FLAGS RFC822.SIZE INTERNALDATE)")?;
        }
        Ok(())
    }

    /// A route from [`DUPLICATE`] to a tool's own mailbox, which is new.
    pub fn route(&self, tool: Tool, rtt_ms: u32) -> Result<Route> {
        let route = self.same_route(tool, rtt_ms);
        self.destination.remove_mail(&route.destination_user)?;
        if route.directory.exists() {
            fs::remove_dir_all(&route.directory)?;
        }
        fs::create_dir_all(&route.directory)?;
        Ok(route)
    }

    /// The same route, with what the tool has left at its end.
    pub fn same_route(&self, tool: Tool, rtt_ms: u32) -> Route {
        let destination_user = tool.to_string();
        let (from, to) = if rtt_ms == 0 {
            (self.source.address(), self.destination.address())
        } else {
            (self.lines.0.address, self.lines.1.address)
        };
        Route {
            source: from,
            source_user: DUPLICATE.to_owned(),
            destination: to,
            directory: self.scratch.path.join(&destination_user),
            destination_user,
            destination_configuration: self.destination.configuration(),
        }
    }

    /// Removes what lies at the end of a route.
    pub fn clear(&self, route: &Route) -> Result<()> {
        self.destination.remove_mail(&route.destination_user)?;
        fs::remove_dir_all(&route.directory).context("removing a tool's files")
    }
}

impl Route {
    /// A command line of the program that measures, which gets the password by its standard input.
    pub fn words(&self, bench: &Path, work: &str) -> Words {
        let mut words: Words = vec![bench.into(), work.into()];
        let (source, destination) = (self.source.to_string(), self.destination.to_string());
        words.extend(["--source", &source, "--source-user", &self.source_user].map(OsString::from));
        words.extend(["--destination", &destination, "--destination-user"].map(OsString::from));
        words.push(self.destination_user.clone().into());
        words
    }
}

/// A proxy in a process of its own; it ends with its standard input.
struct Line {
    address: SocketAddr,
    child: Child,
}

impl Line {
    fn start(bench: &Path, server: SocketAddr) -> Result<Self> {
        let mut child = Command::new(bench)
            .args([
                "proxy",
                "--server",
                &server.to_string(),
                "--round-trip-ms",
                &LONG_MS.to_string(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a proxy")?;
        let stdout = child.stdout.take().context("a proxy without an output")?;
        let mut port = String::new();
        BufReader::new(stdout).read_line(&mut port)?;
        let port: u16 = port.trim().parse().context("a proxy that does not say its port")?;
        Ok(Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            child,
        })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A directory in memory, where there is such a thing, that is removed at the end.
pub struct Scratch {
    /// Where it is.
    pub path: PathBuf,
}

impl Scratch {
    /// Makes one for this process.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create() -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory.to_owned()
        } else {
            workspace_root().join("target/bench")
        };
        let path = parent.join(format!("mailvan-bench-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
