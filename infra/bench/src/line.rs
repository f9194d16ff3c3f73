//! The harness's proxy in a process of its own: what it takes is not taken from a tool that is measured.

use std::io::Read as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use mailvan_local::proxy::{Network, Proxy};

use crate::measure;

/// Prints the port, carries bytes until standard input ends, prints what that took.
pub fn run(server: SocketAddr, round_trip_ms: u64) -> Result<()> {
    let network = Network {
        round_trip: Duration::from_millis(round_trip_ms),
        ..Network::default()
    };
    let proxy = Proxy::start(server, network)?;
    println!("{}", proxy.port());
    let taken = measure::within(|| {
        std::io::stdin().read_to_end(&mut Vec::new())?;
        Ok(())
    })?;
    let counters = proxy.counters();
    eprintln!(
        "proxy: {} connections, {} MB to the server, {} MB to clients, {:.1} s of processor, {:.0} MB",
        counters.connections,
        counters.bytes_to_server / 1_000_000,
        counters.bytes_to_client / 1_000_000,
        taken.cpu_seconds,
        taken.peak_rss_mb
    );
    Ok(())
}
