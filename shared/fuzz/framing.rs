//! Fuzzes the framing and the parser of IMAP answers: any stream says the same however it is cut, and
//! nothing panics, loops or reads past an end. From `shared`, with a nightly compiler and cargo-fuzz:
//!
//! ```sh
//! cargo +nightly fuzz run framing fuzz/corpus/framing fuzz/seeds -- -dict=fuzz/imap.dict -max_total_time=3600
//! ```
//!
//! The sources are taken in as they are instead of the crate, of which the rest is the AWS SDK.

#![no_main]
#![allow(dead_code, reason = "what the session alone uses of these modules")]

use libfuzzer_sys::fuzz_target;

#[path = "../src/imap/frame.rs"]
mod frame;
#[path = "../src/imap/replay.rs"]
mod replay;
#[path = "../src/imap/response.rs"]
mod response;
#[path = "../src/imap/value.rs"]
mod value;

fuzz_target!(|input: &[u8]| replay::check_input(input));
