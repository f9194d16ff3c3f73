//! Telling whoever watches what a lane does at the moment: at which folder it is, and how fast.
//!
//! It is told beside the work, every few seconds at most. The work neither waits for it nor ends with its failure.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Mailbox;
use crate::clock::now;
use crate::domain::{JobId, Pass};
use crate::store::{ChunkRecord, Doing, FolderRecord, Ledger, Pace, Step};

/// How often a lane tells, for each lane that its mailbox may have.
const EVERY: Duration = Duration::from_secs(2);

/// How soon a lane tells that was not heard, because another one had just told.
const AGAIN: Duration = Duration::from_secs(1);

/// The speed is that of so long.
const MEASURED: Duration = Duration::from_mins(1);

/// In less time nothing is told of the speed.
const LEAST_MEASURED: Duration = Duration::from_secs(4);

/// What a lane does, told while it does it.
pub(crate) struct Teller<L> {
    ledger: L,
    job_id: JobId,
    pass: Pass,
    step: Step,
    lane: u8,
    every: Duration,
    folder: String,
    folders: Option<(u32, u32)>,
    done: Amount,
    /// What the chunk at hand had when it was looked at last.
    of_chunk: Amount,
    /// What was done at which moments of the last minute.
    samples: VecDeque<(Instant, Amount)>,
    not_before: Instant,
    /// Says whether what was told was heard.
    telling: Option<JoinHandle<bool>>,
}

/// Messages and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Amount {
    messages: u64,
    bytes: u64,
}

impl Amount {
    fn copied_of(chunk: &ChunkRecord) -> Self {
        Self {
            messages: chunk.map.len() as u64,
            bytes: u64::try_from(chunk.bytes_copied).unwrap_or_default(),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_add(other.messages),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    fn since(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_sub(other.messages),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

impl<L: Ledger> Teller<L> {
    /// Tells of a lane of a mailbox.
    pub(crate) fn new(mailbox: &Mailbox<L>, pass: Pass, step: Step, lane: u8) -> Self {
        Self {
            ledger: mailbox.ledger.clone(),
            job_id: mailbox.job_id,
            pass,
            step,
            lane,
            every: EVERY * mailbox.limits.lanes.max(1).into(),
            folder: String::new(),
            folders: None,
            done: Amount::default(),
            of_chunk: Amount::default(),
            samples: VecDeque::from([(Instant::now(), Amount::default())]),
            not_before: Instant::now(),
            telling: None,
        }
    }

    /// It begins a folder; `folders` is how many it has compared, and of how many.
    pub(crate) fn begin(&mut self, folder: &FolderRecord, folders: Option<(u32, u32)>) {
        self.folder.clone_from(&folder.title);
        self.folders = folders;
        self.tell();
    }

    /// It begins a chunk, of which something may have been copied before.
    pub(super) fn begin_chunk(&mut self, chunk: &ChunkRecord) {
        self.of_chunk = Amount::copied_of(chunk);
        self.tell();
    }

    /// It goes on with the chunk.
    pub(super) fn go_on(&mut self, chunk: &ChunkRecord) {
        let copied = Amount::copied_of(chunk);
        self.done = self.done.plus(copied.since(self.of_chunk));
        self.of_chunk = copied;
        self.tell();
    }

    /// It has compared a chunk.
    pub(crate) fn compared(&mut self, chunk: &ChunkRecord) {
        self.done = self.done.plus(Amount::copied_of(chunk));
        self.tell();
    }

    /// It is still at it. Tells, unless it has told a moment ago.
    pub(super) fn tell(&mut self) {
        let at = Instant::now();
        if let Some(telling) = &mut self.telling {
            if !telling.is_finished() {
                return;
            }
            if telling
                .now_or_never()
                .is_some_and(|heard| heard.is_ok_and(|heard| !heard))
            {
                self.not_before = at + AGAIN;
            }
            self.telling = None;
        }
        if at < self.not_before {
            return;
        }
        self.not_before = at + self.every;
        let doing = Doing {
            pass: self.pass,
            step: self.step,
            folder: self.folder.clone(),
            folders: self.folders,
            pace: self.pace(at),
            at: now().as_second(),
        };
        let (ledger, job_id, lane) = (self.ledger.clone(), self.job_id, self.lane);
        self.telling = Some(tokio::spawn(async move {
            let noted = ledger.note_doing(job_id, lane, &doing).await;
            noted.unwrap_or_else(|error| {
                tracing::warn!(job.id = %job_id, %error, "what is being done could not be noted");
                true
            })
        }));
    }

    /// How fast it was in the last minute.
    fn pace(&mut self, at: Instant) -> Option<Pace> {
        while self.samples.len() > 1 && self.samples.front().is_some_and(|(then, _)| at - *then > MEASURED) {
            self.samples.pop_front();
        }
        let first = self.samples.front().copied();
        self.samples.push_back((at, self.done));
        let (then, before) = first.filter(|(then, _)| at - *then >= LEAST_MEASURED)?;
        let millis = (at - then).as_millis().max(1);
        let a_minute = |done: u64| u64::try_from(u128::from(done) * 60_000 / millis).unwrap_or(u64::MAX);
        let done = self.done.since(before);
        Some(Pace {
            messages: a_minute(done.messages),
            bytes: a_minute(done.bytes),
        })
        .filter(|pace| pace.messages > 0)
    }
}

impl<L> Drop for Teller<L> {
    /// The run ends without waiting for it.
    fn drop(&mut self) {
        if let Some(telling) = &self.telling {
            telling.abort();
        }
    }
}
