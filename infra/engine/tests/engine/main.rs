//! The engine between two real servers, without AWS.

#![allow(
    clippy::unwrap_used,
    reason = "tests end at the first surprise, in their helpers too"
)]

mod copying;
mod delta;
mod names;
mod passes;
mod servers;
mod sessions;
mod users;
