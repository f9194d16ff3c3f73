//! What a customer can do with a request: renew the upload, go on without the bad rows, say that
//! the DNS is changed, cancel.
//!
//! Each may be repeated. What the state does not allow is a problem that says what to do instead.

use std::collections::BTreeSet;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use jiff::Timestamp;
use mailvan::domain::{Pass, RequestEvent, RequestId, RequestState, Window};
use mailvan::queue::{CheckRequest, CutOver, Queue};
use mailvan::store::request::RequestChange;
use mailvan::store::{NoticeKind, RequestRecord, StoreError};
use mailvan::sync::cancel_jobs;
use serde_json::json;

use crate::next::next_step;
use crate::problem::{Code, Problem};
use crate::status::Overview;
use crate::{Deps, order, response};

/// What became of the wish to cut over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CutOverWish {
    /// It is to be passed on; also while the final pass runs, whose start may have been held up.
    PassOn,
    /// The final pass is done: nothing is left to do.
    AlreadyDone,
    /// It is too early, or it will never be time.
    Refused,
}

/// How many mailboxes of a cancelled request are ended before the customer has the answer.
const ENDED_BY_CALL: usize = 200;

/// `POST .../upload`: a new address for the file. It voids what was uploaded before.
pub async fn upload(
    deps: &Deps,
    request: RequestRecord,
    body: &[u8],
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let file = order::read_renewal(body)?;
    if !matches!(
        request.state,
        RequestState::AwaitingUpload | RequestState::NeedsAttention
    ) {
        return Err(refused(Code::NotAwaitingUpload, &Overview::load(deps, request).await?).into());
    }
    let renewed = match deps.store.renew_upload(&request, &file, now).await {
        Err(StoreError::Conflict) => {
            let detail =
                "The request moved on while you asked: look at its status, and ask again if it still needs a file.";
            return Err(Problem::new(Code::ChangedMeanwhile, detail).into());
        }
        renewed => renewed?,
    };
    let upload = deps.uploads.sign_for(&renewed, now).await?;
    Ok(response::json(200, &json!({ "upload": upload }))?)
}

/// `POST .../proceed`: goes on with the good rows and leaves the others.
pub async fn proceed(deps: &Deps, request: RequestRecord) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let overview = Overview::load(deps, request).await?;
    may_proceed(&overview)?;
    let request = &overview.request;
    let message = CheckRequest {
        request_id: request.request_id,
        generation: request.generation,
        good_rows_only: true,
        wished_in: Some(request.state_since.clone()),
    };
    deps.queues.send(Queue::Ingest, &message).await?;
    Ok(overview.response(202)?)
}

/// `POST .../cutover`: the customer has changed the DNS.
pub async fn cut_over(deps: &Deps, request: RequestRecord) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let overview = Overview::load(deps, request).await?;
    match cut_over_wish(overview.request.state) {
        CutOverWish::PassOn => {
            deps.queues
                .send(
                    Queue::Cutover,
                    &CutOver {
                        request_id: overview.request.request_id,
                        later: None,
                    },
                )
                .await?;
            Ok(overview.response(202)?)
        }
        CutOverWish::AlreadyDone => Ok(overview.response(200)?),
        CutOverWish::Refused => Err(refused(Code::NotAwaitingCutover, &overview).into()),
    }
}

/// `POST .../cancel`: ends the request. State, notice, the end of the data key and its room are one write;
/// what follows is repeated by the next call if this one breaks off.
pub async fn cancel(deps: &Deps, request: RequestRecord, now: Timestamp) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let id = request.request_id;
    let change = RequestChange {
        notice: Some(NoticeKind::Cancelled),
        ..RequestChange::default()
    };
    let cancelled = match deps
        .store
        .advance_request(id, RequestEvent::Cancelled, now, change)
        .await
    {
        Err(StoreError::Illegal(_)) => {
            let overview = Overview::load(deps, deps.store.request(id).await?).await?;
            return Err(refused(Code::AlreadyEnded, &overview).into());
        }
        advanced => advanced?.into_record(),
    };
    forget_starts(deps, id, request.window.as_ref(), None, now).await?;
    let generation = cancelled.generation;
    // Of thousands a call has no time to end all; and it may break off.
    let rest = CheckRequest {
        request_id: id,
        generation,
        good_rows_only: false,
        wished_in: None,
    };
    deps.queues.send(Queue::Ingest, &rest).await?;
    let jobs = deps.store.jobs(id, generation).await?;
    cancel_jobs(&deps.store, jobs.get(..ENDED_BY_CALL).unwrap_or(&jobs), now).await?;
    drop(jobs);
    deps.queues.send_notices(id, &[NoticeKind::Cancelled]).await?;
    tracing::info!(request.id = %id, "request cancelled");
    Ok(Overview::load(deps, cancelled).await?.response(200)?)
}

/// Deletes what would start the first pass in this frame, or have it go on; but not the start that counts now, which may
/// be a later night of the same frame.
pub async fn forget_starts(
    deps: &Deps,
    id: RequestId,
    window: Option<&Window>,
    kept: Option<Timestamp>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let Some(window) = window else { return Ok(()) };
    for start in forgotten(window, kept, now) {
        deps.schedules.delete(id, Pass::First, start).await?;
        deps.schedules.delete_look(id, start).await?;
    }
    Ok(())
}

fn forgotten(window: &Window, kept: Option<Timestamp>, now: Timestamp) -> BTreeSet<Timestamp> {
    let starts = [Some(window.start()), window.next_start(now), window.next_waking(now)];
    starts
        .into_iter()
        .flatten()
        .filter(|start| Some(*start) != kept)
        .collect()
}

fn may_proceed(overview: &Overview) -> Result<(), Problem> {
    if overview.request.state != RequestState::NeedsAttention {
        Err(refused(Code::NotNeedsAttention, overview))
    } else if overview.good() == 0 {
        Err(refused(Code::NoGoodRows, overview))
    } else {
        Ok(())
    }
}

fn cut_over_wish(state: RequestState) -> CutOverWish {
    match state {
        RequestState::AwaitingCutover | RequestState::FinalPass => CutOverWish::PassOn,
        RequestState::Completed | RequestState::CompletedWithExceptions | RequestState::LaterPass => {
            CutOverWish::AlreadyDone
        }
        RequestState::AwaitingUpload
        | RequestState::Checking
        | RequestState::NeedsAttention
        | RequestState::Scheduled
        | RequestState::FirstPass
        | RequestState::Cancelled
        | RequestState::Failed => CutOverWish::Refused,
    }
}

/// The problem that tells the state and what to do in it.
pub fn refused(code: Code, overview: &Overview) -> Problem {
    let state = overview.request.state;
    Problem::new(
        code,
        format!("The request is in the state {state}. {}", next_step(overview)),
    )
    .with("state", state.as_str())
}

#[cfg(test)]
mod tests {
    use mailvan::domain::JobState;

    use super::*;
    use crate::samples;
    use crate::status::Noted;

    fn overview(state: RequestState, jobs: u32) -> Overview {
        let jobs = (1..=jobs)
            .map(|row| samples::job(row, JobState::Waiting, None))
            .collect();
        Overview {
            request: samples::request(state),
            jobs,
            faults: Vec::new(),
            read_at: samples::now(),
            forecast: None,
            noted: Noted::new(),
        }
    }

    /// The night after a frame's first one is at the same time a day later, where a frame that is moved may begin too.
    #[test]
    fn a_start_that_counts_now_is_not_deleted_with_the_old_frame() {
        let window = Window::parse(
            "2026-11-25T22:00",
            Some("2026-11-28T06:00"),
            "Europe/Berlin",
            samples::now(),
        )
        .unwrap();
        let starts = forgotten(&window, None, samples::now());
        assert!(starts.contains(&window.start()), "{starts:?}");
        for kept in starts.clone() {
            let left = forgotten(&window, Some(kept), samples::now());
            assert!(!left.contains(&kept), "{left:?}");
        }
    }

    #[test]
    fn only_a_request_that_needs_attention_and_has_good_rows_may_proceed() {
        for state in RequestState::ALL {
            let problem = may_proceed(&overview(state, 1)).err();
            let expected = (state != RequestState::NeedsAttention).then_some(Code::NotNeedsAttention);
            assert_eq!(problem.map(|problem| problem.code()), expected, "{state}");
        }
        assert_eq!(
            may_proceed(&overview(RequestState::NeedsAttention, 0))
                .unwrap_err()
                .code(),
            Code::NoGoodRows
        );
    }

    #[test]
    fn mailboxes_with_something_to_mend_are_no_good_rows() {
        let mut overview = overview(RequestState::NeedsAttention, 2);
        overview.jobs[0].check = samples::wrong_password();
        assert_eq!(may_proceed(&overview), Ok(()));
        overview.jobs[1].check = samples::wrong_password();
        assert_eq!(may_proceed(&overview).unwrap_err().code(), Code::NoGoodRows);
    }

    #[test]
    fn the_cut_over_is_passed_on_until_it_is_done_and_harmless_afterwards() {
        let with = |wish| {
            RequestState::ALL
                .into_iter()
                .filter(|state| cut_over_wish(*state) == wish)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            with(CutOverWish::PassOn),
            [RequestState::AwaitingCutover, RequestState::FinalPass]
        );
        assert_eq!(
            with(CutOverWish::AlreadyDone),
            [
                RequestState::LaterPass,
                RequestState::Completed,
                RequestState::CompletedWithExceptions
            ]
        );
    }

    #[test]
    fn a_refusal_tells_the_state_and_what_to_wait_for() {
        let document = refused(Code::NotAwaitingCutover, &overview(RequestState::FirstPass, 1)).document();
        assert_eq!(
            (&document["status"], &document["state"]),
            (&json!(409), &json!("first_pass"))
        );
        assert_eq!(
            document["detail"],
            "The request is in the state first_pass. Your mailboxes are being copied; leave your DNS as it is until you are told that this is done."
        );
    }
}
