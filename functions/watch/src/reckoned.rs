//! When the first passes that run will be done, as far as can be told now: once an hour for each.

use jiff::{SignedDuration, Timestamp};
use mailvan::domain::RequestState;
use mailvan::forecast::Known;
use mailvan::profile::Profile;
use mailvan::store::{Reckoning, RequestRecord, Store, StoreError};

/// How often a request is reckoned: all of its mailboxes are read for it.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Whether a request's reckoning is of an hour ago, or of an earlier start.
pub fn is_to_reckon(request: &RequestRecord, now: Timestamp) -> bool {
    let since = now.checked_sub(EVERY).unwrap_or(Timestamp::MIN);
    request.state == RequestState::FirstPass && current(request).is_none_or(|reckoned| reckoned.at <= since.as_second())
}

/// When the request will be done by the middle of what is probable, if that was reckoned in this pass.
pub fn expected_end(request: &RequestRecord) -> Option<Timestamp> {
    current(request).and_then(|reckoned| Timestamp::from_second(reckoned.end?).ok())
}

/// What was reckoned since the pass began.
fn current(request: &RequestRecord) -> Option<Reckoning> {
    let since: Timestamp = request.state_since.parse().ok()?;
    request.reckoned.filter(|reckoned| reckoned.at >= since.as_second())
}

/// Reckons a request, and writes it down. Idempotency key: the request and the hour.
pub async fn reckon(
    store: &Store,
    profile: &Profile,
    request: &RequestRecord,
    now: Timestamp,
) -> anyhow::Result<RequestRecord> {
    let jobs = store.jobs(request.request_id, request.generation).await?;
    let known = Known::load(store, profile, request, &jobs, now).await?;
    let forecast = known.forecast(request, &jobs, now).map(|forecast| forecast.request);
    let reckoned = Reckoning {
        at: now.as_second(),
        end: forecast.map(|range| middle(range.from, range.until).as_second()),
    };
    match store.note_reckoning(request, reckoned).await {
        // It has moved on in this moment.
        Ok(()) | Err(StoreError::Conflict) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(RequestRecord {
        reckoned: Some(reckoned),
        ..request.clone()
    })
}

fn middle(from: Timestamp, until: Timestamp) -> Timestamp {
    from.checked_add(until.duration_since(from) / 2).unwrap_or(until)
}

#[cfg(test)]
mod tests {
    use mailvan::domain::RequestId;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn copying(reckoned: Option<Reckoning>) -> RequestRecord {
        let (id, contact) = (RequestId::from_parts(0, [0; 10]), "anna@example.com".parse().unwrap());
        RequestRecord {
            reckoned,
            ..RequestRecord::made(id, RequestState::FirstPass, contact, String::new(), at(0))
        }
    }

    #[test]
    fn a_first_pass_is_reckoned_by_the_hour_and_anew_when_it_is_begun_again() {
        let reckoned = |second: i64| {
            Some(Reckoning {
                at: at(second).as_second(),
                end: Some(at(90_000).as_second()),
            })
        };
        assert!(is_to_reckon(&copying(None), at(0)));
        assert!(!is_to_reckon(&copying(reckoned(60)), at(3_659)) && is_to_reckon(&copying(reckoned(60)), at(3_660)));
        assert_eq!(expected_end(&copying(reckoned(60))), Some(at(90_000)));
        // Of the pass before this one.
        assert!(is_to_reckon(&copying(reckoned(-60)), at(0)));
        assert_eq!(expected_end(&copying(reckoned(-60))), None);
        let done = RequestRecord {
            state: RequestState::AwaitingCutover,
            ..copying(None)
        };
        assert!(!is_to_reckon(&done, at(0)));
    }

    #[test]
    fn the_middle_lies_between() {
        assert_eq!(middle(at(10), at(30)), at(20));
        assert_eq!(middle(at(10), at(10)), at(10));
    }
}
