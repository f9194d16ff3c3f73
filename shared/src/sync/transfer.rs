//! From one server to the other: messages stream from FETCH into APPEND.
//!
//! The reader runs ahead as far as the bounded channel lets it; the writer saves what it is about to
//! send, sends it as it arrives, and saves what became of it together with the next intent. While
//! one batch is being answered the next is under way. Neither holds more than a few megabytes,
//! whatever the size of a message, a batch or a folder.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::chunk::note_withheld;
use super::claims::Claims;
use super::telling::Teller;
use super::{Mailbox, SyncError};
use crate::clock::Deadline;
use crate::domain::flags::FlagSet;
use crate::domain::tally::{BodyDigest, BodyDigester, body_digest};
use crate::domain::uid::UidRuns;
use crate::imap::append::{Appended, Appender, Begun, Head, Refusal, RefusalClass};
use crate::imap::bodies::{self, Piece, Pieces, ReadEnd, Wanted};
use crate::imap::date::InternalDate;
use crate::imap::fetch::Metadata;
use crate::imap::{ImapError, Session};
use crate::profile::Limits;
use crate::store::{ChunkRecord, Ledger, OpenBatch};

/// A batch is not begun, and no message added to one, with less time left than this.
pub(super) const BATCH_MARGIN: Duration = Duration::from_secs(2);

/// A large message that is not through is given up with less time left than this: what is known of
/// the run has to be saved yet.
const TORN_MARGIN: Duration = Duration::from_secs(1);

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
    /// Messages to be sent again, each list apart: they were refused together, or left out then.
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

/// The date a message is sent with, of which `beginning` holds the header. Without one the destination would take the time of
/// copying for it.
pub(super) fn outgoing_date(message: &Metadata, beginning: &[u8]) -> Option<InternalDate> {
    let date = message.date.clone();
    date.or_else(|| InternalDate::of_header(beginning))
}

/// Why nothing more is to be sent after a refusal; `None` where it is about the message.
pub(super) fn stop_for(refusal: &Refusal) -> Option<SyncError> {
    match refusal.class() {
        RefusalClass::Message => None,
        RefusalClass::Quota => Some(SyncError::OverQuota(refusal.text.clone())),
        RefusalClass::Passing => Some(SyncError::Destination(ImapError::Refused {
            command: "APPEND",
            code: refusal.code.clone(),
            text: refusal.text.clone(),
        })),
    }
}

/// Transfers messages of a chunk, in batches as large as the limits allow. What was copied is in the
/// chunk; it is saved, unless nothing went wrong: then the caller saves it.
///
/// # Errors
/// [`SyncError`]; what may have arrived without an answer stands in the chunk's open batch.
pub(super) async fn transfer<L: Ledger>(
    mailbox: &Mailbox<L>,
    source: &mut Session,
    target: Target<'_>,
    (chunk, claims, teller): (&mut ChunkRecord, &mut Claims, &mut Teller<L>),
    messages: &[Metadata],
) -> Result<Transferred, SyncError> {
    let wanted = |message: &Metadata| Wanted {
        uid: message.uid,
        size_bytes: message.size_bytes,
    };
    let wanted: Vec<Wanted> = messages.iter().map(wanted).collect();
    let (sink, pieces) = bodies::channel();
    let mut writer = Writer {
        ledger: &mailbox.ledger,
        limits: mailbox.limits,
        appender: Appender::new(target.session, target.name),
        permanent: target.permanent,
        deadline: target.deadline,
        chunk,
        claims,
        teller,
        waiting: VecDeque::new(),
        stop: None,
        left_out: Vec::new(),
        transferred: Transferred::default(),
    };
    let (mut read, mut withheld) = (None, Vec::new());
    let written = {
        let reading = bodies::read(source, &wanted, sink, &mut withheld);
        let writing = writer.run(messages, pieces);
        tokio::pin!(reading, writing);
        loop {
            tokio::select! {
                end = &mut reading, if read.is_none() => read = Some(end),
                written = &mut writing => break written,
            }
        }
    };
    let read = read.unwrap_or(Ok(ReadEnd::Abandoned)).map_err(SyncError::Source);
    let noted = note_withheld(writer.chunk, &withheld);
    if written.is_err() || read.is_err() || noted.is_err() {
        // What arrived is saved whatever became of the rest, so that it need not be looked for.
        writer.ledger.save_chunk(writer.chunk).await?;
    }
    let mut transferred = writer.transferred;
    if !writer.left_out.is_empty() {
        transferred.again.push(writer.left_out);
    }
    written?;
    noted?;
    if let ReadEnd::Given(inexact) = read? {
        let is_inexact = |message: &&Metadata| inexact.contains(&message.uid);
        transferred.inexact = messages.iter().filter(is_inexact).cloned().collect();
    }
    Ok(transferred)
}

/// The destination's side of a transfer.
struct Writer<'a, L> {
    ledger: &'a L,
    limits: Limits,
    appender: Appender<'a>,
    permanent: Option<&'a [String]>,
    deadline: Deadline,
    chunk: &'a mut ChunkRecord,
    claims: &'a mut Claims,
    teller: &'a mut Teller<L>,
    /// What was sent in batches that have no answer yet.
    waiting: VecDeque<(Instant, Vec<Sent>)>,
    /// Why nothing more is to be sent.
    stop: Option<SyncError>,
    /// Messages that came when their batch had been refused already.
    left_out: Vec<Metadata>,
    transferred: Transferred,
}

/// A message that was sent, in the order of its batch.
struct Sent {
    message: Metadata,
    digest: Option<BodyDigest>,
    size_bytes: u64,
}

/// The batch that is being sent.
struct Batch {
    begun_at: Instant,
    sent: Vec<Sent>,
    bytes: u64,
    /// The large message that is being sent.
    large: Option<(BodyDigester, Instant)>,
}

/// Whether to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Piece,
    /// Nothing more is to be sent.
    End,
    /// Time ran short within a message: the session cannot be used any more.
    Torn,
}

impl<L: Ledger> Writer<'_, L> {
    async fn run(&mut self, messages: &[Metadata], mut pieces: Pieces) -> Result<(), SyncError> {
        let mut missing: BTreeMap<u32, &Metadata> = messages.iter().map(|message| (message.uid, message)).collect();
        let mut batch: Option<Batch> = None;
        while let Some(piece) = pieces.next().await {
            self.teller.tell();
            match self.piece(&piece, &mut batch, &mut missing).await? {
                Next::Piece => {}
                Next::End => break,
                Next::Torn => return Ok(()),
            }
            if batch.as_ref().is_some_and(|batch| self.is_full(batch)) {
                self.finish(batch.take()).await?;
            }
        }
        if batch.as_ref().is_some_and(|batch| batch.large.is_some()) {
            // The reader broke off within a message, and says why.
            return Ok(());
        }
        self.finish(batch).await?;
        while !self.waiting.is_empty() {
            self.settle().await?;
        }
        if self.transferred.unlocated.is_empty() {
            self.chunk.open_batch = None;
        }
        self.stop.take().map_or(Ok(()), Err)
    }

    fn is_full(&self, batch: &Batch) -> bool {
        let is_full = batch.sent.len() >= self.limits.batch_messages as usize || batch.bytes >= self.limits.batch_bytes;
        is_full && batch.large.is_none()
    }

    async fn finish(&mut self, batch: Option<Batch>) -> Result<(), SyncError> {
        if let Some(batch) = batch {
            self.appender.finish().await.map_err(SyncError::Destination)?;
            self.waiting.push_back((batch.begun_at, batch.sent));
        }
        Ok(())
    }

    /// Sends a piece; the first of a batch begins it.
    async fn piece(
        &mut self,
        piece: &Piece,
        batch: &mut Option<Batch>,
        missing: &mut BTreeMap<u32, &Metadata>,
    ) -> Result<Next, SyncError> {
        let (uid, size_bytes, beginning) = match piece {
            Piece::Whole { uid, body } => (*uid, body.len() as u64, body),
            Piece::Begin { uid, size_bytes, first } => (*uid, *size_bytes, first),
            Piece::Part(part) => return self.part(part, batch).await,
            Piece::End => {
                if let Some(batch) = batch
                    && let (Some((digester, _)), Some(last)) = (batch.large.take(), batch.sent.last_mut())
                {
                    last.digest = Some(digester.finish());
                    self.appender.end_message().await.map_err(SyncError::Destination)?;
                }
                return Ok(Next::Piece);
            }
        };
        let Some(message) = missing.remove(&uid).filter(|message| !message.is_hollow(beginning)) else {
            return Ok(Next::Piece);
        };
        let batch = match batch {
            Some(_) if self.deadline.remaining() < BATCH_MARGIN => {
                self.transferred.out_of_time = true;
                return Ok(Next::End);
            }
            Some(batch) => batch,
            None => {
                if !self.open(uid, missing).await? {
                    return Ok(Next::End);
                }
                batch.insert(Batch {
                    begun_at: Instant::now(),
                    sent: Vec::new(),
                    bytes: 0,
                    large: None,
                })
            }
        };
        let head = Head {
            flags: outgoing_flags(message, self.permanent, self.claims.bare).words(),
            date: outgoing_date(message, beginning),
            size_bytes,
        };
        let begun = self.appender.begin(&head).await.map_err(SyncError::Destination)?;
        if begun == Begun::Closed {
            self.left_out.push(message.clone());
            return Ok(Next::Piece);
        }
        let mut this = Sent {
            message: message.clone(),
            digest: None,
            size_bytes,
        };
        match piece {
            Piece::Whole { body, .. } if begun == Begun::Go => {
                this.digest = Some(body_digest(body));
                self.appender.write(body).await.map_err(SyncError::Destination)?;
                self.appender.end_message().await.map_err(SyncError::Destination)?;
            }
            _ if begun == Begun::Go => batch.large = Some((BodyDigester::default(), Instant::now())),
            _ => {}
        }
        batch.sent.push(this);
        batch.bytes += size_bytes;
        Ok(Next::Piece)
    }

    /// Sends a part of the large message, unless its announcement was refused.
    async fn part(&mut self, part: &[u8], batch: &mut Option<Batch>) -> Result<Next, SyncError> {
        let Some(batch) = batch else { return Ok(Next::Piece) };
        let (Some((digester, since)), Some(last)) = (&mut batch.large, batch.sent.last()) else {
            return Ok(Next::Piece);
        };
        if self.deadline.remaining() < TORN_MARGIN {
            self.transferred.torn = Some((last.message.clone(), since.elapsed()));
            return Ok(Next::Torn);
        }
        digester.update(part);
        self.appender.write(part).await.map_err(SyncError::Destination)?;
        Ok(Next::Piece)
    }

    /// Saves that whatever is missing may be sent from now on; false where there is no time to begin
    /// a batch, or no sense in it.
    async fn open(&mut self, first: u32, missing: &BTreeMap<u32, &Metadata>) -> Result<bool, SyncError> {
        while self.appender.unanswered() >= self.appender.depth() {
            self.settle().await?;
        }
        if self.stop.is_some() {
            return Ok(false);
        }
        if !self.claims.has_time(self.deadline) {
            self.transferred.out_of_time = true;
            return Ok(false);
        }
        let waiting = self.waiting.iter().flat_map(|(_, sent)| sent);
        let uids: UidRuns = waiting
            .map(|sent| sent.message.uid)
            .chain([first])
            .chain(missing.keys().copied())
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
                Appended::Refused(refusal) => match stop_for(&refusal) {
                    Some(stop) => self.stop = Some(stop),
                    None if refused_together && !is_alone => to_halve.push(sent.message),
                    None => self.transferred.refused.push((sent.message, refusal)),
                },
            }
        }
        self.teller.go_on(self.chunk);
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
