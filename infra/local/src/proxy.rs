//! A TCP proxy that makes a network out of the loopback: delay, bandwidth, cuts, refusals.
//!
//! It delays bytes and does not throttle them: any number may be under way, as on a long line. It
//! runs on a thread of its own, so that a test that blocks does not stop it, and its settings may
//! be changed while it runs.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

mod relay;
mod waiting;

use waiting::Waiting;

/// How the network is.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The time from one end to the other and back; each direction takes half of it.
    pub round_trip: Duration,
    /// Bytes a second in each direction of each connection; unlimited when `None`.
    pub bandwidth: Option<u64>,
    /// Ends a connection in its middle.
    pub cut: Option<Cut>,
}

/// Where a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The bytes that still arrive, counted in `direction` on one connection.
    pub after_bytes: u64,
    /// Which bytes count.
    pub direction: Direction,
    /// How it ends.
    pub ending: Ending,
    /// Whether it happens to each connection, or only to the first that comes so far.
    pub each: bool,
}

/// A direction through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In good order (FIN), as if the peer had nothing more to say.
    Close,
    /// By a reset (RST), as when a peer crashes.
    Reset,
    /// Not at all: no more bytes, no end; until [`Proxy::drop_connections`].
    Silence,
}

/// What has gone through a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections taken.
    pub connections: u64,
    /// Connections open at this moment.
    pub open: u64,
    /// The most that were open at once.
    pub open_peak: u64,
    /// Connections refused.
    pub refused: u64,
    /// Connections cut.
    pub cut: u64,
    /// Bytes delivered to the server.
    pub bytes_to_server: u64,
    /// Bytes delivered to clients.
    pub bytes_to_client: u64,
}

/// A running proxy; dropping it ends all its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    runtime: Option<Runtime>,
}

/// What all connections share.
#[derive(Debug)]
struct State {
    server: SocketAddr,
    settings: Mutex<Settings>,
    counters: Mutex<Counters>,
    bytes: [AtomicU64; 2],
    /// How many bytes may reach clients, counted since the start.
    allowance: watch::Sender<u64>,
    /// Its value changes when all connections shall end.
    generation: watch::Sender<u64>,
}

#[derive(Clone, Debug)]
struct Settings {
    network: Network,
    refusing: bool,
    /// Cuts that wait for a connection, each under its number.
    waiting: BTreeMap<u64, Waiting>,
    next_number: u64,
}

impl Proxy {
    /// Starts a proxy in front of `server` on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no thread or port is to be had.
    pub fn start(server: SocketAddr, network: Network) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("proxy")
            .enable_all()
            .build()
            .context("starting a proxy")?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            server,
            settings: Mutex::new(Settings {
                network,
                refusing: false,
                waiting: BTreeMap::new(),
                next_number: 0,
            }),
            counters: Mutex::default(),
            bytes: [AtomicU64::new(0), AtomicU64::new(0)],
            allowance: watch::Sender::new(u64::MAX),
            generation: watch::Sender::new(0),
        });
        {
            let _inside = runtime.enter();
            let listener = TcpListener::from_std(listener)?;
            runtime.spawn(accept(listener, Arc::clone(&state)));
        }
        Ok(Self {
            address,
            state,
            runtime: Some(runtime),
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Makes the network another one: for what is sent from now on, and a cut for the connections
    /// that are opened from now on.
    pub fn set_network(&self, network: Network) {
        self.state.settings().network = network;
    }

    /// Ends one connection, whether it is open now or opened later: the first over which so many
    /// bytes have gone from now on. `cut.each` does not count. [`Counters::cut`] tells when it has
    /// happened.
    pub fn cut_once(&self, cut: Cut) {
        self.state.settings().wait(Waiting::Bytes(cut));
    }

    /// Ends one connection where the server has just answered to `to_bytes` bytes or more, of mail for example: the
    /// answer does not arrive. [`Counters::cut`] tells when it has happened.
    pub fn lose_answer(&self, to_bytes: u64, ending: Ending) {
        self.state.settings().wait(Waiting::Answer { to_bytes, ending });
    }

    /// How many cuts still wait for a connection.
    pub fn waiting_cuts(&self) -> usize {
        self.state.settings().waiting.len()
    }

    /// Lets the cuts that still wait happen at the next byte of any connection, in either direction.
    pub fn cut_now(&self) {
        for waiting in self.state.settings().waiting.values_mut() {
            *waiting = Waiting::Any(waiting.ending());
        }
    }

    /// Lets no more than `bytes` reach clients, counted over all connections since the start (what is
    /// under way in each may exceed it by a few KiB); the rest waits until more is allowed. So work
    /// can be kept from ending before something else has happened, however quick the machine is.
    pub fn allow_to_clients(&self, bytes: u64) {
        self.state.allowance.send_replace(bytes);
    }

    /// Takes connections and resets them at once, or does not any more.
    pub fn set_refusing(&self, refusing: bool) {
        self.state.settings().refusing = refusing;
    }

    /// Resets all connections that are open.
    pub fn drop_connections(&self) {
        self.state.generation.send_modify(|generation| *generation += 1);
    }

    /// What has gone through so far.
    pub fn counters(&self) -> Counters {
        let [to_server, to_client] = &self.state.bytes;
        Counters {
            bytes_to_server: to_server.load(Ordering::Relaxed),
            bytes_to_client: to_client.load(Ordering::Relaxed),
            ..*self.state.counters()
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Dropping it would panic inside another runtime.
            runtime.shutdown_background();
        }
    }
}

impl Settings {
    fn wait(&mut self, waiting: Waiting) {
        self.waiting.insert(self.next_number, waiting);
        self.next_number += 1;
    }
}

impl State {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_bytes(&self, direction: Direction, bytes: usize) {
        let [to_server, to_client] = &self.bytes;
        let counter = match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        };
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The cuts that wait for a connection.
    fn waiting(&self) -> BTreeMap<u64, Waiting> {
        self.settings().waiting.clone()
    }

    /// Takes a waiting cut, unless another connection did.
    fn take_waiting_cut(&self, number: u64) -> bool {
        let taken = self.settings().waiting.remove(&number).is_some();
        self.counters().cut += u64::from(taken);
        taken
    }

    /// Waits until so many more bytes may go in a direction.
    async fn allowed(&self, direction: Direction, bytes: usize) {
        if direction == Direction::ToClient {
            let [_, carried] = &self.bytes;
            let fits = |most: &u64| carried.load(Ordering::Relaxed).saturating_add(bytes as u64) <= *most;
            // It fails only where the sender is gone, which lives here.
            let _ = self.allowance.subscribe().wait_for(fits).await;
        }
    }

    /// Uses a cut up, unless it is for each connection. Whether it is still there to be used.
    fn take_cut(&self, cut: Cut) -> bool {
        if !cut.each {
            let mut settings = self.settings();
            if settings.network.cut != Some(cut) {
                return false;
            }
            settings.network.cut = None;
        }
        self.counters().cut += 1;
        true
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Too many open files: it passes.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if state.settings().refusing {
            state.counters().refused += 1;
            reset(&client);
            continue;
        }
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            {
                let mut counters = state.counters();
                counters.connections += 1;
                counters.open += 1;
                counters.open_peak = counters.open_peak.max(counters.open);
            }
            match TcpStream::connect(state.server).await {
                Ok(server) => relay::relay(client, server, &state).await,
                Err(_) => reset(&client),
            }
            state.counters().open -= 1;
        });
    }
}

/// Makes the coming drop of the stream a reset.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

#[cfg(test)]
mod tests;
