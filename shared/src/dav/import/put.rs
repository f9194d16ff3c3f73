//! Putting one object: in another form where the server refuses the first, and with a look at what is there where it
//! says that something is.

use super::batch::{End, Item};
use crate::dav::Built;
use crate::dav::contact::downgraded;
use crate::dav::meaning::meaning;
use crate::dav::server::{BETWEEN_TRIES, DavError, DavSession, Found, Looked, Put, TRIES};

/// Puts an object; `there` is what is there under its name.
pub(super) async fn put(
    session: &DavSession,
    item: &mut Item,
    there: Option<&Found>,
    update: bool,
) -> Result<(), DavError> {
    let end = match there {
        Some(there) => {
            let href = item.href.clone();
            differs(session, item, &href, there, update).await?
        }
        None => match put_new(session, item).await? {
            Put::Stored => End::Imported,
            Put::Exists => taken(session, item, Some(item.href.clone()), update).await?,
            Put::UidTaken(href) => taken(session, item, href, update).await?,
            Put::Refused(why) => End::Failed(why),
            Put::InDoubt(why) => End::InDoubt(why),
        },
    };
    item.end = Some(end);
    Ok(())
}

async fn put_new(session: &DavSession, item: &mut Item) -> Result<Put, DavError> {
    let refused = match tried(session, &item.href, &item.built).await? {
        refused @ (Put::Refused(_) | Put::InDoubt(_)) => refused,
        put => return Ok(put),
    };
    let Some(text) = downgraded(&item.built.text) else {
        return Ok(refused);
    };
    let older = Built {
        text,
        ..item.built.clone()
    };
    match tried(session, &item.href, &older).await? {
        Put::Refused(_) | Put::InDoubt(_) => Ok(refused),
        // It may be the first that is there after all.
        Put::Exists | Put::UidTaken(_) if matches!(refused, Put::InDoubt(_)) => Ok(refused),
        put => {
            item.meaning = meaning(&older.text);
            item.built = older;
            Ok(put)
        }
    }
}

/// Puts an object where there is none. A fault of the server may be about this one object, or pass, and the object may be
/// there nevertheless.
async fn tried(session: &DavSession, href: &str, built: &Built) -> Result<Put, DavError> {
    let mut last = None;
    for tries in 1..=TRIES {
        match session.put(href, built, None).await? {
            Put::InDoubt(why) => last = Some(why),
            put => match last {
                Some(why) if matches!(put, Put::Exists | Put::UidTaken(_)) => return Ok(Put::InDoubt(why)),
                _ => return Ok(put),
            },
        }
        if tries < TRIES {
            tokio::time::sleep(BETWEEN_TRIES * tries).await;
        }
    }
    Ok(Put::InDoubt(last.unwrap_or_default()))
}

/// Somebody else has the name or the UID.
async fn taken(session: &DavSession, item: &mut Item, href: Option<String>, update: bool) -> Result<End, DavError> {
    let found = match href {
        Some(href) => {
            let Looked { found, .. } = session.fetch(&item.collection, std::slice::from_ref(&href)).await?;
            found.into_iter().next()
        }
        None => {
            session
                .with_uid(&item.collection, item.built.component, &item.built.uid)
                .await?
        }
    };
    match found {
        Some((_, there)) if meaning(&there.text) == item.meaning => Ok(End::Existing),
        Some((href, there)) => differs(session, item, &href, &there, update).await,
        None => Ok(End::KeptElsewhere),
    }
}

/// Something else is there.
async fn differs(
    session: &DavSession,
    item: &mut Item,
    href: &str,
    there: &Found,
    update: bool,
) -> Result<End, DavError> {
    if !update {
        return Ok(End::Kept);
    }
    Ok(match session.put(href, &item.built, Some(&there.etag)).await? {
        Put::Stored => {
            // It is read back under the name it has.
            href.clone_into(&mut item.href);
            End::Updated
        }
        Put::Exists | Put::UidTaken(_) => End::Kept,
        Put::Refused(why) | Put::InDoubt(why) => End::Failed(why),
    })
}
