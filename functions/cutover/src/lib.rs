//! `cutover`: decides when the final pass may start.
//!
//! The customer says that the DNS is changed, or `watch` has seen it; either way it starts at once.
//! Idempotency key: the request. While the final pass runs a wish is passed on as well, because the
//! start may have been held up; `trigger` starts nothing twice.

use mailvan::config::Config;
use mailvan::domain::{Pass, RequestState};
use mailvan::queue::{CutOver, Queue, Queues, StartPass, decode, serve};
use mailvan::store::Store;

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

async fn decide(deps: &Deps, CutOver { request_id }: CutOver) -> anyhow::Result<()> {
    match deps.store.find_request(request_id).await?.map(|request| request.state) {
        Some(RequestState::AwaitingCutover | RequestState::FinalPass) => {
            tracing::info!(request.id = %request_id, "the DNS is changed; the final pass may start");
            deps.queues
                .send(
                    Queue::Start,
                    &StartPass {
                        request_id,
                        pass: Pass::Final,
                    },
                )
                .await?;
        }
        state => tracing::info!(request.id = %request_id, ?state, "no cut-over is awaited"),
    }
    Ok(())
}
