//! Messages that did not cross as they are: those that the destination refused are tried in other forms, and
//! those whose size is told wrongly are measured.

use std::collections::HashSet;

use super::SyncError;
use super::chunk::{OpenFolder, UNREADABLE, note, note_refusal};
use super::repair::repair;
use super::transfer::{outgoing_date, outgoing_flags, stop_for};
use crate::domain::ExceptionClass;
use crate::domain::flags::FlagSet;
use crate::domain::tally::body_digest;
use crate::domain::uid::UidSet;
use crate::imap::append::{Appended, Appender, Begun, Head, Refusal};
use crate::imap::fetch::Metadata;
use crate::imap::{bodies, fetch};
use crate::store::{ChunkRecord, ExceptionRecord, Ledger, OpenBatch};

/// A refused message that is larger is not tried in another form: it would have to be held whole.
const RETRIED_BYTES: u64 = 16 << 20;

impl<L: Ledger> OpenFolder<'_, L> {
    /// A large message with its true size, where the server says a wrong one; `None` where it has
    /// gone, or its size is another each time, which is noted.
    pub(super) async fn measured(
        &mut self,
        chunk: &mut ChunkRecord,
        message: Metadata,
        measured: &mut HashSet<u32>,
    ) -> Result<Option<Metadata>, SyncError> {
        if !measured.insert(message.uid) {
            let text = "the previous provider gives another size for this message each time".to_owned();
            note(chunk, message.uid, UNREADABLE, text)?;
            return Ok(None);
        }
        let size = bodies::measure(self.source, message.uid)
            .await
            .map_err(SyncError::Source)?;
        Ok(size.map(|size_bytes| Metadata { size_bytes, ..message }))
    }

    /// Tries a refused message in other forms that mean the same: without keywords, which some
    /// servers refuse, and repaired, where the customer asked for it. Else the refusal is noted.
    pub(super) async fn try_otherwise(
        &mut self,
        chunk: &mut ChunkRecord,
        message: &Metadata,
        mut refusal: Refusal,
    ) -> Result<(), SyncError> {
        let permanent = self.selected.permanent_flags.as_deref();
        // It may have been sent with its keywords before another one showed that they are refused.
        let flags = outgoing_flags(message, permanent, false);
        let bare = flags.without_keywords();
        let has_keywords = bare != flags;
        if !(has_keywords || self.mailbox.options.repair) || message.size_bytes > RETRIED_BYTES {
            return note_refusal(chunk, message.uid, refusal);
        }
        let mut body = None;
        fetch::bodies(self.source, &UidSet::from_sorted([message.uid]), |_, bytes| {
            body = Some(bytes);
        })
        .await
        .map_err(SyncError::Source)?;
        let Some(body) = body else { return Ok(()) };
        let repaired = repair(&body).filter(|_| self.mailbox.options.repair);
        // As little as possible is changed: the flags before the bytes, and both at last.
        let mut forms: Vec<(&FlagSet, &[u8])> = Vec::new();
        forms.extend(has_keywords.then_some((&bare, &body[..])));
        if let Some(repaired) = &repaired {
            let may_keep = !(has_keywords && self.claims.bare);
            forms.extend(may_keep.then_some((&flags, &repaired.bytes[..])));
            forms.extend(has_keywords.then_some((&bare, &repaired.bytes[..])));
        }
        for (flags, bytes) in forms {
            if let Some(again) = self.append_alone(chunk, message, flags, bytes).await? {
                refusal = again;
                continue;
            }
            self.claims.bare |= has_keywords && *flags == bare;
            chunk.dropped.note(&FlagSet::new(&message.flags).minus(flags));
            return match repaired.as_ref().filter(|repaired| repaired.bytes == bytes) {
                Some(repaired) => note(
                    chunk,
                    message.uid,
                    (ExceptionRecord::REPAIRED, Some(ExceptionClass::Invalid)),
                    repaired.repairs.to_string(),
                ),
                None => Ok(()),
            };
        }
        note_refusal(chunk, message.uid, refusal)
    }

    /// Appends one message, whole; gives the refusal where it is refused.
    async fn append_alone(
        &mut self,
        chunk: &mut ChunkRecord,
        message: &Metadata,
        flags: &FlagSet,
        body: &[u8],
    ) -> Result<Option<Refusal>, SyncError> {
        chunk.open_batch = Some(OpenBatch {
            uids: UidSet::from_sorted([message.uid]),
            from_uid: self.claims.next_uid,
        });
        self.mailbox.ledger.save_chunk(chunk).await?;
        let head = Head {
            flags: flags.words(),
            date: outgoing_date(message, body),
            size_bytes: body.len() as u64,
        };
        let mut appender = Appender::new(self.destination, &self.folder.destination_name);
        let sent = async {
            if appender.begin(&head).await? == Begun::Go {
                appender.write(body).await?;
                appender.end_message().await?;
            }
            appender.finish().await?;
            appender.answer().await
        };
        let answer = sent.await.map_err(SyncError::Destination)?.pop();
        self.claims.progressed = true;
        let (refusal, uid) = match answer {
            Some(Appended::Stored { uid }) => (None, uid),
            Some(Appended::Refused(refusal)) => (Some(refusal), None),
            None => (Some(Refusal::default()), None),
        };
        if refusal.is_some() {
            chunk.open_batch = None;
            return match refusal.as_ref().and_then(stop_for) {
                Some(stop) => Err(stop),
                None => Ok(refusal),
            };
        }
        let digest = (body_digest(body), body.len() as u64);
        self.claims.read.insert(message.uid, digest);
        match uid {
            Some(uid) => {
                self.claims.claim(chunk, message, uid, &FlagSet::new(&message.flags));
                chunk.open_batch = None;
            }
            None => self.locate(chunk, vec![message.uid]).await?,
        }
        Ok(None)
    }
}
