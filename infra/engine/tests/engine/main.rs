//! The engine between two real servers, without AWS.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests end at the first surprise, in their helpers too"
)]

mod certificates;
mod copied;
mod copying;
mod delta;
mod late_copies;
mod listing;
mod mended;
mod names;
mod odd_server;
mod passes;
mod preview;
mod providers;
mod refused;
mod renewed;
mod restarts;
mod round_trips;
mod servers;
mod sessions;
mod tidied;
mod turns;
mod unreadable;
mod users;
