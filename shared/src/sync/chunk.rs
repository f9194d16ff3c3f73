//! Making one chunk true at the destination.
//!
//! A batch is copied so: what is about to be sent is saved; it is sent, while the next batch is
//! read from the source; what arrived is saved together with the next batch's intent. Dying
//! anywhere leaves an open batch, and whoever comes next looks for it at the destination before
//! anything else is sent.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use tokio::time::Instant;

use super::delta::{ThreeWay, flag_changes};
use super::matching::{Candidates, Digest, Side, match_messages};
use super::{Engine, SyncError};
use crate::clock::Deadline;
use crate::domain::Pass;
use crate::domain::flags::FlagSet;
use crate::domain::uid::UidSet;
use crate::imap::append::{Appended, Outgoing, append};
use crate::imap::fetch::Metadata;
use crate::imap::{ImapError, Selected, Session, fetch};
use crate::store::{ChunkRecord, ExceptionRecord, FolderRecord, OpenBatch};

/// A batch is not begun with less time left than this.
const BATCH_MARGIN: Duration = Duration::from_secs(2);

/// A batch is not begun with less time left than this many times the slowest one so far.
const SLOWEST_BATCHES_LEFT: u32 = 3;

/// How many bytes of messages are digested at once.
const DIGEST_BYTES: u64 = 8 << 20;

/// How a run of a chunk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkEnd {
    /// Every message is at the destination, or noted as refused.
    Finished,
    /// Time ran short; what was copied is saved.
    OutOfTime,
}

/// A folder opened on both sides, held by this worker alone.
pub(super) struct OpenFolder<'a> {
    pub(super) engine: &'a Engine,
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
    pub(super) slowest_batch: Duration,
    /// Whether anything was saved in this run.
    pub(super) progressed: bool,
}

/// Messages of one APPEND, read from the source.
struct Batch {
    messages: Vec<(Metadata, Bytes)>,
}

impl OpenFolder<'_> {
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
        let missing: Vec<Metadata> = found
            .iter()
            .filter(|message| is_missing(chunk, message.uid))
            .cloned()
            .collect();
        let present: BTreeSet<u32> = found
            .iter()
            .map(|message| message.uid)
            .chain(chunk.map.iter().map(|pair| pair.0))
            .collect();
        if self.send(chunk, missing).await? == ChunkEnd::OutOfTime {
            self.engine.store.save_chunk(chunk).await?;
            return Ok(ChunkEnd::OutOfTime);
        }
        let present = i64::try_from(present.len()).unwrap_or(i64::MAX);
        self.engine.store.finish_chunk(chunk, self.pass, present).await?;
        self.progressed = true;
        Ok(ChunkEnd::Finished)
    }

    /// Sends messages in batches, reading the next while one is being appended.
    async fn send(&mut self, chunk: &mut ChunkRecord, missing: Vec<Metadata>) -> Result<ChunkEnd, SyncError> {
        let limits = self.engine.profile.limits;
        let mut batches = cut_batches(missing, limits.batch_messages as usize, limits.batch_bytes).into_iter();
        let mut ready = match batches.next() {
            Some(batch) if self.has_time() => Some(read_batch(self.source, batch).await.map_err(SyncError::Source)?),
            Some(_) => return Ok(ChunkEnd::OutOfTime),
            None => None,
        };
        while let Some(batch) = ready.take() {
            let begun = Instant::now();
            let outgoing = self.outgoing(chunk, &batch);
            let uids = UidSet::from_sorted(outgoing.iter().map(|(uid, _)| *uid));
            if !uids.is_empty() {
                chunk.open_batch = Some(OpenBatch {
                    uids,
                    from_uid: self.next_uid,
                });
                self.engine.store.save_chunk(chunk).await?;
            }
            let next = batches.next();
            let was_last = next.is_none();
            let (messages, source) = (
                outgoing.iter().map(|(_, message)| message.clone()).collect::<Vec<_>>(),
                &mut *self.source,
            );
            let (appended, read) = tokio::join!(
                append(self.destination, &self.folder.destination_name, &messages),
                async {
                    match next {
                        Some(next) => read_batch(source, next).await.map(Some),
                        None => Ok(None),
                    }
                }
            );
            let appended = appended.map_err(SyncError::Destination)?;
            let saved = self.note(chunk, &batch, &outgoing, appended).await;
            self.slowest_batch = self.slowest_batch.max(begun.elapsed());
            // What arrived is saved whatever became of the reading, so that it need not be looked for.
            if saved.is_err() || read.is_err() {
                self.engine.store.save_chunk(chunk).await?;
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

    /// What of a batch is sent; messages the destination says it never takes are noted instead.
    fn outgoing(&self, chunk: &mut ChunkRecord, batch: &Batch) -> Vec<(u32, Outgoing)> {
        let limit = self.destination.capabilities().append_limit_bytes().unwrap_or(u64::MAX);
        let permanent = self.selected.permanent_flags.as_deref();
        let mut outgoing = Vec::with_capacity(batch.messages.len());
        for (metadata, body) in &batch.messages {
            if body.len() as u64 > limit {
                let text = format!(
                    "the message has {} bytes, and the server takes {limit} at most",
                    body.len()
                );
                chunk.exceptions.push(ExceptionRecord {
                    uid: metadata.uid,
                    code: "TOOBIG".to_owned(),
                    text,
                });
            } else {
                let flags = FlagSet::new(&metadata.flags).permitted(permanent).words();
                outgoing.push((
                    metadata.uid,
                    Outgoing {
                        flags,
                        date: metadata.date.clone(),
                        body: body.clone(),
                    },
                ));
            }
        }
        outgoing
    }

    /// Notes what became of a batch and closes it.
    async fn note(
        &mut self,
        chunk: &mut ChunkRecord,
        batch: &Batch,
        outgoing: &[(u32, Outgoing)],
        appended: Vec<Appended>,
    ) -> Result<(), SyncError> {
        let mut full = None;
        let mut without_uid = false;
        let by_uid: BTreeMap<u32, &Metadata> = batch
            .messages
            .iter()
            .map(|(metadata, _)| (metadata.uid, metadata))
            .collect();
        for ((uid, _), result) in outgoing.iter().zip(appended) {
            match result {
                Appended::Stored { uid: Some(destination) } => {
                    self.claim(chunk, *uid, destination, by_uid.get(uid).copied());
                }
                Appended::Stored { uid: None } => without_uid = true,
                Appended::Refused(refusal) if refusal.code == "OVERQUOTA" => full = Some(refusal.text),
                Appended::Refused(refusal) => {
                    tracing::warn!(job.id = %chunk.job_id, folder = self.folder.folder, uid, code = refusal.code, "message refused");
                    chunk.exceptions.push(ExceptionRecord {
                        uid: *uid,
                        code: refusal.code,
                        text: refusal.text,
                    });
                }
            }
        }
        self.progressed = true;
        if without_uid {
            // No UIDPLUS: the destination UIDs are found by looking.
            self.close_open_batch(chunk).await?;
        }
        chunk.open_batch = None;
        full.map_or(Ok(()), |text| Err(SyncError::OverQuota(text)))
    }

    fn claim(&mut self, chunk: &mut ChunkRecord, source: u32, destination: u32, metadata: Option<&Metadata>) {
        chunk.map.insert(source, destination);
        self.claimed.insert(destination);
        self.next_uid = self.next_uid.max(destination.saturating_add(1));
        if let Some(metadata) = metadata {
            chunk.flags.insert(source, &FlagSet::new(&metadata.flags));
            chunk.bytes_copied = chunk
                .bytes_copied
                .saturating_add(i64::try_from(metadata.size_bytes).unwrap_or(i64::MAX));
        }
    }

    /// Finds at the destination what an unknown end left there, and mail that was there before.
    /// Sends nothing. The result is durable with the next save.
    async fn close_open_batch(&mut self, chunk: &mut ChunkRecord) -> Result<(), SyncError> {
        let (from, uids, candidates) = match (&chunk.open_batch, chunk.match_from) {
            (_, Some(from)) => (
                from,
                UidSet::from_range(chunk.first_uid..=chunk.last_uid),
                Candidates::AnyMail,
            ),
            (Some(open), None) => (open.from_uid, open.uids.clone(), Candidates::SinceOurBatch),
            (None, None) => return Ok(()),
        };
        self.destination.refresh().await.map_err(SyncError::Destination)?;
        let (ours, mut theirs) = tokio::try_join!(
            async { fetch::identities(self.source, &uids).await.map_err(SyncError::Source) },
            async {
                fetch::identities_from(self.destination, from)
                    .await
                    .map_err(SyncError::Destination)
            },
        )?;
        self.next_uid = theirs
            .last()
            .map_or(self.next_uid, |last| self.next_uid.max(last.uid.saturating_add(1)));
        theirs.retain(|message| !self.claimed.contains(&message.uid));
        let ours = ours
            .into_iter()
            .filter(|message| chunk.map.get(message.uid).is_none())
            .collect();
        let mut source = Side {
            messages: ours,
            digests: BTreeMap::new(),
        };
        let mut destination = Side {
            messages: theirs,
            digests: BTreeMap::new(),
        };
        let mut matches = match_messages(&source, &destination, candidates);
        if matches.in_doubt() {
            let (ours, theirs) = tokio::try_join!(
                async {
                    digests(self.source, &source.messages, &matches.doubtful_sources)
                        .await
                        .map_err(SyncError::Source)
                },
                async {
                    digests(self.destination, &destination.messages, &matches.doubtful_destinations)
                        .await
                        .map_err(SyncError::Destination)
                },
            )?;
            (source.digests, destination.digests) = (ours, theirs);
            matches = match_messages(&source, &destination, candidates);
        }
        let arrived = matches.pairs.len();
        tracing::info!(job.id = %chunk.job_id, folder = self.folder.folder, chunk = chunk.chunk, asked = uids.len(), arrived, "looked for what had arrived");
        let by_uid: BTreeMap<u32, Metadata> = source
            .messages
            .into_iter()
            .map(|message| (message.uid, message))
            .collect();
        for (ours, theirs) in matches.pairs {
            self.claim(chunk, ours, theirs, by_uid.get(&ours));
        }
        chunk.open_batch = None;
        chunk.match_from = None;
        Ok(())
    }

    async fn carry_flags_over(&mut self, chunk: &mut ChunkRecord, found: &[Metadata]) -> Result<(), SyncError> {
        let mapped: Vec<(&Metadata, u32)> = found
            .iter()
            .filter_map(|message| Some((message, chunk.map.get(message.uid)?)))
            .collect();
        let mut uids: Vec<u32> = mapped.iter().map(|(_, destination)| *destination).collect();
        uids.sort_unstable();
        let here = fetch::metadata(self.destination, &UidSet::from_sorted(uids))
            .await
            .map_err(SyncError::Destination)?;
        let here: BTreeMap<u32, FlagSet> = here
            .into_iter()
            .map(|message| (message.uid, FlagSet::new(&message.flags)))
            .collect();
        let three_ways: Vec<ThreeWay> = mapped
            .iter()
            .filter_map(|(message, destination_uid)| {
                Some(ThreeWay {
                    destination_uid: *destination_uid,
                    base: chunk.flags.get(message.uid)?,
                    source: FlagSet::new(&message.flags),
                    destination: here.get(destination_uid)?.clone(),
                })
            })
            .collect();
        for change in flag_changes(&three_ways, self.selected.permanent_flags.as_deref()) {
            fetch::store_flags(self.destination, &change.uids, change.sign, &change.flags)
                .await
                .map_err(SyncError::Destination)?;
        }
        for (message, _) in mapped {
            chunk.flags.insert(message.uid, &FlagSet::new(&message.flags));
        }
        Ok(())
    }
}

/// Whether a message has neither been copied nor refused.
fn is_missing(chunk: &ChunkRecord, uid: u32) -> bool {
    chunk.map.get(uid).is_none() && chunk.exceptions.iter().all(|exception| exception.uid != uid)
}

/// Messages in batches within the limits; a larger message goes alone.
fn cut_batches(messages: Vec<Metadata>, most_messages: usize, most_bytes: u64) -> Vec<Vec<Metadata>> {
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

/// The digests of messages, read a bounded part at a time.
async fn digests(
    session: &mut Session,
    messages: &[Metadata],
    wanted: &BTreeSet<u32>,
) -> Result<BTreeMap<u32, Digest>, ImapError> {
    let wanted = messages
        .iter()
        .filter(|message| wanted.contains(&message.uid))
        .cloned()
        .collect();
    let mut found = BTreeMap::new();
    for part in cut_batches(wanted, 1000, DIGEST_BYTES) {
        let uids = UidSet::from_sorted(part.iter().map(|message| message.uid));
        fetch::bodies(session, &uids, |uid, body| {
            if let Ok(digest) = Digest::try_from(digest(&SHA256, &body).as_ref()) {
                found.insert(uid, digest);
            }
        })
        .await?;
    }
    Ok(found)
}
