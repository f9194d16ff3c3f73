//! The certificate of completeness: what a mailbox holds after its last pass, compared with what the
//! source held.
//!
//! ```text
//! compare      goes over a mailbox's folders and chunks, reads, and writes findings down
//! judge        one chunk: which messages are as they were, and what became of the others
//! certificate  the document that is made of the findings
//! run          jobs and requests: when to compare, and what follows
//! ```
//!
//! The destination is read anew, message by message, by code that the copying does not use
//! ([`crate::imap::digest`]). Of the source, what the copying read counts, as a sum a chunk; messages
//! are read there again only where the sums differ, and where the copying had not read them itself.
//!
//! Nothing here copies or changes mail, but for one thing: second copies that a broken connection
//! delivered late are removed, where the server can remove just them.

mod certificate;
pub mod code;
mod compare;
mod folder;
mod judge;
mod run;
mod side;

pub use certificate::{Certificate, CertificateKey, Subject};
pub use compare::{Basis, CertifyFailure, Compared};
pub use run::{CertifyEnd, abandon_certificate, certify_mailbox, conclude, progress};
