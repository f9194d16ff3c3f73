//! A few small new messages, copied by planning itself: in one round trip for all folders, and without
//! a lane for each.
//!
//! It is done as the lanes do it: what is about to be sent is written down, with the folder held, and
//! what arrived after that. Whatever does not go smoothly is left as it is, and the lanes do it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::SyncError;
use super::claims::Claims;
use super::item::Item;
use super::mailbox::Access;
use super::planner::Planner;
use super::transfer::{outgoing_date, outgoing_flags};
use super::work::release_after_fault;
use crate::clock::Deadline;
use crate::domain::flags::FlagSet;
use crate::domain::tally::body_digest;
use crate::domain::uid::UidRuns;
use crate::imap::append::{Appended, Appender, Begun, Head};
use crate::imap::fetch::Metadata;
use crate::imap::folder::FolderStatus;
use crate::imap::survey::{Ask, Pace, Question, Told, survey};
use crate::imap::{Capabilities, Selected, Session};
use crate::profile::Limits;
use crate::store::{ChunkRecord, FolderRecord, Ledger, OpenBatch, Planned};

/// So many new messages of a folder are few.
const MOST_MESSAGES: usize = 100;

/// So many bytes of a folder are little.
const MOST_BYTES: u64 = 1 << 20;

/// And so many of all folders: they are held.
const MOST_BYTES_AT_ONCE: u64 = 6 << 20;

/// So many folders at once.
const MOST_FOLDERS: usize = 60;

/// It is not begun with less time left than this.
const MARGIN: Duration = Duration::from_secs(15);

/// Which items have little new mail, and nothing else to be copied.
pub(super) fn choose(items: &[Item], destination: &Capabilities, limits: Limits, deadline: Deadline) -> Vec<bool> {
    let can = destination.has("UIDPLUS") && destination.has("LITERAL+") && deadline.remaining() > MARGIN;
    let largest = destination.append_limit_bytes().unwrap_or(u64::MAX).min(MOST_BYTES);
    let (mut bytes, mut folders) = (0, 0);
    let is_small = |item: &Item| {
        let new = item.find.identities.as_deref().unwrap_or_default();
        let size = item.find.cutter.bytes();
        let fits = new.len() <= MOST_MESSAGES.min(limits.chunk_messages as usize)
            && size <= MOST_BYTES.min(limits.chunk_bytes)
            && new.iter().all(|message| message.size_bytes <= largest);
        let is_ready = item
            .plan
            .chunks
            .iter()
            .all(|chunk| chunk.done_pass.is_some() && chunk.exceptions.is_empty());
        let is_chosen = can
            && !new.is_empty()
            && fits
            && is_ready
            && !item.is_rebuilt
            && bytes + size <= MOST_BYTES_AT_ONCE
            && folders < MOST_FOLDERS;
        if is_chosen {
            bytes += size;
            folders += 1;
        }
        is_chosen
    };
    items.iter().map(is_small).collect()
}

/// Reads the new messages of the chosen items; they stand where their item does. Of an item whose
/// messages are not all given out there are none; and of no item, where the session broke: the lanes find out
/// which message it was. The session may be another one afterwards.
///
/// # Errors
/// [`SyncError::Source`]; the session is lost.
pub(super) async fn read(
    access: &Access,
    source: &mut Session,
    items: &[Item],
) -> Result<Vec<Vec<(Metadata, Bytes)>>, SyncError> {
    let chosen: Vec<&Item> = items.iter().filter(|item| item.is_small).collect();
    let question = |item: &&Item| {
        let new = item.find.identities.iter().flatten();
        let uids: UidRuns = new.map(|message| message.uid).collect();
        Question {
            wire_name: item.plan.mapping.source_name.clone(),
            selects: true,
            asks: vec![Ask::Bodies(uids.to_set())],
        }
    };
    let questions: Vec<Question> = chosen.iter().map(question).collect();
    let mut given: Vec<BTreeMap<u32, Bytes>> = chosen.iter().map(|_| BTreeMap::new()).collect();
    let mut is_same: Vec<bool> = chosen.iter().map(|_| false).collect();
    let read = survey(
        source,
        &questions,
        Pace::Ahead,
        || true,
        |number, told| match told {
            Told::Opened(selected) => {
                let same = chosen
                    .get(number)
                    .is_some_and(|item| item.find.uid_validity() == selected.uid_validity);
                is_same.get_mut(number).into_iter().for_each(|is_same| *is_same = same);
            }
            Told::Body(uid, body) => {
                given.get_mut(number).into_iter().for_each(|given| {
                    given.insert(uid, body.clone());
                });
            }
            _ => {}
        },
    )
    .await;
    match read {
        Err(error) if error.may_be_of_a_message() => {
            tracing::info!(%error, "the session broke off; the lanes copy what is new");
            *source = access.open().await.map_err(SyncError::Source)?;
            given.iter_mut().for_each(BTreeMap::clear);
        }
        read => read.map_err(SyncError::Source)?,
    }
    let mut given = given.into_iter().zip(is_same);
    let bodies = items.iter().map(|item| {
        let Some((mut given, true)) = item.is_small.then(|| given.next()).flatten() else {
            return Vec::new();
        };
        let new = item.find.identities.iter().flatten();
        let all: Option<Vec<_>> = new
            .map(|message| {
                let body = given.remove(&message.uid)?;
                (!message.is_hollow(&body)).then(|| (message.clone(), body))
            })
            .collect();
        all.unwrap_or_default()
    });
    Ok(bodies.collect())
}

/// A folder's new mail that is about to be copied.
#[derive(Debug)]
pub(super) struct Copy {
    folder: FolderRecord,
    chunk: ChunkRecord,
    messages: Vec<(Metadata, Bytes)>,
    permanent: Option<Vec<String>>,
}

impl Copy {
    /// Notes in what is about to be written down that these messages will be sent; `None` where they
    /// are not all that is to be done.
    pub(super) fn begin(
        planned: &mut Planned,
        messages: Vec<(Metadata, Bytes)>,
        selected: Option<Selected>,
        target: FolderStatus,
        deadline: Deadline,
    ) -> Option<Self> {
        let selected = selected.filter(|_| deadline.remaining() > MARGIN)?;
        let Planned { folder, chunks } = planned;
        let is_whole = folder.gone.is_empty() && folder.done_pass != Some(folder.planned_pass);
        let mut open = chunks.iter_mut().filter(|chunk| chunk.is_open(folder.planned_pass));
        let (Some(chunk), None, true) = (open.next(), open.next(), is_whole) else {
            return None;
        };
        let mut messages = messages;
        messages.retain(|(message, _)| !chunk.is_settled(message.uid) && chunk.first_uid <= message.uid);
        let uids: UidRuns = messages.iter().map(|(message, _)| message.uid).collect();
        let left = chunk.messages - i64::try_from(chunk.map.len()).unwrap_or(i64::MAX);
        let is_all = i64::try_from(messages.len()).is_ok_and(|messages| messages == left);
        if chunk.match_from.is_some() || messages.is_empty() || !is_all {
            return None;
        }
        folder.epoch += 1;
        folder.lease_until = deadline.lease_end().as_second();
        chunk.epoch = folder.epoch;
        chunk.open_batch = Some(OpenBatch {
            uids: uids.to_set(),
            from_uid: target.uid_next,
        });
        Some(Self {
            folder: folder.clone(),
            chunk: chunk.clone(),
            messages,
            permanent: selected.permanent_flags,
        })
    }
}

/// Sends what was written down, and writes down what arrived.
///
/// # Errors
/// [`SyncError`]; the lanes find out what arrived.
pub(super) async fn copy<L: Ledger>(planner: &mut Planner<'_, L>, mut copies: Vec<Copy>) -> Result<(), SyncError> {
    if copies.is_empty() {
        return Ok(());
    }
    let sent = send(&mut planner.destination, &mut copies).await;
    let ledger = &planner.mailbox.ledger;
    if let Err(error) = sent {
        for copy in &copies {
            release_after_fault(ledger, &copy.folder, &error).await;
        }
        return Err(error);
    }
    let pass = planner.pass;
    let mut results = Vec::new();
    for Copy {
        mut folder,
        mut chunk,
        messages,
        ..
    } in copies
    {
        if chunk.open_batch.is_none() && messages.iter().all(|(message, _)| chunk.is_settled(message.uid)) {
            let messages = chunk.messages;
            chunk.finish(pass, messages);
            folder.done_pass = Some(pass);
        }
        folder.lease_until = 0;
        results.push(Planned {
            folder,
            chunks: vec![chunk],
        });
    }
    Ok(ledger.put_folders(planner.lease, &results).await?)
}

async fn send(destination: &mut Session, copies: &mut [Copy]) -> Result<(), SyncError> {
    let mut appender = Appender::new(destination, "INBOX");
    for copy in copies.iter() {
        appender.turn_to(&copy.folder.destination_name);
        for (message, body) in &copy.messages {
            let head = Head {
                flags: outgoing_flags(message, copy.permanent.as_deref(), false).words(),
                date: outgoing_date(message, body),
                size_bytes: body.len() as u64,
            };
            if appender.begin(&head).await.map_err(SyncError::Destination)? == Begun::Go {
                appender.write(body).await.map_err(SyncError::Destination)?;
                appender.end_message().await.map_err(SyncError::Destination)?;
            }
        }
        appender.finish().await.map_err(SyncError::Destination)?;
    }
    for copy in copies {
        let results = appender.answer().await.map_err(SyncError::Destination)?;
        let mut claims = Claims::default();
        let mut is_told = true;
        for ((message, body), result) in copy.messages.iter().zip(results) {
            match result {
                Appended::Stored { uid: Some(uid) } => {
                    let flags = FlagSet::new(&message.flags);
                    let kept = outgoing_flags(message, copy.permanent.as_deref(), false);
                    copy.chunk.dropped.note(&flags.minus(&kept));
                    claims.read.insert(message.uid, (body_digest(body), body.len() as u64));
                    claims.claim(&mut copy.chunk, message, uid, &flags);
                }
                Appended::Stored { uid: None } => is_told = false,
                // The lanes try it again, and find out why.
                Appended::Refused(_) => {}
            }
        }
        if is_told {
            copy.chunk.open_batch = None;
        }
    }
    Ok(())
}
