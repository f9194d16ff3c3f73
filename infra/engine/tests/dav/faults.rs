//! Servers that answer with faults of their own, write things anew, or take their time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mailvan::clock::Deadline;
use mailvan::dav::import::{Import, Progress, Step, undo_batch};
use mailvan_engine::MemoryJournal;

use crate::again::{Failing, events};
use crate::place::{KEEP, at, count, server, spool, texts};
use crate::proxy::{Line, Way};

const LONG: Duration = Duration::from_mins(5);

async fn import(url: &str, bytes: &[u8], journal: &MemoryJournal) -> Progress {
    let mut progress = journal.progress();
    let mut import = Import::new(at(url), spool(bytes), journal, KEEP);
    while import.step(&mut progress, Deadline::after(LONG)).await.unwrap() == Step::More {}
    progress
}

async fn undo(url: &str, journal: &MemoryJournal) -> (u64, u64) {
    let mut all = (0, 0);
    for batch in journal.batches() {
        let undone = undo_batch(&at(url), &batch, 4).await.unwrap();
        all = (all.0 + undone.removed, all.1 + undone.changed);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_though_the_server_answered_500_is_counted_and_taken_back() {
    let server = server("stored-500").await;
    let line = Line::to(&server.url(), |asked| match asked.method.as_str() {
        "PUT" if asked.body.contains("UID:1@") => Way::Lost(500),
        "PUT" if asked.body.contains("UID:2@") => Way::Refused(500),
        _ => Way::Through,
    })
    .await;
    let journal = MemoryJournal::default();
    let progress = import(&line.url(), &events(4), &journal).await;
    assert_eq!(
        (progress.counts.imported, progress.counts.failed),
        (3, 1),
        "{progress:?}"
    );
    assert_eq!(count(&server), 3);
    undo(&line.url(), &journal).await;
    assert_eq!(count(&server), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_not_given_back_can_still_be_taken_back() {
    let server = server("not-given-back").await;
    let is_hidden = std::sync::Arc::new(Mutex::new(true));
    let hidden = std::sync::Arc::clone(&is_hidden);
    let line = Line::to(&server.url(), move |asked| {
        if asked.method == "REPORT" && *hidden.lock().unwrap() {
            // As from a server that cannot read one of its objects.
            return Way::Answered(|answer| {
                let Some(at) = answer.find("UID:0@") else { return answer };
                let begin = answer[..at].rfind("<response>").unwrap();
                let end = at + answer[at..].find("</response>").unwrap();
                let href_end = begin + answer[begin..].find("</href>").unwrap() + "</href>".len();
                let short = format!(
                    "{}<status>HTTP/1.1 500 No</status>{}",
                    &answer[..href_end],
                    &answer[end..]
                );
                let (head, body) = short.split_once("\r\n\r\n").unwrap();
                let head: Vec<&str> = head
                    .lines()
                    .filter(|line| !line.to_lowercase().starts_with("content-length"))
                    .collect();
                format!("{}\r\nContent-Length: {}\r\n\r\n{body}", head.join("\r\n"), body.len())
            });
        }
        Way::Through
    })
    .await;
    let journal = MemoryJournal::default();
    let progress = import(&line.url(), &events(3), &journal).await;
    assert_eq!(
        (progress.counts.imported, progress.counts.failed),
        (2, 1),
        "{progress:?}"
    );
    assert_eq!(count(&server), 3);
    *is_hidden.lock().unwrap() = false;
    assert_eq!(undo(&line.url(), &journal).await, (3, 0));
    assert_eq!(count(&server), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cut_off_run_made_is_ours_also_where_the_server_wrote_it_anew() {
    let server = server("rewriting").await;
    let line = Line::to(&server.url(), |asked| match asked.method.as_str() {
        "PUT" => Way::Rewritten(asked.body.replace("SUMMARY:", "X-SERVER:own\r\nSUMMARY:new ")),
        _ => Way::Through,
    })
    .await;
    let failing = Failing::after(1);
    let mut progress = Progress::default();
    let mut cut_off = Import::new(at(&line.url()), spool(&events(5)), &failing, KEEP);
    assert!(cut_off.step(&mut progress, Deadline::after(LONG)).await.is_err());
    assert_eq!(count(&server), 5);

    let progress = import(&line.url(), &events(5), &failing.journal).await;
    assert_eq!((progress.counts.imported, progress.counts.kept), (5, 0), "{progress:?}");
    assert_eq!(progress.problems.len(), 5, "that they differ is told");
    assert_eq!(undo(&line.url(), &failing.journal).await, (5, 0));
    assert_eq!(count(&server), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_a_slow_server_does_not_get_done_is_broken_off_in_time_and_goes_on() {
    let server = server("slow").await;
    let puts = std::sync::Arc::new(AtomicU32::new(0));
    let seen = std::sync::Arc::clone(&puts);
    let line = Line::to(&server.url(), move |asked| {
        if asked.method == "PUT" && seen.fetch_add(1, Ordering::SeqCst) >= 10 {
            return Way::Silent;
        }
        Way::Through
    })
    .await;
    let journal = MemoryJournal::default();
    let mut progress = Progress::default();
    let mut slow = Import::new(at(&line.url()), spool(&events(40)), &journal, KEEP);
    let begun = tokio::time::Instant::now();
    let step = slow
        .step(&mut progress, Deadline::after(Duration::from_secs(8)))
        .await
        .unwrap();
    assert_eq!((step, progress.batches), (Step::OutOfTime, 0));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());

    let progress = import(&server.url(), &events(40), &journal).await;
    assert_eq!(
        (progress.counts.imported, progress.counts.existing),
        (40, 0),
        "{progress:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_does_not_let_go_of_stays_and_the_rest_is_taken_back() {
    let server = server("kept").await;
    let journal = MemoryJournal::default();
    import(&server.url(), &events(6), &journal).await;
    let locked = journal.batches()[0].objects[2].href.clone();
    let broken = journal.batches()[0].objects[3].href.clone();
    let replies = std::sync::Arc::new(AtomicU32::new(0));
    let seen = std::sync::Arc::clone(&replies);
    let line = Line::to(&server.url(), move |asked| {
        if asked.method == "DELETE" {
            assert!(
                asked.head.to_lowercase().contains("schedule-reply: f"),
                "{}",
                asked.head
            );
            seen.fetch_add(1, Ordering::SeqCst);
        }
        match asked.method.as_str() {
            "DELETE" if asked.head.contains(&locked) => Way::Refused(423),
            "DELETE" if asked.head.contains(&broken) => Way::Refused(500),
            _ => Way::Through,
        }
    })
    .await;
    assert_eq!(undo(&line.url(), &journal).await, (4, 2));
    assert_eq!((count(&server), replies.load(Ordering::SeqCst)), (2, 8));
}

#[tokio::test(flavor = "multi_thread")]
async fn calendars_are_made_in_the_older_way_where_the_server_knows_no_other_and_else_the_file_says_where_they_went() {
    let named = String::from_utf8(events(2))
        .unwrap()
        .replace("PRODID:x\r\n", "PRODID:x\r\nX-WR-CALNAME:Chor & Co\r\n");
    let server = server("mkcalendar").await;
    let line = Line::to(&server.url(), |asked| match asked.method.as_str() {
        "MKCOL" => Way::Refused(405),
        _ => Way::Through,
    })
    .await;
    let progress = import(&line.url(), named.as_bytes(), &MemoryJournal::default()).await;
    let [calendar] = progress.collections.as_slice() else {
        panic!("{progress:?}")
    };
    assert_eq!((calendar.name.as_deref(), calendar.made), (Some("Chor & Co"), true));
    assert!(progress.problems.is_empty() && texts(&server).contains("UID:1@"));

    let line = Line::to(&server.url(), |asked| match asked.method.as_str() {
        "MKCOL" | "MKCALENDAR" => Way::Refused(403),
        _ => Way::Through,
    })
    .await;
    let other = named.replace("Chor & Co", "Verein");
    let progress = import(&line.url(), other.as_bytes(), &MemoryJournal::default()).await;
    assert_eq!(progress.counts.existing, 2, "{progress:?}");
    let told: Vec<&str> = progress
        .problems
        .iter()
        .map(|problem| problem.reason.as_str())
        .collect();
    assert_eq!(
        told,
        ["the new provider made no calendar Verein; what belongs there was put into Chor & Co"]
    );
}
