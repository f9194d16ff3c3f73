//! The service as a whole: the deployed template, real processes, real mail servers on both sides.
//!
//! Each flow has a world of its own. What is compared is read from the servers' stores by other
//! code than the copier's.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "flows are tests as a whole: a wrong answer may end them anywhere"
)]

mod attachments;
mod awry;
mod certified;
mod chaos;
mod copying;
mod cut_over_seen;
mod described;
mod main_way;
mod nights;
mod owners;
mod page;
mod preview;
mod returned;
mod staff;
mod tickets;
