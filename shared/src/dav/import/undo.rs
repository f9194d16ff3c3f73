//! Taking back what an import made, and only that, where nobody has changed it since.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Batch, Made};
use crate::dav::meaning::meaning;
use crate::dav::server::{Collection, DavError, DavSession, Deleted};
use crate::dav::{Kind, hex};

/// What became of the objects of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Taken away, or gone already.
    pub removed: u64,
    /// Changed since, or not let go of by the server; left.
    pub changed: u64,
}

/// Takes away what a batch made. May be repeated: what is gone stays gone.
///
/// # Errors
/// [`DavError`]; some may have been taken away.
pub async fn undo_batch(session: &DavSession, batch: &Batch, in_flight: usize) -> Result<Undone, DavError> {
    let undo = stream::iter(&batch.objects).map(|made| undo(session, made));
    let deleted: Vec<Deleted> = undo.buffer_unordered(in_flight.max(1)).try_collect().await?;
    let removed = deleted.iter().filter(|deleted| **deleted == Deleted::Gone).count() as u64;
    Ok(Undone {
        removed,
        changed: deleted.len() as u64 - removed,
    })
}

async fn undo(session: &DavSession, made: &Made) -> Result<Deleted, DavError> {
    if let Some(etag) = &made.etag {
        return session.delete(&made.href, etag).await;
    }
    // The batch was cut off: whether it was made at all shows what is there.
    let Some((home, _)) = made.href.rsplit_once('/') else {
        return Ok(Deleted::Changed);
    };
    let collection = Collection {
        href: format!("{home}/"),
        name: None,
        kind: match made.href.rsplit_once('.') {
            Some((_, "vcf")) => Kind::Contacts,
            _ => Kind::Calendar,
        },
        ..Collection::default()
    };
    let mut looked = session.fetch(&collection, std::slice::from_ref(&made.href)).await?;
    match looked.found.remove(&made.href) {
        None if looked.unknown.is_empty() => Ok(Deleted::Gone),
        Some(there) if hex(&meaning(&there.text)) == made.meaning => session.delete(&made.href, &there.etag).await,
        _ => Ok(Deleted::Changed),
    }
}
