//! Making one chunk true at the destination.
//!
//! A batch is copied so: what is about to be sent is saved; it is sent, while the next batch is
//! read from the source; what arrived is saved together with the next batch's intent. Dying
//! anywhere leaves an open batch, and whoever comes next looks for it at the destination before
//! anything else is sent.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Mailbox, SyncError};
use crate::clock::Deadline;
use crate::domain::Pass;
use crate::domain::flags::FlagSet;
use crate::domain::uid::UidSet;
use crate::imap::append::{Appended, Outgoing, RefusalClass, append};
use crate::imap::fetch::Metadata;
use crate::imap::{ImapError, Selected, Session, fetch};
use crate::store::{ChunkRecord, ExceptionRecord, FolderRecord, Ledger, OpenBatch};

/// A batch is not begun with less time left than this.
const BATCH_MARGIN: Duration = Duration::from_secs(2);

/// A batch is not begun with less time left than this many times the slowest one so far.
const SLOWEST_BATCHES_LEFT: u32 = 3;

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
    pub(super) folder: &'a FolderRecord,
    pub(super) source: &'a mut Session,
    pub(super) destination: &'a mut Session,
    /// The destination folder as it was opened.
    pub(super) selected: Selected,
    /// Destination UIDs that belong to messages of this folder's chunks.
    pub(super) claimed: HashSet<u32>,
    /// Nothing that is sent from now on gets a destination UID below this.
    pub(super) next_uid: u32,
    /// What was at the destination before this chunk's first copy, once it has been read.
    pub(super) before_us: Option<Vec<Metadata>>,
    pub(super) slowest_batch: Duration,
    /// Whether anything was saved in this run.
    pub(super) progressed: bool,
}

/// Messages of one APPEND, read from the source.
struct Batch {
    messages: Vec<(Metadata, Bytes)>,
}

impl<L: Ledger> OpenFolder<'_, L> {
    /// Copies what is missing of a chunk and, in the final pass, carries changed flags over.
    /// Idempotency key: chunk and pass.
    pub(super) async fn copy(&mut self, chunk: &mut ChunkRecord) -> Result<ChunkEnd, SyncError> {
        self.close_open_batch(chunk).await?;
        let range = UidSet::from_range(chunk.first_uid..=chunk.last_uid);
        let found = fetch::metadata(self.source, &range).await.map_err(SyncError::Source)?;
        if self.pass == Pass::Final {
            self.carry_flags_over(chunk, &found).await?;
            // What was refused in the first pass gets its second chance.
            chunk.exceptions.clear();
        }
        let missing = self.note_too_large(chunk, missing_of(chunk, &found));
        if self.send(chunk, missing).await? == ChunkEnd::OutOfTime {
            self.mailbox.ledger.save_chunk(chunk).await?;
            return Ok(ChunkEnd::OutOfTime);
        }
        self.note_unreadable(chunk, &found).await?;
        let uids = found.iter().map(|message| message.uid);
        let present: BTreeSet<u32> = uids.chain(chunk.map.iter().map(|pair| pair.0)).collect();
        let present = i64::try_from(present.len()).unwrap_or(i64::MAX);
        self.mailbox.ledger.finish_chunk(chunk, self.pass, present).await?;
        self.progressed = true;
        Ok(ChunkEnd::Finished)
    }

    /// Notes messages the destination says it never takes; gives the others.
    fn note_too_large(&self, chunk: &mut ChunkRecord, missing: Vec<Metadata>) -> Vec<Metadata> {
        let limit = self.destination.capabilities().append_limit_bytes().unwrap_or(u64::MAX);
        let (fitting, large): (Vec<_>, Vec<_>) = missing.into_iter().partition(|message| message.size_bytes <= limit);
        for message in large {
            let text = format!("it has {} bytes; the server takes {limit} at most", message.size_bytes);
            chunk.exceptions.push(ExceptionRecord {
                uid: message.uid,
                code: "TOOBIG".to_owned(),
                text,
            });
        }
        fitting
    }

    /// Notes messages that were asked for and not given, although they are still there.
    async fn note_unreadable(&mut self, chunk: &mut ChunkRecord, found: &[Metadata]) -> Result<(), SyncError> {
        let left = UidSet::from_sorted(missing_of(chunk, found).iter().map(|message| message.uid));
        if left.is_empty() {
            return Ok(());
        }
        for message in fetch::metadata(self.source, &left).await.map_err(SyncError::Source)? {
            let text = "the previous provider lists this message, but does not give it out".to_owned();
            chunk.exceptions.push(ExceptionRecord {
                uid: message.uid,
                code: "UNREADABLE".to_owned(),
                text,
            });
        }
        Ok(())
    }

    /// Sends messages in batches, reading the next while one is being appended.
    async fn send(&mut self, chunk: &mut ChunkRecord, missing: Vec<Metadata>) -> Result<ChunkEnd, SyncError> {
        let limits = self.mailbox.limits;
        let mut batches = cut_batches(missing, limits.batch_messages as usize, limits.batch_bytes).into_iter();
        let mut ready = match batches.next() {
            Some(batch) if self.has_time() => Some(read_batch(self.source, batch).await.map_err(SyncError::Source)?),
            Some(_) => return Ok(ChunkEnd::OutOfTime),
            None => None,
        };
        while let Some(batch) = ready.take() {
            let begun = Instant::now();
            let outgoing = self.outgoing(&batch);
            let uids = UidSet::from_sorted(batch.messages.iter().map(|(metadata, _)| metadata.uid));
            if !uids.is_empty() {
                chunk.open_batch = Some(OpenBatch {
                    uids,
                    from_uid: self.next_uid,
                });
                self.mailbox.ledger.save_chunk(chunk).await?;
            }
            let next = batches.next();
            let was_last = next.is_none();
            let source = &mut *self.source;
            let (appended, read) = tokio::join!(
                append(self.destination, &self.folder.destination_name, &outgoing),
                async {
                    match next {
                        Some(next) => read_batch(source, next).await.map(Some),
                        None => Ok(None),
                    }
                }
            );
            let appended = appended.map_err(SyncError::Destination)?;
            let saved = self.note(chunk, &batch, appended).await;
            self.slowest_batch = self.slowest_batch.max(begun.elapsed());
            // What arrived is saved whatever became of the reading, so that it need not be looked for.
            if saved.is_err() || read.is_err() {
                self.mailbox.ledger.save_chunk(chunk).await?;
            }
            saved?;
            ready = read.map_err(SyncError::Source)?;
            if !was_last && !self.has_time() {
                return Ok(ChunkEnd::OutOfTime);
            }
        }
        Ok(ChunkEnd::Finished)
    }

    fn has_time(&self) -> bool {
        self.deadline.remaining() > BATCH_MARGIN.max(self.slowest_batch * SLOWEST_BATCHES_LEFT)
    }

    /// A batch as it is sent: with the flags that the folder can keep.
    fn outgoing(&self, batch: &Batch) -> Vec<Outgoing> {
        let permanent = self.selected.permanent_flags.as_deref();
        let outgoing = |(metadata, body): &(Metadata, Bytes)| Outgoing {
            flags: FlagSet::new(&metadata.flags).permitted(permanent).words(),
            date: metadata.date.clone(),
            body: body.clone(),
        };
        batch.messages.iter().map(outgoing).collect()
    }

    /// Notes what became of a batch and closes it.
    async fn note(&mut self, chunk: &mut ChunkRecord, batch: &Batch, appended: Vec<Appended>) -> Result<(), SyncError> {
        let mut stop = None;
        let mut unlocated = Vec::new();
        for ((metadata, _), result) in batch.messages.iter().zip(appended) {
            match result {
                Appended::Stored { uid: Some(destination) } => {
                    self.claim(chunk, metadata, destination, &FlagSet::new(&metadata.flags));
                }
                Appended::Stored { uid: None } => unlocated.push(metadata.uid),
                Appended::Refused(refusal) => match refusal.class() {
                    RefusalClass::Message => chunk.exceptions.push(ExceptionRecord {
                        uid: metadata.uid,
                        code: refusal.code,
                        text: refusal.text,
                    }),
                    RefusalClass::Quota => stop = Some(SyncError::OverQuota(refusal.text)),
                    RefusalClass::Passing => {
                        let (code, text) = (refusal.code, refusal.text);
                        stop = Some(SyncError::Destination(ImapError::Refused {
                            command: "APPEND",
                            code,
                            text,
                        }));
                    }
                },
            }
        }
        self.progressed = true;
        if !unlocated.is_empty() {
            // No UIDPLUS: the destination UIDs are found by looking. What the server changed so much
            // that it cannot be found is there nevertheless, and is never sent again.
            self.close_open_batch(chunk).await?;
            unlocated.retain(|uid| chunk.map.get(*uid).is_none());
            chunk.unlocated = UidSet::from_sorted(chunk.unlocated.iter().chain(unlocated).collect::<BTreeSet<_>>());
        }
        chunk.open_batch = None;
        if chunk.exceptions.len() > MOST_REFUSED {
            stop = stop.or(Some(SyncError::TooManyRefused(chunk.exceptions.len())));
        }
        stop.map_or(Ok(()), Err)
    }

    /// Notes that a message is at the destination. `flags` are those it has there because of us.
    pub(super) fn claim(&mut self, chunk: &mut ChunkRecord, message: &Metadata, destination: u32, flags: &FlagSet) {
        chunk.map.insert(message.uid, destination);
        chunk.flags.insert(message.uid, flags);
        let size = i64::try_from(message.size_bytes).unwrap_or(i64::MAX);
        chunk.bytes_copied = chunk.bytes_copied.saturating_add(size);
        self.claimed.insert(destination);
        self.next_uid = self.next_uid.max(destination.saturating_add(1));
    }
}

/// Messages that have neither been copied nor refused.
fn missing_of(chunk: &ChunkRecord, found: &[Metadata]) -> Vec<Metadata> {
    let refused: HashSet<u32> = chunk.exceptions.iter().map(|exception| exception.uid).collect();
    let done = |uid| chunk.map.get(uid).is_some() || refused.contains(&uid) || chunk.unlocated.contains(uid);
    found.iter().filter(|message| !done(message.uid)).cloned().collect()
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

/// Reads the messages of a batch. One that has gone from the source meanwhile is left out.
async fn read_batch(source: &mut Session, messages: Vec<Metadata>) -> Result<Batch, ImapError> {
    let uids = UidSet::from_sorted(messages.iter().map(|message| message.uid));
    let mut bodies: BTreeMap<u32, Bytes> = BTreeMap::new();
    fetch::bodies(source, &uids, |uid, body| {
        bodies.insert(uid, body);
    })
    .await?;
    let with_body = messages
        .into_iter()
        .filter_map(|message| bodies.remove(&message.uid).map(|body| (message, body)));
    Ok(Batch {
        messages: with_body.collect(),
    })
}
