//! The program behind every function: the platform names the one it wants in `_HANDLER`.
//!
//! One binary is linked and uploaded once; roles, memory and time limits are still each function's
//! own (see `infra/decisions.md`). Run by hand as `bootstrap check-profile FILE` it says whether the functions would
//! start with that profile.

use std::ffi::OsString;
use std::path::Path;
use std::pin::Pin;
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
        // Boxed: the futures of the functions are large.
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
    let run: Pin<Box<dyn Future<Output = Result<(), Error>>>> = match handler.as_str() {
        "bounce" => Box::pin(mailvan_bounce::run()),
        "intake" => Box::pin(mailvan_intake::run()),
        "ingest" => Box::pin(mailvan_ingest::run()),
        "trigger" => Box::pin(mailvan_trigger::run()),
        "plan" => Box::pin(mailvan_plan::run()),
        "sync" => Box::pin(mailvan_sync::run()),
        "certify" => Box::pin(mailvan_certify::run()),
        "check" => Box::pin(mailvan_check::run()),
        "cutover" => Box::pin(mailvan_cutover::run()),
        "import" => Box::pin(mailvan_import::run()),
        "notify" => Box::pin(mailvan_notify::run()),
        "page" => Box::pin(mailvan_page::run()),
        "ticket" => Box::pin(mailvan_ticket::run()),
        "watch" => Box::pin(mailvan_watch::run()),
        "bury" => Box::pin(mailvan_bury::run()),
        other => return Err(format!("there is no function named {other:?}").into()),
    };
    run.await
}
