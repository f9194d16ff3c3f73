//! What happens next, or what the customer should do, in one plain sentence or two.

use mailvan::domain::{JobState, LaterLooks, RequestState};
use mailvan::room::is_no_room;
use mailvan::store::stamp;
use mailvan::sync::is_none_copied;

use crate::moment;
use crate::status::Overview;

/// The sentence for the state the request is in.
pub fn next_step(overview: &Overview) -> String {
    let failed = overview.in_state(JobState::Failed);
    match overview.request.state {
        RequestState::AwaitingUpload => "Upload your CSV file to the address you got with the request; if that has expired, ask for a new one \
             by POST to this request's /upload."
            .to_owned(),
        RequestState::Checking => "Your mailboxes are being read and looked at on both sides, which takes a few minutes; you need not do anything.".to_owned(),
        RequestState::NeedsAttention => attention(overview),
        RequestState::Scheduled => scheduled(overview),
        RequestState::FirstPass => copying(overview),
        RequestState::AwaitingCutover => format!(
            "Change the MX records of your domain to the new servers, and then tell us by POST to this request's /cutover, or wait \
             until the change is seen, where your provider watches for it; mail that still arrives at the previous provider until \
             then is fetched afterwards.{}",
            tried_again(failed)
        ),
        RequestState::FinalPass => {
            "What arrived or changed at the previous provider since the first pass is being copied, and then compared with \
             what your new mailboxes hold; you need not do anything."
                .to_owned()
        }
        RequestState::LaterPass => {
            "Your mailboxes have been moved; what arrived at the previous provider since is being fetched now, and you need not \
             do anything."
                .to_owned()
        }
        RequestState::Completed => format!("Everything has been copied and compared, and each mailbox has its certificate; set your e-mail programs to the new servers, and have a look at your mailboxes \
             before you give up those at the previous provider.{}", looked_again(overview)),
        RequestState::CompletedWithExceptions => format!("All that could be copied has been; download the report, which names what could not, before you \
             give up the mailboxes at the previous provider.{}", looked_again(overview)),
        RequestState::Cancelled => {
            "The request has been cancelled, and the passwords you gave have been destroyed; make a new one to begin again.".to_owned()
        }
        RequestState::Failed => "The request could not go on; its error and the report say why. Mend what they name, and make a new request.".to_owned(),
    }
}

/// Until when what still arrives at the previous provider is fetched.
fn looked_again(overview: &Overview) -> String {
    let looks = overview.request.open_looks();
    let (Some(next), Some(until)) = (looks.and_then(LaterLooks::next), looks.and_then(LaterLooks::until)) else {
        return String::new();
    };
    format!(
        " On {} what still arrived at the previous provider is fetched, or sooner by POST to this request's /passes; leave the \
         passwords there as they are until {}.",
        stamp(next),
        stamp(until)
    )
}

fn attention(overview: &Overview) -> String {
    let mut rows: Vec<u32> = overview.faults.iter().map(|fault| fault.row).collect();
    rows.dedup();
    let upload = "ask for a new upload by POST to this request's /upload, and send the whole corrected file";
    if is_no_room(overview.request.error_code.as_deref()) {
        return "The time frame has no room for this; the error says which has. Ask for another one by POST to this request's /window, \
                or go on with this one nevertheless by POST to its /proceed."
            .to_owned();
    }
    let failed = overview.jobs.iter().filter(|job| job.status.has_stopped()).count();
    if failed > 0 && is_none_copied(overview.request.error_code.as_deref()) {
        return stopped(failed);
    }
    if overview.to_mend() > 0 {
        return mending(overview.to_mend(), overview.good(), rows.len());
    }
    match (overview.jobs.len(), rows.len()) {
        (0, 0) => "A new upload has been asked for: send the whole corrected file to its address.".to_owned(),
        (0, _) => format!("Nothing in your file can be used yet: mend what rows_refused names, {upload}."),
        (good, 0) => format!(
            "Go on with the {} by POST to this request's /proceed, or {upload}.",
            mailboxes(good)
        ),
        (good, bad) => format!(
            "{bad} {} refused: mend what rows_refused names, {upload}; or go on without, with {}, by POST to this request's /proceed.",
            if bad == 1 { "row is" } else { "rows are" },
            mailboxes(good)
        ),
    }
}

/// The first pass could copy none of the mailboxes.
fn stopped(mailboxes: usize) -> String {
    let (who, whose, them) = match mailboxes {
        1 => ("1 mailbox".to_owned(), "its error says", "it"),
        n => (format!("{n} mailboxes"), "their errors say", "them"),
    };
    format!(
        "{who} could not be copied, and {whose} why. Mend what is to be mended at the providers, and have {them} tried again by POST to \
         this request's /proceed; what you gave us is mended by PATCH to its /mailboxes/ROW, which has the copying go on when \
         all are mended. What has been copied stays, and is not copied again."
    )
}

/// Mailboxes were found that cannot be copied as they are.
fn mending(to_mend: usize, good: usize, refused: usize) -> String {
    let found = match to_mend {
        1 => "1 mailbox has something to mend, which its check names".to_owned(),
        n => format!("{n} mailboxes have something to mend, which their checks name"),
    };
    let refused = match refused {
        0 => "",
        _ => ", and rows_refused names rows that cannot be read",
    };
    let proceed = match good {
        0 => String::new(),
        good => format!(
            "; or go on without those that stay wrong, with {}, by POST to this request's /proceed",
            mailboxes(good)
        ),
    };
    format!(
        "{found}{refused}: mend a row by PATCH to this request's /mailboxes/ROW, or send the whole corrected file after a POST to its \
         /upload{proceed}."
    )
}

fn copying(overview: &Overview) -> String {
    let request = &overview.request;
    let until = request.paused_until(overview.read_at);
    match (until, &request.window) {
        (Some(until), Some(window)) => format!(
            "The time frame is over for now: what is left is copied from {} on; leave your DNS as it is until you are told that \
             this is done.",
            moment::words(until, window.zone())
        ),
        _ => {
            "Your mailboxes are being copied; leave your DNS as it is until you are told that this is done.".to_owned()
        }
    }
}

fn scheduled(overview: &Overview) -> String {
    match &overview.request.window {
        Some(window) => format!(
            "The copying starts on {}; leave your DNS and the passwords at the previous provider as they are.",
            moment::words(window.start(), window.zone())
        ),
        None => {
            "The copying starts within minutes; leave your DNS and the passwords at the previous provider as they are."
                .to_owned()
        }
    }
}

fn tried_again(failed: usize) -> String {
    match failed {
        0 => String::new(),
        1 => " 1 mailbox could not be copied, see its error; it is tried again after that.".to_owned(),
        n => format!(" {n} mailboxes could not be copied, see their errors; they are tried again after that."),
    }
}

fn mailboxes(count: usize) -> String {
    if count == 1 {
        "1 good mailbox".to_owned()
    } else {
        format!("{count} good mailboxes")
    }
}

#[cfg(test)]
mod tests {
    use mailvan::domain::{Fault, FaultCode, Pass, Window};

    use super::*;
    use crate::samples;
    use crate::status::Noted;

    fn next(state: RequestState, good: u32, bad: u32) -> String {
        let jobs = (1..=good)
            .map(|row| samples::job(row, JobState::Waiting, None))
            .collect();
        let faults = (1..=bad)
            .map(|row| Fault::at(row, "port", FaultCode::BadPort, "x"))
            .collect();
        next_step(&Overview {
            request: samples::request(state),
            jobs,
            faults,
            read_at: samples::now(),
            forecast: None,
            noted: Noted::new(),
        })
    }

    #[test]
    fn every_state_has_a_sentence_of_its_own() {
        let mut sentences: Vec<String> = RequestState::ALL.into_iter().map(|state| next(state, 1, 1)).collect();
        for sentence in &sentences {
            assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
        }
        sentences.sort();
        sentences.dedup();
        assert_eq!(sentences.len(), RequestState::ALL.len());
    }

    #[test]
    fn what_to_do_about_rows_depends_on_whether_any_is_good() {
        let attention = RequestState::NeedsAttention;
        assert!(next(attention, 0, 0).starts_with("A new upload has been asked for"));
        assert!(
            next(attention, 0, 2).starts_with("Nothing in your file can be used")
                && !next(attention, 0, 2).contains("/proceed")
        );
        assert!(
            next(attention, 1, 1).starts_with("1 row is refused") && next(attention, 1, 1).contains("1 good mailbox,")
        );
        assert!(
            next(attention, 2, 2).starts_with("2 rows are refused")
                && next(attention, 2, 2).contains("2 good mailboxes,")
        );
        assert!(next(attention, 2, 0).starts_with("Go on with the 2 good mailboxes"));
    }

    #[test]
    fn mailboxes_to_mend_are_counted_and_the_good_ones_offered() {
        let mut jobs: Vec<_> = (1..=3).map(|row| samples::job(row, JobState::Waiting, None)).collect();
        jobs[0].check = samples::wrong_password();
        let mut overview = Overview {
            request: samples::request(RequestState::NeedsAttention),
            jobs,
            faults: Vec::new(),
            read_at: samples::now(),
            forecast: None,
            noted: Noted::new(),
        };
        let words = next_step(&overview);
        assert!(
            words.starts_with("1 mailbox has something to mend") && words.contains("with 2 good mailboxes, by POST"),
            "{words}"
        );
        overview.jobs.truncate(1);
        assert!(!next_step(&overview).contains("/proceed"));
    }

    #[test]
    fn a_first_pass_that_copied_nothing_can_be_begun_again() {
        let mut request = samples::request(RequestState::NeedsAttention);
        request.error_code = Some("none_copied".to_owned());
        let failed = |row| samples::job(row, JobState::Failed, Some(Pass::First));
        let mut overview = Overview {
            request,
            jobs: vec![failed(1), failed(2)],
            faults: Vec::new(),
            read_at: samples::now(),
            forecast: None,
            noted: Noted::new(),
        };
        let words = next_step(&overview);
        assert!(
            words.starts_with("2 mailboxes could not be copied, and their errors say why.")
                && words.contains("/proceed;"),
            "{words}"
        );
        overview.jobs.truncate(1);
        assert!(next_step(&overview).starts_with("1 mailbox could not be copied, and its error says why."));
    }

    #[test]
    fn a_request_whose_frame_is_over_says_when_it_goes_on() {
        let mut request = samples::request(RequestState::FirstPass);
        let frame = Window::parse(
            "2026-11-25T22:00",
            Some("2026-11-26T06:00"),
            "Europe/Berlin",
            samples::now(),
        );
        request.window = Some(frame.unwrap());
        let mut overview = Overview {
            request,
            jobs: Vec::new(),
            faults: Vec::new(),
            read_at: "2026-11-26T05:00:00Z".parse().unwrap(),
            forecast: None,
            noted: Noted::new(),
        };
        let words = next_step(&overview);
        assert!(
            words.contains("from Thursday, 26 November 2026, 22:00 (Europe/Berlin) on;"),
            "{words}"
        );
        overview.read_at = "2026-11-26T04:59:59Z".parse().unwrap();
        assert!(next_step(&overview).starts_with("Your mailboxes are being copied"));
    }

    #[test]
    fn a_scheduled_request_says_when_it_starts() {
        let mut request = samples::request(RequestState::Scheduled);
        request.window = Some(Window::parse("2026-11-25T22:00", None, "Europe/Berlin", samples::now()).unwrap());
        let overview = Overview {
            request,
            jobs: Vec::new(),
            faults: Vec::new(),
            read_at: samples::now(),
            forecast: None,
            noted: Noted::new(),
        };
        assert!(
            next_step(&overview)
                .starts_with("The copying starts on Wednesday, 25 November 2026, 22:00 (Europe/Berlin);")
        );
        assert!(next(RequestState::Scheduled, 1, 0).contains("within minutes"));
    }

    #[test]
    fn failed_mailboxes_are_mentioned_before_the_cut_over() {
        let jobs = vec![samples::job(1, JobState::Failed, Some(Pass::First))];
        let overview = Overview {
            request: samples::request(RequestState::AwaitingCutover),
            jobs,
            faults: Vec::new(),
            read_at: samples::now(),
            forecast: None,
            noted: Noted::new(),
        };
        assert!(
            next_step(&overview)
                .ends_with("1 mailbox could not be copied, see its error; it is tried again after that.")
        );
    }
}
