use proptest::prelude::*;

use super::*;

const EVENTS: [JobEvent; 19] = [
    JobEvent::PassStarted(Pass::First),
    JobEvent::Planned(Pass::First),
    JobEvent::PassFinished(Pass::First),
    JobEvent::PassStarted(Pass::Final),
    JobEvent::Planned(Pass::Final),
    JobEvent::PassFinished(Pass::Final),
    certified(Pass::Final, false),
    certified(Pass::Final, true),
    JobEvent::PassStarted(Pass::Later(1)),
    JobEvent::Planned(Pass::Later(1)),
    JobEvent::PassFinished(Pass::Later(1)),
    certified(Pass::Later(1), false),
    certified(Pass::Later(1), true),
    look_ended(Pass::Later(1), false),
    look_ended(Pass::Later(1), true),
    JobEvent::PassStarted(Pass::Later(2)),
    JobEvent::Failed,
    JobEvent::TriedAgain,
    JobEvent::Cancelled,
];

const fn certified(pass: Pass, exceptions: bool) -> JobEvent {
    JobEvent::Certified { pass, exceptions }
}

const fn look_ended(pass: Pass, exceptions: bool) -> JobEvent {
    JobEvent::LookEnded { pass, exceptions }
}

/// One line a status, one column an event in the order of `EVENTS`: the next status (1 to 4 are
/// the passes), `=` for illegal and already there, `-` for illegal.
const TABLE: &str = "
    status                      Start1     Plan1     Done1              Start2     Plan2     Done2        Certified   Certified+                  Start3     Plan3     Done3        Cert3       Cert3+                      Look3       Look3+                      Start4     Fail     Again   Cancel
    waiting                     planning/1 -         -                  -          -         -            -           -                           -          -         -            -           -                           -           -                           -          failed   =       cancelled
    planning/1                  =          copying/1 awaiting_cutover/1 -          -         -            -           -                           -          -         -            -           -                           -           -                           -          failed/1 -       cancelled/1
    copying/1                   =          =         awaiting_cutover/1 -          -         -            -           -                           -          -         -            -           -                           -           -                           -          failed/1 -       cancelled/1
    awaiting_cutover/1          =          =         =                  planning/2 -         -            -           -                           -          -         -            -           -                           -           -                           -          -        -       cancelled/1
    planning/2                  =          =         =                  =          copying/2 certifying/2 -           -                           -          -         -            -           -                           -           -                           -          failed/2 -       cancelled/2
    copying/2                   =          =         =                  =          =         certifying/2 -           -                           -          -         -            -           -                           -           -                           -          failed/2 -       cancelled/2
    certifying/2                =          =         =                  =          =         =            completed/2 completed_with_exceptions/2 -          -         -            -           -                           -           -                           -          -        -       cancelled/2
    completed/2                 =          =         =                  =          =         =            =           =                           planning/3 -         -            -           -                           -           -                           planning/4 -        -       -
    completed_with_exceptions/2 =          =         =                  =          =         =            =           =                           planning/3 -         -            -           -                           -           -                           planning/4 -        -       -
    failed                      =          =         =                  planning/2 -         -            -           -                           planning/3 -         -            -           -                           -           -                           planning/4 =        waiting cancelled
    failed/1                    =          =         =                  planning/2 -         -            -           -                           planning/3 -         -            -           -                           -           -                           planning/4 =        waiting cancelled/1
    failed/2                    =          =         =                  =          =         =            =           =                           planning/3 -         -            -           -                           -           -                           planning/4 =        -       cancelled/2
    cancelled                   -          -         -                  -          -         -            -           -                           -          -         -            -           -                           -           -                           -          -        -       =
    cancelled/1                 -          -         -                  -          -         -            -           -                           -          -         -            -           -                           -           -                           -          -        -       =
    cancelled/2                 -          -         -                  -          -         -            -           -                           -          -         -            -           -                           -           -                           -          -        -       =
    planning/3                  =          =         =                  =          =         =            =           =                           =          copying/3 certifying/3 -           -                           completed/3 completed_with_exceptions/3 -          failed/3 -       cancelled/3
    copying/3                   =          =         =                  =          =         =            =           =                           =          =         certifying/3 -           -                           completed/3 completed_with_exceptions/3 -          failed/3 -       cancelled/3
    certifying/3                =          =         =                  =          =         =            =           =                           =          =         =            completed/3 completed_with_exceptions/3 completed/3 completed_with_exceptions/3 -          -        -       cancelled/3
    completed/3                 =          =         =                  =          =         =            =           =                           =          =         =            =           =                           =           =                           planning/4 -        -       -
    completed_with_exceptions/3 =          =         =                  =          =         =            =           =                           =          =         =            =           =                           =           =                           planning/4 -        -       -
    failed/3                    =          =         =                  =          =         =            =           =                           =          =         =            =           =                           =           =                           planning/4 =        -       cancelled/3
    cancelled/3                 -          -         -                  -          -         -            -           -                           -          -         -            -           -                           -           -                           -          -        -       =
    planning/4                  =          =         =                  =          =         =            =           =                           =          =         =            =           =                           =           =                           =          failed/4 -       cancelled/4
    copying/4                   =          =         =                  =          =         =            =           =                           =          =         =            =           =                           =           =                           =          failed/4 -       cancelled/4
    certifying/4                =          =         =                  =          =         =            =           =                           =          =         =            =           =                           =           =                           =          -        -       cancelled/4
    completed/4                 =          =         =                  =          =         =            =           =                           =          =         =            =           =                           =           =                           =          -        -       -
    completed_with_exceptions/4 =          =         =                  =          =         =            =           =                           =          =         =            =           =                           =           =                           =          -        -       -
    failed/4                    =          =         =                  =          =         =            =           =                           =          =         =            =           =                           =           =                           =          =        -       cancelled/4
    cancelled/4                 -          -         -                  -          -         -            -           -                           -          -         -            -           -                           -           -                           -          -        -       =
";

fn short(status: JobStatus) -> String {
    match status.pass() {
        None => status.state().to_string(),
        Some(Pass::First) => format!("{}/1", status.state()),
        Some(Pass::Final) => format!("{}/2", status.state()),
        Some(Pass::Later(number)) => format!("{}/{}", status.state(), number + 2),
    }
}

/// Every status that can be stored.
fn all() -> Vec<JobStatus> {
    let passes = [
        None,
        Some(Pass::First),
        Some(Pass::Final),
        Some(Pass::Later(1)),
        Some(Pass::Later(2)),
    ];
    JobState::ALL
        .into_iter()
        .flat_map(|state| {
            passes
                .into_iter()
                .filter_map(move |pass| JobStatus::new(state, pass).ok())
        })
        .collect()
}

#[test]
fn every_pair_of_status_and_event_does_what_the_table_says() {
    let lines: Vec<_> = TABLE
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .skip(1)
        .collect();
    let mut seen = Vec::new();
    for line in lines {
        let mut cells = line.split_whitespace();
        let name = cells.next().unwrap();
        let status = all().into_iter().find(|status| short(*status) == name).unwrap();
        seen.push(status);
        for event in EVENTS {
            let shown = match transition(status, event) {
                Ok(next) => short(next),
                Err(illegal) if illegal.already_there() => "=".to_owned(),
                Err(_) => "-".to_owned(),
            };
            assert_eq!(Some(shown.as_str()), cells.next(), "{status} {event:?}");
        }
        assert_eq!(cells.next(), None);
    }
    assert_eq!(seen.len(), all().len(), "the table has a line for every status");
    assert!(all().iter().all(|status| seen.contains(status)));
}

#[test]
fn an_event_delivered_twice_is_already_there() {
    for status in all() {
        for event in EVENTS {
            if let Ok(next) = transition(status, event) {
                assert!(
                    transition(next, event).is_err_and(|illegal| illegal.already_there()),
                    "{status} {event:?}"
                );
                assert_eq!(
                    JobStatus::new(next.state(), next.pass()),
                    Ok(next),
                    "{status} {event:?} leads to a status that can be stored"
                );
            }
        }
    }
}

#[test]
fn terminal_states_are_left_by_a_later_pass_only() {
    let is_later = |event: &&JobEvent| matches!(event, JobEvent::PassStarted(pass) if pass.is_later());
    for status in all() {
        let mut others = EVENTS.iter().filter(|event| !is_later(event));
        let leaves = others.any(|event| transition(status, *event).is_ok());
        assert_eq!(leaves, !status.state().is_terminal(), "{status}");
    }
}

#[test]
fn a_status_is_stored_as_two_texts() {
    for status in all() {
        let json = serde_json::to_string(&status).unwrap();
        assert_eq!(serde_json::from_str::<JobStatus>(&json).unwrap(), status);
        assert_eq!(status.state().to_string().parse(), Ok(status.state()));
    }
    assert_eq!(
        serde_json::to_string(&JobStatus::WAITING).unwrap(),
        r#"{"state":"waiting"}"#
    );
    assert!(serde_json::from_str::<JobStatus>(r#"{"state":"copying"}"#).is_err());
    assert!(serde_json::from_str::<JobStatus>(r#"{"state":"waiting","pass":"first"}"#).is_err());
}

#[test]
fn the_outcome_of_a_pass_is_the_worst_unless_all_failed() {
    use JobState as S;
    for (jobs, outcome) in [
        ([].as_slice(), PassOutcome::AllWell),
        (&[S::Cancelled], PassOutcome::AllWell),
        (&[S::AwaitingCutover, S::AwaitingCutover], PassOutcome::AllWell),
        (&[S::Completed, S::Cancelled], PassOutcome::AllWell),
        (&[S::Certifying, S::Failed], PassOutcome::WithExceptions),
        (&[S::AwaitingCutover, S::Failed], PassOutcome::WithExceptions),
        (&[S::Completed, S::CompletedWithExceptions], PassOutcome::WithExceptions),
        (&[S::CompletedWithExceptions, S::Failed], PassOutcome::WithExceptions),
        (&[S::Failed, S::Failed], PassOutcome::AllFailed),
        (&[S::Failed, S::Cancelled], PassOutcome::AllFailed),
    ] {
        assert_eq!(pass_outcome(jobs.iter().copied()), outcome, "{jobs:?}");
    }
}

proptest! {
    #[test]
    fn any_row_of_events_leads_to_statuses_that_can_be_stored(events in prop::collection::vec(prop::sample::select(EVENTS.to_vec()), 0..30)) {
        let mut status = JobStatus::WAITING;
        for event in events {
            let before = status;
            status = transition(status, event).unwrap_or(status);
            prop_assert_eq!(JobStatus::new(status.state(), status.pass()), Ok(status));
            // Nothing goes backwards but by a person's wish, so a redelivered event can never undo a later one.
            let is_wanted = status.state() == JobState::Cancelled || event == JobEvent::TriedAgain;
            prop_assert!(is_wanted || status.progress() >= before.progress());
        }
    }
}
