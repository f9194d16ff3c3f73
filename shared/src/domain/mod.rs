//! The words of the service and its rules: ids, addresses, states, time frames, faults.
//!
//! Everything here is a value or a pure function. The module refuses to know about servers, tables,
//! queues, the clock, the environment and randomness: `now` and random bytes are parameters. A
//! value that exists has been checked, because it can only be made by parsing.
//!
//! Reading order: [`id`], [`address`], [`source`], then the two state machines [`request`] and
//! [`job`], then the time rules [`window`], [`frame`], [`lead`] and [`looks`], and what is to be copied, [`options`]; [`fault`] is what a customer is told when
//! a value is refused. Bytes from customers become these values in `crate::intake`.

pub mod accent;
pub mod address;
pub mod capacity;
pub mod check;
pub mod dropped;
pub mod estimate;
pub mod exception_class;
pub mod fault;
pub mod flags;
pub mod found;
pub mod frame;
pub mod grants;
pub mod host;
pub mod id;
pub mod job;
pub mod language;
pub mod lead;
pub mod looks;
pub mod options;
pub mod pass;
pub mod patience;
pub mod pattern;
pub mod preview;
pub mod prints;
pub mod reading;
pub mod request;
pub mod rest;
pub mod retention;
pub mod secret;
pub mod servers;
pub mod source;
pub mod speed;
pub mod tally;
pub mod ticket;
pub mod ticket_system;
pub mod uid;
pub mod window;
pub mod zone;

pub use accent::{Accent, AccentError};
pub use address::{AddressError, EmailAddress};
pub use capacity::{Capacity, Fit, Load, Loads, Reservation};
pub use check::{Check, CheckCode, CheckFault, CheckState, MailboxSize};
pub use dropped::DroppedFlags;
pub use estimate::Estimate;
pub use exception_class::{ClassCounts, ExceptionClass};
pub use fault::{Fault, FaultCode};
pub use found::{FoundBy, FoundServer, LoginName, ServerSearch};
pub use frame::{AfterEnd, Opening, SHORT_WAIT};
pub use grants::Grants;
pub use host::{Host, HostError};
pub use id::{IdError, JobId, RequestId};
pub use job::{JobEvent, JobState, JobStatus, pass_outcome};
pub use language::Language;
pub use lead::{LeadTimes, TooEarly, Workdays, check_start, earliest_start};
pub use looks::{LaterLooks, LookStep};
pub use options::{CopyOptions, DateRange};
pub use pass::Pass;
pub use pattern::{FolderPattern, PatternError};
pub use preview::FolderPreview;
pub use request::{PassOutcome, RequestEvent, RequestState};
pub use rest::Rest;
pub use retention::{Overstay, Retention};
pub use secret::Secret;
pub use servers::{Servers, TooLarge};
pub use source::{Endpoint, MailboxOrder, Security};
pub use ticket_system::TicketSystem;
pub use window::{Window, WindowError};
pub use zone::{UnknownZone, Zone};

/// Whether a number is zero, for serde: such a number is not written.
pub(crate) fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}
