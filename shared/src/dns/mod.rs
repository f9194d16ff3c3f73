//! The DNS of a customer's domain.
//!
//! Reading order: [`answer`] (what a server says), `ask` (one question to one server), [`resolver`]
//! (resolvers, and single servers of a zone).

pub mod answer;
mod ask;
pub mod resolver;

pub use answer::{Data, Kind, Srv};
pub use resolver::{LookupError, Resolver};
