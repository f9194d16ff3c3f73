//! Time frames: `GET /v1/earliest-start`, and `POST /v1/requests/{id}/window`.

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use jiff::Timestamp;
use mailvan::domain::{LeadTimes, Loads, RequestId, RequestState, Window, Zone, earliest_start};
use mailvan::queue::{CheckRequest, Queue};
use mailvan::room::{is_no_room, loads_of};
use mailvan::store::{JobRecord, NoticeKind, RequestRecord, StoreError};
use serde_json::json;

use crate::actions::{forget_starts, refused};
use crate::problem::{Code, Problem};
use crate::status::Overview;
use crate::{Deps, moment, order, response, status};

/// Says when a migration that is ordered now may start at the earliest.
pub fn earliest(
    deps: &Deps,
    event: &ApiGatewayV2httpRequest,
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let provider = &deps.profile.provider;
    let zone = zone(event.query_string_parameters.first("time_zone"), &provider.time_zone)?;
    let earliest = earliest_start(now, provider.workdays(), deps.rules.lead_times);
    let LeadTimes { ordinary, weekend } = deps.rules.lead_times;
    let shortest = deps.room.shortest_frame.as_mins();
    let rule = format!(
        "A migration is ordered {} hours ahead, and {} hours before a start on a Saturday, a Sunday or a public holiday ({}). \
         A time frame that ends is {shortest} minutes long at least.",
        ordinary.as_hours(),
        weekend.as_hours(),
        provider.time_zone
    );
    let document = json!({
        "earliest": moment::rfc3339(earliest, &zone),
        "earliest_words": moment::words(earliest, &zone),
        "time_zone": zone.name(),
        "shortest_frame_minutes": shortest,
        "rule": rule,
    });
    Ok(response::json(200, &document)?)
}

fn zone(wanted: Option<&str>, provider: &Zone) -> Result<Zone, Problem> {
    let Some(text) = wanted else {
        return Ok(provider.clone());
    };
    text.parse().map_err(|error: mailvan::domain::UnknownZone| {
        Problem::of_field("time_zone", "bad_time_zone", format!("{error}."))
    })
}

/// Gives a request another time frame, or none. What was scheduled before is forgotten last, so that
/// there is a start whatever breaks off in between: one at a time that no longer counts starts nothing.
pub async fn reschedule(
    deps: &Deps,
    request: RequestRecord,
    body: &[u8],
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let window = order::read_window(body, deps.terms(now))?;
    if !is_ahead(request.state) {
        return Err(refused(Code::NotReschedulable, &Overview::load(deps, request).await?).into());
    }
    let id = request.request_id;
    // Of a file that is not read yet nothing is known.
    let jobs = deps.store.jobs(id, request.generation).await?;
    has_room(deps, Some(id), window.as_ref(), &loads_of(&jobs), now).await?;
    let is_scheduled = request.state == RequestState::Scheduled;
    let notice = match window {
        Some(_) => NoticeKind::Scheduled,
        None => NoticeKind::Accepted,
    };
    let written = deps
        .store
        .set_window(&request, window.as_ref(), is_scheduled.then_some(notice), now);
    match written.await {
        Err(StoreError::Conflict) => {
            let detail =
                "The request moved on while you asked: look at its status, and send it again if it is still wanted.";
            return Err(Problem::new(Code::ChangedMeanwhile, detail).into());
        }
        written => written?,
    }
    let goes_on = is_scheduled || waited_for_room(deps, &request, &jobs).await?;
    if goes_on {
        let admit = CheckRequest {
            request_id: id,
            generation: request.generation,
            good_rows_only: true,
            wished_in: Some(request.state_since.clone()),
        };
        deps.queues.send(Queue::Ingest, &admit).await?;
    }
    // Another call may have moved it again meanwhile.
    let counts = deps.store.request(id).await?;
    let is_another = window.as_ref().map(Window::start) != request.window.as_ref().map(Window::start);
    if is_scheduled && is_another {
        forget_starts(deps, id, request.window.as_ref(), counts.wait_for_start(now), now).await?;
    }
    tracing::info!(request.id = %id, request.state = %request.state, "time frame changed");
    Ok(Overview::load(deps, counts)
        .await?
        .with_forecast(deps)
        .await?
        .response(200)?)
}

/// Refuses a frame that has no room for this.
pub async fn has_room(
    deps: &Deps,
    id: Option<RequestId>,
    window: Option<&Window>,
    loads: &Loads,
    now: Timestamp,
) -> anyhow::Result<()> {
    if window.is_none() || loads.is_empty() {
        return Ok(());
    }
    let Some(no_room) = deps.room.place(id, window, loads, now).await?.refusal else {
        return Ok(());
    };
    let problem = Problem::new(Code::NoRoom, no_room.in_words());
    let problem = match &no_room.next {
        Some(next) => problem.with("next_window", json!(status::window(next, None))),
        None => problem,
    };
    Err(problem.into())
}

/// Whether a request waits for the customer for nothing but another frame.
async fn waited_for_room(deps: &Deps, request: &RequestRecord, jobs: &[JobRecord]) -> Result<bool, StoreError> {
    let waits = request.state == RequestState::NeedsAttention && is_no_room(request.error_code.as_deref());
    if !waits || jobs.iter().any(|job| job.check.needs_attention()) {
        return Ok(false);
    }
    Ok(!deps.store.has_faults(request.request_id, request.generation).await?)
}

/// Whether the first pass has not begun.
fn is_ahead(state: RequestState) -> bool {
    matches!(
        state,
        RequestState::AwaitingUpload | RequestState::Checking | RequestState::NeedsAttention | RequestState::Scheduled
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_can_be_changed_until_the_first_pass_begins() {
        let ahead: Vec<RequestState> = RequestState::ALL.into_iter().filter(|state| is_ahead(*state)).collect();
        assert_eq!(ahead.last(), Some(&RequestState::Scheduled));
        assert_eq!(ahead.len(), 4);
    }

    #[test]
    fn zone_is_the_providers_where_none_is_named() {
        let provider: Zone = "Europe/Berlin".parse().unwrap();
        assert_eq!(zone(None, &provider).unwrap(), provider);
        assert_eq!(
            zone(Some("America/New_York"), &provider).unwrap().name(),
            "America/New_York"
        );
        let problem = zone(Some("Berlin"), &provider).unwrap_err();
        assert_eq!(problem.document()["faults"][0]["code"], "bad_time_zone");
    }
}
