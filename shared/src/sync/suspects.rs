//! The message at which the connection to the source breaks: found out, and left out.
//!
//! Where a connection broke and nothing had been copied, one of the messages that were asked for may be why. From
//! then on each is read alone, and written down before: whoever dies of it leaves its name. Those
//! that nobody died of go first, so that the others are copied; the one that broke twice is left out. The server
//! had listed it just before, so it was up.

use std::collections::BTreeMap;
use std::time::Duration;

use super::SyncError;
use super::chunk::{ChunkEnd, OpenFolder, note};
use crate::domain::Pass;
use crate::domain::prints::Print;
use crate::imap::fetch::Metadata;
use crate::store::{ChunkRecord, ExceptionRecord, Ledger, Trials};

/// A message whose reading did not end so often is left out.
const BELIEVED: u32 = 2;

/// So long a message may keep silent before the session gives it up, and what is known is saved.
const TRIAL_MARGIN: Duration = Duration::from_secs(135);

impl<L: Ledger> OpenFolder<'_, L> {
    /// Notes the messages that are believed to break the connection.
    pub(super) async fn note_condemned(&mut self, chunk: &mut ChunkRecord) -> Result<(), SyncError> {
        let Some(trials) = trials_of(chunk, self.pass) else {
            return Ok(());
        };
        let mut condemned = trials.open.clone();
        condemned.retain(|trial| trial.times >= BELIEVED);
        let is_new = condemned.iter().any(|trial| trial.times == BELIEVED);
        for trial in &mut condemned {
            // More than it is ever counted up to: what was found out once is no news in the next run.
            trials.set(trial.uid, BELIEVED + 1);
        }
        for trial in condemned {
            if !chunk.is_settled(trial.uid) {
                let text = "each time this message is read, the previous provider's server breaks the connection off, \
                            or says nothing more";
                note(chunk, trial.uid, ExceptionRecord::UNREADABLE, text.to_owned())?;
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
            missing.into_iter().partition(|message| trials.times(message.uid) == 0);
        let margin = TRIAL_MARGIN.min(self.run_length / 2);
        for message in calm.into_iter().chain(suspects) {
            if self.deadline.remaining() < margin {
                return Ok(ChunkEnd::OutOfTime);
            }
            if self.send_alone(chunk, message, gone).await? == ChunkEnd::OutOfTime {
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
        gone: &mut BTreeMap<Print, usize>,
    ) -> Result<ChunkEnd, SyncError> {
        let uid = message.uid;
        let before = trials_of(chunk, self.pass).map_or(0, |trials| trials.times(uid));
        set_times(chunk, self.pass, uid, before + 1);
        self.mailbox.ledger.save_chunk(chunk).await?;
        let sent = self.send_wanted(chunk, vec![message], gone).await;
        let times = match &sent {
            Ok(ChunkEnd::Finished) => 0,
            Err(error) if error.may_be_of_a_message() => return sent,
            Ok(ChunkEnd::OutOfTime) | Err(_) => before,
        };
        set_times(chunk, self.pass, uid, times);
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

fn set_times(chunk: &mut ChunkRecord, pass: Pass, uid: u32, times: u32) {
    if let Some(trials) = trials_of(chunk, pass) {
        trials.set(uid, times);
    }
}
