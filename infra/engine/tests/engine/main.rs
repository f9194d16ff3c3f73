//! The engine between two real servers, without AWS.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests as a whole: a wrong answer may end them anywhere, in their helpers too"
)]

mod certificates;
mod copied;
mod late_copies;
mod passes;
mod servers;
