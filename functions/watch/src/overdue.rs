//! Requests that take longer than they should: staff are told of those that copy, those that are being checked
//! are looked after, and those that nobody started or woke at their time are started.

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use mailvan::clock;
use mailvan::domain::{Pass, RequestId, RequestState, SHORT_WAIT};
use mailvan::profile::Profile;
use mailvan::queue::{CheckRequest, Queue, Queues, StartPass};
use mailvan::store::{NoticeKind, RequestRecord, StaffCause, Store};
use mailvan::telemetry::{Unit, measure};

use crate::reckoned::{expected_end, is_to_reckon, reckon};

/// Most requests are done within a day of their start.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// A check takes minutes; one whose message was never sent would take for ever.
const CHECKED_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// A start, by its schedule or at once, takes seconds; one whose schedule was lost would never come.
const STARTED_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// How often one that is still being checked, or is not started, is looked after.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// So much of a run's time goes into reckoning when first passes will be done; what is left is reckoned by the next one.
const RECKONING: SignedDuration = SignedDuration::from_mins(1);

/// How many are named in the log.
const NAMED: usize = 20;

/// How many are read at the same time.
const AT_ONCE: usize = 8;

/// What is wrong with a request's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Overdue {
    /// It is not done within a day, or will not be.
    is_late: bool,
    /// Nobody has started it, or had it go on, though its frame is open.
    is_unstarted: bool,
}

/// Tells how many requests are late, starts those that were forgotten, and looks after checks. The clock's own
/// work: each time anew.
pub async fn look(store: &Store, queues: &Queues, profile: &Profile, now: Timestamp) -> anyhow::Result<()> {
    let started = now.checked_sub(STARTED_WITHIN)?;
    let mut late: Vec<RequestId> = Vec::new();
    let mut unstarted: Vec<RequestId> = Vec::new();
    let mut faults = 0;
    for (state, since) in [
        (RequestState::Scheduled, started),
        (RequestState::FirstPass, now),
        (RequestState::FinalPass, now.checked_sub(LATE)?),
        (RequestState::LaterPass, now.checked_sub(LATE)?),
    ] {
        let found = stream::iter(store.requests_since(state, since).await?);
        // The index may be behind: what counts is the request itself.
        let read = found.map(async |id| (id, store.find_request(id).await));
        let mut read = read.buffer_unordered(AT_ONCE);
        while let Some((id, request)) = read.next().await {
            let request = match request {
                Ok(Some(request)) => request,
                Ok(None) => continue,
                // One that cannot be read holds up no other.
                Err(error) => {
                    tracing::error!(request.id = %id, %error, "a request cannot be read");
                    faults += 1;
                    continue;
                }
            };
            let request = if is_to_reckon(&request, now) && clock::now().duration_since(now) < RECKONING {
                match reckon(store, profile, &request, now).await {
                    Ok(reckoned) => reckoned,
                    Err(error) => {
                        tracing::error!(request.id = %id, error = %format_args!("{error:#}"), "when a request will be done cannot be told");
                        faults += 1;
                        request
                    }
                }
            } else {
                request
            };
            let overdue = overdue(&request, now);
            if overdue.is_late {
                late.push(request.request_id);
            }
            if overdue.is_unstarted {
                unstarted.push(request.request_id);
            }
        }
    }
    let metrics = [
        ("LateRequests", Unit::Count, i64::try_from(late.len())?),
        ("LateStarts", Unit::Count, i64::try_from(unstarted.len())?),
    ];
    measure(store.table(), &metrics, &[], now);
    if !late.is_empty() {
        let named: Vec<String> = late.iter().take(NAMED).map(ToString::to_string).collect();
        tracing::error!(count = late.len(), requests = ?named, "requests are not done a day after their start");
    }
    for request_id in unstarted {
        tracing::error!(request.id = %request_id, "a request was not started at its time; it is now");
        let pass = Pass::First;
        queues.send(Queue::Start, &StartPass { request_id, pass }).await?;
        store.look_after(request_id, now, now).await?;
    }
    faults += look_after_checks(store, queues, now).await?;
    // Last: they hold no start up.
    for request_id in late {
        if let Err(error) = tell_staff(store, queues, request_id, now).await {
            tracing::error!(request.id = %request_id, %error, "staff cannot be told that a request is late");
            faults += 1;
        }
    }
    measure(store.table(), &[("ClockFaults", Unit::Count, faults)], &[], now);
    Ok(())
}

/// Tells staff of a late request, once.
async fn tell_staff(store: &Store, queues: &Queues, id: RequestId, now: Timestamp) -> anyhow::Result<()> {
    let notice = NoticeKind::NeedsStaff {
        cause: StaffCause::Late,
    };
    if store.queue_notice(id, notice, now).await? {
        queues.send_notices(id, &[notice]).await?;
    }
    Ok(())
}

/// Says what is wrong with a request's time. Hours count in which its frame is open.
fn overdue(request: &RequestRecord, now: Timestamp) -> Overdue {
    let Ok(since) = request.state_since.parse::<Timestamp>() else {
        return Overdue::default();
    };
    let is_looked_after = |since: Timestamp| request.looked_after.is_some_and(|at| at >= since.as_second());
    let waiting = request
        .open_since(now)
        .filter(|open| now.duration_since(*open) >= STARTED_WITHIN);
    match request.state {
        RequestState::Scheduled => Overdue {
            is_late: false,
            is_unstarted: waiting
                .is_some_and(|open| !is_looked_after(open.max(now.checked_sub(EVERY).unwrap_or(open)))),
        },
        RequestState::FirstPass => Overdue {
            is_late: request.open_time(since, expected_end(request).unwrap_or(now).max(now)) >= LATE,
            // What an earlier night interrupted; `trigger` says when it has woken it, which may be a little before the
            // night begins.
            is_unstarted: waiting
                .and_then(|open| open.checked_sub(SHORT_WAIT).ok())
                .is_some_and(|open| open > since && !is_looked_after(open)),
        },
        RequestState::FinalPass | RequestState::LaterPass => Overdue {
            is_late: now.duration_since(since) >= LATE,
            is_unstarted: false,
        },
        _ => Overdue::default(),
    }
}

/// Gives how many could not be looked after.
async fn look_after_checks(store: &Store, queues: &Queues, now: Timestamp) -> anyhow::Result<i64> {
    let mut faults = 0;
    let since = now.checked_sub(CHECKED_WITHIN)?;
    for id in store.requests_since(RequestState::Checking, since).await? {
        if store.look_after(id, now.checked_sub(EVERY)?, now).await?
            && let Err(error) = look_after(store, queues, id).await
        {
            tracing::error!(request.id = %id, %error, "a check cannot be looked after");
            faults += 1;
        }
    }
    Ok(faults)
}

/// Has the checks of a request sent again that are open: whoever was to send them may have died.
async fn look_after(store: &Store, queues: &Queues, id: RequestId) -> anyhow::Result<()> {
    let Some(request) = store.find_request(id).await? else {
        return Ok(());
    };
    // One whose rows are still being read has a message of its own.
    if request.state != RequestState::Checking || !request.checks_have_begun() {
        return Ok(());
    }
    tracing::warn!(request.id = %id, "a request is being checked for long");
    let admit = CheckRequest {
        request_id: id,
        generation: request.generation,
        good_rows_only: false,
        wished_in: None,
    };
    Ok(queues.send(Queue::Ingest, &admit).await?)
}

#[cfg(test)]
mod tests {
    use mailvan::domain::{AfterEnd, Window};
    use mailvan::store::Reckoning;

    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-{text}:00Z").parse().unwrap()
    }

    /// In a state since then, with a frame from ten in the evening to six in the morning.
    fn request(state: RequestState, since: &str) -> RequestRecord {
        let made = at("20T12:00");
        let contact = "anna@example.com".parse().unwrap();
        let id = RequestId::from_parts(0, [0; 10]);
        let window = Window::parse("2026-11-23T22:00", Some("2026-11-24T06:00"), "UTC", made);
        RequestRecord {
            window: Some(window.unwrap()),
            ..RequestRecord::made(id, state, contact, String::new(), at(since))
        }
    }

    fn is_late(request: &RequestRecord, now: &str) -> bool {
        overdue(request, at(now)).is_late
    }

    fn is_unstarted(request: &RequestRecord, now: &str) -> bool {
        overdue(request, at(now)).is_unstarted
    }

    fn looked_after(request: &RequestRecord, when: &str) -> RequestRecord {
        RequestRecord {
            looked_after: Some(at(when).as_second()),
            ..request.clone()
        }
    }

    #[test]
    fn nights_count_by_their_open_hours() {
        let copying = request(RequestState::FirstPass, "23T22:00");
        // Three nights of eight hours.
        for (now, late) in [
            ("24T23:00", false),
            ("26T05:59", false),
            ("26T06:00", true),
            ("26T12:00", true),
        ] {
            assert_eq!(is_late(&copying, now), late, "{now}");
        }
        let window = copying
            .window
            .clone()
            .map(|window| window.with_after_end(AfterEnd::Continue));
        let goes_on = RequestRecord {
            window,
            ..copying.clone()
        };
        let at_once = RequestRecord {
            window: None,
            ..copying
        };
        for request in [goes_on, at_once, request(RequestState::FinalPass, "23T22:00")] {
            assert!(
                !is_late(&request, "24T21:59") && is_late(&request, "24T22:00"),
                "{request:?}"
            );
        }
    }

    #[test]
    fn one_that_will_probably_take_days_is_late_as_soon_as_that_can_be_told() {
        let copying = |end: &str| RequestRecord {
            reckoned: Some(Reckoning {
                at: at("23T22:01").as_second(),
                end: Some(at(end).as_second()),
            }),
            ..request(RequestState::FirstPass, "23T22:00")
        };
        // Three nights of eight hours.
        for (end, late) in [
            ("24T05:00", false),
            ("26T05:59", false),
            ("26T06:00", true),
            ("28T12:00", true),
        ] {
            assert_eq!(is_late(&copying(end), "23T22:02"), late, "{end}");
        }
        // What was told an hour ago does not make less of the time that has passed since.
        assert!(is_late(&copying("24T05:00"), "26T06:00"));
    }

    #[test]
    fn start_that_nobody_made_is_found_while_the_frame_is_open() {
        let scheduled = request(RequestState::Scheduled, "20T12:00");
        for (now, found) in [
            ("23T21:00", false),
            ("23T22:09", false),
            ("23T22:10", true),
            ("24T05:59", true),
            ("24T07:00", false),
            ("24T22:05", false),
            ("24T22:10", true),
        ] {
            assert_eq!(is_unstarted(&scheduled, now), found, "{now}");
        }
        // Once an hour, until it has started.
        let started = looked_after(&scheduled, "23T22:10");
        assert!(!is_unstarted(&started, "23T23:09") && is_unstarted(&started, "23T23:11"));
        // Mended when the night had begun.
        let mended = request(RequestState::Scheduled, "23T23:00");
        assert!(!is_unstarted(&mended, "23T23:09") && is_unstarted(&mended, "23T23:10"));
        let at_once = RequestRecord {
            window: None,
            ..scheduled
        };
        assert!(!is_unstarted(&at_once, "20T12:09") && is_unstarted(&at_once, "20T12:10"));
    }

    #[test]
    fn night_that_nobody_woke_is_found_and_the_first_one_never() {
        let copying = request(RequestState::FirstPass, "23T22:00");
        for (now, found) in [
            ("23T23:00", false),
            ("24T12:00", false),
            ("24T22:09", false),
            ("24T22:10", true),
        ] {
            assert_eq!(is_unstarted(&copying, now), found, "{now}");
        }
        // Both may be a minute early.
        assert!(!is_unstarted(&request(RequestState::FirstPass, "23T21:59"), "23T22:30"));
        let early = looked_after(&copying, "24T21:59");
        assert!(!is_unstarted(&early, "24T22:30"));
        let woken = looked_after(&copying, "24T22:00");
        assert!(!is_unstarted(&woken, "25T05:00") && is_unstarted(&woken, "25T22:10"));
        assert!(!is_unstarted(&request(RequestState::FinalPass, "23T22:00"), "24T23:00"));
    }
}
