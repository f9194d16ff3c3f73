//! Digests of messages, read as a stream: none is held whole, unless the server says its size wrongly.

use std::collections::BTreeMap;

use super::matching::{Digest, Digester};
use crate::domain::uid::UidSet;
use crate::imap::bodies::{self, Piece, Pieces, ReadEnd, Wanted};
use crate::imap::fetch::{self, Metadata};
use crate::imap::{ImapError, Session};

/// The digests of messages of the opened folder. One that is not given out has none.
///
/// # Errors
/// [`ImapError`]; the session is lost.
pub(super) async fn digests<'m>(
    session: &mut Session,
    messages: impl Iterator<Item = &'m Metadata>,
) -> Result<BTreeMap<u32, Digest>, ImapError> {
    let wanted = messages.map(|message| Wanted {
        uid: message.uid,
        size_bytes: message.size_bytes,
    });
    let mut wanted: Vec<Wanted> = wanted.collect();
    wanted.sort_by_key(|wanted| wanted.uid);
    let (sink, pieces) = bodies::channel();
    let mut withheld = Vec::new();
    let reading = bodies::read(session, &wanted, sink, &mut withheld);
    let (read, mut found) = tokio::join!(reading, digest_all(pieces));
    if let ReadEnd::Given(inexact) = read? {
        // In parts they cannot be told to be whole.
        for uid in inexact {
            fetch::bodies(session, &UidSet::from_sorted([uid]), |uid, body| {
                found.insert(uid, Digest::of(&body));
            })
            .await?;
        }
    }
    Ok(found)
}

async fn digest_all(mut pieces: Pieces) -> BTreeMap<u32, Digest> {
    let mut found = BTreeMap::new();
    let mut large: Option<(u32, Digester)> = None;
    while let Some(piece) = pieces.next().await {
        match piece {
            Piece::Whole { uid, body } => {
                found.insert(uid, Digest::of(&body));
            }
            Piece::Begin { uid, .. } => large = Some((uid, Digester::default())),
            Piece::Part(part) => {
                if let Some((_, digester)) = &mut large {
                    digester.update(&part);
                }
            }
            Piece::End => found.extend(large.take().map(|(uid, digester)| (uid, digester.finish()))),
        }
    }
    found
}
