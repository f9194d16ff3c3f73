//! Imports into a real server, without AWS.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests end at the first surprise, in their helpers too"
)]

mod again;
mod faults;
mod imports;
mod place;
mod proxy;
