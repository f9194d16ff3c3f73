//! A small DNS of its own: a root, servers of zones and a resolver that asks them, all real.
//!
//! One `named` (BIND 9) answers at several addresses of the loopback network, at each with the zones
//! of another server. All listen on one port, which is also where the resolver asks the others. It
//! runs without the system's configuration, cache and keys. All calls block.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::dovecot::directory::Directory;
use crate::dovecot::ensure_package;

/// How long a start or a change may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where the root answers; the resolver and the others are in the same network.
const ROOT: u8 = 1;
const RESOLVER: u8 = 53;

/// A zone as one server has it.
#[derive(Clone, Debug)]
struct Zone {
    server: u8,
    name: String,
    records: String,
    serial: u32,
}

/// A running DNS.
#[derive(Debug)]
pub struct Named {
    directory: Directory,
    network: u8,
    port: u16,
    zones: Vec<Zone>,
    /// Zones whose signatures the resolver insists on.
    signed: Vec<String>,
    child: Option<Child>,
}

impl Named {
    /// A DNS without zones, not yet started. Servers are told apart by the last number of their
    /// address, 2 to 52.
    ///
    /// # Errors
    /// If BIND is missing and cannot be installed.
    pub fn new() -> Result<Self> {
        static NUMBER: AtomicU8 = AtomicU8::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let network = (std::process::id() % 200) as u8 + number % 50;
        let port = free_port(address(network, RESOLVER))?;
        Ok(Self {
            directory: Directory::create("named")?,
            network,
            port,
            zones: Vec::new(),
            signed: Vec::new(),
            child: None,
        })
    }

    /// The resolver.
    pub fn resolver(&self) -> SocketAddr {
        SocketAddr::from((address(self.network, RESOLVER), self.port))
    }

    /// The address of a server, for its A record.
    pub fn address(&self, server: u8) -> Ipv4Addr {
        address(self.network, server)
    }

    /// Gives a server a zone, in place of the one it had: records in a zone file's form, without SOA.
    /// Where this DNS runs, it holds on return.
    ///
    /// # Errors
    /// If it is not loaded; the error has the server's log.
    pub fn set_zone(&mut self, server: u8, name: &str, records: &str) -> Result<()> {
        let before = self
            .zones
            .iter()
            .position(|zone| (zone.server, zone.name.as_str()) == (server, name));
        let serial = before.map_or(1, |position| self.zones.remove(position).serial + 1);
        self.zones.push(Zone {
            server,
            name: name.to_owned(),
            records: records.to_owned(),
            serial,
        });
        self.write()?;
        if let Some(child) = &self.child {
            kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGHUP)?;
            self.await_line(&format!("zone {name}/IN/s{server}: loaded serial {serial}\n"))?;
        }
        Ok(())
    }

    /// Delegates a zone at the root, or in a zone of it that is delegated elsewhere, to servers. Done
    /// by the root's own zone file.
    ///
    /// # Errors
    /// If it is not loaded.
    pub fn delegate(&mut self, name: &str, servers: &[u8]) -> Result<()> {
        let mut records = self.root_zone().map_or_else(String::new, |zone| zone.records.clone());
        for server in servers {
            let _ = writeln!(records, "{name}. 60 NS s{server}.servers.test.");
            let glue = format!("s{server}.servers.test. 60 A {}\n", self.address(*server));
            if !records.contains(&glue) {
                records.push_str(&glue);
            }
        }
        self.set_zone(ROOT, ".", &records)
    }

    /// Has the resolver insist on signatures that this zone does not have.
    pub fn expect_signatures(&mut self, name: &str) {
        self.signed.push(name.to_owned());
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// If it does not come up; the error has its log.
    pub fn start(&mut self) -> Result<()> {
        let program = ensure_package("named", "bind9")?;
        // Where AppArmor confines /usr/sbin/named, it may read /etc/bind alone; a copy is not confined.
        let own = self.directory.path().join("named");
        fs::copy(&program, &own).with_context(|| format!("copying {}", program.display()))?;
        fs::create_dir_all(self.directory.path().join("run"))?;
        self.write()?;
        let log = fs::File::create(self.log_path())?;
        let child = Command::new(&own)
            .args(["-g", "-4", "-n", "1", "-c"])
            .arg(self.directory.path().join("named.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", own.display()))?;
        self.child = Some(child);
        self.await_line(" running\n")
    }

    fn root_zone(&self) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.name == ".")
    }

    fn log_path(&self) -> std::path::PathBuf {
        self.directory.path().join("log")
    }

    fn await_line(&mut self, line: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(self.log_path()).unwrap_or_default();
            if log.contains(line) {
                return Ok(());
            }
            let ended = match self.child.as_mut() {
                Some(child) => child.try_wait()?.is_some(),
                None => true,
            };
            if ended || Instant::now() > deadline {
                bail!("named did not come to{line}:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn write(&self) -> Result<()> {
        let directory = self.directory.path();
        for zone in &self.zones {
            let soa = format!("@ 60 SOA ns.test. hostmaster.test. {} 60 60 60 5\n", zone.serial);
            let text = format!("$ORIGIN {}\n$TTL 60\n{soa}{}", absolute(&zone.name), zone.records);
            // A zone needs a name server of its own; the root's delegations are none.
            let text = if zone.name == "." {
                format!("{text}@ NS a.root.test.\na.root.test. A {}\n", self.address(ROOT))
            } else {
                text
            };
            fs::write(directory.join(zone.file()), text)?;
        }
        let hints = format!(". 60 NS a.root.test.\na.root.test. 60 A {}\n", self.address(ROOT));
        fs::write(directory.join("hints"), hints)?;
        fs::write(directory.join("named.conf"), self.configuration()?)?;
        Ok(())
    }

    fn configuration(&self) -> Result<String> {
        let mut servers: Vec<u8> = self
            .zones
            .iter()
            .map(|zone| zone.server)
            .chain([ROOT, RESOLVER])
            .collect();
        // Servers that are delegated to and have no zone answer that they do not know it.
        let root = self.root_zone().map(|zone| zone.records.as_str()).unwrap_or_default();
        servers.extend((2..RESOLVER).filter(|server| root.contains(&format!(" {}\n", self.address(*server)))));
        servers.sort_unstable();
        servers.dedup();
        let all: Vec<String> = servers.iter().map(|server| self.address(*server).to_string()).collect();
        let (port, resolver, all) = (self.port, self.address(RESOLVER), all.join("; "));
        let directory = self.directory.path().display();
        let mut text = format!(
            "options {{ directory \"{directory}\"; pid-file \"run/master.pid\"; session-keyfile none; port {port};\n\
             listen-on port {port} {{ {all}; }}; listen-on-v6 {{ none; }}; query-source address {resolver};\n\
             max-cache-ttl 1; max-ncache-ttl 1; servfail-ttl 0; empty-zones-enable no; minimal-responses no; }};\n\
             controls {{ }};\n"
        );
        let anchor = |name: &String| format!("\"{}\" static-ds 1 13 2 \"{}\"; ", absolute(name), "ab".repeat(32));
        let anchors = self.signed.iter().map(anchor).collect::<Vec<_>>().concat();
        let validation = if anchors.is_empty() {
            "dnssec-validation no;".to_owned()
        } else {
            format!("dnssec-validation yes; trust-anchors {{ {anchors}}};")
        };
        writeln!(
            text,
            "view resolver {{ match-destinations {{ {resolver}; }}; recursion yes; allow-recursion {{ any; }}; {validation}\n\
             zone \".\" {{ type hint; file \"hints\"; }}; }};"
        )?;
        for server in servers.iter().filter(|server| **server != RESOLVER) {
            let own = self.address(*server);
            write!(
                text,
                "view s{server} {{ match-destinations {{ {own}; }}; recursion no; dnssec-validation no;"
            )?;
            for zone in self.zones.iter().filter(|zone| zone.server == *server) {
                let (name, file) = (absolute(&zone.name), zone.file());
                write!(text, "\nzone \"{name}\" {{ type primary; file \"{file}\"; }};")?;
            }
            text.push_str(" };\n");
        }
        Ok(text)
    }
}

impl Zone {
    fn file(&self) -> String {
        format!("{}-{}.zone", self.server, self.name.replace('.', "_"))
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            if let Ok(group) = i32::try_from(child.id()) {
                let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            }
            let _ = child.wait();
        }
    }
}

fn address(network: u8, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 53, network, host)
}

fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

/// A port that is free at an address for both protocols.
fn free_port(address: Ipv4Addr) -> Result<u16> {
    for _ in 0..100 {
        let listener = TcpListener::bind((address, 0)).context("finding a free port")?;
        let port = listener.local_addr()?.port();
        if UdpSocket::bind((address, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free at {address}")
}
