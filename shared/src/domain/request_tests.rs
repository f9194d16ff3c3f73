use super::*;

const EVENTS: [RequestEvent; 19] = [
    RequestEvent::UploadReceived,
    RequestEvent::Accepted,
    RequestEvent::FaultsFound,
    RequestEvent::RowMended,
    RequestEvent::NoneCanStart,
    RequestEvent::PassStarted(Pass::First),
    RequestEvent::PassStarted(Pass::Final),
    RequestEvent::PassSettled {
        pass: Pass::First,
        outcome: PassOutcome::AllWell,
    },
    RequestEvent::PassSettled {
        pass: Pass::First,
        outcome: PassOutcome::WithExceptions,
    },
    RequestEvent::PassSettled {
        pass: Pass::First,
        outcome: PassOutcome::AllFailed,
    },
    RequestEvent::PassSettled {
        pass: Pass::Final,
        outcome: PassOutcome::AllWell,
    },
    RequestEvent::PassSettled {
        pass: Pass::Final,
        outcome: PassOutcome::WithExceptions,
    },
    RequestEvent::PassSettled {
        pass: Pass::Final,
        outcome: PassOutcome::AllFailed,
    },
    RequestEvent::PassStarted(Pass::Later(1)),
    RequestEvent::PassSettled {
        pass: Pass::Later(1),
        outcome: PassOutcome::AllWell,
    },
    RequestEvent::PassSettled {
        pass: Pass::Later(1),
        outcome: PassOutcome::WithExceptions,
    },
    RequestEvent::PassSettled {
        pass: Pass::Later(1),
        outcome: PassOutcome::AllFailed,
    },
    RequestEvent::Cancelled,
    RequestEvent::Failed,
];

/// One line a state, one column an event in the order of `EVENTS`: the next state, `=` for
/// illegal and already there, `-` for illegal.
const TABLE: &str = "
    state                     Upload   Accept    Faults          Mended   None            Start1     Start2     S1well           S1some           S1none          S2well    S2some                    S2none Later      Lwell     Lsome                     Lnone                     Cancel    Fail
    awaiting_upload           checking -         -               -        -               -          -          -                -                -               -         -                         -      -          -         -                         -                         cancelled failed
    checking                  =        scheduled needs_attention =        -               -          -          -                -                -               -         -                         -      -          -         -                         -                         cancelled failed
    needs_attention           checking scheduled =               checking =               -          -          -                -                =               -         -                         -      -          -         -                         -                         cancelled failed
    scheduled                 =        =         =               -        needs_attention first_pass -          -                -                -               -         -                         -      -          -         -                         -                         cancelled failed
    first_pass                =        =         =               -        -               =          -          awaiting_cutover awaiting_cutover needs_attention -         -                         -      -          -         -                         -                         cancelled failed
    awaiting_cutover          =        =         =               -        -               =          final_pass =                =                =               -         -                         -      -          -         -                         -                         cancelled failed
    final_pass                =        =         =               -        -               =          =          =                =                =               completed completed_with_exceptions failed -          -         -                         -                         cancelled failed
    later_pass                =        =         =               -        -               =          =          =                =                =               =         =                         =      =          completed completed_with_exceptions completed_with_exceptions -         -
    completed                 =        =         =               -        -               =          =          =                =                =               =         =                         =      later_pass =         =                         =                         -         -
    completed_with_exceptions =        =         =               -        -               =          =          =                =                =               =         =                         =      later_pass =         =                         =                         -         -
    cancelled                 -        -         -               -        -               -          -          -                -                -               -         -                         -      -          -         -                         -                         =         -
    failed                    =        =         =               -        -               =          =          =                =                =               =         =                         =      -          =         =                         =                         -         =
";

#[test]
fn every_pair_of_state_and_event_does_what_the_table_says() {
    let mut lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty()).skip(1);
    for state in RequestState::ALL {
        let mut cells = lines.next().unwrap().split_whitespace();
        assert_eq!(cells.next(), Some(state.as_str()));
        for event in EVENTS {
            let shown = match transition(state, event) {
                Ok(next) => next.as_str(),
                Err(illegal) if illegal.already_there() => "=",
                Err(_) => "-",
            };
            assert_eq!(Some(shown), cells.next(), "{state} {event:?}");
        }
        assert_eq!(cells.next(), None);
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn an_event_delivered_twice_is_already_there_or_changes_nothing() {
    for state in RequestState::ALL {
        for event in EVENTS {
            if let Ok(next) = transition(state, event) {
                assert!(
                    transition(next, event).is_err_and(|illegal| illegal.already_there()),
                    "{state} {event:?}"
                );
            }
        }
    }
}

#[test]
fn an_end_is_left_by_a_later_pass_only_and_comes_again() {
    let later = RequestEvent::PassStarted(Pass::Later(1));
    for state in RequestState::ALL {
        let mut others = EVENTS.iter().filter(|event| **event != later);
        let leaves = others.any(|event| transition(state, *event).is_ok());
        assert_eq!(leaves, !state.is_terminal(), "{state}");
        if let Ok(next) = transition(state, later) {
            let ends = EVENTS.iter().filter_map(|event| transition(next, *event).ok());
            assert!(
                state.is_terminal() && ends.into_iter().all(RequestState::has_been_completed),
                "{state}"
            );
        }
    }
}

#[test]
fn a_preview_is_for_the_time_before_the_first_pass() {
    for state in RequestState::ALL {
        let has_begun = transition(state, RequestEvent::PassStarted(Pass::First)).is_err();
        let may_be_accepted = transition(state, RequestEvent::Accepted) == Ok(RequestState::Scheduled);
        let expected = !has_begun || (may_be_accepted && state != RequestState::Checking);
        assert_eq!(state.allows_preview(), expected, "{state}");
    }
}

#[test]
fn text_and_json_agree() {
    for state in RequestState::ALL {
        assert_eq!(state.to_string().parse(), Ok(state));
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
    }
    assert_eq!("done".parse::<RequestState>(), Err(UnknownRequestState));
}
