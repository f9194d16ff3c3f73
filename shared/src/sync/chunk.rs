//! Making one chunk true at the destination.
//!
//! Dying anywhere leaves an open batch in the chunk, and whoever comes next looks for it at the
//! destination (`recover`) before anything else is sent (`transfer`).

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use super::claims::Claims;
use super::telling::Teller;
use super::transfer::{Target, transfer};
use super::{Mailbox, SyncError};
use crate::clock::{Deadline, now};
use crate::domain::uid::UidSet;
use crate::domain::{ExceptionClass, Pass};
use crate::imap::append::Refusal;
use crate::imap::fetch::{Found, Metadata};
use crate::imap::withheld::Withheld;
use crate::imap::{Selected, Session, fetch};
use crate::store::{BrokenBatches, ChunkRecord, ExceptionRecord, FolderEnd, FolderRecord, Ledger};

/// More refused messages than this in one chunk are no longer about the messages, and would not fit
/// the chunk's item.
const MOST_REFUSED: usize = 300;

/// How a run of a chunk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkEnd {
    /// Every message is at the destination, or noted as refused.
    Finished,
    /// Time ran short; what was copied is saved.
    OutOfTime,
}

/// A folder opened on both sides, held by this worker alone.
pub(super) struct OpenFolder<'a, L> {
    pub(super) mailbox: &'a Mailbox<L>,
    pub(super) pass: Pass,
    pub(super) deadline: Deadline,
    /// How long the whole run may take.
    pub(super) run_length: Duration,
    pub(super) folder: &'a FolderRecord,
    pub(super) source: &'a mut Session,
    pub(super) destination: &'a mut Session,
    /// The destination folder as it was opened.
    pub(super) selected: Selected,
    /// What at the destination is ours.
    pub(super) claims: Claims,
    /// What was at the destination before this chunk's first copy, once it has been read.
    pub(super) before_us: Option<Vec<Metadata>>,
    /// Tells what is being done.
    pub(super) teller: &'a mut Teller<L>,
    /// Messages of the chunks done so far that had been copied into a folder that is gone.
    pub(super) absent: u64,
    /// When a batch of the chunks done so far was found whose end was unknown, the last of them, in seconds since 1970.
    pub(super) broken_at: Option<i64>,
}

impl<L: Ledger> OpenFolder<'_, L> {
    /// Copies what is missing of a chunk; with the folder's last one, the folder ends too. Idempotency
    /// key: chunk and pass.
    pub(super) async fn copy(&mut self, chunk: &mut ChunkRecord, is_last: bool) -> Result<ChunkEnd, SyncError> {
        if self.pass != Pass::First {
            // What was refused in the first pass gets its second chance.
            chunk.exceptions.retain(ExceptionRecord::is_there);
        }
        if let Some(open) = &chunk.open_batch {
            // Whoever sent it does not know its end: it may arrive even after it was looked for.
            BrokenBatches::note(&mut chunk.late, open, now());
        }
        self.broken_at = self.broken_at.max(chunk.late.as_ref().map(|late| late.found_at));
        self.close_open_batch(chunk).await?;
        let covered = chunk.covered().to_set();
        let Found {
            messages: found,
            withheld,
        } = fetch::metadata(self.source, &covered)
            .await
            .map_err(SyncError::Source)?;
        note_withheld(chunk, &withheld)?;
        self.note_condemned(chunk).await?;
        let mut gone = self.folder.gone.counted();
        let mut end = self.send_watched(chunk, missing_of(chunk, &found), &mut gone).await?;
        let left = missing_of(chunk, &found);
        if end == ChunkEnd::Finished && !left.is_empty() {
            // Gone from the source meanwhile, or not given out for once: asked for again.
            end = self.send_watched(chunk, left, &mut gone).await?;
        }
        if end == ChunkEnd::OutOfTime {
            self.mailbox.ledger.save_chunk(chunk).await?;
            return Ok(ChunkEnd::OutOfTime);
        }
        let gone = self.note_unreadable(chunk, &found).await?;
        let uids = found
            .iter()
            .map(|message| message.uid)
            .filter(|uid| !gone.contains(uid));
        let withheld = withheld.iter().map(|message| message.uid);
        let copied = chunk.map.iter().map(|pair| pair.0);
        let present: BTreeSet<u32> = uids.chain(withheld).chain(copied).collect();
        let present = i64::try_from(present.len()).unwrap_or(i64::MAX);
        self.absent += chunk.absent_messages();
        let error = absent_from(self.folder, self.absent);
        let end = is_last.then_some(FolderEnd {
            folder: self.folder,
            error: error.as_deref(),
            broken_at: self.broken_at,
        });
        self.mailbox.ledger.finish_chunk(chunk, self.pass, present, end).await?;
        self.claims.progressed = true;
        Ok(ChunkEnd::Finished)
    }

    /// Notes messages the destination says it never takes; gives the others.
    pub(super) fn note_too_large(
        &self,
        chunk: &mut ChunkRecord,
        missing: Vec<Metadata>,
    ) -> Result<Vec<Metadata>, SyncError> {
        let limit = self.destination.capabilities().append_limit_bytes().unwrap_or(u64::MAX);
        let (fitting, large): (Vec<_>, Vec<_>) = missing.into_iter().partition(|message| message.size_bytes <= limit);
        for message in large {
            let text = format!("it has {} bytes; the server takes {limit} at most", message.size_bytes);
            note(chunk, message.uid, ("TOOBIG", Some(ExceptionClass::TooLarge)), text)?;
        }
        Ok(fitting)
    }

    /// Notes messages that were asked for and not given, although they are still there; gives those that have gone.
    async fn note_unreadable(
        &mut self,
        chunk: &mut ChunkRecord,
        found: &[Metadata],
    ) -> Result<BTreeSet<u32>, SyncError> {
        let left = UidSet::from_sorted(missing_of(chunk, found).iter().map(|message| message.uid));
        if left.is_empty() {
            return Ok(BTreeSet::new());
        }
        let still = fetch::metadata(self.source, &left).await.map_err(SyncError::Source)?;
        note_withheld(chunk, &still.withheld)?;
        for message in still.messages {
            let text = "the previous provider lists this message, but does not give it out".to_owned();
            note(chunk, message.uid, UNREADABLE, text)?;
        }
        Ok(left.iter().filter(|uid| !chunk.is_settled(*uid)).collect())
    }

    /// Sends messages in batches, until each is there or refused for good.
    pub(super) async fn send(
        &mut self,
        chunk: &mut ChunkRecord,
        missing: Vec<Metadata>,
    ) -> Result<ChunkEnd, SyncError> {
        let limits = self.mailbox.limits;
        let mut measured = HashSet::new();
        // Where the destination does not tell UIDs, what arrived is looked for after each batch.
        let mut todo: VecDeque<Vec<Metadata>> = if self.destination.capabilities().has("UIDPLUS") {
            VecDeque::from([missing])
        } else {
            cut_batches(missing, limits.batch_messages as usize, limits.batch_bytes).into()
        };
        while let Some(messages) = todo.pop_front() {
            if messages.is_empty() {
                continue;
            }
            let target = Target {
                session: self.destination,
                name: &self.folder.destination_name,
                permanent: self.selected.permanent_flags.as_deref(),
                deadline: self.deadline,
            };
            let noted = (&mut *chunk, &mut self.claims, &mut *self.teller);
            let transferred = transfer(self.mailbox, self.source, target, noted, &messages).await?;
            if let Some((message, had)) = transferred.torn {
                self.note_too_slow(chunk, &message, had)?;
                return Ok(ChunkEnd::OutOfTime);
            }
            if !transferred.unlocated.is_empty() {
                self.locate(chunk, transferred.unlocated).await?;
            }
            if transferred.out_of_time {
                return Ok(ChunkEnd::OutOfTime);
            }
            todo.extend(transferred.again);
            for message in transferred.inexact {
                todo.extend(
                    self.measured(chunk, message, &mut measured)
                        .await?
                        .map(|exact| vec![exact]),
                );
            }
            for (message, refusal) in transferred.refused {
                self.try_otherwise(chunk, &message, refusal).await?;
            }
        }
        Ok(ChunkEnd::Finished)
    }

    /// Notes a message that most of a run's time was not enough for; else it comes first in the next
    /// run, when those before it are through.
    fn note_too_slow(&self, chunk: &mut ChunkRecord, message: &Metadata, had: Duration) -> Result<(), SyncError> {
        if had * 2 < self.run_length {
            return Ok(());
        }
        let (mb, seconds) = (message.size_bytes / 1_000_000, had.as_secs());
        let text = format!("it has {mb} MB, and the previous provider did not give it out within {seconds} s");
        note(chunk, message.uid, ("TOOSLOW", None), text)
    }

    /// Looks for messages that arrived without the server telling where. What the server changed so
    /// much that it cannot be found is there nevertheless, and is never sent again.
    pub(super) async fn locate(&mut self, chunk: &mut ChunkRecord, mut uids: Vec<u32>) -> Result<(), SyncError> {
        self.close_open_batch(chunk).await?;
        uids.retain(|uid| chunk.map.get(*uid).is_none());
        chunk.unlocated = UidSet::from_sorted(chunk.unlocated.iter().chain(uids).collect::<BTreeSet<_>>());
        Ok(())
    }
}

/// What a customer is told of messages that were copied before the folder was made anew at the
/// destination, and are not in it any more.
pub(super) fn absent_from(folder: &FolderRecord, messages: u64) -> Option<String> {
    (messages > 0).then(|| {
        let title = &folder.title;
        format!(
            "the folder {title} is another one at the new provider than the one that was copied into: {messages} \
             messages that had been copied are not in it any more, and were not copied again"
        )
    })
}

/// Notes messages that the source refuses to give out, but for those that are noted.
pub(super) fn note_withheld(chunk: &mut ChunkRecord, withheld: &[Withheld]) -> Result<(), SyncError> {
    for Withheld { uid, refusal } in withheld {
        if !chunk.is_settled(*uid) {
            let text = match refusal.text.as_str() {
                "" => "the previous provider refuses to give out this message".to_owned(),
                words => format!("the previous provider refuses to give out this message: {words}"),
            };
            note(chunk, *uid, UNREADABLE, text)?;
        }
    }
    Ok(())
}

/// What is noted of a message that the source lists and does not give out.
pub(super) const UNREADABLE: (&str, Option<ExceptionClass>) = (ExceptionRecord::UNREADABLE, None);

/// Notes a message that is not at the destination, or not as it was: the code and class, and in which words.
pub(super) fn note(
    chunk: &mut ChunkRecord,
    uid: u32,
    (code, class): (&str, Option<ExceptionClass>),
    text: String,
) -> Result<(), SyncError> {
    chunk.exceptions.push(ExceptionRecord {
        uid,
        code: code.to_owned(),
        class,
        text,
    });
    if chunk.exceptions.len() > MOST_REFUSED {
        return Err(SyncError::TooManyRefused(chunk.exceptions.len()));
    }
    Ok(())
}

pub(super) fn note_refusal(chunk: &mut ChunkRecord, uid: u32, refusal: Refusal) -> Result<(), SyncError> {
    let class = Some(refusal.reason());
    note(chunk, uid, (&refusal.code, class), refusal.text)
}

/// Messages that have neither been copied nor refused.
fn missing_of(chunk: &ChunkRecord, found: &[Metadata]) -> Vec<Metadata> {
    let is_missing = |message: &&Metadata| !chunk.is_settled(message.uid);
    found.iter().filter(is_missing).cloned().collect()
}

/// Messages in batches within the limits; a larger message goes alone.
pub(super) fn cut_batches(messages: Vec<Metadata>, most_messages: usize, most_bytes: u64) -> Vec<Vec<Metadata>> {
    let mut batches: Vec<Vec<Metadata>> = Vec::new();
    let mut bytes = 0_u64;
    for message in messages {
        bytes = bytes.saturating_add(message.size_bytes);
        if let Some(batch) = batches
            .last_mut()
            .filter(|batch| batch.len() < most_messages && bytes <= most_bytes)
        {
            batch.push(message);
        } else {
            bytes = message.size_bytes;
            batches.push(vec![message]);
        }
    }
    batches
}
