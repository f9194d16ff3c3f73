//! The engine between two real servers, without AWS.

mod passes;
mod servers;
