//! A relay that counts how often a client had to wait for a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// How long bytes take each way: what is sent without waiting is sent within that.
const HALF_TRIP: Duration = Duration::from_millis(15);

/// A relay in front of a server; its connections end with the test.
pub struct Relay {
    pub port: u16,
    turns: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
}

impl Relay {
    pub async fn start(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (turns, connections) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (counted, opened) = (Arc::clone(&turns), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                opened.fetch_add(1, Ordering::Relaxed);
                #[expect(clippy::disallowed_methods, reason = "a server that the test started")]
                let server = TcpStream::connect(server).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                // The client's first words wait for the greeting.
                let has_heard = Arc::new(AtomicBool::new(true));
                let (turns, heard) = (Arc::clone(&counted), Arc::clone(&has_heard));
                tokio::spawn(carry(from_client, to_server, move || {
                    if heard.swap(false, Ordering::Relaxed) {
                        turns.fetch_add(1, Ordering::Relaxed);
                    }
                }));
                tokio::spawn(carry(from_server, to_client, move || {
                    has_heard.store(true, Ordering::Relaxed);
                }));
            }
        });
        Ok(Self {
            port,
            turns,
            connections,
        })
    }

    /// How often a client has spoken after it had heard something, and how many connections there were,
    /// since this was asked last.
    pub fn take(&self) -> (u64, u64) {
        (
            self.turns.swap(0, Ordering::Relaxed),
            self.connections.swap(0, Ordering::Relaxed),
        )
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, on_bytes: impl Fn()) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        on_bytes();
        tokio::time::sleep(HALF_TRIP).await;
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
