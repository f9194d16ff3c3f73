//! After a request's end: another pass over the previous provider, and the end of the passwords kept for that.
//!
//! Both may be repeated. A pass is wished for by its number, so that a wish that is heard twice starts one.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use mailvan::clock::now;
use mailvan::domain::{LaterLooks, Pass, RequestState};
use mailvan::queue::{CutOver, Queue};
use mailvan::store::later::{EndedBy, PASSWORDS_DELETED};
use mailvan::store::{JobRecord, RequestRecord, StoreError, stamp};
use serde::Serialize;

use crate::Deps;
use crate::actions::refused;
use crate::problem::{Code, Problem};
use crate::status::{ErrorView, Overview};

/// The later looks of a request as clients get them.
#[derive(Serialize)]
pub struct LaterLooksView {
    /// How many passes after the final one have begun.
    passes: u32,
    /// How many messages they fetched.
    fetched: i64,
    /// When the next one begins by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Until when the passwords are kept at the latest; absent once they are deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    passwords_until: Option<String>,
}

/// What later passes brought for a mailbox.
#[derive(Serialize)]
pub struct LookedView<'a> {
    pass: Pass,
    fetched: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<ErrorView<'a>>,
    /// Whether that is to be expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<bool>,
}

/// What became of the wish for another pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// This one is to be started, or runs.
    PassOn(Option<u32>),
    /// For this reason there will be none.
    Refused(Code),
}

/// `POST .../passes`: looks at the previous provider once more.
pub async fn look_again(deps: &Deps, request: RequestRecord) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let overview = Overview::load(deps, request).await?;
    match wish(&overview.request) {
        Wish::PassOn(later) => {
            let request_id = overview.request.request_id;
            deps.queues.send(Queue::Cutover, &CutOver { request_id, later }).await?;
            Ok(overview.response(202)?)
        }
        Wish::Refused(code) => Err(refused(code, &overview).into()),
    }
}

/// `DELETE .../passwords`: deletes the key to the passwords that are kept for later looks.
pub async fn delete_passwords(deps: &Deps, mut request: RequestRecord) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let id = request.request_id;
    loop {
        if !request.state.is_terminal() && !request.state.has_been_completed() {
            return Err(refused(Code::NotCompleted, &Overview::load(deps, request).await?).into());
        }
        if request.data_key.is_none() {
            return Ok(Overview::load(deps, request).await?.response(200)?);
        }
        match deps.store.end_looks(&request, EndedBy::Customer, now()).await {
            Ok(ended) => {
                tracing::info!(request.id = %id, "the customer has the passwords deleted");
                request = ended;
            }
            // A pass began or ended in this moment.
            Err(StoreError::Conflict) => {
                let read = deps.store.find_request(id).await?;
                request = read.ok_or_else(Problem::no_such_request)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn wish(request: &RequestRecord) -> Wish {
    match request.state {
        RequestState::FinalPass => Wish::PassOn(None),
        RequestState::LaterPass if request.has_lost_its_passwords() => Wish::Refused(Code::PasswordsDeleted),
        RequestState::LaterPass => match request.looks.as_ref().map(LaterLooks::running) {
            Some(Pass::Later(number)) => Wish::PassOn(Some(number)),
            _ => Wish::Refused(Code::PasswordsDeleted),
        },
        RequestState::Completed | RequestState::CompletedWithExceptions => {
            match request.open_looks().map(LaterLooks::next_pass) {
                Some(Some(Pass::Later(number))) => Wish::PassOn(Some(number)),
                Some(_) => Wish::Refused(Code::TooManyPasses),
                None => Wish::Refused(Code::PasswordsDeleted),
            }
        }
        RequestState::Cancelled | RequestState::Failed => Wish::Refused(Code::PasswordsDeleted),
        RequestState::AwaitingUpload
        | RequestState::Checking
        | RequestState::NeedsAttention
        | RequestState::Scheduled
        | RequestState::FirstPass
        | RequestState::AwaitingCutover => Wish::Refused(Code::NotCompleted),
    }
}

/// The later looks of a request that was completed; none where none are planned.
pub fn view(request: &RequestRecord, jobs: &[JobRecord]) -> Option<LaterLooksView> {
    let looks = request.looks.as_ref().filter(|_| request.state.has_been_completed())?;
    let open = request.open_looks();
    Some(LaterLooksView {
        passes: looks.passes(),
        fetched: jobs
            .iter()
            .filter_map(|job| job.looked.as_ref())
            .map(|looked| looked.in_all)
            .sum(),
        next: open.and_then(LaterLooks::next).map(stamp),
        passwords_until: open.and_then(LaterLooks::until).map(stamp),
    })
}

/// What later passes brought for a mailbox.
pub fn looked(job: &JobRecord) -> Option<LookedView<'_>> {
    let looked = job.looked.as_ref()?;
    Some(LookedView {
        pass: looked.pass,
        fetched: looked.in_all,
        trouble: looked.trouble.as_ref().map(|failure| ErrorView {
            code: &failure.code,
            message: &failure.message,
        }),
        expected: looked.trouble.as_ref().map(|_| !looked.is_amiss),
    })
}

/// The same for the report: the pass, a code where it could not be done, and words.
pub fn in_words(job: &JobRecord) -> Option<(String, String, String)> {
    let looked = job.looked.as_ref()?;
    let fetched = match looked.in_all {
        0 => "nothing had arrived at the previous provider after the move".to_owned(),
        1 => "1 message that arrived at the previous provider after the move was fetched".to_owned(),
        more => format!("{more} messages that arrived at the previous provider after the move were fetched"),
    };
    let message = match &looked.trouble {
        None => fetched,
        Some(failure) if looked.is_amiss => format!("{fetched}; then it broke off: {}", failure.message),
        Some(failure) if failure.code == PASSWORDS_DELETED => format!("{fetched}; {}", failure.message),
        Some(failure) => format!(
            "{fetched}; the old mailbox could not be opened any more, which is to be expected after it was given up there: {}",
            failure.message
        ),
    };
    let code = looked.trouble.as_ref().map(|failure| failure.code.clone());
    Some((looked.pass.to_string(), code.unwrap_or_default(), message))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::samples;

    fn request(state: RequestState, has_key: bool) -> RequestRecord {
        let looks = LaterLooks::planned(&[SignedDuration::from_hours(24)]).unwrap();
        RequestRecord {
            looks: Some(looks.after_pass(Pass::Final, samples::now())),
            data_key: has_key.then(|| "DATAKEY".to_owned()),
            ..samples::request(state)
        }
    }

    #[test]
    fn a_pass_can_be_asked_for_while_the_passwords_are_kept() {
        for state in RequestState::ALL {
            let expected = match state {
                RequestState::Completed | RequestState::CompletedWithExceptions => Wish::PassOn(Some(1)),
                RequestState::LaterPass => Wish::PassOn(Some(0)),
                RequestState::FinalPass => Wish::PassOn(None),
                RequestState::Cancelled | RequestState::Failed => Wish::Refused(Code::PasswordsDeleted),
                _ => Wish::Refused(Code::NotCompleted),
            };
            assert_eq!(wish(&request(state, true)), expected, "{state}");
        }
        for state in [RequestState::Completed, RequestState::LaterPass] {
            assert_eq!(
                wish(&request(state, false)),
                Wish::Refused(Code::PasswordsDeleted),
                "{state}"
            );
        }
    }

    #[test]
    fn what_is_shown_ends_with_the_passwords() {
        let shown = |has_key| {
            let view = view(&request(RequestState::Completed, has_key), &[]).unwrap();
            serde_json::to_value(view).unwrap()
        };
        let expected = serde_json::json!({
            "passes": 0, "fetched": 0, "next": "2026-11-25T09:00:00Z", "passwords_until": "2026-11-26T09:00:00Z"
        });
        assert_eq!(shown(true), expected);
        assert_eq!(shown(false), serde_json::json!({ "passes": 0, "fetched": 0 }));
        assert!(view(&request(RequestState::FinalPass, true), &[]).is_none());
    }
}
