//! The DNS of a customer's domain: what it says, what it should say, and when its change has arrived.
//!
//! Asking and judging are apart. [`mod@look`](look::look) asks resolvers and the domain's own servers and
//! gives a [`Look`]; all else here is pure: [`guide`] says of a look which records are right and what
//! to type, [`gate`] when mail no longer arrives at the previous provider.
//!
//! Reading order: [`answer`] (what a server says), `ask` (one question to one server), [`resolver`],
//! `zone` (who is responsible for a domain), [`settings`] (what the provider wants), [`mod@look`], `limit`, [`spf`],
//! [`guide`], [`gate`].

pub mod answer;
mod ask;
pub mod gate;
pub mod guide;
mod limit;
pub mod look;
pub mod resolver;
pub mod settings;
pub mod spf;
mod zone;

pub use answer::{Data, Kind, Srv};
pub use gate::DomainWatch;
pub use look::{Look, look};
pub use resolver::{LookupError, Resolver};
pub use settings::{DnsSettings, Purpose, Wanted};
