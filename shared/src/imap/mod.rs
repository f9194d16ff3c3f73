//! Talking to IMAP servers: connect, log in, and a session that cannot lose silently.
//!
//! `async-imap` authenticates; everything after that is our own framing (`frame`), tokens
//! (`value`) and responses (`response`), because the library's parsed helpers ignore tagged
//! statuses and take a closed connection for success. Every command here ends in a checked tagged
//! `OK` or in an [`ImapError`].
//!
//! This module knows nothing of requests, chunks or the table. Read next: [`connect`], then
//! `login`, [`session`] and [`append`]. What real servers do, and which test shows it, is in `tests.rs`.

pub mod append;
pub mod bodies;
pub mod capability;
pub mod connect;
mod count;
pub mod date;
mod deflate;
pub mod digest;
mod error;
pub mod fetch;
pub mod folder;
mod frame;
pub mod guard;
mod input;
mod listing;
mod login;
mod login_stream;
pub mod name;
mod namespace;
mod open;
mod output;
mod pipeline;
mod quirks;
pub mod quota;
mod refusal;
pub mod relocate;
pub mod remove;
#[cfg(test)]
mod replay;
mod response;
mod sasl;
mod search;
pub mod session;
pub mod store;
pub mod survey;
#[cfg(test)]
mod tests;
mod value;
pub mod withheld;

pub use capability::Capabilities;
pub use connect::{Compression, Connector, Credentials};
pub use count::{Count, Weighed, count, count_all, weigh};
pub use error::{Disposition, ImapError};
pub use session::{Selected, Session};
