//! Logs and metrics: JSON lines on standard output, which Lambda hands to `CloudWatch`. And what a process that dies does
//! not tell.

use std::io::Write as _;

use jiff::Timestamp;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use serde_json::{Map, Value, json};
use tracing_subscriber::EnvFilter;

/// What a metric's number is of, as `CloudWatch` calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Parts of a hundred.
    Percent,
    /// Seconds.
    Seconds,
}

/// A metric and its value.
pub type Metric = (&'static str, Unit, i64);

/// Writes metrics of the stack that has this table, in `CloudWatch`'s embedded metric format: a line of the log,
/// from which `CloudWatch` takes them. `about` is what else the line says.
pub fn measure(table: &str, metrics: &[Metric], about: &[(&str, &str)], now: Timestamp) {
    let line = embedded(table, metrics, about, now).to_string();
    // A full or closed output is nothing that work should end for.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn embedded(table: &str, metrics: &[Metric], about: &[(&str, &str)], now: Timestamp) -> Value {
    let definitions: Vec<Value> = metrics
        .iter()
        .map(|(name, unit, _)| json!({ "Name": name, "Unit": format!("{unit:?}") }))
        .collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{ "Namespace": "Mailvan", "Dimensions": [["Table"]], "Metrics": definitions }],
        }),
    );
    line.insert("Table".to_owned(), json!(table));
    line.extend(about.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    line.extend(
        metrics
            .iter()
            .map(|(name, _, value)| ((*name).to_owned(), json!(value))),
    );
    Value::Object(line)
}

/// Starts logging, and keeps what is in memory out of what the process leaves behind when it dies: it may be a password.
/// `filter` is what `RUST_LOG` says; none means `info`.
///
/// async-imap logs through another facade, which is not connected here: its records hold message
/// bodies and passwords.
pub fn start(filter: Option<&str>) {
    let filter = EnvFilter::try_new(filter.unwrap_or("info")).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_target(false)
        .with_current_span(false);
    // What a panic says may hold a password, such as a text that was cut in the middle of a character.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic.place = place, "panicked");
    }));
    // A second start changes nothing.
    let _ = subscriber.try_init();
    if let Err(error) = forbid_core_dumps() {
        tracing::error!(%error, "the process may leave its memory behind");
    }
}

/// A limit of nothing forbids the file. A program that takes core dumps instead of a file is not asked for the limit, but
/// for whether the process may be dumped; nor may others of the same user look into it then.
fn forbid_core_dumps() -> nix::Result<()> {
    let limited = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    prctl::set_dumpable(false)?;
    limited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_lines_that_cloudwatch_reads() {
        let metrics = [("LateRequests", Unit::Count, 2), ("EstimateMissed", Unit::Percent, -5)];
        let line = embedded("mailvan", &metrics, &[("request.id", "r1")], Timestamp::UNIX_EPOCH);
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 0,
                    "CloudWatchMetrics": [{
                        "Namespace": "Mailvan",
                        "Dimensions": [["Table"]],
                        "Metrics": [{"Name": "LateRequests", "Unit": "Count"}, {"Name": "EstimateMissed", "Unit": "Percent"}],
                    }],
                },
                "Table": "mailvan", "request.id": "r1", "LateRequests": 2, "EstimateMissed": -5,
            })
        );
    }
}
