//! The engine between two real servers, without AWS.

mod copying;
mod names;
mod passes;
mod servers;
