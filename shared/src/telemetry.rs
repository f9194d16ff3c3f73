//! Logs: JSON lines on standard output, which Lambda hands to `CloudWatch`.

use tracing_subscriber::EnvFilter;

/// Starts logging. `filter` is what `RUST_LOG` says; none means `info`.
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
}
