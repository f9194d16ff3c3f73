//! Mailvan's common crate: what the functions share.
//!
//! # Code map, in reading order
//! - [`domain`]: the words and rules; no I/O, no clock, no randomness. [`intake`]: a customer's
//!   bytes to accepted mailboxes and all faults.
//! - [`imap`]: sessions with servers. [`sync`]: copying mail exactly once over them. [`certify`]:
//!   comparing what was copied.
//! - [`dns`]: what a domain says, should say, and when its change has arrived. [`watch`]: looking at the
//!   domains of a request.
//! - [`check`]: looking at a mailbox before it is copied. [`admission`]: from checked rows to a
//!   scheduled request. [`room`]: whether it has room in its time frame. [`forecast`]: how
//!   long it will take.
//! - [`forgotten`]: what becomes of requests that nobody comes back to.
//! - [`permit`]: into which mailboxes an order may have mail moved.
//! - [`dav`]: contacts and calendars. [`imports`]: when customers are told of them.
//! - [`store`], [`queue`], [`schedule`], [`secrets`], [`notify`], [`tickets`]: one module an outside service.
//! - [`profile`], [`config`], [`clock`], [`telemetry`]: what a function is told, and tells.
//!
//! # Invariants, kept by the tidy test
//! - `domain` and `intake` import no runtime, no AWS SDK and no IMAP library.
//! - Only `imap::connect` opens connections, and it checks the address it connects to.
//! - Only `config` reads the environment and only `clock` the clock.
//! - Secrets are exposed by a call of [`domain::Secret::expose`] and in no other way.

pub mod admission;
pub mod apple;
pub mod certify;
pub mod check;
pub mod clock;
pub mod config;
pub mod dav;
mod dial;
pub mod dns;
pub mod domain;
pub mod forecast;
pub mod forgotten;
pub mod idempotency;
pub mod imap;
pub mod imports;
pub mod intake;
pub mod notify;
pub mod permit;
pub mod profile;
pub mod queue;
pub mod room;
pub mod schedule;
pub mod secrets;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod tickets;
pub mod upload;
pub mod watch;
