//! The engine between two real servers, without AWS.

mod copying;
mod passes;
mod servers;
