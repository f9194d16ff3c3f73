//! The message at which the connection to the source breaks: found out, and left out.
//!
//! Where a connection broke and nothing had been copied, one of the messages that were asked for may be why. From
//! then on each is read alone, and written down before: whoever dies of it leaves its name. Those
//! that nobody died of go first, so that the others are copied. Lines break too, and then any message may be the
//! one: a break speaks more against it where the connection had just carried many others.

use std::collections::BTreeMap;
use std::time::Duration;

use super::SyncError;
use super::chunk::{ChunkEnd, OpenFolder, UNREADABLE, note};
use crate::domain::Pass;
use crate::domain::prints::Print;
use crate::domain::uid::UidSet;
use crate::imap::fetch;
use crate::imap::fetch::Metadata;
use crate::store::{ChunkRecord, Ledger, Trials};

/// What speaks against a message whose reading did not end.
const WEAK: u32 = 1;

/// The same, where its connection had carried much just before.
const STRONG: u32 = 3;

/// Much is so many messages, or so many bytes.
const MANY_MESSAGES: u64 = 32;
const MANY_BYTES: u64 = 256 << 10;

/// A message against which so much speaks is left out.
const BELIEVED: u32 = 6;

/// One that was noted as such: more than it is ever counted up to.
const NOTED: u32 = 100;

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

    fn is_much(&self) -> bool {
        self.messages >= MANY_MESSAGES || self.bytes >= MANY_BYTES
    }
}

impl<L: Ledger> OpenFolder<'_, L> {
    /// Notes the messages that are believed to break the connection.
    pub(super) async fn note_condemned(&mut self, chunk: &mut ChunkRecord) -> Result<(), SyncError> {
        let Some(trials) = trials_of(chunk, self.pass) else {
            return Ok(());
        };
        let mut condemned = trials.open.clone();
        condemned.retain(|trial| trial.weight >= BELIEVED);
        let is_new = condemned.iter().any(|trial| trial.weight < NOTED);
        for trial in &condemned {
            // What was found out once is no news in the next run.
            trials.set(trial.uid, NOTED);
        }
        for trial in condemned {
            if !chunk.is_settled(trial.uid) {
                let text = "each time this message is read, the previous provider's server breaks the connection off, \
                            or says nothing more";
                note(chunk, trial.uid, UNREADABLE, text.to_owned())?;
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
        let (calm, suspects): (Vec<_>, Vec<_>) =
            missing.into_iter().partition(|message| trials.weight(message.uid) == 0);
        let mut carried = Carried::default();
        for message in calm {
            if self.send_alone(chunk, message, &mut carried, gone).await? == ChunkEnd::OutOfTime {
                return Ok(ChunkEnd::OutOfTime);
            }
        }
        for message in suspects {
            self.read_others(chunk, &mut carried).await?;
            if self.send_alone(chunk, message, &mut carried, gone).await? == ChunkEnd::OutOfTime {
                return Ok(ChunkEnd::OutOfTime);
            }
        }
        Ok(ChunkEnd::Finished)
    }

    /// Reads messages that were copied, to see that the connection holds.
    async fn read_others(&mut self, chunk: &ChunkRecord, carried: &mut Carried) -> Result<(), SyncError> {
        if carried.is_much() {
            return Ok(());
        }
        let others = chunk.map.iter().map(|pair| pair.0);
        let others = UidSet::from_sorted(others.take(usize::try_from(MANY_MESSAGES).unwrap_or_default()));
        let sizes = fetch::sample(self.source, &others).await.map_err(SyncError::Source)?;
        for size_bytes in sizes {
            carried.add(size_bytes);
        }
        Ok(())
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
        let before = trials_of(chunk, self.pass).map_or(0, |trials| trials.weight(uid));
        let more = if carried.is_much() { STRONG } else { WEAK };
        set_weight(chunk, self.pass, uid, before + more);
        self.mailbox.ledger.save_chunk(chunk).await?;
        let sent = self.send_wanted(chunk, vec![message], gone).await;
        let weight = match &sent {
            Ok(ChunkEnd::Finished) => {
                carried.add(size_bytes);
                0
            }
            Err(error) if error.may_be_of_a_message() => return sent,
            Ok(ChunkEnd::OutOfTime) | Err(_) => before,
        };
        set_weight(chunk, self.pass, uid, weight);
        if sent.is_err() {
            self.mailbox.ledger.save_chunk(chunk).await?;
        }
        sent
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

fn set_weight(chunk: &mut ChunkRecord, pass: Pass, uid: u32, weight: u32) {
    if let Some(trials) = trials_of(chunk, pass) {
        trials.set(uid, weight);
    }
}
