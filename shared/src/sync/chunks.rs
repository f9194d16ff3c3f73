//! The chunks of a folder, asked by source UID.

use crate::domain::flags::FlagSet;
use crate::store::ChunkRecord;

/// The chunks of a folder, in the order of their UIDs. None lies within another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunks<'a>(pub(super) &'a [ChunkRecord]);

impl<'a> Chunks<'a> {
    /// Which chunk covers a UID.
    pub(super) fn coverer(&self, uid: u32) -> Option<usize> {
        let at = self.0.partition_point(|chunk| chunk.first_uid <= uid).checked_sub(1)?;
        self.0.get(at).is_some_and(|chunk| uid <= chunk.last_uid).then_some(at)
    }

    /// The flags of a message as they were last carried over; `None` where it has not been copied.
    pub(super) fn base(&self, uid: u32) -> Option<&'a FlagSet> {
        let chunk = self.0.get(self.coverer(uid)?)?;
        chunk.map.get(uid)?;
        chunk.flags.get(uid)
    }
}
