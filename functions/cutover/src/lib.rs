//! `cutover`: decides when the final pass may start, or a later one.
//!
//! The customer says that the DNS is changed, or `watch` has seen it; either way it starts at once.
//! Idempotency key: the request, and the number of a later pass. While the pass runs a wish is passed on as
//! well, because the start may have been held up; `trigger` starts nothing twice.

use mailvan::config::Config;
use mailvan::domain::{Pass, RequestState};
use mailvan::queue::{CutOver, Queue, Queues, StartPass, decode, serve};
use mailvan::store::{RequestRecord, Store};

/// What the function works with.
struct Deps {
    store: Store,
    queues: Queues,
}

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let config = Config::load().await?;
    let deps = &Deps {
        store: config.store(),
        queues: config.queues(),
    };
    serve(async |message, _| decide(deps, decode(&message)?).await).await
}

async fn decide(deps: &Deps, CutOver { request_id, later }: CutOver) -> anyhow::Result<()> {
    let request = deps.store.find_request(request_id).await?;
    let Some(pass) = request.as_ref().and_then(|request| pass(request, later)) else {
        let state = request.map(|request| request.state);
        tracing::info!(request.id = %request_id, ?state, ?later, "no such pass is awaited");
        return Ok(());
    };
    tracing::info!(request.id = %request_id, %pass, "the pass may start");
    let start = StartPass { request_id, pass };
    Ok(deps.queues.send(Queue::Start, &start).await?)
}

/// The pass that is wished for, if it may start or runs.
fn pass(request: &RequestRecord, later: Option<u32>) -> Option<Pass> {
    match (later, request.state) {
        (None, RequestState::AwaitingCutover | RequestState::FinalPass) => Some(Pass::Final),
        (Some(number), _) => Some(Pass::Later(number)).filter(|pass| request.may_run(*pass)),
        _ => None,
    }
}
