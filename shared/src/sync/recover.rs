//! Finding at the destination what an unknown end left there, and mail that was there before.

use std::collections::BTreeSet;

use super::SyncError;
use super::chunk::{OpenFolder, note_withheld};
use super::digests::digests;
use super::matching::{Candidates, Side, match_messages};
use crate::domain::flags::FlagSet;
use crate::domain::uid::UidRuns;
use crate::imap::fetch;
use crate::imap::fetch::Metadata;
use crate::store::{ChunkRecord, Ledger};

impl<L: Ledger> OpenFolder<'_, L> {
    /// Claims for a chunk what arrived of its open batch, or what was at the destination before its
    /// first copy. Sends nothing. The result is durable with the next save.
    pub(super) async fn close_open_batch(&mut self, chunk: &mut ChunkRecord) -> Result<(), SyncError> {
        let (uids, candidates) = match (&chunk.open_batch, chunk.match_from) {
            (_, Some(_)) => (chunk.covered().to_set(), Candidates::AnyMail),
            (Some(open), None) => (open.uids.clone(), Candidates::SinceOurBatch),
            (None, None) => return Ok(()),
        };
        let ours = fetch::identities(self.source, &uids).await.map_err(SyncError::Source)?;
        // It cannot be told whether they are there.
        note_withheld(chunk, &ours.withheld)?;
        let ours: Vec<Metadata> = ours
            .messages
            .into_iter()
            .filter(|message| chunk.map.get(message.uid).is_none())
            .collect();
        let theirs = self.candidates(chunk).await?;
        let others = match candidates {
            Candidates::SinceOurBatch if !theirs.is_empty() => self.may_come_late(chunk, &ours).await?,
            _ => Vec::new(),
        };
        let source = Side {
            others: others.iter().map(|message| message.uid).collect(),
            ..Side::new([ours, others].concat())
        };
        let destination = Side::new(theirs);
        let mut pairs = self.pairs(source.clone(), destination.clone(), candidates).await?;
        pairs.retain(|(ours, _)| !source.others.contains(ours));
        let arrived = pairs.len();
        tracing::info!(
            job.id = %chunk.job_id,
            folder = self.folder.folder,
            chunk = chunk.chunk,
            asked = uids.len(),
            arrived,
            "looked for what had arrived"
        );
        for (ours, theirs) in pairs {
            let found = (source.message(ours), destination.message(theirs));
            let (Some(message), Some(copy)) = found else { continue };
            // Of what we sent, the flags there are those we sent; the source's may have changed since.
            let flags = match candidates {
                Candidates::SinceOurBatch => &copy.flags,
                Candidates::AnyMail => &message.flags,
            };
            self.claims.claim(chunk, message, theirs, &FlagSet::new(flags));
        }
        chunk.open_batch = None;
        chunk.match_from = None;
        Ok(())
    }

    /// Messages at the destination that may be the chunk's: those that belong to no other.
    async fn candidates(&mut self, chunk: &ChunkRecord) -> Result<Vec<Metadata>, SyncError> {
        let from = chunk
            .match_from
            .or(chunk.open_batch.as_ref().map(|open| open.from_uid))
            .unwrap_or(1);
        let found = match self.before_us.take() {
            Some(before) if chunk.match_from.is_some() && chunk.open_batch.is_none() => before,
            _ => {
                self.destination.refresh().await.map_err(SyncError::Destination)?;
                fetch::identities_from(self.destination, from)
                    .await
                    .map_err(SyncError::Destination)?
            }
        };
        if let Some(last) = found.last() {
            self.claims.next_uid = self.claims.next_uid.max(last.uid.saturating_add(1));
        }
        let free = found
            .iter()
            .filter(|message| !self.claims.claimed.contains(message.uid))
            .cloned()
            .collect();
        if chunk.match_from.is_some() {
            self.before_us = Some(found);
        }
        Ok(free)
    }

    /// Messages of earlier batches with a Message-ID of ours, second copies of which may have come late: what is theirs is
    /// not one of ours that the server wrote anew.
    async fn may_come_late(&mut self, chunk: &ChunkRecord, ours: &[Metadata]) -> Result<Vec<Metadata>, SyncError> {
        let stored = self.mailbox.ledger.chunks(chunk.job_id, chunk.folder).await?;
        let broken = stored.iter().chain([chunk]).filter_map(|chunk| chunk.late.as_ref());
        let mut uids = UidRuns::default();
        uids.extend(broken.flat_map(|batch| batch.uids.iter()));
        for message in ours {
            uids.remove(message.uid);
        }
        let ids: BTreeSet<&str> = ours
            .iter()
            .filter_map(|message| message.message_id.as_deref())
            .collect();
        let found = fetch::identities(self.source, &uids.to_set()).await;
        let mut others = found.map_err(SyncError::Source)?.messages;
        others.retain(|message| message.message_id.as_deref().is_some_and(|id| ids.contains(id)));
        Ok(others)
    }

    /// Pairs both sides, reading digests where they are needed to tell.
    async fn pairs(
        &mut self,
        mut source: Side,
        mut destination: Side,
        candidates: Candidates,
    ) -> Result<Vec<(u32, u32)>, SyncError> {
        let matches = match_messages(&source, &destination, candidates);
        if !matches.in_doubt() {
            return Ok(matches.pairs);
        }
        (source.digests, destination.digests) = tokio::try_join!(
            async {
                digests(self.source, source.of(&matches.doubtful_sources))
                    .await
                    .map_err(SyncError::Source)
            },
            async {
                digests(self.destination, destination.of(&matches.doubtful_destinations))
                    .await
                    .map_err(SyncError::Destination)
            },
        )?;
        Ok(match_messages(&source, &destination, candidates).pairs)
    }
}
