//! From one server to the other: messages stream from FETCH into APPEND.
//!
//! The reader runs ahead as far as the bounded channel lets it; the writer saves what it is about to
//! send, sends it as it arrives, and saves what became of it together with the next intent. While
//! one batch is being answered the next is under way. Neither holds more than a few megabytes,
//! whatever the size of a message, a batch or a folder.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::{Mailbox, SyncError};
use crate::clock::Deadline;
use crate::domain::flags::FlagSet;
use crate::domain::prints::Print;
use crate::domain::tally::{BodyDigest, BodyDigester, body_digest};
use crate::domain::uid::UidRuns;
use crate::imap::append::{Appended, Appender, Begun, Head, Refusal, RefusalClass};
use crate::imap::bodies::{self, Piece, Pieces, ReadEnd, Wanted};
use crate::imap::date::InternalDate;
use crate::imap::fetch::Metadata;
use crate::imap::{ImapError, Session};
use crate::store::{ChunkRecord, Ledger, OpenBatch};

/// A batch is not begun, and no message added to one, with less time left than this.
const BATCH_MARGIN: Duration = Duration::from_secs(2);

/// A large message that is not through is given up with less time left than this: what is known of
/// the run has to be saved yet.
const TORN_MARGIN: Duration = Duration::from_secs(1);

/// A batch is not begun with less time left than this many times the slowest one so far.
const SLOWEST_BATCHES_LEFT: u32 = 3;

/// Which messages at the destination are ours, and how fast it goes.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// Destination UIDs that belong to messages of this folder's chunks.
    pub(super) claimed: UidRuns,
    /// Nothing that is sent from now on gets a destination UID below this.
    pub(super) next_uid: u32,
    /// Digests of messages that were read and whose destination UID is still to be found.
    pub(super) read: HashMap<u32, (BodyDigest, u64)>,
    /// Whether the destination has refused keywords, so that messages go without.
    pub(super) bare: bool,
    /// The longest a batch took, from its intent to its answer.
    pub(super) slowest_batch: Duration,
    /// Whether anything was copied in this run.
    pub(super) progressed: bool,
}

impl Claims {
    /// Whether there is time to begin a batch.
    pub(super) fn has_time(&self, deadline: Deadline) -> bool {
        deadline.remaining() > BATCH_MARGIN.max(self.slowest_batch * SLOWEST_BATCHES_LEFT)
    }

    /// Notes that a message is at the destination. `flags` are those it has there because of us.
    pub(super) fn claim(&mut self, chunk: &mut ChunkRecord, message: &Metadata, destination: u32, flags: &FlagSet) {
        chunk.map.insert(message.uid, destination);
        chunk.flags.insert(message.uid, flags);
        let size = i64::try_from(message.size_bytes).unwrap_or(i64::MAX);
        chunk.bytes_copied = chunk.bytes_copied.saturating_add(size);
        match self.read.remove(&message.uid) {
            Some((digest, bytes)) => {
                let date = message.date.as_ref().map(InternalDate::instant);
                chunk.tally.add(&digest, bytes, date);
                chunk.prints.insert(message.uid, Print::of(&digest, date));
            }
            None => {
                chunk.untallied.insert(message.uid);
            }
        }
        self.claimed.insert(destination);
        self.next_uid = self.next_uid.max(destination.saturating_add(1));
    }
}

/// The destination folder, as the writer needs it.
pub(super) struct Target<'a> {
    pub(super) session: &'a mut Session,
    /// Its name on the wire.
    pub(super) name: &'a str,
    /// PERMANENTFLAGS.
    pub(super) permanent: Option<&'a [String]>,
    pub(super) deadline: Deadline,
}

/// What came of a transfer beside what was copied.
#[derive(Debug, Default)]
pub(super) struct Transferred {
    /// Whether time ran short.
    pub(super) out_of_time: bool,
    /// Batches to be sent again in smaller parts: one of their messages was refused.
    pub(super) again: Vec<Vec<Metadata>>,
    /// Messages that were refused alone.
    pub(super) refused: Vec<(Metadata, Refusal)>,
    /// Messages that arrived and whose UID the destination did not tell.
    pub(super) unlocated: Vec<u32>,
    /// The large message that time ran short in, and how long it had. Both sessions are in the middle
    /// of it and cannot be used any more.
    pub(super) torn: Option<(Metadata, Duration)>,
    /// Large messages whose RFC822.SIZE is wrong: not sent.
    pub(super) inexact: Vec<Metadata>,
}

/// The flags a message is sent with.
pub(super) fn outgoing_flags(message: &Metadata, permanent: Option<&[String]>, bare: bool) -> FlagSet {
    let flags = FlagSet::new(&message.flags).permitted(permanent);
    if bare { flags.without_keywords() } else { flags }
}

/// Transfers batches of a chunk. What was copied is in the chunk; it is saved, unless nothing went
/// wrong: then the caller saves it.
///
/// # Errors
/// [`SyncError`]; what may have arrived without an answer stands in the chunk's open batch.
pub(super) async fn transfer<L: Ledger>(
    mailbox: &Mailbox<L>,
    source: &mut Session,
    target: Target<'_>,
    chunk: &mut ChunkRecord,
    claims: &mut Claims,
    batches: &[Vec<Metadata>],
) -> Result<Transferred, SyncError> {
    let wanted = |message: &Metadata| Wanted {
        uid: message.uid,
        size_bytes: message.size_bytes,
    };
    let sets: Vec<Vec<Wanted>> = batches.iter().map(|batch| batch.iter().map(wanted).collect()).collect();
    let (sink, pieces) = bodies::channel();
    let mut writer = Writer {
        ledger: &mailbox.ledger,
        appender: Appender::new(target.session, target.name),
        permanent: target.permanent,
        deadline: target.deadline,
        chunk,
        claims,
        waiting: VecDeque::new(),
        stop: None,
        transferred: Transferred::default(),
    };
    let mut read = None;
    let written = {
        let reading = bodies::read(source, &sets, sink);
        let writing = writer.run(batches, pieces);
        tokio::pin!(reading, writing);
        loop {
            tokio::select! {
                end = &mut reading, if read.is_none() => read = Some(end),
                written = &mut writing => break written,
            }
        }
    };
    let read = read.unwrap_or(Ok(ReadEnd::Abandoned)).map_err(SyncError::Source);
    if written.is_err() || read.is_err() {
        // What arrived is saved whatever became of the rest, so that it need not be looked for.
        writer.ledger.save_chunk(writer.chunk).await?;
    }
    let mut transferred = writer.transferred;
    written?;
    if let ReadEnd::Given(inexact) = read? {
        let all = batches.iter().flatten();
        transferred.inexact = all.filter(|message| inexact.contains(&message.uid)).cloned().collect();
    }
    Ok(transferred)
}

/// The destination's side of a transfer.
struct Writer<'a, L> {
    ledger: &'a L,
    appender: Appender<'a>,
    permanent: Option<&'a [String]>,
    deadline: Deadline,
    chunk: &'a mut ChunkRecord,
    claims: &'a mut Claims,
    /// What was sent in batches that have no answer yet.
    waiting: VecDeque<(Instant, Vec<Sent>)>,
    /// Why nothing more is to be sent.
    stop: Option<SyncError>,
    transferred: Transferred,
}

/// A message that was sent, in the order of its batch.
struct Sent {
    message: Metadata,
    digest: Option<BodyDigest>,
    size_bytes: u64,
}

/// How a batch's pieces ended.
enum BatchEnd {
    Complete,
    OutOfTime,
    /// The reader broke off between two messages.
    BrokeOff,
    /// The reader broke off, or time ran short, within a message: the session cannot be used any more.
    Torn,
}

impl<L: Ledger> Writer<'_, L> {
    async fn run(&mut self, batches: &[Vec<Metadata>], mut pieces: Pieces) -> Result<(), SyncError> {
        for batch in batches {
            let end = self.batch(batch, &mut pieces).await?;
            match end {
                BatchEnd::Complete if self.stop.is_none() => {}
                // The reader says why.
                BatchEnd::Torn => return Ok(()),
                BatchEnd::Complete | BatchEnd::BrokeOff => break,
                BatchEnd::OutOfTime => {
                    self.transferred.out_of_time = true;
                    break;
                }
            }
        }
        while !self.waiting.is_empty() {
            self.settle().await?;
        }
        if self.transferred.unlocated.is_empty() {
            self.chunk.open_batch = None;
        }
        self.stop.take().map_or(Ok(()), Err)
    }

    /// Sends one batch as its pieces arrive.
    async fn batch(&mut self, batch: &[Metadata], pieces: &mut Pieces) -> Result<BatchEnd, SyncError> {
        let messages: BTreeMap<u32, &Metadata> = batch.iter().map(|message| (message.uid, message)).collect();
        let mut sent: Vec<Sent> = Vec::new();
        let mut left_out = Vec::new();
        let mut large: Option<(BodyDigester, Instant)> = None;
        let mut begun_at = None;
        let end = loop {
            let Some(piece) = pieces.next().await else {
                break if large.is_some() {
                    BatchEnd::Torn
                } else {
                    BatchEnd::BrokeOff
                };
            };
            let (uid, size_bytes) = match &piece {
                Piece::Whole { uid, body } => (*uid, body.len() as u64),
                Piece::Begin { uid, size_bytes } => (*uid, *size_bytes),
                Piece::Part(part) => {
                    if let (Some((digester, since)), Some(last)) = (&mut large, sent.last()) {
                        if self.deadline.remaining() < TORN_MARGIN {
                            self.transferred.torn = Some((last.message.clone(), since.elapsed()));
                            break BatchEnd::Torn;
                        }
                        digester.update(part);
                        self.appender.write(part).await.map_err(SyncError::Destination)?;
                    }
                    continue;
                }
                Piece::End => {
                    if let (Some((digester, _)), Some(last)) = (large.take(), sent.last_mut()) {
                        last.digest = Some(digester.finish());
                        self.appender.end_message().await.map_err(SyncError::Destination)?;
                    }
                    continue;
                }
                Piece::EndOfSet => break BatchEnd::Complete,
            };
            let Some(message) = messages.get(&uid) else { continue };
            if begun_at.is_none() {
                if !self.open(batch).await? {
                    break BatchEnd::OutOfTime;
                }
                begun_at = Some(Instant::now());
            } else if self.deadline.remaining() < BATCH_MARGIN {
                break BatchEnd::OutOfTime;
            }
            let head = Head {
                flags: outgoing_flags(message, self.permanent, self.claims.bare).words(),
                date: message.date.clone(),
                size_bytes,
            };
            match self.appender.begin(&head).await.map_err(SyncError::Destination)? {
                Begun::Closed => left_out.push((*message).clone()),
                begun => {
                    let mut this = Sent {
                        message: (*message).clone(),
                        digest: None,
                        size_bytes,
                    };
                    match &piece {
                        Piece::Whole { body, .. } if begun == Begun::Go => {
                            this.digest = Some(body_digest(body));
                            self.appender.write(body).await.map_err(SyncError::Destination)?;
                            self.appender.end_message().await.map_err(SyncError::Destination)?;
                        }
                        _ if begun == Begun::Go => large = Some((BodyDigester::default(), Instant::now())),
                        _ => {}
                    }
                    sent.push(this);
                }
            }
        };
        if let (Some(begun_at), false) = (begun_at, matches!(end, BatchEnd::Torn)) {
            self.appender.finish().await.map_err(SyncError::Destination)?;
            self.waiting.push_back((begun_at, sent));
        }
        if !left_out.is_empty() {
            self.transferred.again.push(left_out);
        }
        Ok(end)
    }

    /// Saves the intent to send a batch; false where there is no time for it, or no sense in it.
    async fn open(&mut self, batch: &[Metadata]) -> Result<bool, SyncError> {
        while self.appender.unanswered() >= self.appender.depth() {
            self.settle().await?;
        }
        if self.stop.is_some() || !self.claims.has_time(self.deadline) {
            return Ok(false);
        }
        let waiting = self.waiting.iter().flat_map(|(_, sent)| sent);
        let uids: UidRuns = waiting
            .map(|sent| sent.message.uid)
            .chain(batch.iter().map(|message| message.uid))
            .collect();
        self.chunk.open_batch = Some(OpenBatch {
            uids: uids.to_set(),
            from_uid: self.claims.next_uid,
        });
        self.ledger.save_chunk(self.chunk).await?;
        Ok(true)
    }

    /// Waits for the oldest batch's answer and notes what it says.
    async fn settle(&mut self) -> Result<(), SyncError> {
        let Some((begun_at, sent)) = self.waiting.pop_front() else {
            return Ok(());
        };
        let appended = self.appender.answer().await.map_err(SyncError::Destination)?;
        self.claims.slowest_batch = self.claims.slowest_batch.max(begun_at.elapsed());
        self.claims.progressed = true;
        let is_alone = sent.len() == 1;
        let refused_together = appended.iter().all(|one| matches!(one, Appended::Refused(_)));
        let mut to_halve = Vec::new();
        for (sent, result) in sent.into_iter().zip(appended) {
            match result {
                Appended::Stored { uid } => self.stored(sent, uid),
                Appended::Refused(refusal) => match refusal.class() {
                    RefusalClass::Message if refused_together && !is_alone => to_halve.push(sent.message),
                    RefusalClass::Message => self.transferred.refused.push((sent.message, refusal)),
                    RefusalClass::Quota => self.stop = Some(SyncError::OverQuota(refusal.text)),
                    RefusalClass::Passing => {
                        let (code, text) = (refusal.code, refusal.text);
                        self.stop = Some(SyncError::Destination(ImapError::Refused {
                            command: "APPEND",
                            code,
                            text,
                        }));
                    }
                },
            }
        }
        if !to_halve.is_empty() {
            let second = to_halve.split_off(to_halve.len() / 2);
            self.transferred.again.extend([to_halve, second]);
        }
        Ok(())
    }

    fn stored(&mut self, sent: Sent, uid: Option<u32>) {
        let Sent {
            message,
            digest,
            size_bytes,
        } = sent;
        if let Some(digest) = digest {
            self.claims.read.insert(message.uid, (digest, size_bytes));
        }
        let flags = FlagSet::new(&message.flags);
        let kept = outgoing_flags(&message, self.permanent, self.claims.bare);
        self.chunk.dropped.note(&flags.minus(&kept));
        match uid {
            Some(uid) => self.claims.claim(self.chunk, &message, uid, &flags),
            None => self.transferred.unlocated.push(message.uid),
        }
    }
}
