//! Imports that are cut off, and imports that are taken back.

use std::sync::atomic::{AtomicU32, Ordering};

use mailvan::dav::import::{Batch, Import, ImportError, Journal, Progress, Step, undo_batch};
use mailvan_engine::MemoryJournal;

use crate::place::{KEEP, UPDATE, count, import, server, session, soon, spool, texts};

pub fn events(n: usize) -> Vec<u8> {
    let event = |n| {
        format!(
            "BEGIN:VEVENT\r\nUID:{n}@example.org\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T100000Z\r\nSUMMARY:{n}\r\nEND:VEVENT\r\n"
        )
    };
    let events: String = (0..n).map(event).collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n").into_bytes()
}

/// A journal that fails at its n-th write: the run ends there, whatever the server holds by then.
pub struct Failing {
    /// What was written down.
    pub journal: MemoryJournal,
    writes_left: AtomicU32,
}

#[derive(Debug, thiserror::Error)]
#[error("cut off")]
pub struct CutOff;

impl Failing {
    /// One that fails after so many writes.
    pub fn after(writes: u32) -> Self {
        Self {
            journal: MemoryJournal::default(),
            writes_left: AtomicU32::new(writes),
        }
    }

    fn write(&self) -> Result<(), CutOff> {
        let left = self
            .writes_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| CutOff)
    }
}

impl Journal for Failing {
    type Error = CutOff;

    async fn batch(&self, number: u32) -> Result<Option<Batch>, CutOff> {
        Ok(self.journal.batch(number).await.unwrap())
    }

    async fn begin(&self, batch: &Batch) -> Result<(), CutOff> {
        self.write()?;
        self.journal.begin(batch).await.map_err(|_| CutOff)
    }

    async fn finish(&self, batch: &Batch, progress: &Progress) -> Result<(), CutOff> {
        self.write()?;
        self.journal.finish(batch, progress).await.map_err(|_| CutOff)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_cut_off_before_each_write_still_counts_and_knows_what_it_made() {
    let server = server("cut-off").await;
    let upload = events(120);
    let failing = Failing::after(0);
    let mut progress = Progress::default();
    for run in 0..12 {
        failing.writes_left.store(1, Ordering::SeqCst);
        progress = failing.journal.progress();
        let mut import = Import::new(session(&server), spool(&upload), &failing, KEEP);
        let ended = loop {
            match import.step(&mut progress, soon()).await {
                Ok(Step::More) => {}
                Ok(_) => break true,
                Err(ImportError::Journal(CutOff)) => break false,
                Err(error) => unreachable!("{error}"),
            }
        };
        if ended {
            assert!(run > 1, "nothing was cut off");
            break;
        }
    }
    assert_eq!(
        (progress.counts.imported, progress.counts.existing, count(&server)),
        (120, 0, 120),
        "{progress:?}"
    );
    let made: usize = failing.journal.batches().iter().map(|batch| batch.objects.len()).sum();
    assert_eq!(made, 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_back_removes_what_was_made_and_leaves_what_was_there_or_changed() {
    let server = server("undo").await;
    import(&server, &events(2), &MemoryJournal::default(), KEEP).await;
    let journal = MemoryJournal::default();
    let progress = import(&server, &events(6), &journal, KEEP).await;
    assert_eq!((progress.counts.imported, progress.counts.existing), (4, 2));
    let changed = String::from_utf8(events(6))
        .unwrap()
        .replace("SUMMARY:5", "SUMMARY:five");
    import(&server, changed.as_bytes(), &MemoryJournal::default(), UPDATE).await;

    let session = session(&server);
    for times in 0..2 {
        let undone = undo_batch(&session, &journal.batches()[0], 4).await.unwrap();
        assert_eq!((undone.removed, undone.changed), (3, 1), "{times}");
    }
    let left = texts(&server);
    assert_eq!(left.matches("BEGIN:VEVENT").count(), 3, "{left}");
    assert!(left.contains("SUMMARY:five"), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_cut_off_is_taken_back_by_what_it_was_about_to_make() {
    let server = server("undo-begun").await;
    let failing = Failing::after(1);
    let mut progress = Progress::default();
    let mut import = Import::new(session(&server), spool(&events(5)), &failing, KEEP);
    assert!(import.step(&mut progress, soon()).await.is_err());
    assert_eq!(count(&server), 5);
    let batches = failing.journal.batches();
    assert!(!batches[0].done && batches[0].objects.iter().all(|made| made.etag.is_none()));
    let undone = undo_batch(&session(&server), &batches[0], 4).await.unwrap();
    assert_eq!((undone.removed, count(&server)), (5, 0));
}
