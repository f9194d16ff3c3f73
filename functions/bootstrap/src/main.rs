//! The program behind every function: the platform names the one it wants in `_HANDLER`.
//!
//! One binary is linked and uploaded once; roles, memory and time limits are still each function's
//! own (see `infra/decisions.md`). Run by hand as `bootstrap check-profile FILE` it says whether the functions would
//! start with that profile.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use lambda_runtime::Error;
use mailvan::config::handler;
use mailvan::profile::Profile;
use mailvan::queue::causes;
use mailvan::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let ended = match arguments.as_slice() {
        [task, profile] if task == "check-profile" => Profile::load(Path::new(profile)).map(drop).map_err(Error::from),
        _ => Box::pin(serve()).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {}", causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Error> {
    let (handler, log_filter) = handler();
    telemetry::start(log_filter.as_deref());
    match handler.as_str() {
        "intake" => mailvan_intake::run().await,
        "ingest" => mailvan_ingest::run().await,
        "trigger" => mailvan_trigger::run().await,
        "plan" => mailvan_plan::run().await,
        "sync" => mailvan_sync::run().await,
        "certify" => mailvan_certify::run().await,
        "check" => mailvan_check::run().await,
        "cutover" => mailvan_cutover::run().await,
        "import" => mailvan_import::run().await,
        "notify" => mailvan_notify::run().await,
        "page" => mailvan_page::run().await,
        "ticket" => mailvan_ticket::run().await,
        "watch" => mailvan_watch::run().await,
        "bury" => mailvan_bury::run().await,
        other => Err(format!("there is no function named {other:?}").into()),
    }
}
