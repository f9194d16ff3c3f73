//! Which notices come too late.

use super::*;

fn is_moved(state: RequestState) -> bool {
    matches!(state, RequestState::Completed | RequestState::CompletedWithExceptions)
}

#[test]
fn what_asks_or_promises_is_overtaken_by_the_end() {
    for kind in EVERY_KIND {
        let tells_the_end = matches!(kind, NoticeKind::Finished | NoticeKind::Failed | NoticeKind::Cancelled);
        // Files are taken for a while after a good end.
        let outlives = |state| matches!(kind, NoticeKind::Imported { .. }) && is_moved(state);
        for state in RequestState::ALL {
            // What the look before the start found can be mended until then.
            let begun = matches!(kind, NoticeKind::FoundAgain { .. }) && state != RequestState::Scheduled;
            assert_eq!(
                is_overtaken(kind, state),
                begun || state.is_terminal() && !tells_the_end && !outlives(state),
                "{kind} {state}"
            );
        }
    }
}
