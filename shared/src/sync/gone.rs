//! New mail that is not new: its copy was here, and the user has moved or deleted it since.

use std::collections::BTreeMap;

use super::SyncError;
use super::chunk::OpenFolder;
use super::digests::digests;
use crate::domain::prints::Print;
use crate::imap::date::InternalDate;
use crate::imap::fetch::Metadata;
use crate::store::{ChunkRecord, Ledger};

impl<L: Ledger> OpenFolder<'_, L> {
    /// Leaves out what must not come back; gives the others. Each message that must not come back, as `gone`
    /// counts them, keeps one out, so that a second one with the same bytes is copied.
    pub(super) async fn leave_out_gone(
        &mut self,
        chunk: &mut ChunkRecord,
        missing: Vec<Metadata>,
        gone: &mut BTreeMap<Print, usize>,
    ) -> Result<Vec<Metadata>, SyncError> {
        if gone.is_empty() || missing.is_empty() {
            return Ok(missing);
        }
        let digests = digests(self.source, missing.iter()).await.map_err(SyncError::Source)?;
        let mut others = Vec::new();
        for message in missing {
            let date = message.date.as_ref().map(InternalDate::instant);
            let print = digests.get(&message.uid).map(|digest| Print::of(digest.exact(), date));
            match print.and_then(|print| gone.get_mut(&print)).filter(|left| **left > 0) {
                Some(left) => {
                    *left -= 1;
                    chunk.left_out.insert(message.uid);
                }
                None => others.push(message),
            }
        }
        Ok(others)
    }
}
