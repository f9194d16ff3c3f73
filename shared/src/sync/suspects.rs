//! The message at which the connection to the source breaks: found out, and left out.
//!
//! Where a connection broke and nothing had been copied, one of the messages that were asked for may be why. From
//! then on each is read alone, and written down before: whoever dies of it leaves its name. Those
//! that nobody died of go first, so that the others are copied. Lines break too, and then any message may be the
//! one: what speaks against it is that the same connection had just carried more than it is long.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::SyncError;
use super::chunk::{ChunkEnd, OpenFolder, UNREADABLE, note};
use crate::clock::now;
use crate::domain::Pass;
use crate::domain::prints::Print;
use crate::domain::uid::UidSet;
use crate::imap::fetch;
use crate::imap::fetch::Metadata;
use crate::store::{ChunkRecord, Ledger, Trial, Trials};

/// A message is left out where its reading broke so often although the connection had just carried enough.
const PROOFS: u32 = 2;

/// Where that cannot be shown, because there is too little else to be read or no line carries enough: so many tries ...
const TRIES: u32 = 6;

/// ... over so many seconds. Some ten minutes, by the pauses between runs; a mailbox is given up after more.
const TRIED_FOR: i64 = 5 * 60;

/// Enough is so many bytes, or so many messages; and twice as much as the message has.
const ENOUGH_BYTES: u64 = 256 << 10;
const ENOUGH_MESSAGES: u64 = 1024;

/// So many messages are read again at once, and so often at most.
const OTHERS: usize = 48;
const ROUNDS: usize = 64;

/// So long a message may keep silent before the session gives it up, and what is known is saved.
const TRIAL_MARGIN: Duration = Duration::from_secs(135);

/// What a connection has carried.
#[derive(Default)]
struct Carried {
    messages: u64,
    bytes: u64,
}

impl Carried {
    fn add(&mut self, size_bytes: u64) {
        self.messages += 1;
        self.bytes = self.bytes.saturating_add(size_bytes);
    }

    /// Whether a connection that has carried this much has shown that it would carry a message of a size.
    fn is_enough_for(&self, size_bytes: u64) -> bool {
        let is_much = self.messages >= ENOUGH_MESSAGES || self.bytes >= ENOUGH_BYTES;
        is_much && self.bytes / 2 >= size_bytes
    }
}

impl Trial {
    fn is_decided(&self, now: i64) -> bool {
        let is_worn_out = self.tries >= TRIES && now - self.since >= TRIED_FOR;
        self.is_condemned || self.proofs >= PROOFS || is_worn_out
    }

    /// Whether it is now tried on a connection that has carried enough. On one that is fresh it may cross a line that never
    /// carries as much, so the two take turns, until the first proof.
    fn wants_proof(&self) -> bool {
        self.proofs > 0 || self.tries % 2 == 1
    }
}

impl<L: Ledger> OpenFolder<'_, L> {
    /// Notes the messages that are believed to break the connection.
    pub(super) async fn note_condemned(&mut self, chunk: &mut ChunkRecord) -> Result<(), SyncError> {
        let Some(trials) = trials_of(chunk, self.pass) else {
            return Ok(());
        };
        let now = now().as_second();
        let mut is_new = false;
        let mut condemned = Vec::new();
        for trial in trials.open.iter_mut().filter(|trial| trial.is_decided(now)) {
            // What was found out once is no news in the next run.
            is_new |= !trial.is_condemned;
            trial.is_condemned = true;
            condemned.push(trial.uid);
        }
        for uid in condemned {
            if !chunk.is_settled(uid) {
                let text = "each time this message is read, the previous provider's server breaks the connection off, \
                            or says nothing more";
                note(chunk, uid, UNREADABLE, text.to_owned())?;
            }
        }
        if is_new {
            self.mailbox.ledger.save_chunk(chunk).await?;
            self.claims.progressed = true;
        }
        Ok(())
    }

    /// Sends messages, and looks out for one at which the connection to the source breaks.
    pub(super) async fn send_watched(
        &mut self,
        chunk: &mut ChunkRecord,
        missing: Vec<Metadata>,
        gone: &mut BTreeMap<Print, usize>,
    ) -> Result<ChunkEnd, SyncError> {
        let Some(trials) = trials_of(chunk, self.pass) else {
            let copied = |chunk: &ChunkRecord| (chunk.map.len(), chunk.unlocated.len());
            let before = copied(chunk);
            let sent = self.send_wanted(chunk, missing, gone).await;
            if sent.as_ref().is_err_and(SyncError::may_be_of_a_message) && copied(chunk) == before {
                chunk.trials = Some(Trials::new(self.pass));
                self.mailbox.ledger.save_chunk(chunk).await?;
            }
            return sent;
        };
        let (calm, mut suspects): (Vec<_>, Vec<_>) = missing
            .into_iter()
            .partition(|message| trials.of(message.uid).is_none());
        // One that is nearly found out is found out; of the others each has its turn.
        suspects.sort_by_key(|message| trials.of(message.uid).map(|trial| (Reverse(trial.proofs), trial.tries)));
        let mut carried = Carried::default();
        for message in calm {
            if self.send_alone(chunk, message, &mut carried, gone).await? == ChunkEnd::OutOfTime {
                return Ok(ChunkEnd::OutOfTime);
            }
        }
        for message in suspects {
            if self.send_alone(chunk, message, &mut carried, gone).await? == ChunkEnd::OutOfTime {
                return Ok(ChunkEnd::OutOfTime);
            }
        }
        Ok(ChunkEnd::Finished)
    }

    /// Sends one message, written down as the one that is being read.
    async fn send_alone(
        &mut self,
        chunk: &mut ChunkRecord,
        message: Metadata,
        carried: &mut Carried,
        gone: &mut BTreeMap<Print, usize>,
    ) -> Result<ChunkEnd, SyncError> {
        // Time for it to keep silent until the session gives it up.
        if self.deadline.remaining() < TRIAL_MARGIN.min(self.run_length / 2) {
            return Ok(ChunkEnd::OutOfTime);
        }
        let (uid, size_bytes) = (message.uid, message.size_bytes);
        let known = trials_of(chunk, self.pass).and_then(|trials| trials.of(uid));
        let before = known.unwrap_or_default();
        let began = Some(before.since).filter(|since| *since > 0);
        let mut trial = Trial {
            uid,
            tries: before.tries + 1,
            since: began.unwrap_or_else(|| now().as_second()),
            ..before
        };
        // A line that breaks while others are read has had its try too.
        self.write_down(chunk, uid, Some(trial)).await?;
        if before.wants_proof() && self.has_carried_enough(chunk, size_bytes, carried).await? {
            trial.proofs += 1;
            self.write_down(chunk, uid, Some(trial)).await?;
        }
        let sent = self.send_wanted(chunk, vec![message], gone).await;
        match &sent {
            Ok(ChunkEnd::Finished) => {
                carried.add(size_bytes);
                set_trial(chunk, self.pass, uid, None);
            }
            Err(error) if error.may_be_of_a_message() => {}
            // It did not break. Where others had the time, its next try is one without them.
            Ok(ChunkEnd::OutOfTime) => set_trial(chunk, self.pass, uid, known.map(|_| Trial { proofs: 0, ..trial })),
            Err(_) => self.write_down(chunk, uid, known).await?,
        }
        sent
    }

    /// Reads messages that were copied, again and again, until the connection has shown that it would carry one of a size;
    /// tells whether it has.
    async fn has_carried_enough(
        &mut self,
        chunk: &ChunkRecord,
        size_bytes: u64,
        carried: &mut Carried,
    ) -> Result<bool, SyncError> {
        let others = chunk.map.iter().map(|pair| pair.0).take(OTHERS);
        let others = UidSet::from_sorted(others);
        for _ in 0..ROUNDS {
            let is_late = self.deadline.remaining() < self.run_length / 2;
            if others.is_empty() || is_late || carried.is_enough_for(size_bytes) {
                break;
            }
            let sizes = fetch::sample(self.source, &others).await.map_err(SyncError::Source)?;
            for size_bytes in sizes {
                carried.add(size_bytes);
            }
        }
        Ok(carried.is_enough_for(size_bytes))
    }

    /// Saves what is known of a message that is read alone.
    async fn write_down(&mut self, chunk: &mut ChunkRecord, uid: u32, known: Option<Trial>) -> Result<(), SyncError> {
        set_trial(chunk, self.pass, uid, known);
        self.mailbox.ledger.save_chunk(chunk).await?;
        Ok(())
    }

    /// Sends messages, but for those that must not come back, and those that the destination never takes.
    async fn send_wanted(
        &mut self,
        chunk: &mut ChunkRecord,
        missing: Vec<Metadata>,
        gone: &mut BTreeMap<Print, usize>,
    ) -> Result<ChunkEnd, SyncError> {
        let missing = self.leave_out_gone(chunk, missing, gone).await?;
        let missing = self.note_too_large(chunk, missing)?;
        self.send(chunk, missing).await
    }
}

fn trials_of(chunk: &mut ChunkRecord, pass: Pass) -> Option<&mut Trials> {
    chunk.trials.as_mut().filter(|trials| trials.pass == pass)
}

fn set_trial(chunk: &mut ChunkRecord, pass: Pass, uid: u32, known: Option<Trial>) {
    if let Some(trials) = trials_of(chunk, pass) {
        trials.set(uid, known);
    }
}
