//! Which notices come too late.

use super::*;

#[test]
fn what_asks_or_promises_is_overtaken_by_the_end() {
    for kind in EVERY_KIND {
        let tells_the_end = matches!(
            kind,
            NoticeKind::Finished | NoticeKind::LookedAgain { .. } | NoticeKind::Failed | NoticeKind::Cancelled
        );
        // Files are taken for a while after a good end.
        let outlives = |state: RequestState| matches!(kind, NoticeKind::Imported { .. }) && state.has_been_completed();
        for state in RequestState::ALL {
            let has_ended = state.is_terminal() || state.has_been_completed();
            // What the look before the start found can be mended until then.
            let begun = matches!(kind, NoticeKind::FoundAgain { .. }) && state != RequestState::Scheduled;
            assert_eq!(
                is_overtaken(kind, state),
                begun || has_ended && !tells_the_end && !outlives(state),
                "{kind} {state}"
            );
        }
    }
}

#[test]
fn final_copy_begins_by_itself_only_where_the_dns_tells_of_every_mailbox() {
    let written = |jobs: &[JobRecord], profile: &Profile| {
        let request = request(RequestState::AwaitingCutover);
        compose(NoticeKind::FirstPassDone, &request, jobs, &[], &[], profile).unwrap()
    };
    let stays = job(2, "anna", JobState::AwaitingCutover, Pass::First);
    let moves = JobRecord {
        destination: "anna@example.net".parse().unwrap(),
        ..stays.clone()
    };
    let mail = written(std::slice::from_ref(&stays), &profile());
    assert!(mail.text.contains("you need not tell us") && !mail.text.contains("Then tell us"));
    assert!(mail.html.contains("you need not tell us") && mail.text.contains("10 mx1.example.net"));
    let mail = written(std::slice::from_ref(&moves), &profile());
    assert!(mail.text.contains("Then tell us") && !mail.text.contains("need not tell us"));
    let mut unwatched = profile();
    unwatched.dns = None;
    let mail = written(&[stays], &unwatched);
    assert!(mail.html.contains("Then tell us") && !mail.text.contains("mx1.example.net"));
}
