//! A small DNS of its own: a root, servers of zones and a resolver that asks them, all real.
//!
//! Each server is a Knot DNS at an address of its own of the loopback network, the resolver is an
//! Unbound. All listen on one port, which is also where the resolver asks the others. They run
//! without the system's configuration, caches and keys. All calls block.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
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

/// Running servers.
#[derive(Debug)]
pub struct NameServers {
    directory: Directory,
    network: u8,
    port: u16,
    zones: Vec<Zone>,
    delegations: Vec<(String, Vec<u8>)>,
    /// Zones whose signatures the resolver insists on.
    signed: Vec<String>,
    children: Vec<(u8, Child)>,
}

impl NameServers {
    /// Servers without zones, not yet started. They are told apart by the last number of their
    /// address, 2 to 52.
    ///
    /// # Errors
    /// If a directory cannot be made or no port is free.
    pub fn new() -> Result<Self> {
        static NUMBER: AtomicU8 = AtomicU8::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let network = u8::try_from(std::process::id() % 200)? + number % 50;
        let port = free_port(address(network, RESOLVER))?;
        Ok(Self {
            directory: Directory::create("dns")?,
            network,
            port,
            zones: Vec::new(),
            delegations: Vec::new(),
            signed: Vec::new(),
            children: Vec::new(),
        })
    }

    /// The resolver.
    pub fn resolver(&self) -> SocketAddr {
        SocketAddr::from((address(self.network, RESOLVER), self.port))
    }

    /// Gives a server a zone, in place of the one it had: records in a zone file's form, without SOA.
    /// Where the servers run, it holds on return.
    ///
    /// # Errors
    /// If it is not loaded; the error has the server's log.
    pub fn set_zone(&mut self, server: u8, name: &str, records: &str) -> Result<()> {
        let is_it = |zone: &Zone| (zone.server, zone.name.as_str()) == (server, name);
        let before = self.zones.iter().position(is_it);
        let serial = before.map_or(1, |position| self.zones.remove(position).serial + 1);
        self.zones.push(Zone {
            server,
            name: name.to_owned(),
            records: records.to_owned(),
            serial,
        });
        let Some((_, child)) = self.children.iter().find(|(running, _)| *running == server) else {
            return Ok(());
        };
        let pid = Pid::from_raw(i32::try_from(child.id())?);
        self.write(server)?;
        kill(pid, Signal::SIGHUP)?;
        self.await_serial(server, name, serial)
    }

    /// Delegates a zone at the root to servers.
    pub fn delegate(&mut self, name: &str, servers: &[u8]) {
        self.delegations.push((name.to_owned(), servers.to_vec()));
    }

    /// Has the resolver insist on signatures that this zone does not have.
    pub fn expect_signatures(&mut self, name: &str) {
        self.signed.push(name.to_owned());
    }

    /// Starts all servers and waits until they answer.
    ///
    /// # Errors
    /// If they are missing and cannot be installed, or do not come up; the error has their logs.
    pub fn start(&mut self) -> Result<()> {
        let knot = ensure_package("knotd", "knot")?;
        let unbound = ensure_package("unbound", "unbound")?;
        self.zones.insert(0, self.root());
        let mut servers: Vec<u8> = self
            .delegations
            .iter()
            .flat_map(|(_, servers)| servers.clone())
            .collect();
        servers.extend(self.zones.iter().map(|zone| zone.server));
        servers.sort_unstable();
        servers.dedup();
        for server in servers {
            self.write(server)?;
            self.run(server, &knot, &["-c"], &self.of_server(server).join("knot.conf"))?;
        }
        let configuration = self.directory.path().join("unbound.conf");
        fs::write(&configuration, self.resolver_configuration())?;
        // Where AppArmor confines /usr/sbin/unbound, it may not read here; a copy is not confined.
        let own = self.directory.path().join("unbound");
        // A process of its own writes it: what this process has open to write, a child that another
        // thread starts at that moment would hold open, and the copy could not be run yet.
        let copied = Command::new("cp").arg(&unbound).arg(&own).status()?;
        if !copied.success() {
            bail!("copying {} to {}: {copied}", unbound.display(), own.display());
        }
        self.run(RESOLVER, &own, &["-d", "-c"], &configuration)?;
        for zone in self.zones.clone() {
            self.await_serial(zone.server, &zone.name, zone.serial)?;
        }
        self.await_serial(RESOLVER, ".", 1)
    }

    /// The root's own zone: the delegations, and the servers' addresses.
    fn root(&self) -> Zone {
        let mut records = format!("@ NS a.root.test.\na.root.test. A {}\n", address(self.network, ROOT));
        for (name, servers) in &self.delegations {
            for server in servers {
                let at = address(self.network, *server);
                let _ = writeln!(records, "{name}. NS s{server}.servers.test.");
                let glue = format!("s{server}.servers.test. A {at}\n");
                if !records.contains(&glue) {
                    records.push_str(&glue);
                }
            }
        }
        Zone {
            server: ROOT,
            name: ".".to_owned(),
            records,
            serial: 1,
        }
    }

    fn run(&mut self, server: u8, program: &Path, options: &[&str], configuration: &Path) -> Result<()> {
        let group = self.children.first().map_or(0, |(_, child)| child.id());
        let log = fs::File::create(self.directory.path().join(format!("log-{server}")))?;
        let child = Command::new(program)
            .args(options)
            .arg(configuration)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(i32::try_from(group)?)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        if self.children.is_empty() {
            // By it the group is found and ended when its owner was killed.
            fs::create_dir_all(self.directory.path().join("run"))?;
            fs::write(self.directory.path().join("run/master.pid"), child.id().to_string())?;
        }
        self.children.push((server, child));
        Ok(())
    }

    fn of_server(&self, server: u8) -> PathBuf {
        self.directory.path().join(format!("s{server}"))
    }

    fn write(&self, server: u8) -> Result<()> {
        let directory = self.of_server(server);
        fs::create_dir_all(directory.join("run"))?;
        let (own, port, here) = (address(self.network, server), self.port, directory.display());
        let mut configuration = format!(
            "server:\n    rundir: {here}/run\n    listen: {own}@{port}\n    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n\
             log:\n  - target: stderr\n    any: info\ndatabase:\n    storage: {here}\n\
             template:\n  - id: default\n    storage: {here}\n    semantic-checks: off\n    journal-content: none\n    zonefile-load: whole\n"
        );
        let zones: Vec<&Zone> = self.zones.iter().filter(|zone| zone.server == server).collect();
        if !zones.is_empty() {
            configuration.push_str("zone:\n");
        }
        for zone in zones {
            let (name, file) = (absolute(&zone.name), zone.file());
            writeln!(configuration, "  - domain: {name}\n    file: {file}")?;
            let soa = format!("@ 60 SOA ns.test. hostmaster.test. {} 60 60 60 5\n", zone.serial);
            fs::write(
                directory.join(file),
                format!("$ORIGIN {name}\n$TTL 60\n{soa}{}", zone.records),
            )?;
        }
        Ok(fs::write(directory.join("knot.conf"), configuration)?)
    }

    fn resolver_configuration(&self) -> String {
        let (own, port, here) = (
            address(self.network, RESOLVER),
            self.port,
            self.directory.path().display(),
        );
        let mut text = format!(
            "server:\n  interface: {own}@{port}\n  access-control: 127.0.0.0/8 allow\n  do-not-query-localhost: no\n  chroot: \"\"\n\
             \x20 username: \"\"\n  directory: \"{here}\"\n  pidfile: \"{here}/unbound.pid\"\n  use-syslog: no\n  logfile: \"\"\n  do-ip6: no\n\
             \x20 num-threads: 1\n  cache-max-ttl: 1\n  cache-max-negative-ttl: 1\n  infra-host-ttl: 1\n  local-zone: \"test.\" nodefault\n"
        );
        for name in &self.signed {
            let _ = writeln!(
                text,
                "  trust-anchor: \"{} DS 1 13 2 {}\"",
                absolute(name),
                "ab".repeat(32)
            );
        }
        text.push_str("remote-control:\n  control-enable: no\n");
        // Unbound asks the servers that a zone refers to at port 53, so it is told where each zone is.
        let root = (".".to_owned(), vec![ROOT]);
        for (name, servers) in self.delegations.iter().chain([&root]) {
            let _ = writeln!(text, "stub-zone:\n  name: \"{name}\"");
            for server in servers {
                let _ = writeln!(text, "  stub-addr: {}@{port}", address(self.network, *server));
            }
        }
        text
    }

    fn await_serial(&mut self, server: u8, name: &str, serial: u32) -> Result<()> {
        let at = SocketAddr::from((address(self.network, server), self.port));
        let deadline = Instant::now() + PATIENCE;
        loop {
            if serial_at(at, name) == Some(serial) {
                return Ok(());
            }
            let mut ended = false;
            for (_, child) in &mut self.children {
                ended |= child.try_wait()?.is_some();
            }
            if ended || Instant::now() > deadline {
                let log = fs::read_to_string(self.directory.path().join(format!("log-{server}"))).unwrap_or_default();
                bail!("the DNS server {at} did not come to {name} {serial}:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Zone {
    fn file(&self) -> String {
        format!("{}zone", absolute(&self.name))
    }
}

impl Drop for NameServers {
    fn drop(&mut self) {
        if let Some(group) = self
            .children
            .first()
            .and_then(|(_, child)| i32::try_from(child.id()).ok())
        {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        for (_, child) in &mut self.children {
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

/// The serial that a server has of a zone: a question and as much of the answer as is needed.
fn serial_at(server: SocketAddr, zone: &str) -> Option<u32> {
    const SOA: [u8; 4] = [0, 6, 0, 1];
    let mut question = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in zone.split('.').filter(|label| !label.is_empty()) {
        question.push(u8::try_from(label.len()).ok()?);
        question.extend(label.as_bytes());
    }
    question.push(0);
    question.extend(SOA);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    socket.set_read_timeout(Some(Duration::from_millis(500))).ok()?;
    socket.send_to(&question, server).ok()?;
    let mut answer = [0; 1_500];
    let (length, _) = socket.recv_from(&mut answer).ok()?;
    let answers = answer.get(6..8)?;
    // An SOA ends with its five numbers; it is the last record here, unless others follow it.
    let own = answer.get(question.len()..length)?;
    let rdata = own.windows(4).position(|four| four == SOA)? + 4 + 4;
    let size = usize::from(u16::from_be_bytes(own.get(rdata..rdata + 2)?.try_into().ok()?));
    let end = rdata + 2 + size;
    let serial = own.get(end - 20..end - 16)?.try_into().ok()?;
    (answers != [0, 0]).then(|| u32::from_be_bytes(serial))
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
